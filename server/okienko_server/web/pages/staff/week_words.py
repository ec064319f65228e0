"""A week of hours in one line, for the lists of addresses and people."""

from __future__ import annotations

from collections.abc import Iterable

from okienko_server.domain.hours import DAYS, written
from okienko_server.domain.offer import OpeningHours, WorkingHours
from okienko_widget import load as widget_texts


def week_in_words(hours: Iterable[OpeningHours | WorkingHours]) -> str:
    """Return "pon. 8:00–12:00, wt. 8:00–16:00": the same span at two addresses once, a day without hours not at all."""
    words, kept, days = widget_texts(), list(hours), []
    for day in range(DAYS):
        if spans := sorted({(one.start, one.end) for one in kept if one.weekday == day}):
            days.append(f"{words(f'weekday_short.{day + 1}')} {written(spans)}")
    return ", ".join(days)
