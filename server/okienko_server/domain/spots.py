"""Where addresses lie: a spot in whole metres, how far two spots are apart, and the squares of the map they are found in.

A spot is a point of the globe as (x, y, z) from its middle. The straight line between two grows with the way along the ground, and
its square is whole numbers only: Python and both databases put the same addresses in the same order, to the metre.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from okienko_server.domain.offer import Location
from okienko_server.domain.towns import DEGREE_KM, EARTH_KM, distance_km, named_exactly

TILE_UP, TILE_ACROSS = 0.1, 0.16
"""Degrees a square of the map is high and wide: some eleven kilometres each way in Poland."""
UNKNOWN_TILE = -1
_ROW = 4096
_EARTH = EARTH_KM * 1000


class Spot(NamedTuple):
    """A point of the globe, metres from its middle."""

    x: int
    y: int
    z: int


NOWHERE = Spot(0, 0, 0)
"""Where an address lies that nobody can place: further from every other spot than any in reach."""


def spot_of(latitude: float, longitude: float) -> Spot:
    """Return the spot at degrees WGS 84."""
    up, across = math.radians(latitude), math.radians(longitude)
    flat = math.cos(up) * _EARTH
    return Spot(round(flat * math.cos(across)), round(flat * math.sin(across)), round(math.sin(up) * _EARTH))


def apart(one: Spot, other: Spot) -> int:
    """Return the square of the straight line between two spots, square metres."""
    x, y, z = one.x - other.x, one.y - other.y, one.z - other.z
    return x * x + y * y + z * z


def reach(km: float) -> int:
    """Return how far apart two spots are at most that lie within so many kilometres along the ground."""
    return int((2 * _EARTH * math.sin(min(km / (2 * EARTH_KM), math.pi / 2))) ** 2)


def tile_of(latitude: float, longitude: float) -> int:
    """Return the number of the square a point lies in."""
    return math.floor(latitude / TILE_UP) * _ROW + math.floor(longitude / TILE_ACROSS)


@lru_cache(maxsize=1024)
def strips_within(latitude: float, longitude: float, km: float) -> tuple[tuple[int, int], ...]:
    """Return the squares that hold every point within a distance, and no other that lies wholly beyond it.

    A strip is the first and the last of the squares side by side whose numbers follow each other.
    """
    up = km / DEGREE_KM
    across = km / (DEGREE_KM * math.cos(math.radians(min(abs(latitude) + up, 89.0))))
    rows = range(math.floor((latitude - up) / TILE_UP), math.floor((latitude + up) / TILE_UP) + 1)
    columns = range(math.floor((longitude - across) / TILE_ACROSS), math.floor((longitude + across) / TILE_ACROSS) + 1)
    near = ([column for column in columns if _near(row, column, latitude, longitude, km)] for row in rows)
    return tuple((row * _ROW + some[0], row * _ROW + some[-1]) for row, some in zip(rows, near, strict=True) if some)


def _near(row: int, column: int, latitude: float, longitude: float, km: float) -> bool:
    nearest_up = min(max(latitude, row * TILE_UP), (row + 1) * TILE_UP)
    nearest_across = min(max(longitude, column * TILE_ACROSS), (column + 1) * TILE_ACROSS)
    return distance_km(latitude, longitude, nearest_up, nearest_across) <= km + 0.5


def point_of(place: Location) -> tuple[float, float] | None:
    """Return where an address lies: its own place on the map, or else the middle of the biggest town of that name; None: nobody knows."""
    if place.latitude is not None and place.longitude is not None:
        return place.latitude, place.longitude
    town = named_exactly(place.city)
    return (town[0].latitude, town[0].longitude) if town else None


def lot_of(clinic_id: str, location_id: str) -> int:
    """Return the lot of an address: a number that orders what stands equal as if it had been drawn, and always alike."""
    return int.from_bytes(blake2b(f"{clinic_id}/{location_id}".encode(), digest_size=7).digest())
