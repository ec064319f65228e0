"""The next free starts the portal's search reads, as they are kept: which rows there are, and when one is behind.

A row knows when it stops being good: `good_until` is when a hold in it lapses or its window ends, a change of the therapist's
occupancy puts it to LONG_AGO in the same transaction, and a change of the offer leaves the clinic's `searched` behind its
`revision`. What is behind is worked out anew by the worker soon, and by a reader at once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    delete,
    insert,
    or_,
    select,
    update,
)

from okienko_server.domain.problem import Competence
from okienko_server.domain.spots import Spot
from okienko_server.domain.starts import Bounds, fold
from okienko_server.storage.occupancy import LONG_AGO
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import (
    ClinicRow,
    NextStartRow,
    PractitionerRow,
    StartBoundRow,
)

_N, _B = NextStartRow, StartBoundRow
_NOTHING = fold(0)
UNKNOWN = Bounds(0, 0, 0)
VERSIONS_A_REVISION = 1 << 20


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


OFFER_CHANGED = or_(ClinicRow.searched.is_(None), ClinicRow.searched != ClinicRow.revision)
"""The condition that a ClinicRow's rows are behind its offer."""


def in_turn(dialect: str) -> ColumnElement[str]:
    """Return what clinics whose offer changed are ordered by, so that they are found by the small index of those alone.

    SQLite, where it counted few clinics, would walk through all of them in the order of their ids; PostgreSQL would without it.
    """
    return ClinicRow.clinic_id.concat("") if dialect == "sqlite" else ClinicRow.clinic_id.expression
