"""What the portal's search reads: addresses in order by bounds alone, then the few that are shown with everything said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    bindparam,
    case,
    literal_column,
    select,
    union_all,
)

from okienko_server.domain.cells import ORDINARY_DAY
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.spots import Spot
from okienko_server.domain.starts import DayCount, When
from okienko_server.storage.directory import VISIBLE, PortalStore, visible_at
from okienko_server.storage.next_starts import OFFER_CHANGED
from okienko_server.storage.tables import (
    ClinicRow,
    LocationRow,
    NextStartRow,
    PractitionerRow,
    ServiceRow,
    StartBoundRow,
)

_B = StartBoundRow
MOST_BEHIND = 20
"""So many clinics whose offer has changed are told to one search; the worker sees to the others soon."""


class Ranked(StrEnum):
    """START: by the start alone. DAY: by day, on one day by distance. DISTANCE: by distance. Then by start, then by lot."""

    START = "start"
    DAY = "day"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the search looks for; `access` are bits that all have to be there, `language` bits one of which does, 0: any."""

    category: ProblemCategory
    age: AgeRange
    kind: str
    when: When
    begin: int
    """The cell it is now: an earlier bound says no more than this one."""
    end: int
    """The cell from which on no start is looked for."""
    days: DayCount
    access: int = 0
    language: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """Where: a spot, how far from it in square metres, and the squares of the map all of that lies in."""

    spot: Spot
    within: int
    tiles: tuple[int, ...] = field(default=())
    """None: the whole country."""


class Candidate(NamedTuple):
    """A row as it is ranked: a cell before which it holds no start, and how far off it lies, square metres."""

    clinic_id: str
    location_id: str
    bound: int
    lot: int
    apart: int


class Read(NamedTuple):
    """What one reading found, in whatever order; some rows may be of clinics not listed any more."""

    rows: list[Candidate]
    behind: set[str]
    """Ids of listed clinics whose offer changed since their rows were made, MOST_BEHIND at most."""


class PortalStartsStore(PortalStore):
    """The next starts of every clinic the portal lists."""

    def first(self, wanted: Wanted, around: Around | None, ranked: Ranked, now: datetime, limit: int) -> Read:
        """Return the first `limit` rows that may hold a fitting start, in one reading with who is behind."""
        tiles = _padded(around.tiles) if around else ()
        statement = _first(wanted.when, ranked, bool(tiles), bool(wanted.access), bool(wanted.language))
        asked = _told(wanted) | visible_at(now) | {"end": wanted.end, "rows": limit}
        if ranked is Ranked.DAY:
            days = wanted.days
            asked |= {"begin": wanted.begin, "midnight": days.first, "turn": days.turn, "shift": days.shift}
        if around:
            asked |= {**around.spot._asdict(), "within": around.within}
            asked |= {"tiles": tiles} if tiles else {}
        found, behind = [], set()
        for row in self.connection.execute(statement, asked).all():
            if row[1]:
                found.append(Candidate(*row))
            else:
                behind.add(row[0])
        return Read(found, behind)

    def rows_at(self, wanted: Wanted, places: Sequence[tuple[str, str]], now: datetime) -> list[Row[Any]]:
        """Return the rows at (clinic id, location id), and maybe at others, with everything the search shows of them.

        In the order of clinic, address, service, therapist; nothing of a clinic that the portal does not list or whose offer has
        changed since. A therapist with two competences that fit comes twice.
        """
        asked = {
            "clinics": _padded([clinic for clinic, _ in places]),
            "places": _padded([place for _, place in places]),
        }
        statement = _rows_at(bool(wanted.access), bool(wanted.language))
        return list(self.connection.execute(statement, _told(wanted) | asked | visible_at(now)))


def _padded(values: Sequence[Any]) -> list[Any]:
    """Return the values, the last one repeated up to a power of two: so there are few statements, and each is prepared once."""
    size = 1 << max(len(values) - 1, 0).bit_length() if values else 0
    return [*values, *[values[-1]] * (size - len(values))] if values else []


def _told(wanted: Wanted) -> dict[str, Any]:
    asked = {
        "category": wanted.category.value,
        "kind": wanted.kind,
        "lowest": wanted.age.lowest,
        "highest": wanted.age.highest,
    }
    if wanted.access:
        asked["access"] = wanted.access
    if wanted.language:
        asked["language"] = wanted.language
    return asked


def _whole(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger())


def _fits(*, access: bool, language: bool) -> list[ColumnElement[bool]]:
    found = [
        _B.kind == bindparam("kind"),
        _B.category == bindparam("category"),
        _B.lowest_months <= _whole("lowest"),
        _B.highest_months >= _whole("highest"),
    ]
    if access:
        found.append(_B.access.op("&")(_whole("access")) == _whole("access"))
    if language:
        found.append(_B.languages.op("&")(_whole("language")) != 0)
    return found


@lru_cache(maxsize=256)
def _first(when: When, ranked: Ranked, tiles: bool, access: bool, language: bool) -> CompoundSelect[Any]:
    """Return the statement of one sort of search; kept, because making it takes longer than running it."""
    nothing: list[ColumnElement[int]] = [literal_column("0").label(name) for name in ("bound", "lot", "apart")]
    columns: tuple[Any, ...] = (ClinicRow.clinic_id, literal_column("''").label("place"), *nothing)
    behind = select(*columns).where(OFFER_CHANGED, *VISIBLE)
    some = behind.order_by(ClinicRow.clinic_id).limit(MOST_BEHIND).subquery()
    found = _found(when, ranked, tiles, access, language).subquery()
    return union_all(select(some), select(found))


def _found(when: When, ranked: Ranked, tiles: bool, access: bool, language: bool) -> Select[Any]:
    bound: Any = {When.EVENING: _B.evening, When.WEEKEND: _B.weekend}.get(when, _B.soonest)
    away: Any = literal_column("0") if ranked is Ranked.START else _apart()
    statement = select(_B.clinic_id, _B.location_id, bound, _B.lot, away.label("apart")).where(
        *_fits(access=access, language=language)
    )
    if ranked is Ranked.START:
        return statement.where(bound < _whole("end")).order_by(bound, _B.lot).limit(_whole("rows"))
    # The sum keeps SQLite from the indexes on bounds, which it takes for narrower than the one on squares.
    statement = statement.where(bound + 0 < _whole("end"), away <= _whole("within"))
    if tiles:
        statement = statement.where(_B.tile.in_(bindparam("tiles", expanding=True)))
    order = [away, bound, _B.lot]
    if ranked is Ranked.DAY:
        order.insert(0, _day(bound))
    return statement.order_by(*order).limit(_whole("rows"))


def _apart() -> ColumnElement[int]:
    """`domain.spots.apart` in the database's words."""
    x, y, z = _B.x - _whole("x"), _B.y - _whole("y"), _B.z - _whole("z")
    return x * x + y * y + z * z


def _day(bound: ColumnElement[int]) -> ColumnElement[int]:
    """`domain.starts.DayCount.of` in the database's words, of the bound or else of now."""
    since = bound - _whole("midnight")
    return case(
        (bound < _whole("begin"), 0),
        (bound < _whole("turn"), since // ORDINARY_DAY),
        else_=(since - _whole("shift")) // ORDINARY_DAY,
    )


_N, _PERSON, _PLACE, _SERVICE = NextStartRow, PractitionerRow, LocationRow, ServiceRow
_SHOWN: tuple[Any, ...] = (
    _B.clinic_id, _B.location_id, _B.practitioner_id, _N.position, _N.good_until, _N.base, _N.starts, ClinicRow.slug,
    ClinicRow.name, ClinicRow.phone, ClinicRow.zone, ClinicRow.notice_minutes, ClinicRow.horizon_days,
    _PLACE.name.label("location_name"), _PLACE.street, _PLACE.postcode, _PLACE.city, _PLACE.access, _PLACE.latitude,
    _PLACE.longitude, _PERSON.title, _PERSON.first_name, _PERSON.last_name, _SERVICE.name.label("service_name"),
    _SERVICE.minutes, _SERVICE.price,
)  # fmt: skip


@lru_cache(maxsize=4)
def _rows_at(access: bool, language: bool) -> Select[Any]:
    same = and_(*(getattr(_N, name) == getattr(_B, name) for name in _KEY))
    return (
        select(*_SHOWN)
        .select_from(_B)
        .join(_N, same)
        .join(ClinicRow, ClinicRow.clinic_id == _B.clinic_id)
        .join(_PLACE, (_PLACE.clinic_id == _B.clinic_id) & (_PLACE.id == _B.location_id))
        .join(_PERSON, (_PERSON.clinic_id == _B.clinic_id) & (_PERSON.id == _B.practitioner_id))
        .join(_SERVICE, (_SERVICE.clinic_id == _B.clinic_id) & (_SERVICE.id == _B.service_id))
        .where(_B.clinic_id.in_(bindparam("clinics", expanding=True)))
        .where(_B.location_id.in_(bindparam("places", expanding=True)))
        .where(*_fits(access=access, language=language), ClinicRow.searched == ClinicRow.revision, *VISIBLE)
        .order_by(_B.clinic_id, _B.location_id, _N.position, _PERSON.position, _B.practitioner_id)
    )


_KEY = ("clinic_id", "location_id", "practitioner_id", "service_id")
