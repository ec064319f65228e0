"""The schedule's columns: each block of a day as the classes of its place, counted in 5-minute cells from the first hour shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.cells import CELL_MINUTES, CELL_SECONDS, DayGrid, cell_at, day_grid, local_day
from okienko_server.domain.holidays import is_public_holiday
from okienko_server.domain.offer import Absence, Offer, Practitioner
from okienko_server.texts import load
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.card import Card, card_of

EARLIEST, LATEST = 8 * 60, 16 * 60
"""Minutes of the day that are always shown."""
HOUR = 60 // CELL_MINUTES


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a day: classes of its place, and its words."""

    place: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One appointment in a column; `size` is short, middle or tall."""

    card: Card
    place: str
    size: str


@dataclass(frozen=True, slots=True)
class Column:
    """One therapist's one day."""

    day: date
    practitioner: Practitioner
    today: bool
    closed: str
    """Why nobody receives patients that day; empty on a working day."""
    hours: str
    opened: tuple[Span, ...]
    away: tuple[Span, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns over the same hours."""

    whole: str
    first: int
    """Minutes of the day at the upper edge."""
    length: int
    """Minutes from the upper edge to the lower."""
    hours: tuple[Span, ...]
    columns: tuple[Column, ...]
    now: Span | None
    """The present moment, when today is among the columns."""

    @property
    def empty(self) -> bool:
        return not any(column.blocks for column in self.columns)


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of the clock a grid shows, in minutes of the day, both whole hours."""

    first: int
    last: int

    def place(self, start: int, end: int) -> str:
        """Return the classes of [start, end) in minutes, cut to the window; empty when nothing is left."""
        low, high = max(start, self.first), min(end, self.last)
        if high <= low:
            return ""
        row = (low - self.first) // CELL_MINUTES
        return f"r{row} h{max(-(-(high - self.first) // CELL_MINUTES) - row, 1)}"


def grid_of(
    pairs: Sequence[tuple[date, Practitioner]],
    appointments: Iterable[Appointment],
    offer: Offer,
    now: datetime,
    location: str = "",
) -> Grid:
    """Return one column for each pair of day and therapist; with a location, what stands at another is only told as taken."""
    shown: dict[tuple[date, str], list[Appointment]] = {(day, person.id): [] for day, person in pairs}
    for appointment in appointments:
        key = (local_day(appointment.starts_at, offer.clinic.zone), appointment.practitioner_id)
        if key in shown:
            shown[key].append(appointment)
    window = _window({day for day, _ in pairs}, [one for some in shown.values() for one in some], offer)
    hours = range(window.first, window.last, 60)
    return Grid(
        window.place(window.first, window.last),
        window.first,
        window.last - window.first,
        tuple(Span(window.place(hour, hour + 60), f"{hour // 60}:00") for hour in hours),
        tuple(_column(day, person, shown[day, person.id], offer, window, now, location) for day, person in pairs),
        _present(window, offer, now) if local_day(now, offer.clinic.zone) in {day for day, _ in pairs} else None,
    )


def _present(window: Window, offer: Offer, now: datetime) -> Span | None:
    local = now.astimezone(offer.clinic.zone)
    minute = local.hour * 60 + local.minute
    place = window.place(minute, minute + CELL_MINUTES)
    return Span(place, when_in(offer.clinic.zone).time(now)) if place else None


def _window(days: set[date], appointments: Sequence[Appointment], offer: Offer) -> Window:
    weekdays = {day.weekday() for day in days}
    starts = [door.start for door in offer.opening if door.weekday in weekdays]
    ends = [door.end for door in offer.opening if door.weekday in weekdays]
    for appointment in appointments:
        start, end = _minutes(appointment, offer)
        starts.append(start)
        ends.append(end)
    return Window(min([EARLIEST, *starts]) // 60 * 60, -(-max([LATEST, *ends]) // 60) * 60)


def _minutes(appointment: Appointment, offer: Offer) -> tuple[int, int]:
    """Return what the wall clock shows at the start, and the length added: nobody is treated across a clock change."""
    local = appointment.starts_at.astimezone(offer.clinic.zone)
    start = local.hour * 60 + local.minute
    length = int((appointment.ends_at - appointment.starts_at).total_seconds()) // 60
    return start, min(start + length, 24 * 60)


def _column(
    day: date,
    person: Practitioner,
    appointments: Sequence[Appointment],
    offer: Offer,
    window: Window,
    now: datetime,
    location: str,
) -> Column:
    grid, today = day_grid(offer.clinic.zone, day), local_day(now, offer.clinic.zone) == day
    opened = [
        span
        for place in ((location,) if location else offer.locations)
        for span in _opened(grid, offer.open_mask(person.id, place, day))
    ]
    return Column(
        day=day,
        practitioner=person,
        today=today,
        closed=_closed(day, offer),
        hours=", ".join(f"{_clock(start)}–{_clock(end)}" for start, end in sorted(opened)),
        opened=tuple(Span(place) for start, end in opened if (place := window.place(start, end))),
        away=(*_away(grid, person.id, offer, window), *_elsewhere(appointments, offer, window, location)),
        blocks=tuple(_block(one, offer, window, now) for one in appointments if location in ("", one.location_id)),
    )


def _closed(day: date, offer: Offer) -> str:
    if is_public_holiday(day) and not offer.clinic.open_on_holidays:
        return load()("schedule.holiday")
    return "" if any(door.weekday == day.weekday() for door in offer.opening) else load()("schedule.closed")


def _block(appointment: Appointment, offer: Offer, window: Window, now: datetime) -> Block:
    start, end = _minutes(appointment, offer)
    length = end - start
    return Block(
        card_of(appointment, offer, now),
        window.place(start, end),
        "short" if length < 40 else "middle" if length < 55 else "tall",
    )


def _opened(grid: DayGrid, mask: int) -> Iterator[tuple[int, int]]:
    """Return the runs of set cells as minutes of the wall clock."""
    at = 0
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask, at = mask >> gap, at + gap
        length = (~mask & (mask + 1)).bit_length() - 1
        yield grid.wall_minutes[at], grid.wall_minutes[at + length - 1] + CELL_MINUTES
        mask, at = mask >> length, at + length


def _away(grid: DayGrid, practitioner_id: str, offer: Offer, window: Window) -> Iterator[Span]:
    for absence in offer.absences:
        if absence.practitioner_id == practitioner_id:
            mask = grid.clip(cell_at(absence.start), -(-int(absence.end.timestamp()) // CELL_SECONDS))
            for start, end in _opened(grid, mask):
                if place := window.place(start, end):
                    yield Span(place, _away_words(absence, start > window.first, end < window.last, offer))


def _elsewhere(appointments: Sequence[Appointment], offer: Offer, window: Window, location: str) -> Iterator[Span]:
    """Yield when the therapist treats somebody at another address: nobody can be put in then."""
    for one in appointments:
        if location and one.location_id != location and (place := window.place(*_minutes(one, offer))):
            start, end = when_in(offer.clinic.zone).time(one.starts_at), when_in(offer.clinic.zone).time(one.ends_at)
            where = one.terms(offer).location
            yield Span(place, load()("schedule.elsewhere", start=start, end=end, place=where))


def _away_words(absence: Absence, begins: bool, ends: bool, offer: Offer) -> str:
    """Name only those ends of an absence that lie within the hours shown."""
    when, t = when_in(offer.clinic.zone), load()
    start, end = when.time(absence.start), when.time(absence.end)
    if begins and ends:
        return t("schedule.away_between", start=start, end=end)
    if begins or ends:
        return t("schedule.away_from", start=start) if begins else t("schedule.away_until", end=end)
    return t("schedule.away")


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"
