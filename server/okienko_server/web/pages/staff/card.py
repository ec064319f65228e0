"""One appointment in words, as the clinic's own people read it: in the waiting list, in the grid, on its sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from okienko_server.domain.agreement import Terms
from okienko_server.domain.appointment import MOVABLE, Appointment, Status
from okienko_server.domain.cells import local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.phone import spoken
from okienko_server.domain.problem import SENIOR, AgeRange
from okienko_server.domain.scope import Source
from okienko_server.texts import load
from okienko_server.web.pages.present import agreed_price, when_in
from okienko_widget import load as widget_texts

MONTHS_SPOKEN = 24
"""Below this age people count in months."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of one appointment; a field that does not apply is empty."""

    id: str
    state: str
    name: str
    """With the age of a child: "Antoni Wójcik, 5 mies."."""
    listed: str
    """Surname first, for a narrow place: "Wójcik Antoni, 5 mies."."""
    when: str
    start: str
    what: str
    """Kind of visit, problem category, "65+" when it matters, minutes."""
    kind: str
    practitioner: str
    place: str
    """Only where the clinic has several addresses."""
    agreed: str
    """Service and price as agreed."""
    booker: str
    made: str
    """Age and door of a reservation that waits; the door alone later."""
    comment: str
    phone: str
    dial: str
    child: bool
    waits: bool
    held: bool
    """Somebody is only just booking it: nobody's reservation yet, so it names nobody."""
    confirmable: bool
    """Waits, and its day is not past."""
    movable: bool
    begun: bool
    """Planned and begun: it may be said what became of it."""
    late: bool
    """Waits longer for an answer than the clinic means to let anybody wait."""
    day: str
    """ISO date of the clinic's local day."""
    practitioner_id: str


def card_of(appointment: Appointment, offer: Offer, now: datetime) -> Card:
    """Return the words for one appointment as of now."""
    zone, t, patient, terms = offer.clinic.zone, load(), appointment.patient, appointment.terms(offer)
    when, today = when_in(zone), local_day(now, zone)
    start, end = when.time(appointment.starts_at), when.time(appointment.ends_at)
    age = f", {_age(appointment.age)}" if appointment.age.is_child else ""
    person = offer.practitioners.get(appointment.practitioner_id)
    kind, waits = widget_texts()(f"kind.{appointment.kind}").lower(), appointment.status is Status.PENDING
    return Card(
        id=appointment.id,
        state=appointment.status.value,
        name=patient.name + age,
        listed=f"{patient.last_name} {patient.first_name}".strip() + age,
        when=t("card.when", day=when.day(appointment.starts_at, today), start=start, end=end),
        start=start,
        what=_what(appointment, kind),
        kind=kind,
        practitioner=person.name if person else "",
        place=_place(terms, offer),
        agreed=f"{terms.service} · {agreed_price(terms, when, widget_texts())}",
        booker=t("card.booker", name=appointment.booker.name) if appointment.booker.name else "",
        made=_made(appointment, now, offer),
        comment=appointment.comment,
        phone=spoken(appointment.phone),
        dial=appointment.phone,
        child=appointment.age.is_child,
        waits=waits,
        held=appointment.status is Status.PROPOSED,
        confirmable=waits and not appointment.too_late(zone, now),
        movable=appointment.status in MOVABLE,
        begun=appointment.status is Status.BOOKED and appointment.starts_at <= now,
        late=appointment.overdue(offer.clinic.answer_minutes, now),
        day=local_day(appointment.starts_at, zone).isoformat(),
        practitioner_id=appointment.practitioner_id,
    )


def _what(appointment: Appointment, kind: str) -> str:
    minutes = appointment.ends_at - appointment.starts_at
    duration = widget_texts()("when.duration", minutes=int(minutes.total_seconds()) // 60).replace(" ", "\u00a0")
    senior = (load()("age.senior"),) if appointment.age == SENIOR else ()
    return " · ".join((kind, widget_texts()(f"category.{appointment.category}"), *senior, duration))


def _place(terms: Terms, offer: Offer) -> str:
    return f"{terms.location}, {terms.address.street}" if len(offer.locations) > 1 else ""


def _age(age: AgeRange) -> str:
    t, exact = load(), age.lowest == age.highest
    if age.lowest < MONTHS_SPOKEN and exact:
        return t("age.months", n=age.lowest)
    return t("age.infant") if age.lowest < 12 else t.plural("age.years", age.lowest // 12)


def _made(appointment: Appointment, now: datetime, offer: Offer) -> str:
    t, door = load(), load()(f"door.{appointment.source}")
    if appointment.status is Status.PENDING:
        return t("card.made", ago=_ago(appointment.pending_at or appointment.created_at, now, offer), door=door)
    return "" if appointment.source is Source.STAFF else f"{t('state.pending')} {door}"


def _ago(at: datetime, now: datetime, offer: Offer) -> str:
    t, minutes, zone = load(), max(int((now - at).total_seconds()) // 60, 0), offer.clinic.zone
    if minutes < 1:
        return t("ago.now")
    if minutes < 60:
        return t("ago.minutes", n=minutes)
    days = (local_day(now, zone) - local_day(at, zone)).days
    if minutes < 24 * 60:
        return t("ago.hours", n=minutes // 60)
    return t("ago.yesterday") if days == 1 else t("ago.days", n=days)
