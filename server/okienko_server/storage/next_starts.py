"""The next free starts the portal's search reads: who is behind, what is written, what is found.

A row knows when it stops being good: `good_until` is when a hold in it lapses or its window ends, a change of the therapist's
occupancy puts it to LONG_AGO in the same transaction, and a change of the offer leaves the clinic's `searched` behind its
`revision`. What is behind is worked out anew by the worker soon, and by a reader at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import aliased

from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.starts import Bounds, When, fold
from okienko_server.storage.directory import PortalStore, visible
from okienko_server.storage.occupancy import LONG_AGO, mask_of
from okienko_server.storage.store import ClinicStore, OperatorStore
from okienko_server.storage.tables import (
    CellRow,
    ClinicRow,
    CompetenceRow,
    DayOccupancyRow,
    LocationRow,
    NextStartRow,
    PractitionerRow,
    ServiceRow,
)

_N, _C = NextStartRow, CompetenceRow
NOTHING = fold(0)
_CATEGORIES = list(ProblemCategory)


def category_bit(category: ProblemCategory) -> int:
    """Return the bit of a category in a row."""
    return 1 << _CATEGORIES.index(category)


@dataclass(frozen=True, slots=True)
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
    price: int
    categories: int
    access: int
    languages: int
    tile: int | None
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class Worked:
    """What was worked out for one row."""

    starts: bytes
    base: int
    bounds: Bounds
    good_until: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A cell somebody holds, and until when."""

    cell: int
    until: datetime


class NextStartStore(ClinicStore):
    """The next starts of one clinic."""

    def keep_only(self, wanted: dict[RowKey, Traits]) -> None:
        """Bring the set of rows to what the offer holds, every one of them behind."""
        # Waits for bookings under way, whose foreign keys hold the therapists' rows: none commits unseen after the rows are new.
        people = select(PractitionerRow.id).where(PractitionerRow.clinic_id == self.clinic_id)
        self.connection.execute(people.order_by(PractitionerRow.id).with_for_update())
        mine = _N.clinic_id == self.clinic_id
        key = (_N.location_id, _N.practitioner_id, _N.service_id)
        there = {RowKey(*row) for row in self.connection.execute(select(*key).where(mine))}
        for gone in there - wanted.keys():
            self.connection.execute(delete(_N).where(mine, *self._is(gone)))
        behind = {"good_until": LONG_AGO, "due_at": LONG_AGO, "soonest": 0, "evening": 0, "weekend": 0}
        for one in there & wanted.keys():
            changed = {**_columns(wanted[one]), **behind, "version": _N.version + 1}
            self.connection.execute(update(_N).where(mine, *self._is(one)).values(changed))
        rows = [
            {
                "clinic_id": self.clinic_id, **_columns(one), **_columns(traits), **behind, "version": 0, "base": 0,
                "starts": NOTHING,
            }
            for one, traits in wanted.items()
            if one not in there
        ]  # fmt: skip
        if rows:
            self.connection.execute(insert(_N), rows)

    @staticmethod
    def _is(key: RowKey) -> tuple[ColumnElement[bool], ...]:
        return (
            _N.location_id == key.location_id,
            _N.practitioner_id == key.practitioner_id,
            _N.service_id == key.service_id,
        )

    def versions(self, practitioner_id: str) -> dict[RowKey, int]:
        """Return the rows of a therapist with the version each stands at."""
        statement = select(_N.location_id, _N.practitioner_id, _N.service_id, _N.version).where(
            _N.clinic_id == self.clinic_id, _N.practitioner_id == practitioner_id
        )
        return {RowKey(*key): version for *key, version in self.connection.execute(statement)}

    def days(self, practitioner_id: str, first: date, last: date) -> dict[date, int]:
        """Return the occupied day masks of one therapist, cells of lapsed holds still in them."""
        d = DayOccupancyRow
        statement = select(d.day, d.w0, d.w1, d.w2, d.w3, d.w4).where(
            d.clinic_id == self.clinic_id, d.resource_id == practitioner_id, d.day.between(first, last)
        )
        rows = self.connection.execute(statement)
        return {day: mask_of(words) for day, *words in rows}

    def held(self, practitioner_id: str) -> list[Held]:
        """Return the therapist's cells that a hold has, each with the end of the hold."""
        c = CellRow
        statement = select(c.cell, c.held_until).where(
            c.clinic_id == self.clinic_id, c.held_until.is_not(None), c.resource_id == practitioner_id
        )
        return [Held(cell, until) for cell, until in self.connection.execute(statement) if until]

    def write(self, key: RowKey, version: int, worked: Worked) -> None:
        """Write what was worked out for a version; nothing when the occupancy changed since."""
        statement = update(_N).where(_N.clinic_id == self.clinic_id, *self._is(key), _N.version == version)
        self.connection.execute(
            statement.values(
                starts=worked.starts,
                base=worked.base,
                soonest=worked.bounds.soonest,
                evening=worked.bounds.evening,
                weekend=worked.bounds.weekend,
                good_until=worked.good_until,
                due_at=worked.due_at,
            )
        )

    def caught_up(self, revision: int) -> bool:
        """Say that the rows stand at that revision of the offer; False when the offer is a newer one by now."""
        mine = (ClinicRow.clinic_id == self.clinic_id, ClinicRow.revision == revision)
        return self.connection.execute(update(ClinicRow).where(*mine).values(searched=revision)).rowcount == 1


def _columns(part: RowKey | Traits) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__dataclass_fields__}


class NextStartsDueStore(OperatorStore):
    """What the worker has to work out anew."""

    def behind(self, limit: int) -> list[str]:
        """Return ids of clinics whose offer changed since their rows were made."""
        statement = select(ClinicRow.clinic_id).where(_BEHIND).order_by(ClinicRow.clinic_id)
        return list(self.connection.execute(statement.limit(limit)).scalars())

    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (clinic id, practitioner id) of therapists to be worked out anew, the longest due first."""
        therapist = (_N.clinic_id, _N.practitioner_id)
        statement = select(*therapist).where(_N.due_at <= now).group_by(*therapist).order_by(func.min(_N.due_at))
        return [(clinic, person) for clinic, person in self.connection.execute(statement.limit(limit))]


_BEHIND = or_(ClinicRow.searched.is_(None), ClinicRow.searched != ClinicRow.revision)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the search looks for; `need` and `language` are bits, 0: any."""

    category: ProblemCategory
    age: AgeRange
    kind: str
    when: When
    access: int = 0
    language: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address or a row as it is ranked: where it is, and a cell before which it holds no start."""

    clinic_id: str
    location_id: str
    bound: int
    latitude: float | None
    longitude: float | None


class PortalStartsStore(PortalStore):
    """The next starts of every clinic the portal lists."""

    def around(self, wanted: Wanted, tiles: Sequence[int], end: int, now: datetime) -> list[Candidate]:
        """Return every address in those squares where a row may hold a start before a cell, with the lowest bound there."""
        # The sum keeps SQLite from the index on bounds, which it takes for narrower than the one on squares.
        near = _plain(wanted).where(_N.tile.in_(tiles), _bound(wanted.when) + 0 < end)
        n = near.cte("near").prefix_with("MATERIALIZED")
        statement = (
            select(n.c.clinic_id, n.c.location_id, func.min(n.c.bound), func.min(n.c.latitude), func.min(n.c.longitude))
            .join(ClinicRow, ClinicRow.clinic_id == n.c.clinic_id)
            .where(_treated(wanted, n.c), *visible(now))
            .group_by(n.c.clinic_id, n.c.location_id)
        )
        return [Candidate(*row) for row in self.connection.execute(statement)]

    def everywhere(self, wanted: Wanted, end: int, now: datetime, limit: int) -> tuple[list[Candidate], int | None]:
        """Return what fits among the `limit` rows with the lowest bounds, and the bound beyond which nothing was read; None: all was."""
        bound = _bound(wanted.when)
        soon = _plain(wanted).where(bound < end).order_by(bound).limit(limit)
        n = soon.cte("soon").prefix_with("MATERIALIZED")
        # A value, no EXISTS: PostgreSQL would look through every clinic there is for the sake of these few.
        listed = select(true()).where(ClinicRow.clinic_id == n.c.clinic_id, *visible(now)).scalar_subquery()
        fits = listed.is_not(None) & _treated(wanted, n.c)
        columns = (n.c.clinic_id, n.c.location_id, n.c.bound, n.c.latitude, n.c.longitude)
        rows = self.connection.execute(select(*columns, fits)).all()
        ceiling = max(row[2] for row in rows) if len(rows) == limit else None
        return [Candidate(*row[:5]) for row in rows if row[5]], ceiling

    def rows_at(self, wanted: Wanted, places: Iterable[tuple[str, str]]) -> list[Row[Any]]:
        """Return the rows at (clinic id, location id) with everything the search shows of them."""
        asked = list(places)
        clinics = sorted({clinic_id for clinic_id, _ in asked})
        return list(self.connection.execute(_rows_at(wanted), {"clinics": clinics, "places": asked}))

    def behind(self, now: datetime, limit: int) -> list[str]:
        """Return ids of listed clinics whose offer changed since their rows were made."""
        statement = select(ClinicRow.clinic_id).where(_BEHIND, *visible(now)).order_by(ClinicRow.clinic_id)
        return list(self.connection.execute(statement.limit(limit)).scalars())


def _bound(when: When) -> Any:
    return {When.EVENING: _N.evening, When.WEEKEND: _N.weekend}.get(when, _N.soonest)


def _fits(wanted: Wanted, n: type[NextStartRow] = _N) -> list[ColumnElement[bool]]:
    found = [n.kind == wanted.kind, n.categories.op("&")(category_bit(wanted.category)) != 0]
    if wanted.access:
        found.append(n.access.op("&")(wanted.access) == wanted.access)
    if wanted.language:
        found.append(n.languages.op("&")(wanted.language) != 0)
    return found


def _competent(wanted: Wanted, n: Any) -> ColumnElement[bool]:
    return and_(
        _C.clinic_id == n.clinic_id,
        _C.practitioner_id == n.practitioner_id,
        _C.category == wanted.category.value,
        _C.lowest_months <= wanted.age.lowest,
        _C.highest_months >= wanted.age.highest,
    )


def _plain(wanted: Wanted) -> Select[Any]:
    """Return the rows themselves: planned without the joins, whose sizes both engines misjudge."""
    bound = _bound(wanted.when).label("bound")
    columns = (_N.clinic_id, _N.location_id, _N.practitioner_id, bound, _N.latitude, _N.longitude)
    return select(*columns).where(*_fits(wanted))


def _treated(wanted: Wanted, n: Any) -> ColumnElement[bool]:
    """Return the condition that the therapist of a row may treat the problem at that age."""
    return exists().where(_competent(wanted, n))


@lru_cache(maxsize=512)
def _rows_at(wanted: Wanted) -> Select[Any]:
    """Return the statement that reads the shown rows of some addresses; kept, because making it takes longer than running it."""
    kept = (
        select(_N.__table__)
        .where(_N.clinic_id.in_(bindparam("clinics", expanding=True)))
        .where(tuple_(_N.clinic_id, _N.location_id).in_(bindparam("places", expanding=True)))
    )
    # Read by key before anything is joined: SQLite looks pairs up in no index, and guesses a walk through a whole table cheaper.
    n = aliased(_N, kept.cte("kept").prefix_with("MATERIALIZED"))
    person, place, service = PractitionerRow, LocationRow, ServiceRow
    return (
        select(*_shown(n))
        .join(ClinicRow, ClinicRow.clinic_id == n.clinic_id)
        .join(place, (place.clinic_id == n.clinic_id) & (place.id == n.location_id))
        .join(person, (person.clinic_id == n.clinic_id) & (person.id == n.practitioner_id))
        .join(service, (service.clinic_id == n.clinic_id) & (service.id == n.service_id))
        .where(*_fits(wanted, n), _treated(wanted, n))
        .order_by(n.clinic_id, n.location_id, n.position, person.position, n.practitioner_id)
    )


def _shown(n: type[NextStartRow]) -> tuple[Any, ...]:
    """Return the columns the search shows of a row."""
    return (
        n.clinic_id, n.location_id, n.practitioner_id, n.service_id, n.position, n.price, n.good_until, n.base,
        n.starts, n.latitude, n.longitude, ClinicRow.slug, ClinicRow.name, ClinicRow.phone, ClinicRow.zone,
        ClinicRow.notice_minutes, ClinicRow.horizon_days, LocationRow.name.label("location_name"), LocationRow.street,
        LocationRow.postcode, LocationRow.city, LocationRow.access, LocationRow.latitude.label("own_latitude"),
        PractitionerRow.title, PractitionerRow.first_name, PractitionerRow.last_name,
        PractitionerRow.position.label("person_position"), ServiceRow.name.label("service_name"), ServiceRow.minutes,
    )  # fmt: skip
