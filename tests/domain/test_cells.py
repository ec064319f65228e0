"""Time as five-minute cells, above all on the four Sundays when the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.cells import cell_at, cells_of, day_grid, days_from, instant_of, local_day
from okienko_server.domain.slots import bits
from tests.domain.worlds import WARSAW, local

SPRING = [date(2026, 3, 29), date(2027, 3, 28)]
AUTUMN = [date(2026, 10, 25), date(2027, 10, 31)]
ORDINARY = [date(2026, 11, 23), date(2026, 3, 28), date(2026, 3, 30), date(2027, 10, 30), date(2027, 11, 1)]
DAYS = st.dates(date(2024, 1, 1), date(2031, 12, 31)) | st.sampled_from(SPRING + AUTUMN)


@pytest.mark.parametrize(
    ("days", "length"), [(SPRING, 276), (AUTUMN, 300), (ORDINARY, 288)], ids=["spring", "autumn", "ordinary"]
)
def test_a_day_has_as_many_cells_as_the_clock_change_leaves_it(days: list[date], length: int) -> None:
    assert [day_grid(WARSAW, day).length for day in days] == [length] * len(days)


@pytest.mark.parametrize("day", SPRING)
def test_the_hour_that_is_left_out_has_no_cell(day: date) -> None:
    grid = day_grid(WARSAW, day)
    assert grid.between(2 * 60, 3 * 60) == 0
    assert not [start for start in grid.iso if "T02:" in start]
    assert grid.iso_of(grid.every(60))[:4] == [f"{day}T0{h}:00:00+0{o}:00" for h, o in ((0, 1), (1, 1), (3, 2), (4, 2))]


@pytest.mark.parametrize("day", AUTUMN)
def test_the_doubled_hour_is_there_twice_under_two_offsets(day: date) -> None:
    grid = day_grid(WARSAW, day)
    doubled = grid.iso_of(grid.between(2 * 60, 3 * 60) & grid.every(30))
    assert doubled == [f"{day}T02:{m}:00+0{offset}:00" for offset in (2, 1) for m in ("00", "30")]
    assert grid.between(2 * 60, 3 * 60).bit_count() == 24


@pytest.mark.parametrize("day", SPRING + AUTUMN + ORDINARY)
def test_no_two_cells_of_a_day_bear_the_same_name(day: date) -> None:
    grid = day_grid(WARSAW, day)
    assert len(set(grid.iso)) == grid.length


@given(DAYS)
def test_days_follow_each_other_without_gap_or_overlap(day: date) -> None:
    grid, following = day_grid(WARSAW, day), day_grid(WARSAW, day + timedelta(days=1))
    assert grid.first + grid.length == following.first
    assert local_day(instant_of(grid.first), WARSAW) == day
    assert local_day(instant_of(following.first - 1), WARSAW) == day


@given(DAYS, st.integers(0, 288), st.integers(0, 288))
def test_between_is_what_the_wall_clock_shows(day: date, low: int, high: int) -> None:
    grid = day_grid(WARSAW, day)
    shown = [instant_of(grid.first + i).astimezone(WARSAW) for i in range(grid.length)]
    expected = [i for i, wall in enumerate(shown) if low * 5 <= wall.hour * 60 + wall.minute < high * 5]
    assert list(bits(grid.between(low * 5, high * 5))) == expected


@given(st.integers(0, 1440), st.integers(0, 1440))
def test_hours_off_the_grid_lose_their_broken_cells_on_every_sort_of_day(start: int, end: int) -> None:
    ordinary, autumn, spring = (day_grid(WARSAW, day) for day in (ORDINARY[0], AUTUMN[0], SPRING[0]))
    shown = {ordinary.wall_minutes[i] for i in bits(ordinary.between(start, end))}
    assert shown == {minutes for minutes in range(0, 1440, 5) if start <= minutes and minutes + 5 <= end}
    assert {autumn.wall_minutes[i] for i in bits(autumn.between(start, end))} == shown
    assert {spring.wall_minutes[i] for i in bits(spring.between(start, end))} == shown - set(range(120, 180))


@given(DAYS, st.sampled_from([5, 10, 15, 20, 30, 45, 50, 60]))
def test_every_is_what_the_wall_clock_shows(day: date, minutes: int) -> None:
    grid = day_grid(WARSAW, day)
    assert list(bits(grid.every(minutes))) == [i for i, wall in enumerate(grid.wall_minutes) if wall % minutes == 0]


@given(DAYS, st.integers(-400, 700), st.integers(-400, 700))
def test_clip_keeps_what_lies_in_the_day(day: date, low: int, high: int) -> None:
    grid = day_grid(WARSAW, day)
    expected = [i for i in range(grid.length) if low <= i < high]
    assert list(bits(grid.clip(grid.first + low, grid.first + high))) == expected


@given(st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_cell_begins_at_most_five_minutes_before_the_instants_in_it(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    assert timedelta(0) <= instant - instant_of(cell_at(instant)) < timedelta(minutes=5)
    assert instant_of(cell_at(instant)).utcoffset() == timedelta(0)


def test_an_instant_has_the_same_cell_in_every_zone() -> None:
    first, second = local("2026-10-25T02:30"), local("2026-10-25T02:30", fold=1)
    assert cell_at(first) == cell_at(first.astimezone(UTC))
    assert cell_at(second) - cell_at(first) == 12


def test_minutes_are_rounded_up_to_cells() -> None:
    assert [cells_of(minutes) for minutes in (0, 1, 5, 6, 30, 45, 50, 60)] == [0, 1, 1, 2, 6, 9, 10, 12]


def test_days_from_counts_the_first_day() -> None:
    assert days_from(date(2026, 12, 31), 3) == [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)]
