"""The settings' first page: whether patients can come, what is missing, and the parts in the order the clinic's people know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.checklist import PART_OF, STOPPING, Item, Lack
from okienko_server.domain.contract import ContractStatus
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.roles import Right
from okienko_server.operations.guests import allow_guests
from okienko_server.operations.join import Joining, NotYet, list_in_portal, see_joining, switch_registration
from okienko_server.operations.rehearse import rehearsals
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import strict_number
from okienko_widget import load as widget_texts

settings_pages = Blueprint("settings", __name__, url_prefix="/staff/settings")

PARTS = {
    "places": "places.page",
    "hours": "hours.page",
    "services": "services.page",
    "therapists": "therapists.page",
    "rules": "rules.page",
    "sms": "sms_wishes.page",
    "website": "website.page",
    "pause": "pauses.page",
}
"""The parts in order: word in the catalogue -> endpoint."""
_STOPPED = (ContractStatus.SUSPENDED, ContractStatus.ENDED)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the checklist: its sentence, where it is put right, whether patients find nothing because of it."""

    words: str
    url: str
    stops: bool


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """Everything the template shows; `state` is one of on, off, paused, shut, stopped."""

    state: str
    lead: str
    until: str
    phone: str
    email: str
    allowed: bool
    listed: bool
    missing: tuple[Line, ...]
    would_see: tuple[str, ...]
    seen: tuple[str, ...]
    """What somebody who presses again has read."""
    parts: tuple[tuple[str, str, str], ...]
    rehearsal: str
    """Where the clinic's people try the window out; empty while patients can come, or the contract is over."""
    rehearsed: int
    """Rehearsals that stand in the schedule."""
    guests: str
    """Until when operators may come in, in words; empty: they may not."""
    patient: str
    """Where the clinic's own page for patients is; empty while it is none."""
    saved: bool


@settings_pages.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """Where the clinic stands."""
    return _shown()


@settings_pages.post("/registration")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def switch() -> AnyResponse:
    """Online registration is switched; what patients would miss is said first, and it takes a second press."""
    on = request.form.get("on") == "yes"
    try:
        switch_registration(
            on, seen=request.form.getlist("seen"), scope=scope(), desk=house().desk, now=house().clock()
        )
    except NotYet as refused:
        return _shown(refused.missing, 422)
    return redirect(url_for("settings.page", did="saved"), 303)


@settings_pages.post("/portal")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def portal() -> AnyResponse:
    """The portal's search names the clinic, or not."""
    list_in_portal(request.form.get("listed") == "yes", scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("settings.page", did="saved"), 303)


@settings_pages.post("/guests")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def guests() -> AnyResponse:
    """Operators may come in for a while, or no longer."""
    hours = strict_number(request.form.get("hours", ""))
    try:
        allow_guests(hours, scope=scope(), desk=house().desk, now=house().clock())
    except FieldRefused as refused:
        return _shown(status=422, errors={refused.field: refused.code})
    return redirect(url_for("settings.page", did="saved"), 303)


def _shown(stopping: tuple[Item, ...] = (), status: int = 200, errors: Mapping[str, str] | None = None) -> Response:
    t, now = load(), house().clock()
    found = see_joining(scope=scope(), desk=house().desk, now=now)
    clinic, state = found.offer.clinic, _state(found)
    pause = clinic.paused(now)
    until = ""
    if state == "paused" and pause:
        until = (
            t("settings.back_on", day=when_in(clinic.zone).day(pause.back_on))
            if pause.back_on
            else t("settings.until_ended")
        )
    lead = t(f"settings.contract.{found.status}") if state in ("shut", "stopped") else t(f"settings.state_lead.{state}")
    shown = SettingsPage(
        state, lead, until, house().settings.operator_phone, house().settings.operator_email, found.allowed, clinic.listed,
        tuple(_lines(found.missing)),
        tuple(t(f"settings.would_see.{item.lack}") for item in stopping),
        tuple(dict.fromkeys(item.lack.value for item in stopping)),
        tuple((t(f"settings.part.{word}"), t(f"settings.about.{word}"), url_for(end)) for word, end in PARTS.items()),
        url_for("rehearsal.begin") if state in ("shut", "off") else "",
        rehearsals(scope=scope(), desk=house().desk),
        when_in(clinic.zone).full(clinic.guests_until) if clinic.guests_until and clinic.lets_guests_in(now) else "",
        url_for("doors.deep_link", slug=clinic.slug) if state == "on" else "",
        request.args.get("did") == "saved",
    )  # fmt: skip
    return make_response(render_template("staff/settings.jinja", page=shown, errors=errors or {}), status)


def _state(found: Joining) -> str:
    if not found.allowed:
        return "stopped" if found.status in _STOPPED else "shut"
    if not found.offer.clinic.registration:
        return "off"
    return "paused" if found.offer.clinic.paused(house().clock()) else "on"


def _named(item: Item) -> str:
    return widget_texts()(f"category.{item.about}") if item.lack is Lack.UNCOVERED else item.about


def _lines(missing: tuple[Item, ...]) -> Iterator[Line]:
    """Yield a line for each lack; what several addresses or people lack is one line with their names."""
    for lack, items in groupby(missing, key=lambda item: item.lack):
        endpoint, names = PARTS[PART_OF[lack]], ", ".join(_named(item) for item in items if item.about)
        key = f"settings.lack.{lack}"
        yield Line(load()(key, about=names) if names else load()(key), url_for(endpoint), lack in STOPPING)
