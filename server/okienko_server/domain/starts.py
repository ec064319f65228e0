"""Free starts kept for searching: one mask over a long window, its bounds, and the days they are ranked by."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from okienko_server.domain.cells import CELL_SECONDS, ORDINARY_DAY, cell_from, day_grid, days_from, local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.slots import Window, bits, window_between

WINDOW_DAYS = 62
"""Days a kept mask looks ahead."""
SHOWN_DAYS = 28
"""Days the search looks ahead; a kept mask is good until fewer are left of its window."""
EVENING = 17 * 60
"""Wall-clock minutes from which on a start counts as one in the evening."""
SATURDAY = 5


class When(StrEnum):
    """When a patient can come."""

    ANY = "any"
    WEEK = "week"
    """Within seven days, today included."""
    EVENING = "evening"
    WEEKEND = "weekend"


def whole_window(offer: Offer, first: date) -> Window:
    """Return the window of WINDOW_DAYS local days from `first`, cut by neither notice nor horizon."""
    return window_between(offer, first, first + timedelta(days=WINDOW_DAYS - 1))


def fold(mask: int) -> bytes:
    """Return a mask as it is kept."""
    return zlib.compress(mask.to_bytes((mask.bit_length() + 7) // 8, "little"), 1)


def unfold(kept: bytes) -> int:
    """Return the mask that was kept."""
    return int.from_bytes(zlib.decompress(kept), "little")


@dataclass(frozen=True, slots=True)
class Bookable:
    """The span of starts a clinic lets patients take at an instant: whole cells, `end` excluded."""

    begin: int
    end: int


def bookable(now: datetime, zone: ZoneInfo, notice_minutes: int, horizon_days: int, when: When) -> Bookable:
    """Return the starts a search with that wish may show: notice kept, within horizon and SHOWN_DAYS."""
    days = 7 if when is When.WEEK else SHOWN_DAYS
    last = local_day(now, zone) + timedelta(days=min(horizon_days, days - 1))
    earliest = cell_from(now + timedelta(minutes=notice_minutes))
    return Bookable(earliest, day_grid(zone, last + timedelta(days=1)).first)


def cut(mask: int, base: int, span: Bookable, zone: ZoneInfo, when: When) -> int:
    """Return what is left of a mask that begins at cell `base`: starts within the span that fit the wish."""
    begin, end = max(span.begin - base, 0), max(span.end - base, 0)
    left = (mask & ((1 << end) - 1)) >> begin << begin
    return left & fitting(zone, base, end, when) if left and when in (When.EVENING, When.WEEKEND) else left


@lru_cache(maxsize=512)
def fitting(zone: ZoneInfo, base: int, length: int, when: When) -> int:
    """Return the mask of cells from `base` on that lie in an evening or on a weekend; kept, because every search asks for a few."""
    whole, first = 0, local_day(datetime.fromtimestamp(base * CELL_SECONDS, zone), zone)
    for day in days_from(first, length // 276 + 2):
        grid = day_grid(zone, day)
        if when is When.EVENING:
            part = grid.between(EVENING, 24 * 60)
        else:
            part = (1 << grid.length) - 1 if day.weekday() >= SATURDAY else 0
        shift = grid.first - base
        whole |= part << shift if shift >= 0 else part >> -shift
    return whole


@dataclass(frozen=True, slots=True)
class Bounds:
    """Cells no free start of any sort, in an evening, on a weekend lies before; the window's end where it holds none."""

    soonest: int
    evening: int
    weekend: int


def bounds(mask: int, span: Window, zone: ZoneInfo, since: datetime) -> Bounds:
    """Return the bounds of a mask over a window, leaving out what lies before an instant."""
    passed = max(cell_from(since) - span.base, 0)
    left = mask >> passed << passed
    end = span.base + span.bookable.bit_length()

    def first(part: int) -> int:
        return span.base + (part & -part).bit_length() - 1 if part else end

    return Bounds(
        first(left),
        first(left & fitting(zone, span.base, span.length, When.EVENING)),
        first(left & fitting(zone, span.base, span.length, When.WEEKEND)),
    )


def first_bits(mask: int, count: int) -> tuple[int, ...]:
    """Return the positions of the first set bits, at most `count`."""
    found = []
    for bit in bits(mask):
        found.append(bit)
        if len(found) == count:
            break
    return tuple(found)


@dataclass(frozen=True, slots=True)
class DayCount:
    """Local days counted from one on by arithmetic a database can do as well; true until a second clock change."""

    first: int
    """Cell of the first day's midnight."""
    turn: int
    """Cell from which on a clock change has moved the midnights."""
    shift: int
    """By how many cells it has; 0 where there is none."""

    def of(self, cell: int) -> int:
        """Return how many days after the first one a cell lies; not negative."""
        return max(cell - self.first - (self.shift if cell >= self.turn else 0), 0) // ORDINARY_DAY


@lru_cache(maxsize=64)
def day_count(zone: ZoneInfo, first: date) -> DayCount:
    """Return the count of local days from `first` on, true for WINDOW_DAYS of them."""
    start = day_grid(zone, first).first
    for day in days_from(first, WINDOW_DAYS):
        grid = day_grid(zone, day)
        if grid.length != ORDINARY_DAY:
            return DayCount(start, grid.first + min(grid.length, ORDINARY_DAY), grid.length - ORDINARY_DAY)
    return DayCount(start, start, 0)
