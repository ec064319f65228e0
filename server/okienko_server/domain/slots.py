"""Free starts as arithmetic on integers: open cells minus occupied ones, then every run long enough.

All masks of one question share a base cell (local midnight of its first day), so a start near midnight sees the buffer of the
next day's first visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from okienko_server.domain.cells import (
    CELL_SECONDS,
    DayGrid,
    Length,
    cell_at,
    cell_from,
    cells_of,
    day_grid,
    days_from,
    local_day,
    ones,
)
from okienko_server.domain.errors import SlotRefused
from okienko_server.domain.offer import Offer, Practitioner

ONE_DAY = timedelta(days=1)


def runs(free: int, length: int) -> int:
    """Return the mask of positions from which `length` consecutive bits of `free` are set, in O(log length) shifts."""
    have = 1
    while have < length and free:
        step = min(have, length - have)
        free &= free >> step
        have += step
    return free


@dataclass(frozen=True, slots=True)
class Window:
    """The part of time a question asks about: consecutive local days and the first and last bookable cell in them."""

    days: tuple[DayGrid, ...]
    around: tuple[DayGrid, ...]
    """The same days; with one more at either end where the clinic receives near midnight."""
    base: int
    """Cell of the first midnight of `around`: bit 0 of every mask."""
    bookable: int
    """Mask over the whole window of starts that keep the minimum notice and the horizon."""
    length: int = 0
    """Cells in the window."""


def window(offer: Offer, first: date, last: date, now: datetime) -> Window:
    """Return the window from `first` to `last` (both included), cut to notice and horizon; no days when nothing is left."""
    clinic = offer.clinic
    today = local_day(now, clinic.zone)
    first, last = max(first, today), min(last, today + timedelta(days=clinic.horizon_days))
    if first > last:
        return Window((), (), 0, 0)
    whole = window_between(offer, first, last)
    earliest = cell_from(now + timedelta(minutes=clinic.notice_minutes))
    passed = min(max(earliest - whole.base, 0), whole.length)
    return replace(whole, bookable=whole.bookable >> passed << passed)


def window_between(offer: Offer, first: date, last: date) -> Window:
    """Return the window from `first` to `last` (both included), every start in it bookable."""
    zone = offer.clinic.zone
    days = tuple(day_grid(zone, day) for day in days_from(first, (last - first).days + 1))
    around = days
    if offer.near_midnight:
        around = (day_grid(zone, first - ONE_DAY), *days, day_grid(zone, last + ONE_DAY))
    base, length = around[0].first, around[-1].first + around[-1].length - around[0].first
    begin, end = days[0].first - base, days[-1].first + days[-1].length - base
    return Window(days, around, base, ones(end) & ~ones(begin), length)


Busy = Mapping[str, Mapping[date, int]]
"""Occupied day masks: practitioner id -> day -> mask."""


def start_masks(
    offer: Offer,
    span: Window,
    who: Sequence[Practitioner],
    length: Length,
    busy: Busy,
    location_id: str = "",
) -> dict[tuple[str, str], int]:
    """Return (practitioner id, location id) -> mask of free starts over the window; empty masks are left out."""
    step = _steps(span.around, offer.clinic.slot_step_minutes) & span.bookable
    body, before, after = (cells_of(part) for part in (length.minutes, length.buffer_before, length.buffer_after))
    found: dict[tuple[str, str], int] = {}
    if not span.days:
        return found
    for person in who:
        taken = _over_days(span, busy.get(person.id, {}))
        for place in {hours.location_id for hours in person.hours}:
            if location_id and place != location_id:
                continue
            opened = offer.open_span(person.id, place, span.around)
            starts = runs(opened & ~taken, body) & step
            if starts and (before or after):
                clear = ones(taken.bit_length() + span.length + before + after) & ~(taken << before)
                starts &= runs(clear, before + body + after)
            if starts:
                found[person.id, place] = starts
    return found


@lru_cache(maxsize=512)
def _steps(days: tuple[DayGrid, ...], minutes: int) -> int:
    """Return the window mask of cells on the clinic's grid of starts; kept, because every question has one of few windows."""
    whole = 0
    for grid in days:
        whole |= grid.every(minutes) << (grid.first - days[0].first)
    return whole


def _over_days(span: Window, masks: Mapping[date, int]) -> int:
    whole = 0
    for grid in span.around:
        if mask := masks.get(grid.day):
            whole |= mask << (grid.first - span.base)
    return whole


def without(busy: Busy, practitioner_id: str, cells: range, days: Sequence[DayGrid]) -> Busy:
    """Return the occupied masks of some days as if one practitioner's cells were free."""
    masks = busy.get(practitioner_id, {})
    freed = {grid.day: masks.get(grid.day, 0) & ~grid.clip(cells.start, cells.stop) for grid in days}
    return {**busy, practitioner_id: freed}


def bits(mask: int) -> Iterator[int]:
    """Yield the positions of set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def by_day(span: Window, starts: int) -> Iterator[tuple[DayGrid, int]]:
    """Yield each day of the window with its own part of a window mask, empty days included."""
    for grid in span.days:
        yield grid, (starts >> (grid.first - span.base)) & ones(grid.length)


def first_start(span: Window, starts: int) -> int | None:
    """Return the cell of the soonest start, or None."""
    return span.base + (starts & -starts).bit_length() - 1 if starts else None


def nearest_starts(span: Window, starts: int, cell: int, count: int) -> list[int]:
    """Return up to `count` free start cells nearest to a cell, in time order."""
    cells = sorted((span.base + bit for bit in bits(starts)), key=lambda other: (abs(other - cell), other))
    return sorted(cells[:count])


def refusal(offer: Offer, start: datetime, now: datetime) -> SlotRefused | None:
    """Return why a start can never be offered, or None: past, notice, horizon and grid; hours are asked of the masks."""
    clinic = offer.clinic
    if start < now:
        return SlotRefused("slot_past")
    if start < now + timedelta(minutes=clinic.notice_minutes):
        return SlotRefused("slot_short_notice")
    day = local_day(start, clinic.zone)
    if day > local_day(now, clinic.zone) + timedelta(days=clinic.horizon_days):
        return SlotRefused("slot_beyond_horizon")
    grid = day_grid(clinic.zone, day)
    offset = cell_at(start) - grid.first
    if start.timestamp() % CELL_SECONDS or not grid.every(clinic.slot_step_minutes) >> offset & 1:
        return SlotRefused("slot_off_grid")
    return None
