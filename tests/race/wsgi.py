"""What the race tests serve: the real application, and for the control the same without the key that decides a race."""

from __future__ import annotations

from flask import Flask

from okienko_server.app import create_app
from okienko_server.storage import occupancy
from okienko_server.storage.store import on_both
from okienko_server.storage.tables import CellRow
from tests.race.unguarded import plain_insert


def guarded() -> Flask:
    """Return the application as it is."""
    return create_app()


def unguarded() -> Flask:
    """Return the application whose cells are inserted without asking the key: check, then insert, as the peers do."""
    occupancy._TAKE.update(on_both(lambda insert: plain_insert(insert, CellRow.__table__)))
    return create_app()
