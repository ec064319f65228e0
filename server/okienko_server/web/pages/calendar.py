"""The appointment as an iCalendar file (RFC 5545): clinic, time and place, no word about health."""

from __future__ import annotations

from flask import Response, make_response
from icalendar import Calendar, Event

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.offer import Offer
from okienko_server.web.house import house
from okienko_server.web.pages.present import badge


def calendar_file(appointment: Appointment, offer: Offer) -> Response:
    """Return the .ics download; UID stays the same for the same appointment, so a later file replaces this one."""
    texts = house().desk.texts
    event = Event()
    event.add("uid", f"{appointment.id}@okienko")
    event.add("sequence", 0)
    event.add("dtstamp", house().clock())
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.ends_at)
    event.add("summary", texts("calendar.title", clinic=offer.clinic.name))
    event.add("location", appointment.terms(offer).address.full)
    event.add("description", texts("calendar.description", phone=badge(offer.clinic, None).phone))
    calendar = Calendar()
    calendar.add("prodid", "-//Okienko//PL")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    response = make_response(calendar.to_ical())
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{texts("calendar.filename")}"'
    return response
