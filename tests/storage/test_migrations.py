"""Migrations lead to exactly the tables of the models, on both engines, from nothing and from themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect

from okienko_server.storage.migrations import is_current, upgrade
from okienko_server.storage.session import Database
from okienko_server.storage.tables import Base
from tests.conftest import ENGINES
from tests.storage.rows import add_clinic, masks_of_cells
from tests.storage.test_schema import FORBIDDEN


@pytest.fixture(params=ENGINES)
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with no table in it."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_server").create_database(f"new_{uuid4().hex[:8]}")
    database = Database(url)
    yield database
    database.dispose()


def test_the_newest_migration_gives_exactly_the_tables_of_the_models(nothing: Database) -> None:
    upgrade(nothing)
    with nothing.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_keys_and_cascades_are_those_of_the_models(nothing: Database) -> None:
    upgrade(nothing)
    seen = inspect(nothing.engine)
    for table in Base.metadata.sorted_tables:
        assert seen.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key.columns]
        found = {(key["referred_table"], *key["constrained_columns"], key["options"].get("ondelete"))
                 for key in seen.get_foreign_keys(table.name)}  # fmt: skip
        assert found == {
            (constraint.referred_table.name, *constraint.column_keys, constraint.ondelete)
            for constraint in table.foreign_key_constraints
        }


def test_migrating_twice_changes_nothing_and_keeps_the_rows(nothing: Database) -> None:
    assert not is_current(nothing)
    upgrade(nothing)
    nothing.write(add_clinic)
    upgrade(nothing)
    assert is_current(nothing)
    with nothing.reading() as connection:
        assert masks_of_cells(connection) == {}
        assert connection.exec_driver_sql("SELECT count(*) FROM clinic").scalar() == 1


def test_no_statement_of_a_migration_asks_for_a_clock_or_an_extension(nothing: Database) -> None:
    said: list[str] = []
    event.listen(nothing.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: said.append(statement))
    upgrade(nothing)
    created = [text for text in said if re.match(r"\s*(?:create|alter)", text, re.IGNORECASE)]
    assert len(created) > len(Base.metadata.tables)
    assert not [text for text in created if FORBIDDEN.search(text)]


def test_a_failed_migration_leaves_nothing_behind(nothing: Database) -> None:
    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE staff_session" in statement:
            raise RuntimeError("the power went out")

    event.listen(nothing.engine, "before_cursor_execute", refuse)
    with pytest.raises(RuntimeError, match="power"):
        upgrade(nothing)
    assert inspect(nothing.engine).get_table_names() == []
    event.remove(nothing.engine, "before_cursor_execute", refuse)
    upgrade(nothing)
    assert is_current(nothing)
