"""Occupied time: the cell rows that decide every race, and the day masks kept beside them for fast reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, delete, literal, null, or_, select, union_all, update

from okienko_server.domain.cells import DayGrid, day_grid, instant_of, local_day, ones
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import DAY_WORDS, WORD_BITS, CellRow, ClinicRow, DayOccupancyRow

_WORD = ones(WORD_BITS)
_CELLS: Table = CellRow.__table__  # type: ignore[assignment]
_DAYS: Table = DayOccupancyRow.__table__  # type: ignore[assignment]
_WORDS = [_DAYS.c[f"w{i}"] for i in range(DAY_WORDS)]


def words_of(mask: int) -> list[int]:
    """Return a day mask as its five words of 60 cells."""
    return [mask >> (WORD_BITS * i) & _WORD for i in range(DAY_WORDS)]


def mask_of(words: Sequence[int]) -> int:
    """Return the day mask of five words."""
    return words[0] | words[1] << 60 | words[2] << 120 | words[3] << 180 | words[4] << 240


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What one read of a span of days saw: the offer's revision and the occupied masks, expired holds already taken out."""

    revision: int | None
    busy: dict[str, dict[date, int]]


def _reading() -> Any:
    """One statement, one round trip: revision, day masks, and the few held cells whose time has passed."""
    nothing = [null().label(f"n{i}") for i in range(DAY_WORDS - 1)]
    masks = select(_DAYS.c.resource_id, _DAYS.c.day, *_WORDS).where(
        _DAYS.c.clinic_id == bindparam("clinic"), _DAYS.c.day.between(bindparam("first"), bindparam("last"))
    )
    lapsed = select(_CELLS.c.resource_id, null(), _CELLS.c.cell, *nothing).where(
        _CELLS.c.clinic_id == bindparam("clinic"), _CELLS.c.held_until <= bindparam("now")
    )
    revision = select(literal(""), null(), ClinicRow.revision, *nothing).where(
        ClinicRow.clinic_id == bindparam("clinic")
    )
    return union_all(masks, lapsed, revision)


_READ = _reading()


class OccupancyStore(ClinicStore):
    """Occupied time of one clinic's resources."""

    def read(self, first: date, last: date, now: datetime, zone: ZoneInfo) -> Occupancy:
        """Return what is occupied from `first` to `last` (local days, both included) at the instant `now`."""
        rows = self.connection.execute(_READ, {"clinic": self.clinic_id, "first": first, "last": last, "now": now})
        revision, busy, lapsed = None, defaultdict[str, dict[date, int]](dict), []
        for resource, day, w0, w1, w2, w3, w4 in rows:
            if day is not None:
                busy[resource][day] = w0 | w1 << 60 | w2 << 120 | w3 << 180 | w4 << 240
            elif resource:
                lapsed.append((resource, w0))
            else:
                revision = w0
        for resource, cell in lapsed:
            grid = day_grid(zone, local_day(instant_of(cell), zone))
            if grid.day in busy[resource]:
                busy[resource][grid.day] &= ~(1 << (cell - grid.first))
        return Occupancy(revision, busy)

    def take(
        self,
        appointment_id: str,
        resource_id: str,
        cells: range,
        held_until: datetime | None,
        now: datetime,
        zone: ZoneInfo,
    ) -> bool:
        """Occupy the cells for the appointment until `held_until` (None: for good); False when somebody else has one of them.

        Cells of a lapsed hold, and the appointment's own, are taken over by the same statement. On False the caller must roll back.
        """
        insert = self.insert_into(_CELLS)
        rows = [
            {
                "clinic_id": self.clinic_id,
                "resource_id": resource_id,
                "cell": cell,
                "appointment_id": appointment_id,
                "held_until": held_until,
            }
            for cell in cells
        ]
        statement = insert.values(rows)
        statement = statement.on_conflict_do_update(
            index_elements=["clinic_id", "resource_id", "cell"],
            set_={"appointment_id": statement.excluded.appointment_id, "held_until": statement.excluded.held_until},
            where=or_(_CELLS.c.held_until <= now, _CELLS.c.appointment_id == appointment_id),
        ).returning(_CELLS.c.cell)
        # psycopg reports no row count for several rows with ON CONFLICT: count what comes back.
        if len(self.connection.execute(statement).all()) < len(cells):
            return False
        for grid, mask in _by_day(cells, zone):
            self._mark(resource_id, grid.day, mask)
        return True

    def free(self, appointment_id: str, zone: ZoneInfo) -> None:
        """Give back every cell the appointment still has."""
        statement = delete(_CELLS).where(
            _CELLS.c.clinic_id == self.clinic_id, _CELLS.c.appointment_id == appointment_id
        )
        freed: dict[str, list[int]] = defaultdict(list)
        for resource_id, cell in self.connection.execute(statement.returning(_CELLS.c.resource_id, _CELLS.c.cell)):
            freed[resource_id].append(cell)
        for resource_id in sorted(freed):
            for grid, mask in _by_day(sorted(freed[resource_id]), zone):
                self._clear(resource_id, grid.day, mask)

    def _mark(self, resource_id: str, day: date, mask: int) -> None:
        statement = self.insert_into(_DAYS)
        words = {f"w{i}": word for i, word in enumerate(words_of(mask))}
        statement = statement.values(clinic_id=self.clinic_id, day=day, resource_id=resource_id, **words)
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["clinic_id", "day", "resource_id"],
                set_={column.name: column.op("|")(statement.excluded[column.name]) for column in _WORDS},
            )
        )

    def _clear(self, resource_id: str, day: date, mask: int) -> None:
        kept = [_WORD & ~word for word in words_of(mask)]
        self.connection.execute(
            update(_DAYS)
            .where(_DAYS.c.clinic_id == self.clinic_id, _DAYS.c.day == day, _DAYS.c.resource_id == resource_id)
            .values({column.name: column.op("&")(word) for column, word in zip(_WORDS, kept, strict=True)})
        )


def _by_day(cells: Iterable[int], zone: ZoneInfo) -> Iterable[tuple[DayGrid, int]]:
    masks: dict[date, tuple[DayGrid, int]] = {}
    grid: DayGrid | None = None
    for cell in cells:
        if grid is None or not grid.first <= cell < grid.first + grid.length:
            grid = day_grid(zone, local_day(instant_of(cell), zone))
        masks[grid.day] = (grid, masks.get(grid.day, (grid, 0))[1] | 1 << (cell - grid.first))
    return [masks[day] for day in sorted(masks)]
