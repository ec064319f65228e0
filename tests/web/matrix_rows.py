"""What stands in every table, read in one statement and put back row by row: a walk compares and restores after each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Table,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from okienko_server.storage.session import Database
from okienko_server.storage.tables import Base, ClinicRow

MAY_CHANGE = {"audit", "audit_head", "staff_session", "rate_counter"}
"""Tables a request may write to whatever its answer: who did what, when somebody was last seen, how often it was tried."""
TABLES = [table for table in Base.metadata.sorted_tables if table.name not in MAY_CHANGE]
Line = tuple[str, str, str]
"""Table, clinic, and everything in one row as text."""


def _columns(table: Table) -> list[Any]:
    # The revision only says that somebody looked again; going back would leave readers with a kept offer of another content.
    return [one for one in table.columns if one is not ClinicRow.__table__.c.revision]


def _as_text(table: Table) -> Any:
    text: Any = literal("")
    for column in _columns(table):
        text = text + literal("|") + func.coalesce(cast(column, Text), "~")
    clinic = table.c.clinic_id if "clinic_id" in table.c else literal("")
    return select(literal(table.name), clinic, text)


_EVERYTHING = union_all(*map(_as_text, TABLES))


def lines_of(connection: Connection) -> frozenset[Line]:
    """Return every row of every table that counts."""
    return frozenset((name, clinic, text) for name, clinic, text in connection.execute(_EVERYTHING))


Kept = Mapping[str, Mapping[tuple[Any, ...], Row[Any]]]


def keep(connection: Connection) -> Kept:
    """Return the rows of every table by their keys, to be put back later."""
    return {table.name: _by_key(connection, table) for table in TABLES}


def _by_key(connection: Connection, table: Table) -> dict[tuple[Any, ...], Row[Any]]:
    keys = [column.name for column in table.primary_key]
    return {tuple(getattr(row, key) for key in keys): row for row in connection.execute(select(table))}


def put_back(database: Database, kept: Kept, changed: set[str]) -> None:
    """Make the changed tables what they were."""

    def work(connection: Connection) -> None:
        tables = [table for table in TABLES if table.name in changed]
        now = {table.name: _by_key(connection, table) for table in tables}
        for table in reversed(tables):
            for key in now[table.name].keys() - kept[table.name].keys():
                connection.execute(delete(table).where(_is(table, key)))
        for table in tables:
            _restore(connection, table, kept[table.name], now[table.name])
        connection.execute(update(ClinicRow).values(revision=ClinicRow.revision + 1))

    database.write(work)


def _restore(connection: Connection, table: Table, kept: Mapping[Any, Row[Any]], now: Mapping[Any, Row[Any]]) -> None:
    names = [column.name for column in _columns(table)]
    for key, row in kept.items():
        if key not in now:
            connection.execute(insert(table), dict(row._mapping))
        elif now[key] != row:
            values = {name: row._mapping[name] for name in names}
            connection.execute(update(table).where(_is(table, key)).values(values))


def _is(table: Table, key: tuple[Any, ...]) -> Any:
    return and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))
