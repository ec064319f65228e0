"""The stored day masks always equal the cell rows: after any history, and with several hands at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from okienko_server.domain.appointment import Status
from okienko_server.domain.cells import day_grid
from okienko_server.storage.diary import DiaryStore, Entry
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.session import Database
from okienko_server.storage.tables import CellRow
from tests.storage.rows import (
    NOW,
    WARSAW,
    add_appointment,
    add_clinic,
    differences,
    kept_masks,
    masks_of_cells,
    proposed,
    scope_of,
)

RESOURCES = ("anna", "ewa")
DAYS = [date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31), date(2026, 11, 24)]
HOLD = timedelta(minutes=10)


class Taken(Exception):
    """Makes the transaction roll back, as a caller must when `take` says no."""


def people(database: Database, count: int) -> list[str]:
    """Write two clinics with the same ids and `count` appointments in each; return the appointments' ids."""
    names = [f"a{number}" for number in range(count)]

    def work(connection: Connection) -> None:
        for clinic in ("klinika", "obok"):
            add_clinic(connection, clinic, RESOURCES)
            for name in names:
                add_appointment(connection, name, clinic)

    database.write(work)
    return names


def some_cells(random: Random, day: date) -> range:
    """Return up to two hours of cells around one of the day's midnights, in its small hours or anywhere within it."""
    grid = day_grid(WARSAW, day)
    near = [grid.first - 8, grid.first + grid.length - 8, grid.first + 24, grid.first + random.randrange(grid.length)]
    start = random.choice(near) + random.randrange(8)
    return range(start, start + random.randrange(1, 25))


def held_by(connection: Connection, clinic: str, who: str) -> tuple[str, range] | None:
    """Return the resource and the cells of an appointment when they are one run, as a real one's are."""
    statement = select(CellRow.resource_id, CellRow.cell).where(
        CellRow.clinic_id == clinic, CellRow.appointment_id == who
    )
    rows = connection.execute(statement.order_by(CellRow.cell)).all()
    if not rows or len({resource for resource, _ in rows}) > 1 or rows[-1][1] - rows[0][1] != len(rows) - 1:
        return None
    return rows[0][0], range(rows[0][1], rows[-1][1] + 1)


def step(database: Database, random: Random, names: list[str], now: datetime, day: date) -> str:
    """Do one thing in one of the clinics: take, keep, take for good, give up in the middle or free; return what happened."""
    scope, who, where = scope_of(random.choice(["klinika", "obok"])), random.choice(names), random.choice(RESOURCES)
    cells = some_cells(random, day)
    what = random.choices(["take", "take for good", "keep", "roll back", "free"], [6, 1, 3, 1, 3])[0]

    def work(connection: Connection) -> None:
        store = OccupancyStore(connection, scope)
        until = None if what == "take for good" else now + HOLD
        if what == "free":
            store.free(who, WARSAW)
        elif what == "keep":
            if (own := held_by(connection, scope.clinic_id, who)) and not store.keep(who, *own, until, now, WARSAW):
                raise Taken
        elif not store.take(who, where, cells, until, now, WARSAW) or what == "roll back":
            raise Taken

    try:
        database.write(work)
    except Taken:
        return f"{what}: no"
    return what


@pytest.mark.parametrize("seed", range(len(DAYS)))
def test_after_every_step_of_a_random_history_masks_equal_rows(database: Database, seed: int) -> None:
    random, now, happened = Random(seed), NOW, Counter[str]()
    names = people(database, 14)
    for _ in range(100):
        now += timedelta(minutes=random.choice([0, 0, 1, 3, 11]))
        happened[step(database, random, names, now, DAYS[seed])] += 1
        with database.reading() as connection:
            assert differences(connection) == {}
    assert {"take", "take: no", "keep", "free"} <= happened.keys()


@pytest.mark.parametrize("seed", range(3))
def test_a_reader_sees_exactly_the_living_cells_before_any_sweep(database: Database, seed: int) -> None:
    random, now = Random(100 + seed), NOW
    names = people(database, 14)
    for round_ in range(60):
        now += timedelta(minutes=random.choice([0, 2, 5]))
        step(database, random, names, now, DAYS[round_ % 4])
        if round_ % 4:
            continue
        for moment in (now, now + HOLD / 2, now + HOLD, now + timedelta(days=9)):
            with database.reading() as connection:
                seen = OccupancyStore(connection, scope_of()).read(date(2026, 3, 1), date(2027, 12, 31), moment, WARSAW)
                living = masks_of_cells(connection, alive_at=moment)
            found = {
                ("klinika", name, day): mask for name, days in seen.busy.items() for day, mask in days.items() if mask
            }
            assert found == {key: mask for key, mask in living.items() if key[0] == "klinika"}


def test_eight_hands_at_once_leave_masks_equal_to_rows_and_no_half_taken_time(database: Database) -> None:
    names = people(database, 24)

    def hand(number: int) -> Counter[str]:
        random, happened = Random(number), Counter[str]()
        for turn in range(25):
            happened[step(database, random, names, NOW + timedelta(minutes=turn), DAYS[turn % 2])] += 1
        return happened

    with ThreadPoolExecutor(8) as pool:
        happened = sum(pool.map(hand, range(8)), Counter[str]())
    assert happened["take"] > 20 and happened["take: no"] > 5
    with database.reading() as connection:
        assert differences(connection) == {}


def test_a_diary_written_at_once_has_the_rows_and_masks_of_single_visits(database: Database) -> None:
    database.write(lambda connection: add_clinic(connection, resources=RESOURCES))
    entries = []
    for number, day in enumerate(DAYS):
        grid = day_grid(WARSAW, day)
        for first in (grid.first - 6, grid.first + 40, grid.first + grid.length - 20):
            booked = proposed(
                f"d{number}-{first}", status=Status.BOOKED, held_until=None, practitioner_id=RESOURCES[number % 2]
            )
            entries.append(Entry(booked, range(first, first + 12)))
    database.write(lambda connection: DiaryStore(connection, scope_of()).fill(entries, WARSAW))
    with database.reading() as connection:
        assert differences(connection) == {}
        assert sum(mask.bit_count() for mask in kept_masks(connection).values()) == 12 * len(entries)


def test_a_diary_with_an_overlap_is_refused_whole(database: Database) -> None:
    database.write(lambda connection: add_clinic(connection, resources=RESOURCES))
    booked = [proposed(name, status=Status.BOOKED, held_until=None) for name in ("d1", "d2")]
    entries = [Entry(booked[0], range(5_984_000, 5_984_012)), Entry(booked[1], range(5_984_011, 5_984_023))]
    with pytest.raises(IntegrityError):
        database.write(lambda connection: DiaryStore(connection, scope_of()).fill(entries, WARSAW))
    with database.reading() as connection:
        assert masks_of_cells(connection) == kept_masks(connection) == {}


def test_eight_hands_on_one_time_leave_one_owner_with_all_of_it(database: Database) -> None:
    names = people(database, 8)
    cells = range(day_grid(WARSAW, DAYS[-1]).first - 6, day_grid(WARSAW, DAYS[-1]).first + 6)

    def hand(name: str) -> bool:
        def work(connection: Connection) -> None:
            start = cells.start + int(name[1:]) % 3
            shifted = range(start, start + 12)
            if not OccupancyStore(connection, scope_of()).take(name, "anna", shifted, None, NOW, WARSAW):
                raise Taken

        try:
            database.write(work)
        except Taken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(hand, names))
    assert won.count(True) == 1
    with database.reading() as connection:
        rows = connection.execute(select(CellRow.appointment_id)).scalars().all()
        assert differences(connection) == {}
    assert rows == [names[won.index(True)]] * 12


@pytest.mark.parametrize("fault", ["cells deleted by hand", "cell written by hand", "mask left out"])
def test_the_comparison_notices_when_rows_and_masks_part(database: Database, fault: str) -> None:
    people(database, 2)
    first = day_grid(WARSAW, DAYS[1]).first + 290

    def work(connection: Connection) -> None:
        assert OccupancyStore(connection, scope_of()).take("a1", "anna", range(first, first + 20), None, NOW, WARSAW)

    database.write(work)
    with database.writing() as connection:
        assert differences(connection) == {}
        if fault == "cells deleted by hand":
            connection.execute(delete(CellRow).where(CellRow.cell == first + 3))
        elif fault == "cell written by hand":
            row = {"clinic_id": "klinika", "resource_id": "anna", "cell": first + 40, "appointment_id": "a1"}
            connection.execute(CellRow.__table__.insert().values(**row))  # type: ignore[attr-defined]
        else:
            connection.exec_driver_sql("DELETE FROM day_occupancy")
    expected = {
        "cells deleted by hand": {("klinika", "anna", DAYS[1]): 1 << 293},
        "cell written by hand": {("klinika", "anna", DAYS[1] + timedelta(days=1)): 1 << 30},
        "mask left out": {
            ("klinika", "anna", DAYS[1]): 0b1111111111 << 290,
            ("klinika", "anna", DAYS[1] + timedelta(days=1)): 0b1111111111,
        },
    }
    with database.reading() as connection:
        assert differences(connection) == expected[fault]


def test_a_history_without_its_mask_updates_is_noticed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OccupancyStore, "_mark", lambda *_: None)
    random, names = Random(1), people(database, 6)
    for turn in range(60):
        step(database, random, names, NOW + timedelta(minutes=turn), DAYS[turn % 2])
    with database.reading() as connection:
        assert differences(connection) != {}
        assert kept_masks(connection) != masks_of_cells(connection)


def test_the_checker_reads_an_instant_as_the_wall_clock_does() -> None:
    assert day_grid(WARSAW, DAYS[1]).first * 300 == datetime(2026, 10, 24, 22, 0, tzinfo=UTC).timestamp()
