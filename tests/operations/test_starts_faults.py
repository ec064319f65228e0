"""The worker that keeps the next starts: one clinic's fault holds up nobody else, and the database's is no clinic's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from okienko_server.domain.scope import operator_scope
from okienko_server.operations import keep_starts as keeping
from okienko_server.operations.desk import Desk
from okienko_server.operations.keep_starts import keep_starts
from okienko_server.operations.onboard_clinic import record_absence
from okienko_server.operations.setbacks import Setbacks
from okienko_server.storage.next_starts import NextStartStore, RowKey, Traits
from okienko_server.storage.occupancy import LONG_AGO
from okienko_server.storage.offers import OfferShelf
from okienko_server.storage.tables import (
    NextStartRow,
    StartBoundRow,
)
from tests.conftest import MONDAY, visitor
from tests.operations.test_search import Town, town
from tests.operations.test_starts_kept import held_at_the_first_time


def fail(monkeypatch: pytest.MonkeyPatch, whose: set[str]) -> None:
    """Let some clinics' rows never follow their offers."""
    follow = NextStartStore.keep_only

    def faulty(self: NextStartStore, wanted: dict[RowKey, Traits], revision: int, *, listed: bool) -> None:
        if self.clinic_id in whose:
            raise ValueError
        follow(self, wanted, revision, listed=listed)

    monkeypatch.setattr(NextStartStore, "keep_only", faulty)


def test_one_clinics_fault_stops_no_other_clinic(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Town(desk, town(desk), Random(2))
    fail(monkeypatch, {there.clinics[0]})
    for _ in range(3):
        keep_starts(desk=desk, now=MONDAY)
    with desk.database.reading() as connection:
        done = set(connection.execute(select(StartBoundRow.clinic_id).where(StartBoundRow.soonest > 0)).scalars())
    assert done == set(there.clinics[1:])


def only_the_last_is_reached(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Let all clinics but the last fail, a turn taking one clinic and one therapist only; return whether the last one's are kept."""
    there = Town(desk, town(desk), Random(2))
    last = max(there.clinics)
    fail(monkeypatch, {*there.clinics} - {last})
    for limit in ("CLINICS_A_TURN", "THERAPISTS_A_TURN"):
        monkeypatch.setattr(keeping, limit, 1)
    for _ in range(40):
        keep_starts(desk=desk, now=MONDAY)
    with desk.database.reading() as connection:
        kept = select(StartBoundRow.clinic_id).where(StartBoundRow.soonest > 0).distinct()
        return list(connection.execute(kept).scalars()) == [last]


def test_clinics_that_always_fail_hold_up_nobody_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only_the_last_is_reached(desk, monkeypatch)


def test_the_control_without_leaving_them_alone_nobody_else_is_reached(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Setbacks, "note", lambda self, clinic_id, now: None)
    assert not only_the_last_is_reached(desk, monkeypatch)


def test_whoever_failed_is_tried_again_after_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    town(desk)
    with monkeypatch.context() as patch:
        patch.setattr(NextStartStore, "keep_only", lambda *asked, **more: 1 / 0)
        keep_starts(desk=desk, now=MONDAY)
    assert keep_starts(desk=desk, now=MONDAY + timedelta(minutes=9)) == 0
    assert keep_starts(desk=desk, now=MONDAY + timedelta(minutes=10)) > 0


UNREADABLE = {"sqlite": "garbage", "postgresql": "infinity"}


@pytest.mark.parametrize("table", ["absence", "cell"])
def test_a_row_nobody_can_read_stops_no_other_clinic(desk: Desk, table: str) -> None:
    """Written by hand, past the offer's revision: the whole batch that reads it fails, and is read again clinic by clinic."""
    there = Town(desk, town(desk), Random(2))
    one = there.clinics[0]
    person = next(iter(there.offer(one).practitioners))
    record_absence(person, MONDAY, MONDAY + timedelta(hours=9), "", scope=operator_scope().at(one), desk=desk)
    held_at_the_first_time(desk, visitor(session="odd").at(one))
    there.worker()
    column = {"absence": "ends_at", "cell": "held_until"}[table]
    with desk.database.writing() as connection:
        odd = UNREADABLE[connection.dialect.name]
        spoilt = connection.exec_driver_sql(f"UPDATE {table} SET {column} = '{odd}' WHERE clinic_id = '{one}'")
        assert spoilt.rowcount
        connection.execute(update(NextStartRow).values(good_until=LONG_AGO, due_at=LONG_AGO))
    # As after a restart: nothing is known of any offer.
    again = replace(desk, shelf=OfferShelf())
    while keep_starts(desk=again, now=MONDAY):
        pass
    with desk.database.reading() as connection:
        behind = select(NextStartRow.clinic_id).where(NextStartRow.good_until == LONG_AGO).distinct()
        assert list(connection.execute(behind).scalars()) == [one]


def test_a_database_that_is_away_is_no_clinics_fault(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Town(desk, town(desk), Random(2))

    def locked(*asked: Any, **more: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(NextStartStore, "keep_only", locked)
        with pytest.raises(OperationalError):
            keep_starts(desk=desk, now=MONDAY)
    assert keep_starts(desk=desk, now=MONDAY) >= len(there.clinics)
