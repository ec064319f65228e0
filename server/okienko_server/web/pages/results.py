"""The portal's list of addresses in words: what was found, when, how far, and where on a small map."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from okienko_server.domain.access import Access, Language
from okienko_server.domain.cells import instant_of, local_day
from okienko_server.domain.coordinates import FlatMap, map_around, map_of_poland
from okienko_server.domain.problem import ADULT, AgeRange
from okienko_server.domain.starts import When
from okienko_server.domain.towns import DEGREE_KM, MOST_NAMED, Town, outline, towns, towns_around
from okienko_server.operations.portal_search import ClinicFound, ClinicsFound, Order, Place, Search
from okienko_server.operations.search_clinics import PAGE
from okienko_server.web.pages.choices import RADII, Choices
from okienko_server.web.pages.present import initials_of, short_start, summary_of, when_in
from okienko_widget import Texts
from okienko_widget.portal_views import MapPin, MapTown, MapView, SearchBar, Wish
from okienko_widget.views import ClinicChoice, ClinicsView, Frame, SlotChoice

MAP_SIZE = 360
WHOS = ("adult", "child", "senior")
NARROWEST_KM = 9.0
SAME_TOWN_KM = 3.0
_PIN = 18
"""Pixels two pins keep apart."""
_WITHOUT = {
    "when": "search.without_when",
    "access": "search.without_access",
    "language": "search.without_language",
}
_APART = 34
"""Pixels two names on the map keep apart."""


def clinics_view(
    frame: Frame, choices: Choices, search: Search, place_name: str, found: ClinicsFound, texts: Texts, now: datetime, portal: str
) -> ClinicsView:  # fmt: skip
    """Return the page of a search: the bar to change it, what was found in words, the list and its map."""
    first = PAGE * (found.page - 1) + 1
    return ClinicsView(
        frame,
        f"{summary_of(choices, None, texts)} · {age_words(search.question.age, texts)}",
        bar_of(choices, search, place_name, texts),
        tuple(_told(search, place_name, found, texts, now)),
        tuple(clinic_choice(one, first + n, texts, now, portal) for n, one in enumerate(found.clinics)),
        map_view(search.place, found.km, found.clinics, first),
        str(found.page - 1) if found.page > 1 else "",
        str(found.page + 1) if found.more else "",
    )


def age_words(age: AgeRange, texts: Texts) -> str:
    """Return for whom the times are: "dorosły", "65+", "dziecko, 5 mies."."""
    if not age.is_child:
        return texts("age_group.adult" if age == ADULT else "age_group.senior").lower()
    months = age.lowest == age.highest
    told = texts.plural("search.months" if months else "search.years", age.lowest if months else age.lowest // 12)
    return f"{texts('age_group.child').lower()}, {told}"


def bar_of(choices: Choices, search: Search, place_name: str, texts: Texts) -> SearchBar:
    """Return the fields above the list as they stand."""
    known = search.place is not None
    return SearchBar(
        place=choices.place,
        near=choices.near if known and not choices.place else "",
        whos=()
        if choices.category in ("paediatrics", "geriatrics")
        else tuple(Wish(code, texts(f"age_group.{code}"), code == choices.age_group) for code in WHOS),
        whens=tuple(Wish(when.value, texts(f"wish.{when}"), when is search.when) for when in When),
        access=tuple(Wish(one.value, texts(f"access.{one}"), one in search.access) for one in Access),
        languages=(
            Wish("", texts("search.any_language"), search.question.language is None),
            *(Wish(one.value, texts(f"language_name.{one}"), one is search.question.language) for one in Language),
        ),
        kms=(
            Wish("", texts("search.km_any"), not search.km),
            *(Wish(str(km), texts("search.km", km=km), search.km == km) for km in RADII),
        )
        if known
        else (),
        orders=tuple(Wish(one.value, texts(f"order.{one}"), one is search.order) for one in Order) if known else (),
    )


def _told(search: Search, place_name: str, found: ClinicsFound, texts: Texts, now: datetime) -> Iterable[str]:
    """Yield what was found, and what was given up or widened to find it."""
    if not found.clinics:
        return
    where = texts("search.around", place=place_name) if place_name and found.km else texts("search.everywhere")
    soonest = min(one.starts[0] for one in found.clinics)
    zone = found.clinics[0].zone
    start = short_start(instant_of(soonest), zone, local_day(now, zone), texts)
    yield texts("search.soonest", where=where, start=start)
    for wish in found.given_up:
        yield texts(_WITHOUT[wish])
    if found.widened and found.km:
        yield texts("search.widened", km=int(found.km))
    elif found.widened:
        yield texts("search.widened_everywhere")


def clinic_choice(found: ClinicFound, number: int, texts: Texts, now: datetime, portal: str) -> ClinicChoice:
    """Return one address of the list."""
    when, today = when_in(found.zone), local_day(now, found.zone)
    names = [name for _, name in found.practitioners]
    others = len(names) - 1
    return ClinicChoice(
        id=found.clinic_id,
        name=found.name,
        initials=initials_of(found.name),
        address=found.location.address,
        practitioners=names[0] + (" " + texts.plural("clinics.and_others", others) if others else ""),
        price=f"{when.duration(found.minutes)} · {when.price(found.price)}",
        slots=tuple(_slot(cell, found.zone, today, texts) for cell in found.starts),
        location=found.location.id,
        number=number,
        distance=distance(found.km, found.placed, texts),
        access=tuple(texts(f"access.{one}") for one in Access if one in found.location.access),
        url=f"{portal}/g/{found.slug}",
    )


@lru_cache(maxsize=4096)
def _slot(cell: int, zone: ZoneInfo, today: date, texts: Texts) -> SlotChoice:
    """Return a start as it is offered; kept, because everybody is offered the soonest ones."""
    start = instant_of(cell)
    return SlotChoice(str(cell), short_start(start, zone, today, texts), when_in(zone).full(start, today))


def distance(km: float | None, placed: bool, texts: Texts) -> str:
    """Return "350 m", "1,2 km" or "37 km"; "" where nobody knows it, or only that it is the same town."""
    if km is None or (not placed and km < SAME_TOWN_KM):
        return ""
    if km < 1:
        return texts("search.metres", m=max(50, round(km * 20) * 50))
    return texts("search.kilometres", km=f"{km:.1f}".replace(".", ",") if km < 10 and placed else f"{km:.0f}")


def map_view(place: Place | None, km: float, clinics: tuple[ClinicFound, ...], first: int) -> MapView | None:
    """Return the map of a page's addresses, None when none of them has a known place."""
    points = [(n, one.location.latitude, one.location.longitude) for n, one in enumerate(clinics, first)]
    known = [(n, north, east) for n, north, east in points if north is not None and east is not None]
    if not known:
        return None
    if place is None or not km:
        drawn, names = map_of_poland(MAP_SIZE), towns()[:MOST_NAMED]
    else:
        reach = max([NARROWEST_KM, *(one.km or 0 for one in clinics)]) * 1.15
        drawn = map_around(place.latitude, place.longitude, reach, MAP_SIZE)
        # In steps, because few circles are kept and those beyond the edge are not named anyway.
        names = towns_around(place.latitude, place.longitude, math.ceil(reach / 5) * 5)
    pins = _apart([(n, *_pixel(drawn, north, east)) for n, north, east in known])
    return MapView(
        size=MAP_SIZE,
        outline=_outline(),
        drawn=" ".join(f"{part:.3f}" for part in (drawn.matrix[0], 0, 0, *drawn.matrix[1:])),
        towns=tuple(_named(drawn, names, pins)),
        pins=tuple(reversed(pins)),
        here=_pixel(drawn, place.latitude, place.longitude) if place and km else None,
        ring=round(km / DEGREE_KM * drawn.scale) if place and km else 0,
    )


def _pixel(drawn: FlatMap, latitude: float, longitude: float) -> tuple[int, int]:
    x, y = drawn.pixel(latitude, longitude)
    return round(x), round(y)


@cache
def _outline() -> str:
    """Return the country's outline in degrees: the same on every map, which says itself how it is drawn."""
    return " ".join(f"{east:.3f},{north:.3f}" for east, north in outline())


def _apart(points: Iterable[tuple[int, int, int]]) -> list[MapPin]:
    """Return pins that cover each other nowhere: a later one stands beside an earlier one of the same place."""
    pins: list[MapPin] = []
    for number, east, y in points:
        x = east
        while any(abs(pin.x - x) < _PIN and abs(pin.y - y) < _PIN for pin in pins):
            x += _PIN
        pins.append(MapPin(number, x, y))
    return pins


def _named(drawn: FlatMap, names: Iterable[Town], pins: list[MapPin]) -> Iterable[MapTown]:
    """Yield the biggest towns whose names run neither into each other nor under a pin."""
    placed: list[tuple[int, int]] = []
    for town in names:
        x, y = _pixel(drawn, town.latitude, town.longitude)
        free = all(abs(x - a) > 3 * _APART or abs(y - b) > _APART for a, b in placed)
        if free and 8 < x < MAP_SIZE - 60 and 14 < y < MAP_SIZE - 20:
            placed.append((x, y))
            under = any(abs(pin.x - x) < 70 and abs(pin.y - y) < 18 for pin in pins)
            yield MapTown(x, y, town.name, y + 26 if under else y + 4)
        if len(placed) == MOST_NAMED:
            return
