"""What the worker reads and writes of the next starts: therapists of many clinics at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from okienko_server.storage.next_starts import OFFER_CHANGED, Finished, Held, RowKey, in_turn
from okienko_server.storage.occupancy import mask_of
from okienko_server.storage.store import OperatorStore, padded
from okienko_server.storage.tables import (
    CellRow,
    ClinicRow,
    DayOccupancyRow,
    Instant,
    NextStartRow,
    StartBoundRow,
)

_N, _B = NextStartRow, StartBoundRow
ROWS_A_THERAPIST = 10
"""Services at addresses a therapist has, at a guess; where it is more, a turn takes fewer therapists."""
Therapist = tuple[str, str]
"""Clinic id, practitioner id."""
_CLINIC: BindParameter[str] = bindparam("clinic")
_PERSON: BindParameter[str] = bindparam("person")
_CLINICS: BindParameter[Any] = bindparam("clinics", expanding=True)
_PEOPLE: BindParameter[Any] = bindparam("people", expanding=True)
_VERSIONS = select(_N.clinic_id, _N.location_id, _N.practitioner_id, _N.service_id, _N.version).where(
    _N.clinic_id.in_(_CLINICS), _N.practitioner_id.in_(_PEOPLE)
)
_D, _C = DayOccupancyRow, CellRow
_DAYS = select(_D.clinic_id, _D.resource_id, _D.day, _D.w0, _D.w1, _D.w2, _D.w3, _D.w4).where(
    _D.clinic_id.in_(_CLINICS), _D.resource_id.in_(_PEOPLE), _D.day.between(bindparam("first"), bindparam("last"))
)
_HELD = select(_C.clinic_id, _C.resource_id, _C.cell, _C.held_until).where(
    _C.clinic_id.in_(_CLINICS), _C.held_until.is_not(None), _C.resource_id.in_(_PEOPLE)
)


def _at(table: type[NextStartRow] | type[StartBoundRow]) -> tuple[ColumnElement[bool], ...]:
    return (
        table.clinic_id == _CLINIC,
        table.location_id == bindparam("location"),
        table.practitioner_id == _PERSON,
        table.service_id == bindparam("service"),
    )


def _is_at(version: BindParameter[int]) -> ColumnElement[bool]:
    return exists().where(*_at(_N), _N.version == version)


_SOONEST, _EVENING, _WEEKEND = (
    bindparam(f"the_{name}", type_=_B.soonest.type) for name in ("soonest", "evening", "weekend")
)
_VERSION: BindParameter[int] = bindparam("worked_version", type_=_N.version.type)
_WRITE = (
    update(_N)
    .where(*_at(_N), _N.version == _VERSION)
    .values(
        starts=bindparam("the_starts"),
        base=bindparam("the_base"),
        good_until=bindparam("until", type_=Instant()),
        due_at=bindparam("due", type_=Instant()),
    )
)
_BOUND = (
    update(_B)
    .where(*_at(_B), or_(_B.soonest != _SOONEST, _B.evening != _EVENING, _B.weekend != _WEEKEND), _is_at(_VERSION))
    .values(soonest=_SOONEST, evening=_EVENING, weekend=_WEEKEND)
)


class NextStartsDueStore(OperatorStore):
    """What the worker has to work out anew, and what it has."""

    def behind(self, limit: int, apart: Collection[str] = ()) -> list[str]:
        """Return ids of clinics whose offer changed since their rows were made; those apart are left out."""
        statement = select(ClinicRow.clinic_id).where(OFFER_CHANGED).order_by(in_turn(self.connection.dialect.name))
        if apart:
            statement = statement.where(ClinicRow.clinic_id.not_in(apart))
        return list(self.connection.execute(statement.limit(limit)).scalars())

    def due(self, now: datetime, limit: int, apart: Collection[str] = ()) -> list[Therapist]:
        """Return the therapists to be worked out anew, the longest due first; those of clinics apart are left out."""
        rows = select(_N.clinic_id, _N.practitioner_id, _N.due_at).where(_N.due_at <= now).order_by(_N.due_at)
        if apart:
            rows = rows.where(_N.clinic_id.not_in(apart))
        # Bounded before it is grouped: SQLite would walk through every row there is to have them in groups.
        some = rows.limit(limit * ROWS_A_THERAPIST).subquery()
        therapist = (some.c.clinic_id, some.c.practitioner_id)
        statement = select(*therapist).group_by(*therapist).order_by(func.min(some.c.due_at)).limit(limit)
        return [(clinic, person) for clinic, person in self.connection.execute(statement)]

    def versions(self, therapists: Sequence[Therapist]) -> dict[Therapist, dict[RowKey, int]]:
        """Return the rows of each therapist with the version each row stands at."""
        found: dict[Therapist, dict[RowKey, int]] = {one: {} for one in therapists}
        for clinic, *key, version in self.connection.execute(_VERSIONS, _asked(therapists)):
            row = RowKey(*key)
            # Two clinics may call somebody by the same id.
            if (clinic, row.practitioner_id) in found:
                found[clinic, row.practitioner_id][row] = version
        return found

    def days(self, therapists: Sequence[Therapist], first: date, last: date) -> dict[Therapist, dict[date, int]]:
        """Return the occupied day masks of each therapist, cells of lapsed holds still in them."""
        found: dict[Therapist, dict[date, int]] = {one: {} for one in therapists}
        for clinic, person, day, *words in self.connection.execute(
            _DAYS, _asked(therapists) | {"first": first, "last": last}
        ):
            if (clinic, person) in found:
                found[clinic, person][day] = mask_of(words)
        return found

    def held(self, therapists: Sequence[Therapist]) -> dict[Therapist, list[Held]]:
        """Return the cells of each therapist that a hold has, each with the end of the hold."""
        found: dict[Therapist, list[Held]] = {one: [] for one in therapists}
        for clinic, person, cell, until in self.connection.execute(_HELD, _asked(therapists)):
            if until and (clinic, person) in found:
                found[clinic, person].append(Held(cell, until))
        return found

    def write(self, finished: Sequence[Finished]) -> None:
        """Write what was worked out, each for its version; nothing where the occupancy has changed since."""
        rows = [
            {
                "clinic": one.clinic_id, "location": one.key.location_id, "person": one.key.practitioner_id,
                "service": one.key.service_id, "worked_version": one.version, "the_starts": one.worked.starts,
                "the_base": one.worked.base, "until": one.worked.good_until, "due": one.worked.due_at,
                "the_soonest": one.worked.bounds.soonest, "the_evening": one.worked.bounds.evening,
                "the_weekend": one.worked.bounds.weekend,
            }
            for one in sorted(finished, key=lambda one: (one.clinic_id, one.key))
        ]  # fmt: skip
        if rows:
            # In the order in which an offer's rows are changed; the starts first: who gives time back waits for their rows,
            # and then finds the bounds as they were written.
            self.connection.execute(_WRITE, rows)
            self.connection.execute(_BOUND, rows)


def _asked(therapists: Sequence[Therapist]) -> dict[str, Any]:
    clinics, people = zip(*therapists, strict=True) if therapists else ((), ())
    return {"clinics": padded(dict.fromkeys(clinics)), "people": padded(people)}
