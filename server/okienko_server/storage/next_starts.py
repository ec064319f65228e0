"""The next free starts the portal's search reads, as they are kept: which rows there are, who is behind, what is written.

A row knows when it stops being good: `good_until` is when a hold in it lapses or its window ends, a change of the therapist's
occupancy puts it to LONG_AGO in the same transaction, and a change of the offer leaves the clinic's `searched` behind its
`revision`. What is behind is worked out anew by the worker soon, and by a reader at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from okienko_server.domain.problem import Competence
from okienko_server.domain.spots import Spot
from okienko_server.domain.starts import Bounds, fold
from okienko_server.storage.occupancy import LONG_AGO, mask_of
from okienko_server.storage.store import ClinicStore, OperatorStore, padded
from okienko_server.storage.tables import (
    CellRow,
    ClinicRow,
    DayOccupancyRow,
    Instant,
    NextStartRow,
    PractitionerRow,
    StartBoundRow,
)

_N, _B = NextStartRow, StartBoundRow
_NOTHING = fold(0)
UNKNOWN = Bounds(0, 0, 0)
VERSIONS_A_REVISION = 1 << 20
Therapist = tuple[str, str]
"""Clinic id, practitioner id."""
_CLINIC: BindParameter[str] = bindparam("clinic")
_PERSON: BindParameter[str] = bindparam("person")


@dataclass(frozen=True, slots=True, order=True)
class RowKey:
    """Whose starts of what, where, within one clinic."""

    location_id: str
    practitioner_id: str
    service_id: str


@dataclass(frozen=True, slots=True)
class Traits:
    """What a row is found by, beside its starts."""

    kind: str
    position: int
    competences: tuple[Competence, ...]
    """Those of the therapist that the service is for."""
    access: int
    languages: int
    tile: int
    spot: Spot
    lot: int


@dataclass(frozen=True, slots=True)
class Worked:
    """What was worked out for one row."""

    starts: bytes
    base: int
    bounds: Bounds
    good_until: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Finished:
    """What was worked out for a version of one row; not written when the occupancy has changed since."""

    clinic_id: str
    key: RowKey
    version: int
    worked: Worked


@dataclass(frozen=True, slots=True)
class Held:
    """A cell somebody holds, and until when."""

    cell: int
    until: datetime


_CLINICS: BindParameter[Any] = bindparam("clinics", expanding=True)
_PEOPLE: BindParameter[Any] = bindparam("people", expanding=True)
_VERSIONS = select(_N.clinic_id, _N.location_id, _N.practitioner_id, _N.service_id, _N.version).where(
    tuple_(_N.clinic_id, _N.practitioner_id).in_(bindparam("therapists", expanding=True))
)
_D, _C = DayOccupancyRow, CellRow
_DAYS = select(_D.clinic_id, _D.resource_id, _D.day, _D.w0, _D.w1, _D.w2, _D.w3, _D.w4).where(
    _D.clinic_id.in_(_CLINICS), _D.resource_id.in_(_PEOPLE), _D.day.between(bindparam("first"), bindparam("last"))
)
_HELD = select(_C.clinic_id, _C.resource_id, _C.cell, _C.held_until).where(
    _C.clinic_id.in_(_CLINICS), _C.held_until.is_not(None), _C.resource_id.in_(_PEOPLE)
)


class NextStartStore(ClinicStore):
    """The next starts of one clinic."""

    def keep_only(self, wanted: dict[RowKey, Traits], revision: int, *, listed: bool) -> None:
        """Bring the set of rows to what an offer's revision holds, every one of them behind.

        They are found by nothing while the clinic is not listed.
        """
        # Waits for changes of occupancy under way, which hold the therapists' rows: none commits unseen after the rows are new.
        people = select(PractitionerRow.id).where(PractitionerRow.clinic_id == self.clinic_id)
        self.connection.execute(people.order_by(PractitionerRow.id).with_for_update())
        mine = _N.clinic_id == self.clinic_id
        key = (_N.location_id, _N.practitioner_id, _N.service_id)
        there = {RowKey(*row) for row in self.connection.execute(select(*key).where(mine))}
        behind = {"good_until": LONG_AGO, "due_at": LONG_AGO}
        for gone in sorted(there - wanted.keys()):
            self.connection.execute(delete(_N).where(mine, *_is(gone)))
        for one in sorted(there & wanted.keys()):
            changed = {"position": wanted[one].position, **behind, "version": _N.version + 1}
            self.connection.execute(update(_N).where(mine, *_is(one)).values(changed))
        # No version an earlier row of that key can have had: what was worked out for one is not written to the next.
        version = revision * VERSIONS_A_REVISION
        fresh = {"clinic_id": self.clinic_id, **behind, "version": version, "base": 0, "starts": _NOTHING}
        new = [
            asdict(one) | fresh | {"position": traits.position} for one, traits in wanted.items() if one not in there
        ]
        if new:
            self.connection.execute(insert(_N), new)
        self.connection.execute(delete(_B).where(_B.clinic_id == self.clinic_id))
        bounds = [row for one, traits in wanted.items() for row in bound_rows(self.clinic_id, one, traits)]
        if bounds and listed:
            self.connection.execute(insert(_B), bounds)

    def caught_up(self, revision: int) -> bool:
        """Say that the rows stand at that revision of the offer; False when the offer is a newer one by now."""
        mine = (ClinicRow.clinic_id == self.clinic_id, ClinicRow.revision == revision)
        return self.connection.execute(update(ClinicRow).where(*mine).values(searched=revision)).rowcount == 1


def _is(key: RowKey) -> tuple[ColumnElement[bool], ...]:
    return (
        _N.location_id == key.location_id,
        _N.practitioner_id == key.practitioner_id,
        _N.service_id == key.service_id,
    )


def bound_rows(clinic_id: str, key: RowKey, traits: Traits, bounds: Bounds = UNKNOWN) -> list[dict[str, Any]]:
    """Return the rows a next start is found by, one for each competence."""
    shared = asdict(key) | {
        "clinic_id": clinic_id, "kind": traits.kind, "access": traits.access, "languages": traits.languages,
        "tile": traits.tile, **traits.spot._asdict(), "lot": traits.lot,
        "soonest": bounds.soonest, "evening": bounds.evening, "weekend": bounds.weekend,
    }  # fmt: skip
    return [
        shared
        | {
            "category": one.category.value,
            "lowest_months": one.ages.lowest,
            "highest_months": one.ages.highest,
        }
        for one in traits.competences
    ]


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
        statement = select(ClinicRow.clinic_id).where(OFFER_CHANGED).order_by(ClinicRow.clinic_id)
        if apart:
            statement = statement.where(ClinicRow.clinic_id.not_in(apart))
        return list(self.connection.execute(statement.limit(limit)).scalars())

    def due(self, now: datetime, limit: int, apart: Collection[str] = ()) -> list[Therapist]:
        """Return the therapists to be worked out anew, the longest due first; those of clinics apart are left out."""
        therapist = (_N.clinic_id, _N.practitioner_id)
        statement = select(*therapist).where(_N.due_at <= now).group_by(*therapist).order_by(func.min(_N.due_at))
        if apart:
            statement = statement.where(_N.clinic_id.not_in(apart))
        return [(clinic, person) for clinic, person in self.connection.execute(statement.limit(limit))]

    def versions(self, therapists: Sequence[Therapist]) -> dict[Therapist, dict[RowKey, int]]:
        """Return the rows of each therapist with the version each row stands at."""
        found: dict[Therapist, dict[RowKey, int]] = {one: {} for one in therapists}
        for clinic, *key, version in self.connection.execute(_VERSIONS, {"therapists": padded(therapists)}):
            row = RowKey(*key)
            found[clinic, row.practitioner_id][row] = version
        return found

    def days(self, therapists: Sequence[Therapist], first: date, last: date) -> dict[Therapist, dict[date, int]]:
        """Return the occupied day masks of each therapist, cells of lapsed holds still in them."""
        found: dict[Therapist, dict[date, int]] = {one: {} for one in therapists}
        for clinic, person, day, *words in self.connection.execute(
            _DAYS, _asked(therapists) | {"first": first, "last": last}
        ):
            # Two clinics may call somebody by the same id.
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
            for one in finished
        ]  # fmt: skip
        if rows:
            # The starts first: who gives time back waits for their rows, and then finds the bounds as they were written.
            self.connection.execute(_WRITE, rows)
            self.connection.execute(_BOUND, rows)


def _asked(therapists: Sequence[Therapist]) -> dict[str, Any]:
    clinics, people = zip(*therapists, strict=True) if therapists else ((), ())
    return {"clinics": padded(dict.fromkeys(clinics)), "people": padded(people)}


OFFER_CHANGED = or_(ClinicRow.searched.is_(None), ClinicRow.searched != ClinicRow.revision)
"""The condition that a ClinicRow's rows are behind its offer."""
