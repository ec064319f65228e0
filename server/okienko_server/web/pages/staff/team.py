"""The whole team's week at a glance: a row for each therapist, a column for each day; each visit leads to its day."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from okienko_server.domain.cells import day_grid, days_from, instant_of, local_day
from okienko_server.domain.holidays import is_public_holiday
from okienko_server.domain.offer import Offer
from okienko_server.operations.schedule import SHOWN
from okienko_server.storage.appointments import Glance
from okienko_server.texts import load
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.asked import DAY, Asked
from okienko_widget import load as widget_texts


@dataclass(frozen=True, slots=True)
class Brief:
    """One appointment in as few words as a glance needs."""

    id: str
    state: str
    start: str
    name: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class TeamDay:
    """A column's head."""

    day: date
    words: str
    month: str
    today: bool
    closed: str
    url: str


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One therapist's week: for each day the appointments in time order, or why there are none."""

    name: str
    initials: str
    url: str
    days: tuple[tuple[tuple[Brief, ...], str], ...]


@dataclass(frozen=True, slots=True)
class Team:
    """The table."""

    days: tuple[TeamDay, ...]
    rows: tuple[TeamRow, ...]


def team_of(asked: Asked, appointments: Iterable[Glance], offer: Offer, now: datetime) -> Team:
    """Return the week of everybody; a weekend is shown only when something is on or somebody receives patients then."""
    zone, where, week = offer.clinic.zone, asked.location, days_from(asked.first, 7)
    # An address for every visit would cost more than all the rest: it is the day's, with the visit's mark.
    urls = [replace(asked, day=day, view=DAY).url() for day in week]
    begins = [instant_of(day_grid(zone, day).first) for day in week]
    shown: dict[tuple[str, int], list[Brief]] = defaultdict(list)
    states = {status.value: load()(f"state.{status}") for status in SHOWN}
    clock = when_in(zone).time
    for one in appointments:
        if where and one.location_id != where:
            continue
        column = bisect_right(begins, one.starts_at) - 1
        shown[one.practitioner_id, column].append(
            Brief(
                one.id,
                one.status,
                clock(one.starts_at),
                short_name(one),
                states[one.status],
                f"{urls[column]}#b-{one.id}",
            )
        )
    working = {hours.weekday for person in offer.practitioners.values() for hours in person.hours}
    busy = {column for _, column in shown}
    columns = [n for n, day in enumerate(week) if day.weekday() < 5 or n in busy or day.weekday() in working]
    return Team(
        tuple(_head(week[n], urls[n], offer, now) for n in columns),
        tuple(
            TeamRow(
                person.name,
                person.initials,
                replace(asked, day=week[0], practitioner=person.id).url(),
                tuple((tuple(shown[person.id, n]), _why_empty(person.id, week[n], offer, where)) for n in columns),
            )
            for person in offer.practitioners.values()
            if person.works_at(where) or any((person.id, n) in shown for n in columns)
        ),
    )


def short_name(who: Glance) -> str:
    """Return "Żółkiewska Ł."."""
    return f"{who.last_name} {who.first_name[0]}." if who.first_name else who.last_name


def _head(day: date, url: str, offer: Offer, now: datetime) -> TeamDay:
    words, closed = widget_texts(), ""
    if is_public_holiday(day) and not offer.clinic.open_on_holidays:
        closed = load()("schedule.holiday")
    return TeamDay(
        day,
        when_in(offer.clinic.zone).weekday_short(day),
        words(f"month_of.{day.month}"),
        day == local_day(now, offer.clinic.zone),
        closed,
        url,
    )


def _why_empty(practitioner_id: str, day: date, offer: Offer, where: str) -> str:
    if any(offer.open_mask(practitioner_id, place, day) for place in ((where,) if where else offer.locations)):
        return load()("schedule.free_day")
    start = datetime(day.year, day.month, day.day, tzinfo=offer.clinic.zone)
    away = any(
        one.practitioner_id == practitioner_id and one.start < start + timedelta(days=1) and one.end > start
        for one in offer.absences
    )
    return load()("schedule.away") if away else load()("schedule.not_in")
