"""Coordinates and postcodes as people type them, and the flat map they click on."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.towns import DEGREE_KM, in_poland, outline

_DECIMAL = re.compile(r"([-+]?[0-9]{1,3}(?:[.,][0-9]{1,12})?)°?")
_DEGREES = re.compile(
    r"([0-9]{1,3})° ?([0-9]{1,2})['′] ?(?:([0-9]{1,2}(?:[.,][0-9]{1,4})?)(?:[\"″]|''))? ?([NSEWnsew])?"
)
_PAIR = re.compile(
    r"([-+]?[0-9]{1,3}\.[0-9]+)[,;]? +([-+]?[0-9]{1,3}\.[0-9]+)|([-+]?[0-9]{1,3}\.[0-9]+),([-+]?[0-9]{1,3}\.[0-9]+)"
)
_POSTCODE = re.compile(r"([0-9]{2})[ -]?([0-9]{3})")
MIDDLE = math.cos(math.radians(52.0))
"""How much shorter a degree of longitude is than one of latitude in the middle of Poland."""
PLACES = 6
"""Digits kept: a tenth of a metre."""


def postcode_of(typed: str, *, field: str = "postcode") -> str:
    """Return "31-056" for "31-056", "31056" or "31 056"; raises FieldRefused (postcode_invalid)."""
    found = _POSTCODE.fullmatch(typed.strip())
    if found is None:
        raise FieldRefused("postcode_invalid", field=field)
    return f"{found[1]}-{found[2]}"


def point_of(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Return (latitude, longitude) of "50.0523", "50,0523", "50°03'08\\"N" or a pair pasted into the first field; None for nothing typed.

    Raises FieldRefused on `latitude`: coordinates_invalid, coordinates_swapped, coordinates_outside (not in Poland).
    """
    latitude, longitude = " ".join(latitude.split()), " ".join(longitude.split())
    if not latitude and not longitude:
        return None
    pair = _PAIR.fullmatch(latitude) if not longitude else None
    if pair is not None:
        latitude, longitude = (pair[1], pair[2]) if pair[1] else (pair[3], pair[4])
    point = (_degrees(latitude), _degrees(longitude))
    if not in_poland(*point):
        swapped = in_poland(point[1], point[0])
        raise FieldRefused("coordinates_swapped" if swapped else "coordinates_outside", field="latitude")
    return round(point[0], PLACES), round(point[1], PLACES)


def _degrees(text: str) -> float:
    if found := _DECIMAL.fullmatch(text):
        return float(found[1].replace(",", "."))
    found = _DEGREES.fullmatch(text)
    if found is None:
        raise FieldRefused("coordinates_invalid", field="latitude")
    value = int(found[1]) + int(found[2]) / 60 + float((found[3] or "0").replace(",", ".")) / 3600
    return -value if (found[4] or "").upper() in ("S", "W") else value


@dataclass(frozen=True, slots=True)
class FlatMap:
    """A drawn map of fixed size: pixels to the right of `west` and below `north`, `scale` pixels a degree of latitude."""

    west: float
    north: float
    scale: float
    width: int
    height: int

    def pixel(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return where a point is drawn."""
        return (longitude - self.west) * MIDDLE * self.scale, (self.north - latitude) * self.scale

    @property
    def matrix(self) -> tuple[float, float, float, float]:
        """Return (a, d, e, f) of SVG's matrix(a 0 0 d e f), which draws "longitude,latitude" where `pixel` would."""
        across = MIDDLE * self.scale
        return across, -self.scale, -self.west * across, self.north * self.scale

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return (latitude, longitude) of a pixel."""
        return round(self.north - y / self.scale, PLACES), round(self.west + x / (MIDDLE * self.scale), PLACES)


def map_of_poland(width: int) -> FlatMap:
    """Return the map of the whole country, so many pixels wide with a small margin."""
    xs, ys = [x for x, _ in outline()], [y for _, y in outline()]
    margin = 0.15
    scale = width / ((max(xs) - min(xs) + 2 * margin) * MIDDLE)
    return FlatMap(min(xs) - margin, max(ys) + margin, scale, width, round((max(ys) - min(ys) + 2 * margin) * scale))


def map_around(latitude: float, longitude: float, km: float, size: int) -> FlatMap:
    """Return the square map that reaches `km` kilometres from a point, `size` pixels wide."""
    half = km / DEGREE_KM
    return FlatMap(longitude - half / MIDDLE, latitude + half, size / (2 * half), size, size)
