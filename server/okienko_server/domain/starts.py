"""Free starts kept for searching: one mask over a long window, its bounds, and the squares of the map it is found in."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from okienko_server.domain.cells import CELL_SECONDS, cell_from, day_grid, days_from, local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.slots import Window, bits, window_between
from okienko_server.domain.towns import distance_km, named_exactly

WINDOW_DAYS = 62
"""Days a kept mask looks ahead."""
SHOWN_DAYS = 28
"""Days the search looks ahead; a kept mask is good until fewer are left of its window."""
EVENING = 17 * 60
"""Wall-clock minutes from which on a start counts as one in the evening."""
SATURDAY = 5
TILE_UP, TILE_ACROSS = 0.2, 0.32
"""Degrees a square of the map is high and wide: some 22 kilometres each way in Poland."""
_ROW = 4096
KM_PER_DEGREE = 111.32


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

    def of(self, when: When) -> int:
        """Return the bound for a wish."""
        return {When.EVENING: self.evening, When.WEEKEND: self.weekend}.get(when, self.soonest)


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


def tile_of(latitude: float, longitude: float) -> int:
    """Return the number of the square a point lies in."""
    return math.floor(latitude / TILE_UP) * _ROW + math.floor(longitude / TILE_ACROSS)


def tiles_within(latitude: float, longitude: float, km: float) -> list[int]:
    """Return the squares that hold every point within a distance, and no other that lies wholly beyond it."""
    up = km / KM_PER_DEGREE
    across = km / (KM_PER_DEGREE * math.cos(math.radians(min(abs(latitude) + up, 89.0))))
    rows = range(math.floor((latitude - up) / TILE_UP), math.floor((latitude + up) / TILE_UP) + 1)
    columns = range(math.floor((longitude - across) / TILE_ACROSS), math.floor((longitude + across) / TILE_ACROSS) + 1)
    return [row * _ROW + column for row in rows for column in columns if _near(row, column, latitude, longitude, km)]


def _near(row: int, column: int, latitude: float, longitude: float, km: float) -> bool:
    nearest_up = min(max(latitude, row * TILE_UP), (row + 1) * TILE_UP)
    nearest_across = min(max(longitude, column * TILE_ACROSS), (column + 1) * TILE_ACROSS)
    return distance_km(latitude, longitude, nearest_up, nearest_across) <= km + 0.5


def where_is(city: str) -> tuple[float, float] | None:
    """Return the middle of the biggest town of a name, None for no such town: an address not on the map lies there."""
    found = named_exactly(city)
    return (found[0].latitude, found[0].longitude) if found else None
