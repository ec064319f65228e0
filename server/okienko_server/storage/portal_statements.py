"""The statements of the portal's search, each made once: making one takes longer than running it."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    FromClause,
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
from okienko_server.domain.starts import When
from okienko_server.storage.directory import VISIBLE
from okienko_server.storage.next_starts import OFFER_CHANGED, in_turn
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
ANYBODY = union_all(*(select(one.limit(1).subquery()) for one in (_TREATED, _CHANGED)))
"""Somebody whose offer has changed may treat anything."""


@lru_cache(maxsize=256)
def first_statement(
    when: When, ranked: Ranked, strips: int, access: bool, language: bool, dialect: str
) -> CompoundSelect[Any]:
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
    behind = select(*changed).where(OFFER_CHANGED, *VISIBLE).order_by(in_turn(dialect)).limit(MOST_CHANGED)
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
def rows_statement(access: bool, language: bool) -> Select[Any]:
    shown = _shown(_B.__table__, access=access, language=language)
    return shown.where(_B.clinic_id.in_(bindparam("clinics", expanding=True))).where(
        _B.location_id.in_(bindparam("places", expanding=True))
    )
