"""From domain values to the widget's views: words, prices and moments, nothing decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import ceil
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from okienko_server.domain.agreement import Terms
from okienko_server.domain.appointment import Appointment
from okienko_server.domain.cells import DayGrid, cell_at, instant_of, local_day
from okienko_server.domain.clinic import Address, Clinic
from okienko_server.domain.errors import ClinicPaused
from okienko_server.domain.offer import Location, Offer
from okienko_server.domain.slots import bits, first_start
from okienko_server.operations.find_slots import FreeTimes
from okienko_server.web.pages.choices import Choices
from okienko_widget import Texts, When, load
from okienko_widget.views import (
    AppointmentSummary,
    Choice,
    ClinicBadge,
    DayChoice,
    Frame,
    MessageView,
    PartOfDay,
    SlotChoice,
    SlotGroup,
    TimesView,
)

_PARTS: tuple[tuple[PartOfDay, int, int], ...] = (
    ("morning", 0, 720),
    ("afternoon", 720, 1020),
    ("evening", 1020, 1440),
)
ANY = ""
_HOME = ZoneInfo("Europe/Warsaw")
END_OF_TIME = 13_700_000
"""Cell of some day in the year 2100: beyond it no button of ours ever pointed."""


@lru_cache(maxsize=64)
def when_in(zone: ZoneInfo) -> When:
    """Return the formatter of a zone in the catalogue's language."""
    return When(load(), zone)


def badge(clinic: Clinic, location: Location | None) -> ClinicBadge:
    """Return how the header names a clinic."""
    return ClinicBadge(
        clinic.name, location.address if location else "", initials_of(clinic.name), _phone(clinic.phone)
    )


def initials_of(name: str) -> str:
    """Return the letters in a clinic's square: those its first two words begin with."""
    words = [word for word in name.split() if word[:1].isalpha()]
    return "".join(word[0] for word in words[:2]).upper()


def _phone(phone: str) -> str:
    digits = phone.removeprefix("+48")
    return " ".join((digits[:3], digits[3:6], digits[6:])) if len(digits) == 9 and digits.isdigit() else phone


def paused_view(view: MessageView, error: ClinicPaused) -> MessageView:
    """Return the page of a clinic on a pause: its name, its own words, its telephone, the day it is back."""
    elsewhere = load()("message.clinic_paused.elsewhere") if view.link else ""
    note = load()("message.clinic_paused.back", day=when_in(_HOME).day(error.back_on)) if error.back_on else ""
    shown = ClinicBadge(error.clinic, "", initials_of(error.clinic), _phone(error.phone))
    return replace(view, clinic=shown, lead=error.message, note=note, elsewhere=elsewhere)


def offer_badge(offer: Offer) -> ClinicBadge:
    """Return the header of a clinic: its address when there is one, its cities when there are several."""
    places = list(offer.locations.values())
    if len(places) < 2:
        return badge(offer.clinic, places[0] if places else None)
    cities = ", ".join(dict.fromkeys(place.city for place in places))
    return replace(badge(offer.clinic, None), address=cities)


def summary_of(choices: Choices, free: FreeTimes | None, texts: Texts) -> str:
    """Return "Kręgosłup · pierwsza wizyta · 60 min · 180 zł"."""
    parts = [texts(f"category.{choices.category}"), texts(f"kind.{choices.kind}").lower()]
    if free and free.service:
        when = when_in(free.offer.clinic.zone)
        parts += [when.duration(free.service.minutes), when.price(free.service.price)]
    return " · ".join(parts)


def appointment_summary(appointment: Appointment, offer: Offer, texts: Texts) -> AppointmentSummary:
    """Return who, when, where and for how much."""
    when, terms = when_in(offer.clinic.zone), appointment.terms(offer)
    offered = texts(
        "offer.summary", kind=texts(f"kind.{appointment.kind}"), category=texts(f"category.{appointment.category}").lower(),
        price=agreed_price(terms, when, texts),
    )  # fmt: skip
    return AppointmentSummary(
        when.span(appointment.starts_at, appointment.ends_at),
        offer.practitioner(appointment.practitioner_id).name,
        terms.address.short,
        offered,
        _cancel_by(appointment, terms.cancel_minutes, when),
    )


def agreed_price(terms: Terms, when: When, texts: Texts) -> str:
    """Return the price that was agreed; the service's present one is marked as such where none was kept."""
    price = when.price(terms.price)
    return price if terms.price_agreed else texts("offer.present_price", price=price)


def _cancel_by(appointment: Appointment, minutes: int, when: When) -> str:
    """Return until when it may be cancelled free of charge; "" where no limit was agreed, or it was made later than that."""
    until = appointment.starts_at - timedelta(minutes=minutes)
    return when.full(until) if minutes and until > appointment.created_at else ""


def directions_url(address: Address) -> str:
    """Return a map search for the address; it carries nothing else."""
    return "https://www.openstreetmap.org/search?" + urlencode({"query": address.full})


def held_for(appointment: Appointment, now: datetime) -> dict[str, int | None]:
    """Return the frame's fields about the hold."""
    if appointment.held_until is None:
        return {"held_minutes": None, "held_seconds": None}
    seconds = max(0, int((appointment.held_until - now).total_seconds()))
    return {"held_minutes": ceil(seconds / 60) if seconds else 0, "held_seconds": seconds}


def slot_choice(free: FreeTimes, cell: int, today: date) -> SlotChoice:
    """Return one start in full words, with the therapist who would be chosen."""
    when, start = when_in(free.offer.clinic.zone), instant_of(cell)
    who = free.free_at(cell)
    practitioner_id, location_id = who[0] if who else (ANY, ANY)
    person, place = free.offer.practitioners.get(practitioner_id), free.offer.locations.get(location_id)
    return SlotChoice(
        value=str(cell),
        time=when.time(start),
        label=when.full(start, today),
        practitioner=person.name if person else "",
        place=place.address if place and len(free.offer.locations) > 1 else "",
    )


def times_view(
    frame: Frame, choices: Choices, free: FreeTimes, soonest: int | None, texts: Texts, now: datetime
) -> TimesView:
    """Return the page of free times for the days of the answer; `soonest` is the cell offered at once, if any."""
    zone = free.offer.clinic.zone
    today = local_day(now, zone)
    first = date.fromisoformat(choices.week) if choices.week else today
    last_bookable = today + timedelta(days=free.offer.clinic.horizon_days)
    following = first + timedelta(days=7)
    return TimesView(
        frame=frame,
        summary=summary_of(choices, free, texts),
        soonest=slot_choice(free, soonest, today) if soonest is not None else None,
        practitioners=tuple(_practitioners(free, choices, texts)),
        services=tuple(_services(free, texts)),
        days=tuple(_days(free)),
        previous_week=max(today, first - timedelta(days=7)).isoformat() if first > today else "",
        next_week=following.isoformat() if following <= last_bookable else "",
    )


def _practitioners(free: FreeTimes, choices: Choices, texts: Texts) -> Iterable[Choice]:
    yield Choice(ANY, texts("times.any"), initials="", chosen=not choices.practitioner)
    for person in free.practitioners:
        name = f"{person.first_name} {person.last_name}"
        yield Choice(person.id, name, initials=person.initials, chosen=person.id == choices.practitioner)


def _services(free: FreeTimes, texts: Texts) -> Iterable[Choice]:
    when = when_in(free.offer.clinic.zone)
    for service in free.services:
        detail = f"{when.duration(service.minutes)} · {when.price(service.price)}"
        yield Choice(service.id, service.name, detail, chosen=service is free.service)


def _days(free: FreeTimes) -> Iterable[DayChoice]:
    chosen = False
    for grid, mask in free.days():
        yield _day(grid, mask, bool(mask) and not chosen)
        chosen = chosen or bool(mask)


@lru_cache(maxsize=4096)
def _day(grid: DayGrid, mask: int, here: bool) -> DayChoice:
    """Return one day in words; the same free times read the same until somebody takes one of them."""
    when = when_in(grid.zone)
    weekday, title = when.weekday_short(grid.day), when.day(grid.day)
    groups = tuple(_groups(grid, mask))
    return DayChoice(grid.day.isoformat(), weekday, str(grid.day.day), title, mask.bit_count(), here, groups)


def _groups(grid: DayGrid, mask: int) -> Iterable[SlotGroup]:
    times, minutes = _clock_faces(grid), grid.wall_minutes
    slots = [(minutes[bit], SlotChoice(str(grid.first + bit), times[bit])) for bit in bits(mask)]
    for part, start, end in _PARTS:
        if inside := tuple(slot for minute, slot in slots if start <= minute < end):
            yield SlotGroup(part, inside)


@lru_cache(maxsize=512)
def _clock_faces(grid: DayGrid) -> tuple[str, ...]:
    """Return the clock's words for each cell of a day, kept because each is shown over and over."""
    when = when_in(grid.zone)
    return tuple(when.time(instant_of(grid.first + bit)) for bit in range(grid.length))


def soonest_of(free: FreeTimes) -> int | None:
    """Return the cell of the first free start in the answer."""
    return first_start(free.span, free.any_start)


def soon(offer: Offer, cell: int, now: datetime) -> str:
    """Return a start in the fewest words: "dziś 13:30", "jutro 9:00", "pt. 27.11, 9:00"."""
    zone = offer.clinic.zone
    return short_start(instant_of(cell), zone, local_day(now, zone), load())


def short_start(start: datetime, zone: ZoneInfo, today: date, texts: Texts) -> str:
    """Return a start in the fewest words, in a zone's time."""
    when = when_in(zone)
    day, time = when.local_date(start), when.time(start)
    if 0 <= (day - today).days <= 1:
        return texts("clinics.today" if day == today else "clinics.tomorrow", time=time)
    return texts("clinics.short", weekday=when.weekday_short(day), date=f"{day.day}.{day.month:02d}", time=time)


def cell_of_slot(value: str) -> int | None:
    """Return the cell a slot button posts, or None when the text is no such thing."""
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 8 and int(value) < END_OF_TIME else None


def slot_of(appointment: Appointment) -> str:
    """Return the slot value of an appointment's start."""
    return str(cell_at(appointment.starts_at))
