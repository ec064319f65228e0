"""Hours as people write them, and which appointments a change of hours would leave outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.cells import CELL_MINUTES, cell_at, day_grid, local_day, ones
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.offer import Offer, OpeningHours, WorkingHours

Span = tuple[int, int]
"""[start, end) in minutes of the wall clock."""
DAYS = 7
MAX_SPANS = 6
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*[-–—]\s*(\d{1,2})(?:[:.](\d\d))?")


def spans_of(text: str, *, field: str) -> tuple[Span, ...]:
    """Return the spans of "8-12, 13:00–18:00" in order; empty text is a day off.

    Raises FieldRefused: hours_unreadable, hours_backwards (also across midnight), hours_off_grid, hours_overlap.
    """
    spans: list[Span] = []
    for part in (part.strip() for part in re.split(r"[,;]|\s+i\s+", text) if part.strip()):
        found = _SPAN.fullmatch(part)
        if not found or len(spans) == MAX_SPANS:
            raise FieldRefused("hours_unreadable", field=field)
        start, end = (int(found[n]) * 60 + int(found[n + 1] or 0) for n in (1, 3))
        if max(int(found[2] or 0), int(found[4] or 0)) > 59 or max(start, end) > 24 * 60:
            raise FieldRefused("hours_unreadable", field=field)
        if end <= start:
            raise FieldRefused("hours_backwards", field=field)
        if start % CELL_MINUTES or end % CELL_MINUTES:
            raise FieldRefused("hours_off_grid", field=field)
        spans.append((start, end))
    spans.sort()
    if any(after[0] < before[1] for before, after in pairwise(spans)):
        raise FieldRefused("hours_overlap", field=field)
    return tuple(spans)


def written(spans: Iterable[Span]) -> str:
    """Return spans as people write them: "8:00–12:00, 13:00–18:00"."""
    return ", ".join(f"{_clock(start)}–{_clock(end)}" for start, end in spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def with_opening(offer: Offer, location_id: str, week: Sequence[tuple[Span, ...]]) -> Offer:
    """Return the offer with other opening hours at one location; `week` begins with Monday."""
    kept = [door for door in offer.opening if door.location_id != location_id]
    fresh = [OpeningHours(location_id, day, *span) for day, spans in enumerate(week) for span in spans]
    return replace(offer, opening=(*kept, *fresh), _masks={}, _spans={})


def with_working(offer: Offer, practitioner_id: str, location_id: str, week: Sequence[tuple[Span, ...]]) -> Offer:
    """Return the offer with other hours of one therapist at one location; `week` begins with Monday."""
    person = offer.practitioner(practitioner_id)
    kept = [hours for hours in person.hours if hours.location_id != location_id]
    fresh = [WorkingHours(location_id, day, *span) for day, spans in enumerate(week) for span in spans]
    people = {**offer.practitioners, practitioner_id: replace(person, hours=(*kept, *fresh))}
    return replace(offer, practitioners=people, _masks={}, _spans={})


def left_outside(appointments: Iterable[Appointment], before: Offer, after: Offer, now: datetime) -> list[Appointment]:
    """Return those that stand, held ones too, within the hours of `before` and no longer within those of `after`."""
    return [one for one in appointments if one.stands(now) and _within(one, before) and not _within(one, after)]


def _within(appointment: Appointment, offer: Offer) -> bool:
    """Treatment alone counts: buffers may reach over the closing time, as for patients' starts."""
    if appointment.practitioner_id not in offer.practitioners:
        return False
    zone = offer.clinic.zone
    grid = day_grid(zone, local_day(appointment.starts_at, zone))
    first, last = (
        cell_at(appointment.starts_at) - grid.first,
        -(-int(appointment.ends_at.timestamp()) // 300) - grid.first,
    )
    needed = ones(last - first)
    return offer.open_mask(appointment.practitioner_id, appointment.location_id, grid.day) >> first & needed == needed
