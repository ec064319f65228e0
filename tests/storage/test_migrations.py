"""Migrations lead to exactly the tables of the models, on both engines, from nothing and from themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, inspect, select

from okienko_server.domain.appointment import Status
from okienko_server.domain.cells import cell_at
from okienko_server.storage.appointments import appointment_of
from okienko_server.storage.migrations import downgrade, is_current, upgrade
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.session import Database
from okienko_server.storage.tables import AppointmentRow, Base
from tests.conftest import ENGINES
from tests.storage.rows import NOW, WARSAW, add_appointment, add_clinic, masks_of_cells, scope_of
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


def test_the_buffers_of_what_stands_come_from_the_cells_it_has(nothing: Database) -> None:
    upgrade(nothing)

    def sow(connection: Connection) -> None:
        add_clinic(connection, resources=("anna", "ewa", "ola"))
        for person, cells in (("anna", range(-2, 15)), ("ewa", range(12)), ("ola", range(6))):
            made = add_appointment(connection, person, practitioner_id=person)
            taken = range(cell_at(made.starts_at) + cells.start, cell_at(made.starts_at) + cells.stop)
            assert OccupancyStore(connection, scope_of()).take(person, person, taken, None, NOW, WARSAW)
        add_appointment(connection, "gone", status=Status.CANCELLED, starts_at=NOW)

    nothing.write(sow)
    downgrade(nothing, "0013")
    assert "buffer_before" not in [one["name"] for one in inspect(nothing.engine).get_columns("appointment")]
    upgrade(nothing)
    with nothing.reading() as connection:
        kept = {row.id: appointment_of(row) for row in connection.execute(select(AppointmentRow.__table__))}
    buffers = {key: (one.agreement.buffer_before, one.agreement.buffer_after) for key, one in kept.items()}
    # Ola's cells are fewer than her own times: that is a contradiction for people to settle, not a buffer.
    assert buffers == {"anna": (10, 15), "ewa": (0, 0), "ola": (0, 0), "gone": (0, 0)}
    assert {one.agreement.price for one in kept.values()} == {None}
    assert len(kept["anna"].occupied) == 17
