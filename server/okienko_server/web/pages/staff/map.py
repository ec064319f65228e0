"""Maps of Poland drawn from our own table: the whole country, and what lies around a point. A click on one is a form's image button."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import escape

from okienko_server.domain.coordinates import FlatMap, map_around, map_of_poland
from okienko_server.domain.towns import Town, outline, towns, towns_around

WIDTH = 320
"""CSS pixels of both maps: the place of a click arrives in them, so they are never scaled."""
NEAR_KM = 12.0
_DOTS, _NAMED = 160, 10
_STYLE = (
    "text{font:600 10px system-ui,sans-serif;fill:#1b2324;paint-order:stroke;stroke:#fbfaf6;stroke-width:3px}"
    ".l{fill:#f3f1eb;stroke:#868c88}.d{fill:#868c88}.p{fill:#a5281e;stroke:#fff;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#edefeb;stroke:#14191a}.l{fill:#22292a;stroke:#76827f}.d{fill:#76827f}.p{fill:#ff9d91;stroke:#14191a}}"
)


@lru_cache(maxsize=1)
def country() -> FlatMap:
    """Return the map of the whole country."""
    return map_of_poland(WIDTH)


def around(latitude: float, longitude: float) -> FlatMap:
    """Return the square map around a point."""
    return map_around(latitude, longitude, NEAR_KM, WIDTH)


def country_svg(point: tuple[float, float] | None) -> str:
    """Return the country with its bigger towns, and the point when there is one."""
    drawn = country()
    line = " ".join(_pair(drawn.pixel(latitude, longitude)) for longitude, latitude in outline())
    parts = [f'<polygon class="l" points="{line}"/>', *_towns(drawn, towns()[:_DOTS], 1.6)]
    return _svg(drawn, [*parts, *_names(drawn, towns()[:_NAMED]), *_point(drawn, point)])


def around_svg(point: tuple[float, float]) -> str:
    """Return what lies around a point, with the point in the middle and a ring at every four kilometres."""
    drawn = around(*point)
    rings = [_ring(km, ".5" if km == NEAR_KM else "0") for km in (NEAR_KM, 8.0, 4.0)]
    near = towns_around(*point, NEAR_KM * 1.3)[:40]
    return _svg(drawn, [*rings, *_towns(drawn, near, 3.0), *_names(drawn, near[:14]), *_point(drawn, point)])


def _ring(km: float, filled: str) -> str:
    middle, radius = WIDTH // 2, round(km / NEAR_KM * WIDTH / 2)
    return f'<circle class="l" cx="{middle}" cy="{middle}" r="{radius}" fill-opacity="{filled}"/>'


def _towns(drawn: FlatMap, some: tuple[Town, ...] | list[Town], radius: float) -> list[str]:
    spots = [drawn.pixel(town.latitude, town.longitude) for town in some]
    return [f'<circle class="d" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>' for x, y in spots]


def _names(drawn: FlatMap, some: tuple[Town, ...] | list[Town]) -> list[str]:
    """Return the names beside their dots, each on the side where it fits, none over another."""
    drawn_names: list[str] = []
    taken: list[tuple[float, float, float, float]] = []
    for town in some:
        x, y = drawn.pixel(town.latitude, town.longitude)
        width = 6.2 * len(town.name)
        left = x + 5 if x + 5 + width < drawn.width else x - 5 - width
        box = (left, y - 6, left + width, y + 6)
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            continue
        taken.append(box)
        drawn_names.append(f'<text x="{left:.1f}" y="{y + 3.5:.1f}">{escape(town.name)}</text>')
    return drawn_names


def _point(drawn: FlatMap, point: tuple[float, float] | None) -> list[str]:
    if point is None:
        return []
    x, y = drawn.pixel(*point)
    return [f'<circle class="p" cx="{x:.1f}" cy="{y:.1f}" r="7"/>']


def _pair(pixel: tuple[float, float]) -> str:
    return f"{pixel[0]:.1f},{pixel[1]:.1f}"


def _svg(drawn: FlatMap, parts: list[str]) -> str:
    size = f'width="{drawn.width}" height="{drawn.height}" viewBox="0 0 {drawn.width} {drawn.height}"'
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size}><style>{_STYLE}</style>{''.join(parts)}</svg>"
