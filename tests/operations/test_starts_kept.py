"""The starts kept for the search: whoever changes something while the worker works is not missed, and no fault stops the others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Event
from time import sleep
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Select, false, select, update

from okienko_server.domain.access import Access
from okienko_server.domain.appointment import Appointment
from okienko_server.domain.cells import instant_of
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, SENIOR, ProblemCategory
from okienko_server.domain.scope import Scope
from okienko_server.domain.starts import When, first_bits
from okienko_server.operations import ranking
from okienko_server.operations import search_clinics as searching
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question, find_slots, free_times
from okienko_server.operations.hold import HoldRequest, hold, release
from okienko_server.operations.keep_starts import keep_starts
from okienko_server.operations.portal_search import Search
from okienko_server.operations.search_clinics import search_clinics
from okienko_server.storage import occupancy
from okienko_server.storage.next_starts import Finished, RowKey
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.starts_due import NextStartsDueStore, Therapist
from okienko_server.storage.tables import (
    ClinicRow,
    NextStartRow,
    StartBoundRow,
)
from tests.conftest import MONDAY, visitor
from tests.operations.test_search import ASKED, KRAKOW, Town, computed, found, some_search, town


def test_a_hold_that_lapsed_is_free_again_before_anybody_sweeps(desk: Desk) -> None:
    there = Town(desk, town(desk), Random(7))
    there.worker()
    search = Search(Question(ProblemCategory.SPINE, ADULT, ServiceKind.CONSULTATION))
    first = search_clinics(search, scope=visitor(), desk=desk, now=MONDAY).clinics[0]
    scope = visitor(session="somebody").at(first.clinic_id)
    asked = replace(search.question, location_id=first.location.id)
    hold(HoldRequest(asked, instant_of(first.starts[0])), scope=scope, desk=desk, now=MONDAY)
    there.worker()
    assert search_clinics(search, scope=visitor(), desk=desk, now=MONDAY).clinics[0] != first
    later = MONDAY + timedelta(minutes=10, seconds=1)
    assert found(replace(search), desk, later) == computed(search, desk, later)[:10]


def test_the_worker_leaves_nothing_behind_and_writes_nothing_twice(desk: Desk) -> None:
    there = Town(desk, town(desk), Random(3))
    there.worker()
    assert keep_starts(desk=desk, now=MONDAY) == 0
    with desk.database.reading() as connection:
        ends = list(connection.execute(select(NextStartRow.good_until)).scalars())
        bounds = list(connection.execute(select(StartBoundRow.soonest)).scalars())
    assert ends and all(until > MONDAY for until in ends)
    assert bounds and all(soonest > 0 for soonest in bounds)


def test_what_was_worked_out_for_an_older_occupancy_is_not_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A booking commits between the worker's reading and its writing: the row stays behind."""
    there = Town(desk, town(desk), Random(5))
    there.worker()
    while not there.held:
        there.take()
    read = NextStartsDueStore.versions

    def overtaken(self: NextStartsDueStore, therapists: Sequence[Therapist]) -> dict[Therapist, dict[RowKey, int]]:
        seen = read(self, therapists)
        return {one: {key: version - 1 for key, version in rows.items()} for one, rows in seen.items()}

    with monkeypatch.context() as patch:
        patch.setattr(NextStartsDueStore, "versions", overtaken)
        keep_starts(desk=desk, now=MONDAY)
    assert keep_starts(desk=desk, now=MONDAY) > 0


def test_with_many_hands_at_once_nothing_false_is_left(desk: Desk) -> None:
    """Four patients book and give back while two workers catch up: afterwards the search equals the full computation."""
    ids = town(desk)

    def patient(seed: int) -> None:
        mine = Town(desk, ids, Random(seed))
        for _ in range(25):
            mine.take() if mine.random.random() < 0.7 else mine.give_back()

    def worker(_: int) -> None:
        for _ in range(40):
            keep_starts(desk=desk, now=MONDAY)

    with ThreadPoolExecutor(6) as hands:
        jobs = [hands.submit(patient, seed) for seed in range(4)] + [hands.submit(worker, n) for n in range(2)]
        for job in jobs:
            job.result()
    there = Town(desk, ids, Random(1))
    there.worker()
    for _ in range(30):
        search = some_search(there.random)
        assert found(search, desk, MONDAY) == computed(search, desk, MONDAY)[: searching.PAGE]


def test_past_its_budget_a_search_leaves_out_rather_than_lies(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Town(desk, town(desk), Random(2))
    there.worker()
    for _ in range(20):
        there.take()
    monkeypatch.setattr(ranking, "MOST_BEHIND", 1)
    search = Search(Question(ProblemCategory.SPINE, ADULT, ServiceKind.CONSULTATION))
    truth = computed(search, desk, MONDAY)
    shown = found(search, desk, MONDAY)
    assert shown and all(one in truth for one in shown) and len(shown) < len(truth)


def confirmed_as_the_hold_lapses(desk: Desk) -> bool:
    """Let a confirmation commit after the worker has seen the hold lapse; return whether the search differs from the truth."""
    ids = town(desk)[:1]
    there = Town(desk, ids, Random(1))
    there.worker()
    scope = visitor(session="late").at(ids[0])
    made = held_at_the_first_time(desk, scope)
    there.worker()
    until = made.held_until
    assert until is not None
    there.now = until + timedelta(seconds=1)
    there.worker()

    def confirm(connection: Connection) -> None:
        offer = OfferStore(connection, scope).load()
        cells = made.occupied
        store, began = OccupancyStore(connection, scope), until - timedelta(seconds=1)
        assert store.keep(made.id, made.practitioner_id, cells, None, began, offer.clinic.zone, until)

    desk.database.write(confirm)
    there.worker()
    return differs(desk, ids[0], there.now)


def held_at_the_first_time(desk: Desk, scope: Scope) -> Appointment:
    """Hold a clinic's first free time."""
    free = find_slots(replace(ASKED, days=5), scope=scope, desk=desk, now=MONDAY)
    start = instant_of(free.span.base + first_bits(free.any_start, 1)[0])
    return hold(HoldRequest(ASKED, start), scope=scope, desk=desk, now=MONDAY).appointment


def differs(desk: Desk, clinic_id: str, now: datetime) -> bool:
    """Return whether the search says of a clinic anything but the truth."""
    truth = [one for one in computed(Search(ASKED), desk, now) if one[0] == clinic_id]
    assert truth
    return [one for one in found(Search(ASKED), desk, now) if one[0] == clinic_id] != truth


def test_a_confirmation_that_commits_as_the_hold_lapses_is_not_missed(desk: Desk) -> None:
    assert not confirmed_as_the_hold_lapses(desk)


def test_the_control_without_a_mark_for_going_on_shows_the_time_that_is_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occupancy, "_KEPT", update(NextStartRow).where(false()).values(version=0))
    assert confirmed_as_the_hold_lapses(desk)


def given_back_while_the_rows_are_made(desk: Desk) -> bool:
    """Let a release stay open while the worker makes its clinic's first rows; return whether the search differs afterwards."""
    ids = town(desk)[:1]
    scope = visitor(session="slow").at(ids[0])
    made = held_at_the_first_time(desk, scope)
    started, fall_behind = Event(), OccupancyStore._fall_behind

    def slow(self: OccupancyStore, resource_ids: Sequence[str], *, freed: bool = False) -> None:
        fall_behind(self, resource_ids, freed=freed)
        started.set()
        sleep(1.5)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as hands:
        patch.setattr(OccupancyStore, "_fall_behind", slow)
        giving = hands.submit(lambda: release(made.id, scope=scope, desk=desk, now=MONDAY))
        assert started.wait(10)
        worker = hands.submit(lambda: [keep_starts(desk=desk, now=MONDAY) for _ in range(3)])
        giving.result()
        worker.result()
    Town(desk, ids, Random(1)).worker()
    return differs(desk, ids[0], MONDAY)


def test_a_time_given_back_while_the_rows_are_made_is_not_missed(desk: Desk) -> None:
    assert not given_back_while_the_rows_are_made(desk)


def test_the_control_without_holding_the_therapist_postgresql_misses_what_was_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OccupancyStore, "_lock", lambda self, ids: None)
    # SQLite has one writer at a time and needs no lock.
    assert given_back_while_the_rows_are_made(desk) == (not desk.database.is_sqlite)


def test_one_clinics_fault_in_writing_stops_no_other_clinic(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Town(desk, town(desk), Random(2))
    write = NextStartsDueStore.write

    def faulty(self: NextStartsDueStore, finished: Sequence[Finished]) -> None:
        if any(one.clinic_id == there.clinics[0] for one in finished):
            raise ValueError
        write(self, finished)

    monkeypatch.setattr(NextStartsDueStore, "write", faulty)
    for _ in range(3):
        keep_starts(desk=desk, now=MONDAY)
    with desk.database.reading() as connection:
        done = set(connection.execute(select(StartBoundRow.clinic_id).where(StartBoundRow.soonest > 0)).scalars())
    assert done == set(there.clinics[1:])


@pytest.mark.parametrize("zone", ["Atlantic/Azores", "Europe/Warsaw", "Pacific/Auckland"])
def test_a_pause_ends_on_the_clinics_own_day(desk: Desk, zone: str) -> None:
    there = Town(desk, town(desk)[:1], Random(1))
    back = date(2026, 11, 25)
    midnight = datetime(back.year, back.month, back.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    values = {"zone": zone, "paused_at": MONDAY, "back_on": back.isoformat(), "revision": ClinicRow.revision + 1}
    mine = update(ClinicRow).where(ClinicRow.clinic_id == there.clinics[0])
    with desk.database.writing() as connection:
        connection.execute(mine.values(cast(dict[str, Any], values)))
    for there.now, back_again in ((midnight - timedelta(minutes=1), False), (midnight, True)):
        there.worker()
        assert any(one[0] == there.clinics[0] for one in found(Search(ASKED), desk, there.now)) == back_again


def test_the_budget_is_one_for_the_whole_search(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Town(desk, town(desk), Random(2))
    there.worker()
    with desk.database.writing() as connection:
        connection.execute(update(NextStartRow).values(good_until=MONDAY - timedelta(days=1)))
    asked: list[object] = []

    def counted(*args: Any, **more: Any) -> Any:
        asked.append(args)
        return free_times(*args, **more)

    monkeypatch.setattr(ranking, "free_times", counted)
    monkeypatch.setattr(ranking, "MOST_BEHIND", 2)
    search = Search(ASKED, KRAKOW, 0, When.WEEKEND, frozenset({Access.PARKING}), page=2)
    search_clinics(search, scope=visitor(), desk=desk, now=MONDAY)
    assert len(asked) == 2


def missed(desk: Desk) -> bool:
    """Let a booking stay open while the worker makes its clinic's rows; return whether the search differs from the truth afterwards."""
    ids = town(desk)[:1]
    scope = visitor(session="slow").at(ids[0])
    started, fall_behind = Event(), OccupancyStore._fall_behind

    def slow(self: OccupancyStore, resource_ids: Sequence[str], *, freed: bool = False) -> None:
        fall_behind(self, resource_ids, freed=freed)
        started.set()
        sleep(1.5)

    asked = Question(ProblemCategory.SPINE, SENIOR, ServiceKind.CONSULTATION)
    free = find_slots(replace(asked, days=5), scope=scope, desk=desk, now=MONDAY)
    start = instant_of(free.span.base + first_bits(free.any_start, 1)[0])
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as hands:
        patch.setattr(OccupancyStore, "_fall_behind", slow)
        booking = hands.submit(lambda: hold(HoldRequest(asked, start), scope=scope, desk=desk, now=MONDAY))
        assert started.wait(10)
        worker = hands.submit(lambda: [keep_starts(desk=desk, now=MONDAY) for _ in range(3)])
        booking.result()
        worker.result()
    Town(desk, ids, Random(1)).worker()
    search = Search(asked)
    mine = [one for one in computed(search, desk, MONDAY) if one[0] == ids[0]]
    assert mine
    return [one for one in found(search, desk, MONDAY) if one[0] == ids[0]] != mine


def test_a_booking_under_way_while_the_rows_are_made_is_not_missed(desk: Desk) -> None:
    assert not missed(desk)


def test_the_control_without_waiting_for_it_postgresql_misses_the_booking(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Select, "with_for_update", lambda self: self)
    # SQLite has one writer at a time and needs no lock.
    assert missed(desk) == (not desk.database.is_sqlite)
