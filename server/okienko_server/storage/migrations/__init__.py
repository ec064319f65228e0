"""Alembic migrations; `upgrade(database)` brings any database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from okienko_server.storage.session import Database


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the missing migrations in one write transaction."""
    config = _config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    """Take back every migration after `revision` in one write transaction."""
    config = _config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def is_current(database: Database) -> bool:
    """Return whether the database stands at the newest schema."""
    with database.reading() as connection:
        return (
            MigrationContext.configure(connection).get_current_revision()
            == ScriptDirectory.from_config(_config()).get_current_head()
        )
