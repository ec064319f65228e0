"""Occupied time: the cell rows that decide every race, and the day masks kept beside them for fast reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    Table,
    bindparam,
    case,
    delete,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)

from okienko_server.domain.cells import DayGrid, day_grid, instant_of, local_day, ones
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import (
    DAY_WORDS,
    WORD_BITS,
    CellRow,
    ClinicRow,
    DayOccupancyRow,
    Instant,
    NextStartRow,
    PractitionerRow,
    StartBoundRow,
)

_WORD = ones(WORD_BITS)
_CELLS: Table = CellRow.__table__  # type: ignore[assignment]
_DAYS: Table = DayOccupancyRow.__table__  # type: ignore[assignment]
_WORDS = [_DAYS.c[f"w{i}"] for i in range(DAY_WORDS)]
_CLINIC: BindParameter[str] = bindparam("clinic")
_NOW: BindParameter[datetime] = bindparam("now", type_=Instant())
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


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
        _DAYS.c.clinic_id == _CLINIC, _DAYS.c.day.between(bindparam("first"), bindparam("last"))
    )
    lapsed = select(_CELLS.c.resource_id, null(), _CELLS.c.cell, *nothing).where(
        _CELLS.c.clinic_id == _CLINIC, _CELLS.c.held_until <= _NOW
    )
    revision = select(literal(""), null(), ClinicRow.revision, *nothing).where(ClinicRow.clinic_id == _CLINIC)
    return union_all(masks, lapsed, revision)


def _taking(insert: Any) -> Any:
    """Insert a run of cells in ascending order, so that two takers never wait for each other crosswise."""
    span = select(bindparam("first").label("cell")).cte("span", recursive=True)
    span = span.union_all(select(span.c.cell + 1).where(span.c.cell < bindparam("last")))
    held = bindparam("held_until", type_=Instant())
    rows = select(_CLINIC, bindparam("resource"), span.c.cell, bindparam("appointment"), held).where(true())
    statement = insert(_CELLS).from_select(["clinic_id", "resource_id", "cell", "appointment_id", "held_until"], rows)
    return statement.on_conflict_do_update(
        index_elements=["clinic_id", "resource_id", "cell"],
        set_={"appointment_id": statement.excluded.appointment_id, "held_until": statement.excluded.held_until},
        where=or_(_CELLS.c.held_until <= _NOW, _CELLS.c.appointment_id == statement.excluded.appointment_id),
    ).returning(_CELLS.c.cell)


def _marking(insert: Any) -> Any:
    statement = insert(_DAYS)
    return statement.on_conflict_do_update(
        index_elements=["clinic_id", "day", "resource_id"],
        set_={column.name: column.op("|")(statement.excluded[column.name]) for column in _WORDS},
    )


_READ = _reading()
_TAKE = on_both(_taking)
_MARK = on_both(_marking)
_KEEP = (
    update(_CELLS)
    .where(_CELLS.c.clinic_id == _CLINIC, _CELLS.c.appointment_id == bindparam("appointment"))
    .where(or_(_CELLS.c.held_until > _NOW, _CELLS.c.held_until.is_(None)))
    .values(held_until=bindparam("until", type_=Instant()))
    .returning(_CELLS.c.cell)
)
_FREE = (
    delete(_CELLS)
    .where(_CELLS.c.clinic_id == _CLINIC, _CELLS.c.appointment_id == bindparam("appointment"))
    .returning(_CELLS.c.resource_id, _CELLS.c.cell)
)
_CLEAR = (
    update(_DAYS)
    .where(_DAYS.c.clinic_id == _CLINIC, _DAYS.c.day == bindparam("on"), _DAYS.c.resource_id == bindparam("resource"))
    .values({column.name: column.op("&")(bindparam(f"kept{i}")) for i, column in enumerate(_WORDS)})
)


_BEHIND = (
    update(NextStartRow)
    .where(NextStartRow.clinic_id == _CLINIC, NextStartRow.practitioner_id == bindparam("resource"))
    .values(good_until=LONG_AGO, due_at=LONG_AGO, version=NextStartRow.version + 1)
)
"""The next starts kept of a therapist are not good any more; the last lock a change of occupancy takes."""
_WAS: BindParameter[datetime] = bindparam("was", type_=Instant())
_LAPSED_FOR_THE_WORKER = NextStartRow.good_until > _WAS
_KEPT = _BEHIND.values(
    good_until=case((_LAPSED_FOR_THE_WORKER, literal(LONG_AGO, Instant())), else_=NextStartRow.good_until),
    due_at=case((_LAPSED_FOR_THE_WORKER, literal(LONG_AGO, Instant())), else_=NextStartRow.due_at),
)
"""A hold goes on: what somebody works out meanwhile is not written, and what was worked out as if it had lapsed is not good."""
_LOCK_THERAPISTS = (
    select(PractitionerRow.id)
    .where(PractitionerRow.clinic_id == _CLINIC, PractitionerRow.id.in_(bindparam("resources", expanding=True)))
    .order_by(PractitionerRow.id)
    .with_for_update(read=True, key_share=True)
)
"""As a booking's foreign key does: whoever makes a clinic's next starts waits for this transaction, or this one sees them made."""
_UNBOUND = (
    update(StartBoundRow)
    .where(StartBoundRow.clinic_id == _CLINIC, StartBoundRow.practitioner_id == bindparam("resource"))
    .values(soonest=0, evening=0, weekend=0)
)
"""Nor are their bounds, where time was given back; taking it leaves a bound as true as it was."""


class OccupancyStore(ClinicStore):
    """Occupied time of one clinic's resources."""

    def read(self, first: date, last: date, now: datetime, zone: ZoneInfo) -> Occupancy:
        """Return what is occupied from `first` to `last` (local days, both included) at the instant `now`."""
        asked = {"clinic": self.clinic_id, "first": first, "last": last, "now": now}
        rows = self.connection.execute(_READ, asked).all()
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
        asked = {"clinic": self.clinic_id, "resource": resource_id, "appointment": appointment_id}
        bounds = {"first": cells[0], "last": cells[-1], "held_until": held_until, "now": now}
        # psycopg reports no row count for several rows with ON CONFLICT: count what comes back.
        if len(self.connection.execute(_TAKE[self.dialect], asked | bounds).all()) < len(cells):
            return False
        for grid, mask in _by_day(cells, zone):
            self._mark(resource_id, grid.day, mask)
        self._fall_behind([resource_id])
        return True

    def _fall_behind(self, resource_ids: Sequence[str], *, freed: bool = False) -> None:
        if freed:
            self._lock(resource_ids)
        for resource_id in resource_ids:
            asked = {"clinic": self.clinic_id, "resource": resource_id}
            self.connection.execute(_BEHIND, asked)
            if freed:
                self.connection.execute(_UNBOUND, asked)

    def _lock(self, resource_ids: Sequence[str]) -> None:
        if resource_ids and self.dialect == "postgresql":
            self.connection.execute(_LOCK_THERAPISTS, {"clinic": self.clinic_id, "resources": list(resource_ids)})

    def _mark(self, resource_id: str, day: date, mask: int) -> None:
        words = {f"w{i}": word for i, word in enumerate(words_of(mask))}
        row = {"clinic_id": self.clinic_id, "day": day, "resource_id": resource_id, **words}
        self.connection.execute(_MARK[self.dialect], row)

    def keep(
        self,
        appointment_id: str,
        resource_id: str,
        cells: range,
        held_until: datetime | None,
        now: datetime,
        zone: ZoneInfo,
        was: datetime | None = None,
    ) -> bool:
        """Go on occupying cells already held, until `held_until` (None: for good); a lapsed hold is taken anew when nobody came.

        `was` is until when they have been held so far; None: unknown. On False the caller must roll back.
        """
        asked = {"clinic": self.clinic_id, "appointment": appointment_id, "until": held_until, "now": now}
        if len(self.connection.execute(_KEEP, asked).all()) == len(cells):
            self._lock([resource_id])
            mine = {"clinic": self.clinic_id, "resource": resource_id, "was": was or LONG_AGO}
            self.connection.execute(_KEPT, mine)
            return True
        return self.take(appointment_id, resource_id, cells, held_until, now, zone)

    def free(self, appointment_id: str, zone: ZoneInfo) -> None:
        """Give back every cell the appointment still has."""
        freed: dict[str, list[int]] = defaultdict(list)
        for resource_id, cell in self.connection.execute(
            _FREE, {"clinic": self.clinic_id, "appointment": appointment_id}
        ):
            freed[resource_id].append(cell)
        for resource_id in sorted(freed):
            for grid, mask in _by_day(sorted(freed[resource_id]), zone):
                kept = {f"kept{i}": _WORD & ~word for i, word in enumerate(words_of(mask))}
                row = {"clinic": self.clinic_id, "on": grid.day, "resource": resource_id, **kept}
                self.connection.execute(_CLEAR, row)
        self._fall_behind(sorted(freed), freed=True)


def _by_day(cells: Iterable[int], zone: ZoneInfo) -> list[tuple[DayGrid, int]]:
    masks: dict[date, tuple[DayGrid, int]] = {}
    grid: DayGrid | None = None
    for cell in cells:
        if grid is None or not grid.first <= cell < grid.first + grid.length:
            grid = day_grid(zone, local_day(instant_of(cell), zone))
        masks[grid.day] = (grid, masks.get(grid.day, (grid, 0))[1] | 1 << (cell - grid.first))
    return [masks[day] for day in sorted(masks)]
