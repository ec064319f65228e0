"""Time as 5-minute cells: an instant is the number of whole cells since 1970-01-01T00:00Z, a day a row of bits.

Bit i of a day mask is the i-th cell after local midnight. A day of the clock change has 276 or 300 cells, so wall-clock
rules are asked of :class:`DayGrid`, never computed by adding minutes to midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

CELL_MINUTES = 5
CELL_SECONDS = CELL_MINUTES * 60
ORDINARY_DAY = 24 * 60 // CELL_MINUTES


def cell_at(instant: datetime) -> int:
    """Return the cell an aware instant falls in."""
    return int(instant.timestamp()) // CELL_SECONDS


def instant_of(cell: int) -> datetime:
    """Return the aware UTC instant a cell begins at."""
    return datetime.fromtimestamp(cell * CELL_SECONDS, UTC)


def cell_from(instant: datetime) -> int:
    """Return the first cell that begins at an aware instant or after it."""
    return -(-int(instant.timestamp()) // CELL_SECONDS)


def cells_of(minutes: int) -> int:
    """Return how many cells that many minutes take, rounded up."""
    return -(-minutes // CELL_MINUTES)


@dataclass(frozen=True, slots=True)
class Length:
    """How long an appointment takes: minutes of treatment, and minutes kept free before and after it."""

    minutes: int
    buffer_before: int = 0
    buffer_after: int = 0

    @property
    def treatment(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    def cells(self, start: datetime) -> range:
        """Return the cells taken by an appointment that begins at an aware instant, buffers included."""
        first = cell_at(start)
        end = first + cells_of(self.minutes)
        return range(first - cells_of(self.buffer_before), end + cells_of(self.buffer_after))


def ones(length: int) -> int:
    """Return a mask of `length` set bits."""
    return (1 << length) - 1


@lru_cache(maxsize=16)
def _ordinary_every(minutes: int) -> int:
    return sum(1 << i for i in range(ORDINARY_DAY) if i * CELL_MINUTES % minutes == 0)


@lru_cache(maxsize=4096)
def _ordinary_between(start: int, end: int) -> int:
    low, high = -(-start // CELL_MINUTES), min(end, 24 * 60) // CELL_MINUTES
    return ones(high - low) << low if high > low else 0


@dataclass(frozen=True, eq=False)
class DayGrid:
    """One local calendar day cut into cells."""

    zone: ZoneInfo
    day: date
    first: int
    """Cell of local midnight."""
    length: int
    """276, 288 or 300 cells."""

    @cached_property
    def wall_minutes(self) -> tuple[int, ...]:
        """Minutes since 00:00 that the wall clock shows at the start of each cell."""
        if self.length == ORDINARY_DAY:
            return tuple(range(0, 24 * 60, CELL_MINUTES))
        local = (instant_of(self.first + i).astimezone(self.zone) for i in range(self.length))
        return tuple(moment.hour * 60 + moment.minute for moment in local)

    @cached_property
    def iso(self) -> tuple[str, ...]:
        """ISO 8601 local time with offset of each cell's start, so that the doubled hour stays distinct."""
        return tuple(instant_of(self.first + i).astimezone(self.zone).isoformat() for i in range(self.length))

    def iso_of(self, mask: int) -> list[str]:
        """Return the ISO local times of a mask's set cells, in order."""
        return list(_iso_of(self, mask))

    def between(self, start: int, end: int) -> int:
        """Return the mask of whole cells during which the wall clock shows start <= minutes < end."""
        if self.length == ORDINARY_DAY:
            return _ordinary_between(start, end)
        return sum(1 << i for i, minutes in enumerate(self.wall_minutes) if start <= minutes <= end - CELL_MINUTES)

    def every(self, minutes: int) -> int:
        """Return the mask of cells that start on a multiple of `minutes` past midnight by the wall clock."""
        if self.length == ORDINARY_DAY:
            return _ordinary_every(minutes)
        return sum(1 << i for i, wall in enumerate(self.wall_minutes) if wall % minutes == 0)

    def clip(self, start_cell: int, end_cell: int) -> int:
        """Return the mask of the part of [start_cell, end_cell) that lies in this day."""
        low, high = max(start_cell - self.first, 0), min(end_cell - self.first, self.length)
        return ones(high - low) << low if high > low else 0


@lru_cache(maxsize=4096)
def _iso_of(grid: DayGrid, mask: int) -> tuple[str, ...]:
    # Kept, because a day reads the same until somebody takes a time of it.
    return tuple(grid.iso[bit] for bit in range(mask.bit_length()) if mask >> bit & 1)


@lru_cache(maxsize=4096)
def day_grid(zone: ZoneInfo, day: date) -> DayGrid:
    """Return the grid of a local day; kept, because every query asks for the same few weeks."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    first = cell_at(midnight)
    end = cell_at(datetime(following.year, following.month, following.day, tzinfo=zone))
    return DayGrid(zone, day, first, end - first)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day an aware instant falls on in a zone."""
    return instant.astimezone(zone).date()


def days_from(first: date, count: int) -> list[date]:
    """Return `count` consecutive days beginning with `first`."""
    return [first + timedelta(days=i) for i in range(count)]
