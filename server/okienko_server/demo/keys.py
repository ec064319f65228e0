"""The demonstration's own secrets, kept beside its database so that a kept one still opens with the tokens given out before."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from okienko.tokens import Keys
from okienko_server.config import Settings

_NAMES = ("embed", "session", "pepper")


def demo_settings(database: Path) -> Settings:
    """Return settings of the environment `demo` for a SQLite file; its secrets are made on the first call."""
    database.parent.mkdir(parents=True, exist_ok=True)
    kept = database.with_name(database.name + ".keys")
    try:
        made = json.loads(kept.read_text("utf-8"))
    except FileNotFoundError:
        made = {name: secrets.token_urlsafe(32) for name in _NAMES}
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(made, file)
    keys = Keys((made["embed"],), (made["session"],))
    return Settings("demo", f"sqlite:///{database}", keys, made["pepper"], "inbox")
