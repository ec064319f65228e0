"""Polish public holidays: the Act of 18 January 1951 on days off work (Dz.U. 2025 poz. 296), Christmas Eve since 2025."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_FIXED = ((1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26))
_EASTER_OFFSETS = (0, 1, 49, 60)
CHRISTMAS_EVE_SINCE = 2025


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (anonymous algorithm, Meeus 1991)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def public_holidays(year: int) -> frozenset[date]:
    """Return the days off work by law in Poland in that year (Sundays themselves are not listed)."""
    days = {date(year, month, day) for month, day in _FIXED}
    days |= {easter(year) + timedelta(days=offset) for offset in _EASTER_OFFSETS}
    if year >= CHRISTMAS_EVE_SINCE:
        days.add(date(year, 12, 24))
    return frozenset(days)


def is_public_holiday(day: date) -> bool:
    return day in public_holidays(day.year)
