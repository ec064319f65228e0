"""Opening and working hours with a look at what a change breaks; absences; the time for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused
from okienko_server.domain.hours import DAYS, written
from okienko_server.domain.offer import Offer, OpeningHours, Practitioner, WorkingHours
from okienko_server.domain.roles import Right
from okienko_server.operations.change_hours import (
    ANSWER_CHOICES,
    AbsenceAsked,
    WeekAsked,
    add_absence,
    change_answer_time,
    change_hours,
    preview_absence,
    preview_hours,
    remove_absence,
    see_hours,
)
from okienko_server.storage.hours import KeptAbsence
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.card import Card, card_of
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, whole_number

hours = Blueprint("hours", __name__, url_prefix="/staff")
_AWAY = ("practitioner", "from_day", "from_time", "until_day", "until_time", "reason")


@dataclass(frozen=True, slots=True)
class HoursPage:
    """Everything the template shows; `chosen` is (location id, practitioner id), the second empty for opening hours."""

    offer: Offer
    people: tuple[Practitioner, ...]
    whole_clinic: bool
    chosen: tuple[str, str]
    days: tuple[str, ...]
    revision: int
    errors: Mapping[str, str]
    broken: tuple[Card, ...] | None
    """What the hours typed would leave outside; None while nobody asked."""
    stored: tuple[str, ...]
    """In a conflict: the hours somebody else wrote meanwhile."""
    absences: tuple[tuple[KeptAbsence, str, str], ...]
    away: Mapping[str, str]
    away_broken: tuple[Card, ...] | None
    answers: tuple[int, ...]


@hours.get("/hours")
@policy(Policy.STAFF, Right.CHANGE_HOURS)
def page() -> Response:
    """The hours of one place, or of one therapist there."""
    return _shown(request.args.get("location", ""), request.args.get("practitioner", ""))


@hours.post("/hours")
@policy(Policy.STAFF, Right.CHANGE_HOURS)
def change() -> AnyResponse:
    """The hours are written; when that leaves appointments outside, they are shown first and it takes a second press."""
    days = tuple(request.form.get(f"day-{n}", "")[:200] for n in range(DAYS))
    location, practitioner = request.form.get("location", ""), request.form.get("practitioner", "")
    asked = WeekAsked(
        plain_id(location), plain_id(practitioner) if practitioner else "", days,
        whole_number(request.form.get("revision", "")),
    )  # fmt: skip
    desk, now = house().desk, house().clock()
    try:
        broken = preview_hours(asked, scope=scope(), desk=desk, now=now)
        if "look" in request.form or not _seen_all(broken):
            return _shown(location, practitioner, days, broken=broken, revision=asked.revision)
        change_hours(asked, scope=scope(), desk=desk, now=now)
    except FieldsRefused as refused:
        return _shown(location, practitioner, days, refused.errors, 422, revision=asked.revision)
    except EditConflict:
        return _shown(location, practitioner, days, {"conflict": EditConflict.code}, 409)
    return redirect(url_for("hours.page", location=location, practitioner=practitioner), 303)


@hours.post("/hours/answer")
@policy(Policy.STAFF, Right.CHANGE_HOURS)
def answer() -> AnyResponse:
    """The clinic's time for an answer."""
    minutes = whole_number(request.form.get("minutes", ""))
    change_answer_time(minutes, scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("hours.page"), 303)


@hours.post("/absences")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def away() -> AnyResponse:
    """An absence is written; appointments that fall into it are shown first, and stay."""
    typed = {name: request.form.get(name, "") for name in _AWAY}
    desk, now = house().desk, house().clock()
    try:
        asked = _absence(typed)
        broken = preview_absence(asked, scope=scope(), desk=desk, now=now)
        if not _seen_all(broken):
            return _away_page(typed, {}, broken)
        add_absence(asked, scope=scope(), desk=desk, now=now)
    except (FieldRefused, FieldsRefused) as refused:
        errors = refused.errors if isinstance(refused, FieldsRefused) else {refused.field: refused.code}
        return _away_page(typed, errors, None, 422)
    return redirect(
        url_for("staff.schedule", day=typed["from_day"], practitioner=typed["practitioner"], view="week"), 303
    )


@hours.get("/absences")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def absence_form() -> Response:
    """The form of an absence; therapist and day may come along."""
    typed = dict.fromkeys(_AWAY, "") | {
        "practitioner": request.args.get("practitioner", "") or scope().practitioner_id,
        "from_day": request.args.get("day", ""),
    }
    return _away_page(typed, {}, None)


@hours.post("/absences/<absence_id>/remove")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def back(absence_id: str) -> AnyResponse:
    """The absence is taken back."""
    remove_absence(plain_id(absence_id), scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("hours.absence_form"), 303)


def _absence(typed: Mapping[str, str]) -> AbsenceAsked:
    """Return the span typed: without hours it is whole days, the last one included."""
    desk, where = house().desk, scope()
    zone = desk.database.read(lambda connection: desk.current_offer(connection, where)).clinic.zone
    try:
        first = date.fromisoformat(typed["from_day"])
        last = date.fromisoformat(typed["until_day"]) if typed["until_day"] else first
        if not (2000 <= first.year <= 2200 and 2000 <= last.year <= 2200):
            raise ValueError
        begins = time.fromisoformat(typed["from_time"]) if typed["from_time"] else time(0)
        start = datetime.combine(first, begins, zone)
        if typed["until_time"]:
            end = datetime.combine(last, time.fromisoformat(typed["until_time"]), zone)
        else:
            end = datetime.combine(last + timedelta(days=1), time(0), zone)
    except (ValueError, OverflowError, TypeError):
        raise FieldRefused("when_invalid", field="from_day") from None
    return AbsenceAsked(plain_id(typed["practitioner"]), start, end, typed["reason"])


def _away_page(
    typed: Mapping[str, str], errors: Mapping[str, str], broken: list[Appointment] | None, status: int = 200
) -> Response:
    desk, where, own = house().desk, scope(), scope().own_only(Right.CHANGE_SCHEDULE)
    offer = desk.database.read(lambda connection: desk.current_offer(connection, where))
    people = tuple(person for person in offer.practitioners.values() if own in ("", person.id))
    page = render_template(
        "staff/absence.jinja", offer=offer, people=people, typed=typed, errors=errors, broken=_cards(broken, offer),
        absences=_absences(offer, Right.CHANGE_SCHEDULE),
    )  # fmt: skip
    return make_response(page, status)


def _absences(offer: Offer, right: Right) -> tuple[tuple[KeptAbsence, str, str], ...]:
    _, found = see_hours(right, scope=scope(), desk=house().desk, now=house().clock())
    return tuple(
        (one, offer.practitioner(one.practitioner_id).name, _span(one, offer))
        for one in found
        if one.practitioner_id in offer.practitioners
    )


def _span(absence: KeptAbsence, offer: Offer) -> str:
    """Return an absence in words: whole days by their days, anything else with its hours."""
    zone, when = offer.clinic.zone, when_in(offer.clinic.zone)
    start, end = absence.start.astimezone(zone), absence.end.astimezone(zone)
    if start.time() != time(0) or end.time() != time(0):
        return when.span(absence.start, absence.end)
    last = end.date() - timedelta(days=1)
    return when.day(start.date()) if last == start.date() else f"{when.day(start.date())} – {when.day(last)}"


def _seen_all(broken: list[Appointment]) -> bool:
    """Return whether whoever pressed save had every visit the change breaks before the eyes."""
    return {one.id for one in broken} <= set(request.form.getlist("sure"))


def _cards(broken: list[Appointment] | None, offer: Offer) -> tuple[Card, ...] | None:
    return None if broken is None else tuple(card_of(one, offer, house().clock()) for one in broken)


def _stored(offer: Offer, location: str, practitioner: str) -> tuple[str, ...]:
    kept: tuple[OpeningHours | WorkingHours, ...] = offer.opening
    if practitioner:
        kept = offer.practitioner(practitioner).hours
    mine = [one for one in kept if one.location_id == location]
    return tuple(written(sorted((one.start, one.end) for one in mine if one.weekday == day)) for day in range(DAYS))


def _shown(
    location: str,
    practitioner: str,
    days: tuple[str, ...] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    broken: list[Appointment] | None = None,
    revision: int | None = None,
) -> Response:
    """Show the form; `revision` is the one its hours were read at, so that a look does not hide what a colleague wrote meanwhile."""
    offer, _ = see_hours(scope=scope(), desk=house().desk, now=house().clock())
    own = scope().own_only(Right.CHANGE_HOURS)
    people = tuple(person for person in offer.practitioners.values() if own in ("", person.id))
    if location not in offer.locations:
        location = next(iter(offer.locations), "")
    if practitioner not in {person.id for person in people}:
        practitioner = own
    stored = _stored(offer, location, practitioner)
    page = HoursPage(
        offer, people, not own, (location, practitioner), days or stored, offer.revision if revision is None else revision,
        errors or {}, _cards(broken, offer), stored if errors and "conflict" in errors else (),
        _absences(offer, Right.CHANGE_HOURS), {}, None, ANSWER_CHOICES,
    )  # fmt: skip
    return make_response(render_template("staff/hours.jinja", page=page), status)
