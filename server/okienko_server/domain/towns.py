"""Towns of Poland and where they are: an offline table, the country's outline, distances. Degrees are WGS 84.

Places: GeoNames (geonames.org), CC BY 4.0. Outline: Natural Earth, public domain.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

VOIVODESHIPS = {
    "72": "dolnośląskie", "73": "kujawsko-pomorskie", "74": "łódzkie", "75": "lubelskie", "76": "lubuskie", "77": "małopolskie",
    "78": "mazowieckie", "79": "opolskie", "80": "podkarpackie", "81": "podlaskie", "82": "pomorskie", "83": "śląskie",
    "84": "świętokrzyskie", "85": "warmińsko-mazurskie", "86": "wielkopolskie", "87": "zachodniopomorskie",
}  # fmt: skip
"""GeoNames' codes of the voivodeships."""
EARTH_KM = 6371.0
DEGREE_KM = math.radians(EARTH_KM)
"""Kilometres along a degree of latitude, on the same globe as `distance_km`."""
SHORE_KM = 6.0
"""The outline is simplified: what lies this near to it outside counts as inside (Hel, on its spit, lies 5 km out)."""
MOST_NAMED = 10
LONGEST_ASKED = 80
_PLAIN = str.maketrans("ąćęłńóśźż", "acelnoszz")


@dataclass(frozen=True, slots=True)
class Town:
    """One place, of about a thousand people or more; `people` is GeoNames' figure, for ordering only."""

    name: str
    voivodeship: str
    latitude: float
    longitude: float
    people: int

    def away(self, latitude: float, longitude: float) -> float:
        """Return kilometres to a point."""
        return distance_km(self.latitude, self.longitude, latitude, longitude)


@cache
def towns() -> tuple[Town, ...]:
    """Return every place, the biggest first."""
    return tuple(
        Town(name, VOIVODESHIPS[code], float(latitude), float(longitude), int(people))
        for name, code, latitude, longitude, people in _rows("towns.csv")
    )


def towns_named(text: str) -> list[Town]:
    """Return the places a text names, Polish letters or not, the biggest first; none of that name: those that begin so, at most ten."""
    asked = plain(text)
    if not asked:
        return []
    return list(named_exactly(text) or _begun(asked))[:MOST_NAMED]


@lru_cache(maxsize=4096)
def towns_like(text: str, limit: int = 8) -> tuple[Town, ...]:
    """Return the places a text may mean, best first: of that name, beginning so, a letter or two off, or sounding alike.

    A voivodeship after a comma or in brackets narrows them.
    """
    name, _, region = text[:LONGEST_ASKED].replace("(", ",").replace(")", "").partition(",")
    asked = plain(name)
    if not asked:
        return ()
    found = [*named_exactly(name), *_begun(asked)]
    if not found:
        known = _by_shape()
        found = [town for shape in (*_shapes(asked), _sound(name)) for town in known.get(shape, ())]
    if region.strip():
        wanted = plain(region)
        found = [town for town in found if plain(town.voivodeship).startswith(wanted)] or found
    return tuple(dict.fromkeys(found))[:limit]


@cache
def _by_name() -> tuple[tuple[str, Town], ...]:
    return tuple((plain(town.name), town) for town in towns())


@cache
def _by_alphabet() -> tuple[list[str], list[int]]:
    """Return the compared names in order, and where in the table each one's town stands."""
    order = sorted(range(len(towns())), key=lambda place: (_by_name()[place][0], place))
    return [_by_name()[place][0] for place in order], order


def _between(first: str, end: str) -> list[Town]:
    """Return the places whose compared names lie between two, the biggest first."""
    names, order = _by_alphabet()
    return [towns()[place] for place in sorted(order[bisect_left(names, first) : bisect_left(names, end)])]


def _begun(asked: str) -> list[Town]:
    """Return the places whose names begin so and go on, the biggest first."""
    return _between(asked + "\0", asked + chr(sys.maxunicode))


@lru_cache(maxsize=4096)
def named_exactly(name: str) -> tuple[Town, ...]:
    """Return the places of just this name, Polish letters or not, the biggest first."""
    asked = plain(name)
    return tuple(_between(asked, asked + "\0"))


def _shapes(name: str) -> list[str]:
    """Return a name and what is left of it without any one letter: two names a letter apart share one of these."""
    return [name, *(name[:i] + name[i + 1 :] for i in range(len(name)))] if len(name) > 3 else [name]


def _sound(name: str) -> str:
    """Return a name as it is heard: "Krakuf" sounds like Kraków."""
    heard = " ".join(name.casefold().split()).replace("ó", "u").replace("ch", "h").replace("rz", "ż").replace("w", "f")
    return "~" + plain(heard)


@cache
def _by_shape() -> dict[str, list[Town]]:
    known: dict[str, list[Town]] = {}
    for name, town in _by_name():
        for shape in (*_shapes(name), _sound(town.name)):
            known.setdefault(shape, []).append(town)
    return known


def nearest_town(latitude: float, longitude: float) -> Town:
    """Return the place nearest to a point."""
    return min(towns(), key=lambda town: town.away(latitude, longitude))


@lru_cache(maxsize=1024)
def towns_around(latitude: float, longitude: float, km: float) -> tuple[Town, ...]:
    """Return the places within a distance, the biggest first; kept, because most ask from the middle of a town."""
    up = km / DEGREE_KM + 1e-9
    across = up / max(math.cos(math.radians(abs(latitude) + up)), 0.1)
    # Most lie far off: a band and a box are asked first, because a distance costs ten times as much.
    degrees, order = _by_latitude()
    band = sorted(order[bisect_left(degrees, latitude - up) : bisect_right(degrees, latitude + up)])
    box = (town for town in map(towns().__getitem__, band) if abs(town.longitude - longitude) <= across)
    return tuple(town for town in box if town.away(latitude, longitude) <= km)


@cache
def _by_latitude() -> tuple[list[float], list[int]]:
    order = sorted(range(len(towns())), key=lambda place: towns()[place].latitude)
    return [towns()[place].latitude for place in order], order


def in_poland(latitude: float, longitude: float) -> bool:
    """Return whether a point lies in Poland, or within SHORE_KM of its simplified outline."""
    if not (
        math.isfinite(latitude) and math.isfinite(longitude) and 48.5 < latitude < 55.5 and 13.5 < longitude < 24.8
    ):
        return False
    return _inside(latitude, longitude) or _to_outline(latitude, longitude) <= SHORE_KM


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the kilometres between two points along the ground (haversine)."""
    low, high = math.radians(latitude), math.radians(other_latitude)
    step, turn = high - low, math.radians(other_longitude - longitude)
    half = math.sin(step / 2) ** 2 + math.cos(low) * math.cos(high) * math.sin(turn / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(half))


@cache
def outline() -> tuple[tuple[float, float], ...]:
    """Return the country's outline as (longitude, latitude), the first point again at the end."""
    return tuple((float(longitude), float(latitude)) for longitude, latitude in _rows("poland.csv"))


def plain(text: str) -> str:
    """Return a name as it is compared: small letters without Polish ones, single blanks."""
    return " ".join(text.casefold().translate(_PLAIN).replace("-", " ").split())


def _rows(name: str) -> list[list[str]]:
    text = files("okienko_server").joinpath("domain", name).read_text(encoding="utf-8")
    return [line.split(";") for line in text.splitlines() if not line.startswith("#")]


def _inside(latitude: float, longitude: float) -> bool:
    points, inside = outline(), False
    for (x1, y1), (x2, y2) in pairwise(points):
        if (y1 > latitude) != (y2 > latitude) and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _to_outline(latitude: float, longitude: float) -> float:
    """Return the kilometres to the outline; over so few a flat map around the point is exact enough."""
    across, up = math.cos(math.radians(latitude)) * DEGREE_KM, DEGREE_KM
    flat = [((x - longitude) * across, (y - latitude) * up) for x, y in outline()]
    return min(_to_segment(*start, *end) for start, end in pairwise(flat))


def _to_segment(x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the distance of the origin to a segment."""
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else min(1.0, max(0.0, -(x1 * dx + y1 * dy) / length))
    return math.hypot(x1 + along * dx, y1 + along * dy)
