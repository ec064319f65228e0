"""What the commands share: one sentence instead of a traceback, and the database at its newest schema."""

from __future__ import annotations

import click

from okienko_server.config import Settings
from okienko_server.operations.desk import Desk
from okienko_server.storage.migrations import is_current
from okienko_server.storage.session import Database
from okienko_widget import load


class Refused(click.ClickException):
    """Ends the command with one sentence and exit status 2."""

    exit_code = 2


def open_desk(settings: Settings) -> Desk:
    """Return the operations' tools on the settings' database; raises Refused unless it stands at the newest schema."""
    desk = Desk(Database(settings.database_url), settings.pepper, load())
    if not is_current(desk.database):
        raise Refused("The database is not at the newest schema: run `okienko migrate` first.")
    return desk
