"""What the benchmark's servers run: Okienko on the benchmark's clock, and the hello-world it is measured against."""

from __future__ import annotations

import os
import time
from datetime import datetime

from flask import Flask

from okienko.tokens import Keys
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.operations import verify
from okienko_server.operations.desk import Desk
from okienko_server.operations.keep_starts import THERAPISTS_A_TURN, keep_starts
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.session import Database
from okienko_widget import load as catalogue
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


def okienko_unkept() -> Flask:
    """Return the same application, but a change of occupancy leaves the search's next starts as they are."""
    OccupancyStore._fall_behind = lambda *_: None  # type: ignore[method-assign]
    return okienko()


def keeper() -> None:
    """Keep next starts as the worker does, and nothing else, until the process is ended."""
    desk = Desk(Database(os.environ["OKIENKO_DATABASE_URL"]), "p" * 32, catalogue())
    while True:
        if keep_starts(desk=desk, now=NOW) < THERAPISTS_A_TURN:
            time.sleep(0.5)


def hello() -> Flask:
    """Return the smallest Flask application."""
    app = Flask("hello")

    @app.get("/")
    def index() -> str:
        return "Hello, world!"

    return app
