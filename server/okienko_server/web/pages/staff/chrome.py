"""What stands around every page of the clinic's people: whose clinic, who is signed in, the parts they may enter."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for
from markupsafe import Markup

from okienko_server.domain.contract import Use
from okienko_server.domain.roles import Reach
from okienko_server.storage.staff import SignedIn
from okienko_server.texts import load
from okienko_server.web import guards
from okienko_server.web.house import house
from okienko_server.web.pages.present import offer_badge
from okienko_server.web.policy import right_of
from okienko_widget import load as widget_texts
from okienko_widget.views import ClinicBadge

PARTS = {
    "schedule": "staff.schedule",
    "patients": "patients.search",
    "hours": "hours.page",
    "people": "people.page",
    "messages": "messages.page",
    "settings": "settings.page",
    "audit": "trail.page",
    "account": "account.page",
}
"""The parts of the program in the order of the navigation: word in the catalogue -> endpoint."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the program; `here` marks the one this page belongs to."""

    words: str
    url: str
    here: bool


@dataclass(frozen=True, slots=True)
class Chrome:
    """The frame of a staff page."""

    clinic: ClinicBadge
    who: SignedIn
    parts: tuple[Part, ...]
    sms: bool
    """Whether the clinic's contract sends patients messages."""


def chrome(here: str = "schedule") -> Chrome:
    """Return the frame of the current request's page; `here` is its part's word."""
    desk, scope = house().desk, guards.scope()
    offer = desk.shelf.get(scope.clinic_id) or desk.database.read(lambda connection: desk.offer(connection, scope))
    parts = [
        Part(load()(f"nav.{word}"), url_for(endpoint), word == here)
        for word, endpoint in PARTS.items()
        if _may_enter(endpoint)
    ]
    return Chrome(offer_badge(offer), guards.staff(), tuple(parts), offer.clinic.opens(Use.SMS, house().clock()))


def _may_enter(endpoint: str) -> bool:
    right = right_of(current_app, endpoint)
    return right is not None and guards.scope().reach(right) is not Reach.NONE and guards.may_guest(right)


def csrf() -> Markup:
    """Return the hidden field every staff form carries."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(guards.staff().csrf)


def operator_csrf() -> Markup:
    """Return the hidden field every form of the operator's console carries."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(guards.operator().csrf)


def wrong(code: str) -> str:
    """Return the sentence beside a field for a refusal's code: the staff's own, or the one patients read."""
    t, patients = load(), widget_texts()
    if f"wrong.{code}" in t:
        return t(f"wrong.{code}")
    return patients(f"error.{code}" if f"error.{code}" in patients else "error.bad_request")


def on_staff_page() -> bool:
    """Return whether the current request belongs to the staff's pages."""
    return request.path in ("/staff", "/operator") or request.path.startswith(("/staff/", "/operator/"))
