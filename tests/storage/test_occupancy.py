"""Occupied cells: who may take them, who may not, and what a reader sees."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from okienko_server.domain.cells import cell_at, day_grid, ones
from okienko_server.storage.occupancy import OccupancyStore, mask_of, words_of
from okienko_server.storage.session import Database
from okienko_server.storage.tables import CellRow
from tests.storage.rows import NOW, WARSAW, add_appointment, add_clinic, differences, kept_masks, scope_of

TOMORROW = date(2026, 11, 24)
NINE = day_grid(WARSAW, TOMORROW).first + 9 * 12
HOUR = range(NINE, NINE + 12)
UNTIL = NOW + timedelta(minutes=10)


class Taken(Exception):
    """Makes the transaction roll back, as a caller must when `take` says no."""


@pytest.fixture
def clinic(database: Database) -> Database:
    """A clinic of two therapists and five appointments that have no cells yet."""

    def work(connection: Connection) -> None:
        add_clinic(connection, resources=["anna", "ewa"])
        for name in ("a1", "a2", "a3", "a4", "a5"):
            add_appointment(connection, name)

    database.write(work)
    return database


def take(
    database: Database,
    who: str,
    cells: range,
    until: datetime | None = UNTIL,
    now: datetime = NOW,
    resource: str = "anna",
) -> bool:
    """Take cells the way the operations do: a refusal rolls everything back."""

    def work(connection: Connection) -> None:
        if not OccupancyStore(connection, scope_of()).take(who, resource, cells, until, now, WARSAW):
            raise Taken

    try:
        database.write(work)
    except Taken:
        return False
    return True


def free(database: Database, who: str) -> None:
    database.write(lambda connection: OccupancyStore(connection, scope_of()).free(who, WARSAW))


def owners(database: Database) -> dict[str, set[int]]:
    """Return appointment id -> its cells."""
    found: dict[str, set[int]] = {}
    with database.reading() as connection:
        for name, cell in connection.execute(select(CellRow.appointment_id, CellRow.cell)):
            found.setdefault(name, set()).add(cell)
        assert differences(connection) == {}
    return found


def busy(
    database: Database, now: datetime = NOW, first: date = TOMORROW, last: date = TOMORROW
) -> dict[str, dict[date, int]]:
    """Return what a reader sees, days without anything left out."""
    with database.reading() as connection:
        seen = OccupancyStore(connection, scope_of()).read(first, last, now, WARSAW).busy
    return {name: kept for name, days in seen.items() if (kept := {day: mask for day, mask in days.items() if mask})}


def test_a_taken_time_is_busy_and_a_freed_one_is_not(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert owners(clinic) == {"a1": set(HOUR)}
    assert busy(clinic) == {"anna": {TOMORROW: ones(12) << 108}}
    free(clinic, "a1")
    assert owners(clinic) == {} and busy(clinic) == {}


@pytest.mark.parametrize("shift", [-11, -5, -1, 0, 1, 5, 11])
def test_an_overlapping_time_is_refused_and_leaves_nothing(clinic: Database, shift: int) -> None:
    assert take(clinic, "a1", HOUR)
    assert not take(clinic, "a2", range(NINE + shift, NINE + shift + 12))
    assert owners(clinic) == {"a1": set(HOUR)}
    with clinic.reading() as connection:
        assert kept_masks(connection) == {("klinika", "anna", TOMORROW): ones(12) << 108}


@pytest.mark.parametrize("shift", [-12, 12])
def test_neighbouring_times_do_not_disturb_each_other(clinic: Database, shift: int) -> None:
    assert take(clinic, "a1", HOUR)
    assert take(clinic, "a2", range(NINE + shift, NINE + shift + 12))
    free(clinic, "a1")
    assert owners(clinic) == {"a2": set(range(NINE + shift, NINE + shift + 12))}


def test_a_time_around_another_is_refused(clinic: Database) -> None:
    assert take(clinic, "a1", range(NINE + 5, NINE + 6))
    assert not take(clinic, "a2", HOUR)
    assert owners(clinic) == {"a1": {NINE + 5}}


def test_another_therapist_has_the_same_time_free(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert take(clinic, "a2", HOUR, resource="ewa")
    free(clinic, "a1")
    assert busy(clinic) == {"ewa": {TOMORROW: ones(12) << 108}}


def test_ones_own_cells_are_taken_again_with_a_new_end(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert take(clinic, "a1", HOUR, until=UNTIL + timedelta(minutes=5))
    assert not take(clinic, "a2", HOUR, now=UNTIL)
    assert take(clinic, "a1", HOUR, until=None)
    assert not take(clinic, "a2", HOUR, now=UNTIL + timedelta(days=400))
    assert owners(clinic) == {"a1": set(HOUR)}


def test_a_hold_lapses_at_its_very_end_and_not_before(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert not take(clinic, "a2", HOUR, now=UNTIL - timedelta(microseconds=1))
    assert busy(clinic, UNTIL - timedelta(microseconds=1)) == {"anna": {TOMORROW: ones(12) << 108}}
    assert busy(clinic, UNTIL) == {}
    assert take(clinic, "a2", HOUR, until=UNTIL + timedelta(minutes=10), now=UNTIL)
    assert owners(clinic) == {"a2": set(HOUR)}


def test_who_comes_back_too_late_finds_the_time_gone_and_frees_nobody_elses(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert take(clinic, "a2", range(NINE + 6, NINE + 18), until=None, now=UNTIL)
    assert not take(clinic, "a1", HOUR, until=None, now=UNTIL)
    free(clinic, "a1")
    assert owners(clinic) == {"a2": set(range(NINE + 6, NINE + 18))}
    assert busy(clinic, UNTIL) == {"anna": {TOMORROW: ones(12) << 114}}


def test_a_lapsed_hold_nobody_took_may_still_be_finished(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert take(clinic, "a1", HOUR, until=None, now=UNTIL + timedelta(hours=1))
    assert busy(clinic, UNTIL + timedelta(hours=2)) == {"anna": {TOMORROW: ones(12) << 108}}


def test_a_time_partly_lapsed_and_partly_taken_is_refused(clinic: Database) -> None:
    assert take(clinic, "a1", range(NINE, NINE + 6))
    assert take(clinic, "a2", range(NINE + 6, NINE + 12), until=None)
    assert not take(clinic, "a3", HOUR, now=UNTIL)
    assert owners(clinic) == {"a1": set(range(NINE, NINE + 6)), "a2": set(range(NINE + 6, NINE + 12))}


def test_one_visit_may_take_over_several_lapsed_holds(clinic: Database) -> None:
    for number, name in enumerate(("a1", "a2", "a3")):
        assert take(clinic, name, range(NINE + 4 * number, NINE + 4 * number + 4))
    assert take(clinic, "a4", HOUR, now=UNTIL, until=None)
    for name in ("a1", "a2", "a3"):
        free(clinic, name)
    assert owners(clinic) == {"a4": set(HOUR)}


def keep(database: Database, who: str, cells: range, until: datetime | None, now: datetime) -> bool:
    """Go on occupying the way the operations do: a refusal rolls everything back."""

    def work(connection: Connection) -> None:
        if not OccupancyStore(connection, scope_of()).keep(who, "anna", cells, until, now, WARSAW):
            raise Taken

    try:
        database.write(work)
    except Taken:
        return False
    return True


def test_a_held_time_is_kept_longer_and_then_for_good(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert keep(clinic, "a1", HOUR, UNTIL + timedelta(minutes=5), UNTIL - timedelta(minutes=1))
    assert busy(clinic, UNTIL) == {"anna": {TOMORROW: ones(12) << 108}}
    assert keep(clinic, "a1", HOUR, None, UNTIL)
    assert busy(clinic, UNTIL + timedelta(days=99)) == {"anna": {TOMORROW: ones(12) << 108}}
    assert owners(clinic) == {"a1": set(HOUR)}


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=3)])
def test_a_lapsed_time_is_kept_when_nobody_came_and_lost_when_somebody_did(clinic: Database, late: timedelta) -> None:
    assert take(clinic, "a1", HOUR)
    assert keep(clinic, "a1", HOUR, UNTIL + late + timedelta(minutes=10), UNTIL + late)
    later = UNTIL + late + timedelta(minutes=10)
    assert take(clinic, "a2", range(NINE + 11, NINE + 23), until=None, now=later)
    assert not keep(clinic, "a1", HOUR, None, later)
    assert owners(clinic)["a2"] == set(range(NINE + 11, NINE + 23))
    assert busy(clinic, later) == {"anna": {TOMORROW: ones(12) << 119}}


def test_a_swept_time_is_kept_when_it_is_still_free(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    free(clinic, "a1")
    assert keep(clinic, "a1", HOUR, None, UNTIL)
    assert owners(clinic) == {"a1": set(HOUR)}


def test_freeing_what_was_never_taken_changes_nothing(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    free(clinic, "a2")
    free(clinic, "nobody")
    assert owners(clinic) == {"a1": set(HOUR)}


def test_a_visit_over_midnight_marks_both_days(clinic: Database) -> None:
    midnight = day_grid(WARSAW, TOMORROW).first
    assert take(clinic, "a1", range(midnight - 6, midnight + 6))
    today = TOMORROW - timedelta(days=1)
    assert busy(clinic, first=today) == {"anna": {today: ones(6) << 282, TOMORROW: ones(6)}}
    assert busy(clinic) == {"anna": {TOMORROW: ones(6)}}
    assert busy(clinic, UNTIL, first=today) == {}
    free(clinic, "a1")
    assert owners(clinic) == {} and busy(clinic, first=today) == {}


@pytest.mark.parametrize("sunday", [date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31)])
def test_a_day_of_the_clock_change_can_be_taken_to_its_last_cell(clinic: Database, sunday: date) -> None:
    grid = day_grid(WARSAW, sunday)
    assert take(clinic, "a1", range(grid.first, grid.first + grid.length), until=None)
    assert busy(clinic, first=sunday - timedelta(days=1), last=sunday + timedelta(days=1)) == {
        "anna": {sunday: ones(grid.length)}
    }
    assert not take(clinic, "a2", range(grid.first + grid.length - 1, grid.first + grid.length))
    owners(clinic)


def test_the_two_doubled_hours_are_two_times(clinic: Database) -> None:
    early = cell_at(datetime(2026, 10, 25, 2, 0, tzinfo=WARSAW))
    late = cell_at(datetime(2026, 10, 25, 2, 0, fold=1, tzinfo=WARSAW))
    assert take(clinic, "a1", range(early, early + 12)) and take(clinic, "a2", range(late, late + 12))
    sunday = date(2026, 10, 25)
    assert busy(clinic, first=sunday, last=sunday) == {"anna": {sunday: ones(24) << 24}}


def test_a_reader_sees_the_offers_revision_and_only_the_days_asked(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    assert take(clinic, "a2", range(NINE + 288, NINE + 300))
    assert list(busy(clinic)["anna"]) == [TOMORROW]
    with clinic.reading() as connection:
        seen = OccupancyStore(connection, scope_of()).read(TOMORROW, TOMORROW, NOW, WARSAW)
        nobody = OccupancyStore(connection, scope_of("elsewhere")).read(TOMORROW, TOMORROW, NOW, WARSAW)
    assert seen.revision == 1
    assert (nobody.revision, nobody.busy) == (None, {})


def test_an_appointment_that_is_deleted_takes_its_cells_along(clinic: Database) -> None:
    assert take(clinic, "a1", HOUR)
    with clinic.writing() as connection:
        connection.exec_driver_sql("DELETE FROM appointment WHERE id = 'a1'")
    with clinic.reading() as connection:
        assert connection.execute(select(CellRow.cell)).all() == []


def test_words_and_mask_are_each_other() -> None:
    for mask in (0, 1, ones(300), 1 << 299, 1 << 59, 1 << 60, 0b101 << 118):
        words = words_of(mask)
        assert mask_of(words) == mask
        assert len(words) == 5 and all(0 <= word < 1 << 60 for word in words)
