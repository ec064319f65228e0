"""What the portal's search reads: addresses in order by bounds alone, then the few that are shown with everything said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
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
MOST_CHANGED = 20
"""So many clinics whose offer has changed are told to one search; the worker sees to the others soon."""
AT_ONCE = 12
"""Addresses looked up at once: those of a page, one that tells there is another, one that turns out to be later than thought."""


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
    """Where: a spot, how far from it in square metres, and the strips of squares of the map all of that lies in."""

    spot: Spot
    within: int
    strips: tuple[tuple[int, int], ...] = ()
    """Empty: the whole country."""


class Candidate(NamedTuple):
    """A row as it is ranked: a cell before which it holds no start, and how far off it lies, square metres."""

    clinic_id: str
    location_id: str
    bound: int
    lot: int
    apart: int


class Read(NamedTuple):
    """What one reading found."""

    rows: list[Candidate]
    """In whatever order; some may be of clinics not listed any more."""
    behind: set[str]
    """Ids of listed clinics whose offer changed since their rows were made, MOST_CHANGED at most."""
    shown: list[Row[Any]]
    """What `rows_at` says of the first AT_ONCE addresses among the rows: mostly all that a page needs."""


class PortalStartsStore(PortalStore):
    """The next starts of every clinic the portal lists."""

    def first(self, wanted: Wanted, around: Around | None, ranked: Ranked, now: datetime, limit: int) -> Read:
        """Return the first `limit` rows that may hold a fitting start; one round trip for nearly every page."""
        strips = _padded(around.strips) if around else []
        narrowed = bool(wanted.access), bool(wanted.language)
        statement = _first(wanted.when, ranked, len(strips), *narrowed, self.connection.dialect.name)
        asked = _told(wanted) | visible_at(now) | {"end": wanted.end, "rows": limit}
        if ranked is Ranked.DAY:
            days = wanted.days
            asked |= {"begin": wanted.begin, "midnight": days.first, "turn": days.turn, "shift": days.shift}
        if around:
            asked |= {**around.spot._asdict(), "within": around.within}
            for number, (low, high) in enumerate(strips):
                # One that only fills up holds no square.
                asked |= {f"low{number}": low, f"high{number}": high if number < len(around.strips) else low - 1}
        found = Read([], set(), [])
        for row in self.connection.execute(statement, asked):
            if row.practitioner_id is not None:
                found.shown.append(row)
            elif row.location_id:
                found.rows.append(Candidate(row.clinic_id, row.location_id, row.bound, row.lot, row.apart))
            else:
                found.behind.add(row.clinic_id)
        found.shown.sort(key=_in_order)
        return found

    def anybody(self, wanted: Wanted, now: datetime) -> bool:
        """Return whether anybody anywhere may treat that at that age in that kind of visit, whatever else is wished for."""
        told = _told(replace(wanted, access=0, language=0)) | visible_at(now)
        return self.connection.execute(_ANYBODY, told).first() is not None

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
        return sorted(self.connection.execute(statement, _told(wanted) | asked | visible_at(now)), key=_in_order)


def _in_order(row: Row[Any]) -> tuple[Any, ...]:
    return row.clinic_id, row.location_id, row.position, row.person_position, row.practitioner_id


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
    return [
        _B.kind == bindparam("kind"),
        _B.category == bindparam("category"),
        *_asked(access=access, language=language),
    ]


def _asked(*, access: bool, language: bool) -> list[ColumnElement[bool]]:
    found = [_B.lowest_months <= _whole("lowest"), _B.highest_months >= _whole("highest")]
    if access:
        found.append(_B.access.op("&")(_whole("access")) == _whole("access"))
    if language:
        found.append(_B.languages.op("&")(_whole("language")) != 0)
    return found


_CHANGED = select(ClinicRow.clinic_id).where(OFFER_CHANGED, *VISIBLE)
_TREATED = select(_B.clinic_id).where(*_fits(access=False, language=False))
_ANYBODY = union_all(*(select(one.limit(1).subquery()) for one in (_TREATED, _CHANGED)))
"""Somebody whose offer has changed may treat anything."""


@lru_cache(maxsize=256)
def _first(when: When, ranked: Ranked, strips: int, access: bool, language: bool, dialect: str) -> CompoundSelect[Any]:
    """Return the statement of one sort of search; kept, because making it takes longer than running it."""
    near = _found(when, ranked, strips, access, language).cte("near").prefix_with("MATERIALIZED")
    turn = func.row_number().over(order_by=(near.c.day, near.c.apart, near.c.bound, near.c.lot)).label("turn")
    ranks = select(near.c.clinic_id, near.c.location_id, turn).subquery()
    place = (ranks.c.clinic_id, ranks.c.location_id)
    top = select(*place).group_by(*place).order_by(func.min(ranks.c.turn)).limit(AT_ONCE).cte("top")
    begun = top.prefix_with("MATERIALIZED")
    here = (_B.clinic_id == begun.c.clinic_id) & (_B.location_id == begun.c.location_id)
    shown = _shown(begun.join(_B, here), access=access, language=language)
    changed = (ClinicRow.clinic_id, literal_column("''").label("location_id"), *_UNSAID, *_UNRANKED)
    # SQLite, where it counted few clinics, would walk through all of them in order; PostgreSQL would without the order.
    order = ClinicRow.clinic_id.concat("") if dialect == "sqlite" else ClinicRow.clinic_id
    behind = select(*changed).where(OFFER_CHANGED, *VISIBLE).order_by(order).limit(MOST_CHANGED)
    rows = select(near.c.clinic_id, near.c.location_id, *_UNSAID, near.c.bound, near.c.lot, near.c.apart)
    return union_all(shown, select(behind.subquery()), rows)


def _found(when: When, ranked: Ranked, strips: int, access: bool, language: bool) -> Select[Any]:
    bound: Any = {When.EVENING: _B.evening, When.WEEKEND: _B.weekend}.get(when, _B.soonest)
    zero = literal_column("0", BigInteger())
    away: Any = zero if ranked is Ranked.START else _apart()
    day: Any = _day(bound) if ranked is Ranked.DAY else zero
    columns: tuple[Any, ...] = (
        _B.clinic_id,
        _B.location_id,
        day.label("day"),
        away.label("apart"),
        bound.label("bound"),
        _B.lot,
    )
    statement = select(*columns).where(*_fits(access=access, language=language)).limit(_whole("rows"))
    if ranked is Ranked.START:
        return statement.where(bound < _whole("end")).order_by(bound, _B.lot)
    # The sum keeps SQLite from the indexes on bounds, which it takes for narrower than the one on squares.
    statement = statement.where(bound + 0 < _whole("end"), away <= _whole("within"))
    if strips:
        strip = _strips(strips)
        statement = statement.select_from(strip.join(_B, _B.tile.between(strip.c.low, strip.c.high)))
    return statement.order_by(*([day] if ranked is Ranked.DAY else []), away, bound, _B.lot)


def _strips(count: int) -> CTE:
    rows = [
        select(_whole(f"low{number}").label("low"), _whole(f"high{number}").label("high")) for number in range(count)
    ]
    # No VALUES: SQLAlchemy would make the whole statement anew each time.
    return (union_all(*rows) if count > 1 else rows[0]).cte("strip").prefix_with("MATERIALIZED")


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
_KEY = ("clinic_id", "location_id", "practitioner_id", "service_id")
_SHOWN: tuple[Any, ...] = (
    _B.clinic_id, _B.location_id, _B.practitioner_id, _N.position, _N.good_until, _N.base, _N.starts, ClinicRow.slug,
    ClinicRow.name, ClinicRow.phone, ClinicRow.zone, ClinicRow.notice_minutes, ClinicRow.horizon_days, ClinicRow.paused_at,
    ClinicRow.back_on,
    _PLACE.name.label("location_name"), _PLACE.street, _PLACE.postcode, _PLACE.city, _PLACE.access, _PLACE.latitude,
    _PLACE.longitude, _PERSON.title, _PERSON.first_name, _PERSON.last_name, _PERSON.position.label("person_position"),
    _SERVICE.name.label("service_name"), _SERVICE.minutes, _SERVICE.price,
)  # fmt: skip
_UNSAID: tuple[Any, ...] = tuple(cast(null(), column.type).label(column.key) for column in _SHOWN[2:])
_UNRANKED: tuple[Any, ...] = tuple(cast(null(), BigInteger()).label(name) for name in ("bound", "lot", "apart"))


def _shown(source: FromClause, *, access: bool, language: bool) -> Select[Any]:
    """Return the statement that says everything shown of the bounds in a source."""
    return (
        select(*_SHOWN, *_UNRANKED)
        .select_from(source)
        .join(_N, and_(*(getattr(_N, name) == getattr(_B, name) for name in _KEY)))
        .join(ClinicRow, ClinicRow.clinic_id == _B.clinic_id)
        .join(_PLACE, (_PLACE.clinic_id == _B.clinic_id) & (_PLACE.id == _B.location_id))
        .join(_PERSON, (_PERSON.clinic_id == _B.clinic_id) & (_PERSON.id == _B.practitioner_id))
        .join(_SERVICE, (_SERVICE.clinic_id == _B.clinic_id) & (_SERVICE.id == _B.service_id))
        # The empty ends keep SQLite, which may know nothing of how many rows there are, from walking a whole category.
        .where(_B.kind.concat("") == bindparam("kind"), _B.category.concat("") == bindparam("category"))
        .where(*_asked(access=access, language=language), ClinicRow.searched == ClinicRow.revision, *VISIBLE)
    )


@lru_cache(maxsize=4)
def _rows_at(access: bool, language: bool) -> Select[Any]:
    shown = _shown(_B.__table__, access=access, language=language)
    return shown.where(_B.clinic_id.in_(bindparam("clinics", expanding=True))).where(
        _B.location_id.in_(bindparam("places", expanding=True))
    )
