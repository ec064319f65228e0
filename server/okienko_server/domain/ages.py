"""Ranges of ages as a form offers them: the usual ones by name, any other by its two ends."""

from __future__ import annotations

from collections.abc import Mapping

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.problem import ADULT_FROM_MONTHS, MAX_AGE_MONTHS, AgeRange

USUAL: Mapping[str, AgeRange] = {
    "all": AgeRange(0, MAX_AGE_MONTHS),
    "adult": AgeRange(ADULT_FROM_MONTHS, MAX_AGE_MONTHS),
    "youth": AgeRange(16 * 12, MAX_AGE_MONTHS),
    "child": AgeRange(0, ADULT_FROM_MONTHS - 1),
    "infant": AgeRange(0, 36),
}
"""Word -> ages."""
UNITS = ("y", "m")
"""Years and months."""


def usual_name(ages: AgeRange) -> str:
    """Return the word of a usual range, "" for any other."""
    return next((word for word, usual in USUAL.items() if usual == ages), "")


def ends_of(ages: AgeRange) -> tuple[int, str, int | None, str]:
    """Return (from, its unit, to, its unit) as people say it: years where both ends are whole years; None: without an upper end."""
    low = (ages.lowest // 12, "y") if ages.lowest % 12 == 0 else (ages.lowest, "m")
    if ages.highest == MAX_AGE_MONTHS:
        return (*low, None, "y")
    high = (ages.highest // 12, "y") if ages.highest % 12 == 11 else (ages.highest, "m")
    return (*low, *high)


def range_of(low: str, low_unit: str, high: str, high_unit: str, *, field: str) -> AgeRange:
    """Return the ages from "3" years to "17" years (the whole of the last year), an empty upper end meaning without one.

    Raises FieldRefused (ages_invalid).
    """
    if not (_number(low) and (_number(high) or not high) and low_unit in UNITS and high_unit in UNITS):
        raise FieldRefused("ages_invalid", field=field)
    lowest = int(low) * (12 if low_unit == "y" else 1)
    highest = MAX_AGE_MONTHS
    if high:
        highest = int(high) * 12 + 11 if high_unit == "y" else int(high)
    try:
        return AgeRange(lowest, min(highest, MAX_AGE_MONTHS) if highest < MAX_AGE_MONTHS + 12 else highest)
    except FieldRefused:
        raise FieldRefused("ages_invalid", field=field) from None


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
