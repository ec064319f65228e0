"""Private calendar addresses: the page that makes and revokes them, and the calendar itself (RFC 5545)."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from icalendar import Calendar, Event
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.operations.calendar_feed import close_feed, feeds, open_feed, read_feed
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id
from okienko_widget import load as widget_texts

calendars = Blueprint("calendars", __name__)
REFRESH = "PT15M"
"""How often a calendar program should look again (RFC 7986 §5.7)."""


@calendars.get("/staff/calendar")
@policy(Policy.STAFF, Right.SEE_SCHEDULE)
def page() -> Response:
    """The therapists within reach and whether each has a calendar address."""
    return _shown("", "")


@calendars.post("/staff/calendar/<practitioner_id>")
@policy(Policy.STAFF, Right.SEE_SCHEDULE)
def make(practitioner_id: str) -> Response:
    """A new address, shown this once; the one before stops."""
    token = open_feed(plain_id(practitioner_id), scope=scope(), desk=house().desk, now=house().clock())
    path = url_for("calendars.calendar", clinic_id=scope().clinic_id, token=token)
    return _shown(practitioner_id, public_url() + path)


@calendars.post("/staff/calendar/<practitioner_id>/revoke")
@policy(Policy.STAFF, Right.SEE_SCHEDULE)
def revoke(practitioner_id: str) -> AnyResponse:
    """The address opens nothing from now on."""
    close_feed(plain_id(practitioner_id), scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("calendars.page"), 303)


@calendars.get("/calendar/<clinic_id>/<token>.ics")
@policy(Policy.FEED)
def calendar(clinic_id: str, token: str) -> Response:
    """The therapist's appointments as a calendar: initials, place and time."""
    offer, appointments = read_feed(scope=scope(), desk=house().desk, now=house().clock())
    found = Calendar()
    found.add("prodid", "-//Okienko//PL")
    found.add("version", "2.0")
    found.add("x-wr-calname", load()("feed.name", clinic=offer.clinic.name))
    found.add("x-published-ttl", REFRESH)
    for appointment in appointments:
        found.add_component(_event(appointment, offer))
    response = make_response(found.to_ical())
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _event(appointment: Appointment, offer: Offer) -> Event:
    t, who = load(), appointment.patient
    letters = [f"{name[0]}." for name in (who.first_name, who.last_name) if name]
    initials = " ".join(letters) or t("feed.nobody")
    pending = appointment.status is Status.PENDING
    kind = t("state.pending") if pending else widget_texts()(f"kind.{appointment.kind}").lower()
    event = Event()
    event.add("uid", f"{appointment.id}@okienko")
    event.add("dtstamp", house().clock())
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.ends_at)
    event.add("status", "TENTATIVE" if pending else "CONFIRMED")
    event.add("summary", t("feed.summary", initials=initials, kind=kind))
    event.add("class", "PRIVATE")
    event.add("location", appointment.terms(offer).address.short)
    return event


def _shown(made_for: str, address: str) -> Response:
    offer, found = feeds(scope=scope(), desk=house().desk)
    when = when_in(offer.clinic.zone)
    rows = [(one.practitioner, when.dated(one.since) if one.since else "") for one in found]
    return make_response(render_template("staff/calendar.jinja", rows=rows, made_for=made_for, address=address))
