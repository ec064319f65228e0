"""The portal's ranking says the same in the database's words as in Python's, and reads by its indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import BigInteger, event, func, literal, select

from okienko_server.domain.cells import cell_at
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.spots import reach, spot_of, strips_within
from okienko_server.domain.starts import When, day_count
from okienko_server.operations.desk import Desk
from okienko_server.storage import portal_starts
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.portal_starts import Around, PortalStartsStore, Wanted
from okienko_server.storage.portal_statements import Ranked, _day
from okienko_server.storage.session import Database
from okienko_server.storage.starts_due import NextStartsDueStore, Therapist
from okienko_server.storage.tables import Base, NextStartRow, StartBoundRow
from okienko_widget import load
from tests.conftest import MONDAY, PEPPER
from tests.operations.test_search import Town, town

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize("today", [date(2026, 3, 20), date(2026, 10, 20), date(2026, 11, 23)])
def test_the_database_counts_days_as_the_calendar_does(database_url: str, today: date) -> None:
    database, random = Database(database_url), Random(1)
    days = day_count(WARSAW, today)
    begin = cell_at(datetime(today.year, today.month, today.day, 8, tzinfo=WARSAW))
    told = {"begin": begin, "midnight": days.first, "turn": days.turn, "shift": days.shift}
    cells = [
        0,
        begin - 1,
        begin,
        *(days.turn + n for n in range(-14, 14)),
        *(begin + random.randrange(8000) for _ in range(60)),
    ]
    with database.reading() as connection:
        for cell in cells:
            counted = connection.execute(select(_day(literal(cell, BigInteger()))), told).scalar()
            assert counted == days.of(max(cell, begin)), cell
    database.dispose()


ADULT_SPINE = Wanted(
    ProblemCategory.SPINE, ADULT, "visit", When.ANY, 5_900_000, 5_990_000, day_count(WARSAW, date(2026, 11, 23)), 1, 1
)  # fmt: skip
CRACOW = Around(spot_of(50.06, 19.94), reach(15), strips_within(50.06, 19.94, 15))


def plans(database: Database, work: Callable[[], object]) -> str:
    """Return how SQLite makes every statement of some work."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "WITH")):
            asked.append((statement, parameters[0] if many else parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    with database.reading() as connection:
        told = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values).all() for one, values in asked]
    return "\n".join(row[3] for rows in told for row in rows)


def of_search(database: Database, wanted: Wanted, around: Around | None, ranked: Ranked) -> str:
    """Return how a search is made, and two addresses looked up."""

    def work() -> None:
        with database.reading() as connection:
            store = PortalStartsStore(connection, operator_scope())
            store.first(wanted, around, ranked, MONDAY, 48)
            store.rows_at(wanted, [("a", "b"), ("c", "d")], MONDAY)

    return plans(database, work)


def walked(plan: str) -> set[str]:
    """Return the tables somebody walks through from end to end."""
    return set(re.findall(r"SCAN (\w+)", plan)) & set(Base.metadata.tables)


SEARCHES = [
    pytest.param(when, around, ranked, f"ix_start_bound_{index}", id=f"{when}-{ranked}")
    for when, bound in ((When.ANY, "soonest"), (When.EVENING, "evening"), (When.WEEKEND, "weekend"))
    for around, ranked, index in (
        (None, Ranked.START, bound),
        (CRACOW, Ranked.DAY, "tile"),
        (CRACOW, Ranked.DISTANCE, "tile"),
    )
]


@pytest.mark.parametrize("known", ["nothing", "six clinics"])
@pytest.mark.parametrize(("when", "around", "ranked", "index"), SEARCHES)
def test_no_search_walks_through_a_table_whatever_sqlite_knows_of_it(
    tmp_path: Path, when: When, around: Around | None, ranked: Ranked, index: str, known: str
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(database)
    if known != "nothing":
        desk = Desk(database, PEPPER, load())
        Town(desk, town(desk), Random(1)).worker()
        database.tidy()
        database.dispose()
    plan = of_search(database, replace(ADULT_SPINE, when=when), around, ranked)
    used = set(re.findall(r"start_bound USING (?:COVERING )?INDEX (\w+)", plan))
    assert used == {index, "sqlite_autoindex_start_bound_1"}, plan
    assert walked(plan) <= {"clinic"} and "SCAN clinic USING INDEX ix_clinic_behind" in plan, plan
    database.dispose()


def test_the_control_with_conditions_an_index_serves_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(database)
    for made in ("first_statement", "rows_statement"):
        monkeypatch.setattr(portal_starts, made, getattr(portal_starts, made).__wrapped__)
    monkeypatch.setattr(type(StartBoundRow.kind), "concat", lambda self, _: self, raising=False)
    plan = of_search(database, ADULT_SPINE, CRACOW, Ranked.DAY)
    assert "ix_start_bound_weekend" in plan
    database.dispose()


def of_worker(tmp_path: Path, *, counted: bool) -> str:
    """Return how the worker's statements are made, once an offer and a therapist are behind."""
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(database)
    there = Town(Desk(database, PEPPER, load()), town(Desk(database, PEPPER, load())), Random(1))
    there.worker()
    if counted:
        database.tidy()
        database.dispose()
    with database.writing() as connection:
        OfferStore(connection, operator_scope().at(there.clinics[0])).raise_revision()
    plan = plans(database, there.worker)
    database.dispose()
    return plan


@pytest.mark.parametrize("counted", [False, True])
def test_the_worker_walks_through_no_table_either(tmp_path: Path, counted: bool) -> None:
    plan = of_worker(tmp_path, counted=counted)
    assert walked(plan) <= {"clinic"} and "SCAN clinic USING INDEX ix_clinic_behind" in plan, plan
    assert "ix_next_start_due" in plan and "ix_next_start_therapist" in plan


def test_the_control_grouped_as_they_stand_all_rows_are_walked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grouped(self: NextStartsDueStore, now: datetime, limit: int, apart: Collection[str] = ()) -> list[Therapist]:
        row = NextStartRow
        due = select(row.clinic_id, row.practitioner_id).where(row.due_at <= now)
        rows = due.group_by(row.clinic_id, row.practitioner_id).order_by(func.min(row.due_at)).limit(limit)
        return [(clinic, person) for clinic, person in self.connection.execute(rows)]

    monkeypatch.setattr(NextStartsDueStore, "due", grouped)
    assert "next_start" in walked(of_worker(tmp_path, counted=True))
