"""The schedule page in plain values: what was asked, the way to its neighbours, who waits, the grid, a notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import url_for
from markupsafe import Markup

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.cells import days_from, local_day
from okienko_server.domain.contract import Use
from okienko_server.domain.offer import Offer, Practitioner
from okienko_server.domain.roles import Reach, Right, reach_of
from okienko_server.operations.convert import CONVERTIBLE
from okienko_server.operations.review import Answered
from okienko_server.operations.schedule import Neighbours, ScheduleView
from okienko_server.storage.staff import SignedIn
from okienko_server.texts import load
from okienko_server.web.pages.present import offer_badge, when_in
from okienko_server.web.pages.staff.asked import DAY, EVERYBODY, WEEK, Asked
from okienko_server.web.pages.staff.card import Card, card_of
from okienko_server.web.pages.staff.conversion import record_url
from okienko_server.web.pages.staff.drawn import Drawn
from okienko_server.web.pages.staff.grid import Grid, grid_of
from okienko_server.web.pages.staff.paper import whose
from okienko_server.web.pages.staff.team import short_name
from okienko_widget import load as widget_texts
from okienko_widget.views import ClinicBadge

TOLD_BY_SMS = ("declined", "moved", "cancelled")
"""Acts after which the patient gets a message, so the page says how that stands."""
SEVERAL = 8
"""More therapists than this are a list to choose from instead of chips."""


@dataclass(frozen=True, slots=True)
class Way:
    """A link with its words; `here` marks the page one is on."""

    words: str
    url: str
    here: bool = False
    mark: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A group of reservations to answer, under a heading when there are two groups."""

    heading: str
    own: bool
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What came of an answer; the telephone when somebody has to call."""

    words: str
    phone: str = ""
    dial: str = ""


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """Everything the template shows."""

    clinic: ClinicBadge
    who: SignedIn
    asked: Asked
    title: str
    whose: str
    """Whose schedule it is and where, for paper."""
    previous: Way
    today: Way
    next: Way
    views: tuple[Way, ...]
    people: tuple[Way, ...]
    places: tuple[Way, ...]
    """The addresses to choose from, where a clinic has several."""
    as_list: bool
    waiting: tuple[Waiting, ...]
    count: int
    grid: Grid
    step: int
    """Minutes between the starts the clinic offers: a click on free time puts a visit in at one of them."""
    team: Markup | None
    """Everybody's week, which is a table instead of a grid."""
    heads: tuple[Way, ...]
    """One for each column of the grid."""
    fingerprint: str
    notice: Notice | None
    poll: str
    """Where the page asks whether anything changed since it was drawn."""
    overdue: str
    """The nudge: how many reservations wait longer than the clinic means to let anybody wait."""

    beside: Mapping[str, str]
    """The neighbouring visits of those that wait, in words."""
    links: Mapping[str, Way]
    """Where an appointment leads on to: the record of a tied one (nowhere for who may not read it), else the dialog that ties it."""

    def show(self, card: Card) -> str:
        """Return where in the schedule a waiting reservation stands."""
        person = card.practitioner_id if self.asked.practitioner else ""
        return replace(self.asked, day=date.fromisoformat(card.day), practitioner=person, location="").url(
            _anchor=f"b-{card.id}"
        )


def page_of(
    seen: ScheduleView, asked: Asked, who: SignedIn, now: datetime, notice: Notice | None, week: Drawn | None
) -> SchedulePage:
    """Return the page for a schedule read for `asked`; `week` is everybody's, where that was asked for."""
    offer, t = seen.offer, load()
    pairs = [] if asked.whole_week else _pairs(seen, asked)
    days = week.days if week else [day for day, _ in pairs]
    title = title_of(days or days_from(asked.first, asked.days), asked, offer, now)
    step = timedelta(days=asked.days)
    today = replace(asked, day=local_day(now, offer.clinic.zone))
    return SchedulePage(
        clinic=offer_badge(offer),
        who=who,
        asked=asked,
        title=title,
        whose=whose(asked, offer),
        previous=Way(t(f"schedule.previous_{asked.view}"), replace(asked, day=asked.first - step).url()),
        today=Way(t("schedule.today"), today.url(), here=today.first == asked.first),
        next=Way(t(f"schedule.next_{asked.view}"), replace(asked, day=asked.first + step).url()),
        views=tuple(
            Way(t(f"schedule.{view}"), replace(asked, view=view).url(), view == asked.view) for view in (DAY, WEEK)
        ),
        people=tuple(_people(offer, asked)) if reach_of(who.role, Right.SEE_SCHEDULE) is Reach.ALL else (),
        places=tuple(_places(offer, asked)),
        as_list=len(offer.practitioners) > SEVERAL,
        waiting=tuple(_waiting(seen, who, now)),
        count=len(seen.to_confirm),
        grid=grid_of(pairs, seen.appointments, offer, now, asked.location),
        step=offer.clinic.slot_step_minutes,
        team=week.table if week and offer.practitioners else None,
        heads=tuple(_head(day, person, asked, offer) for day, person in pairs),
        fingerprint=seen.fingerprint,
        notice=notice,
        poll=url_for("staff.changes", since=int(seen.since.timestamp())),
        beside={key: _beside(found, offer) for key, found in seen.neighbours.items()},
        links=_links(seen, who, now),
        overdue=_overdue(seen, now),
    )


def _links(seen: ScheduleView, who: SignedIn, now: datetime) -> dict[str, Way]:
    t, links, zone = load(), {}, seen.offer.clinic.zone
    may_tie = reach_of(who.role, Right.CHANGE_PATIENTS) is not Reach.NONE
    may_read = reach_of(who.role, Right.READ_RECORDS) is not Reach.NONE
    for one in {one.id: one for one in (*seen.appointments, *seen.to_confirm)}.values():
        if one.id in seen.encounters:
            links[one.id] = Way(t("convert.record"), record_url(one.id) if may_read else "", here=True)
        elif one.status in CONVERTIBLE and may_tie and not one.too_late(zone, now):
            links[one.id] = Way(t("convert.open"), url_for("conversion.page", appointment_id=one.id))
    return links


def _pairs(seen: ScheduleView, asked: Asked) -> list[tuple[date, Practitioner]]:
    """Return the columns: working days of one therapist (a weekend only when something is on), or a day of several."""
    offer, zone = seen.offer, seen.offer.clinic.zone
    people = [p for p in offer.practitioners.values() if asked.practitioner in ("", p.id)]
    if asked.view == DAY:
        here = {a.practitioner_id for a in seen.appointments if asked.location in ("", a.location_id)}
        return [(asked.day, p) for p in people if asked.practitioner or p.works_at(asked.location) or p.id in here]
    busy = {local_day(a.starts_at, zone) for a in seen.appointments if a.practitioner_id == asked.practitioner}
    return [
        (day, person)
        for person in people
        for day in days_from(asked.first, asked.days)
        if day.weekday() < 5 or day in busy or any(hours.weekday == day.weekday() for hours in person.hours)
    ]


def _beside(found: Neighbours, offer: Offer) -> str:
    t, clock = load(), when_in(offer.clinic.zone).time
    before, after = found.before, found.after
    words = [
        t("card.before", time=clock(before.ends_at), name=short_name(before)) if before else t("card.free_before"),
        t("card.after", time=clock(after.starts_at), name=short_name(after)) if after else t("card.free_after"),
    ]
    return ", ".join(words) if before or after else t("card.free_around")


def _overdue(seen: ScheduleView, now: datetime) -> str:
    late = sum(one.overdue(seen.offer.clinic.answer_minutes, now) for one in seen.to_confirm)
    return load().plural("waiting.overdue", late) if late else ""


def title_of(days: Sequence[date], asked: Asked, offer: Offer, now: datetime) -> str:
    """Return the days shown in words: "23–27 listopada"."""
    t, words = load(), widget_texts()
    first, last = days[0], days[-1]
    month = words(f"month_of.{last.month}")
    if asked.view == DAY:
        weekday = when_in(offer.clinic.zone).weekday(first)
        title = t("schedule.range.day", weekday=weekday, number=first.day, month=month)
    elif first.month == last.month:
        title = t("schedule.range.within_month", first=first.day, last=last.day, month=month)
    else:
        first_month = words(f"month_of.{first.month}")
        title = t("schedule.range.across_months", first=first.day, first_month=first_month, last=last.day, month=month)
    if last.year == local_day(now, offer.clinic.zone).year:
        return title
    return t("schedule.range.year", range=title, year=last.year)


def _people(offer: Offer, asked: Asked) -> list[Way]:
    ways = [
        Way(f"{p.first_name} {p.last_name}", "", p.id == asked.practitioner, p.initials, p.id)
        for p in offer.practitioners.values()
    ]
    if len(ways) > 1:
        ways.insert(0, Way(load()("schedule.everybody"), "", not asked.practitioner, "", EVERYBODY))
    return [
        replace(way, url=replace(asked, practitioner="" if way.value == EVERYBODY else way.value).url()) for way in ways
    ]


def _places(offer: Offer, asked: Asked) -> list[Way]:
    if len(offer.locations) < 2:
        return []
    ways = [Way(load()("schedule.every_place"), replace(asked, location="").url(), not asked.location)]
    return ways + [
        Way(place.name, replace(asked, location=place.id).url(), place.id == asked.location, value=place.id)
        for place in offer.locations.values()
    ]


def _waiting(seen: ScheduleView, who: SignedIn, now: datetime) -> list[Waiting]:
    """Return what waits, a therapist's own before the others'."""
    own = [a for a in seen.to_confirm if who.practitioner_id and a.practitioner_id == who.practitioner_id]
    others = [a for a in seen.to_confirm if a not in own]
    groups = [Waiting(load()("waiting.own"), True, _cards(own, seen, now))] if own else []
    if others:
        groups.append(Waiting(load()("waiting.others") if own else "", False, _cards(others, seen, now)))
    return groups


def _cards(appointments: list[Appointment], seen: ScheduleView, now: datetime) -> tuple[Card, ...]:
    return tuple(card_of(one, seen.offer, now) for one in appointments)


def _head(day: date, person: Practitioner, asked: Asked, offer: Offer) -> Way:
    if asked.view == DAY:
        return Way(person.name, replace(asked, view=WEEK, practitioner=person.id).url(), mark=person.initials)
    weekday = when_in(offer.clinic.zone).weekday_short(day)
    return Way(
        weekday,
        replace(asked, day=day, view=DAY).url(),
        mark=str(day.day),
        value=widget_texts()(f"month_of.{day.month}"),
    )


def notice_of(did: str, found: Answered, offer: Offer, now: datetime) -> Notice | None:
    """Return what to say after an answer, by how the appointment and its message stand now; None when that fits nothing that was done."""
    t, card = load(), card_of(found.appointment, offer, now)
    key = f"notice.{did}.{card.state}"
    if key in t and did in TOLD_BY_SMS:
        state = (found.sms or "none") if offer.clinic.opens(Use.SMS, now) else "off"
        words = f"{t(key, name=card.name, when=card.when)} {t(f'notice.sms.{state}')}"
        return Notice(words) if state in ("queued", "sending", "sent") else Notice(words, card.phone, card.dial)
    if key not in t:
        return None
    child = f"{key}_child"
    words = t(child if card.child and child in t else key, name=card.name, when=card.when)
    return Notice(words, card.phone, card.dial) if card.state == "cancelled" else Notice(words)
