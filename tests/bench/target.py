"""What the benchmark's servers run: Okienko on the benchmark's clock, and the hello-world it is measured against."""

from __future__ import annotations

import os
from datetime import datetime

from flask import Flask

from okienko.tokens import Keys
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.operations import verify
from tests.bench.world import NOW
from tests.limits import UNLIMITED

KEYS = Keys(("an embed key of at least thirty-two signs",), ("a session key of at least thirty-two signs",))
CODE = "123456"


def frozen() -> datetime:
    """Return the benchmark's present moment, so that every run asks about the same days."""
    return NOW


def okienko() -> Flask:
    """Return the real application; only the clock stands and every SMS code is the same, because no telephone reads it."""
    verify.new_code = lambda: CODE  # type: ignore[attr-defined]
    settings = Settings("development", os.environ["OKIENKO_DATABASE_URL"], KEYS, "p" * 32, "console")
    return create_app(settings, clock=frozen, sms_limits=UNLIMITED)


def hello() -> Flask:
    """Return the smallest Flask application."""
    app = Flask("hello")

    @app.get("/")
    def index() -> str:
        return "Hello, world!"

    return app
