"""The widget's steps: every one a server-rendered page, every choice a plain POST, no cookie and no storage."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from hashlib import sha256

from flask import Blueprint, Response, g, request

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.cells import instant_of
from okienko_server.domain.details import Details
from okienko_server.domain.errors import (
    CodeRefused,
    FieldsRefused,
    HoldExpired,
    NotFound,
    ProofNeeded,
    ResendRefused,
    SlotRefused,
    SlotTaken,
    StepNotAllowed,
)
from okienko_server.domain.proof import MAX_PROOF
from okienko_server.domain.scope import Scope
from okienko_server.domain.towns import towns_like
from okienko_server.operations.held import Held
from okienko_server.operations.hold import HoldRequest, hold
from okienko_server.operations.verify import extend_hold, give_details, resend_code, verify_code
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.calendar import calendar_file
from okienko_server.web.pages.choices import TYPED, Choices
from okienko_server.web.pages.present import cell_of_slot
from okienko_server.web.pages.show import Visit
from okienko_server.web.policy import Policy, policy
from okienko_widget.views import Proof

_BACKS = 20
"""So often may one page's time be given back and taken again."""

steps = Blueprint("widget", __name__, url_prefix="/w")


@steps.post("/start")
@policy(Policy.FORM)
def start() -> Response:
    """Back to the first question; a held time is given back."""
    visit = Visit(Choices.of(request.form))
    visit.give_back()
    return visit.problem()


@steps.post("/problem")
@policy(Policy.FORM)
def problem() -> Response:
    """The problem is chosen: clinics on the portal, times where the clinic is known."""
    visit = Visit(Choices.of(request.form))
    try:
        visit.choices.question()
    except FieldsRefused as refused:
        return visit.problem(refused.errors)
    return visit.times() if visit.clinic_scope() else visit.clinics()


@steps.post("/places")
@policy(Policy.FORM)
def places() -> Response:
    """Towns the letters typed so far may mean, for the field's own list; in the body of a form, where no log sees them."""
    if scope().pinned:
        raise NotFound
    named = towns_like(request.form.get("place", ""))
    twice = Counter(town.name for town in named)
    words = [f"{town.name}, {town.voivodeship}" if twice[town.name] > 1 else town.name for town in named]
    return Response(json.dumps(words, ensure_ascii=False), mimetype="application/json")


@steps.post("/times")
@policy(Policy.FORM)
def times() -> Response:
    """Free times of the chosen clinic."""
    visit = Visit(Choices.of(request.form))
    visit.give_back()
    return visit.times()


@steps.post("/hold")
@policy(Policy.FORM)
def take() -> Response:
    """A time is chosen: hold it, or show the nearest others."""
    visit = Visit(Choices.of(request.form))
    visit.give_back()
    value = request.form.get("slot", "")
    cell = cell_of_slot(value)
    where = visit.clinic_scope()
    if cell is None or where is None:
        return visit.times(notice="slot_refused") if where else visit.clinics()
    wanted = HoldRequest(
        visit.choices.question(),
        instant_of(cell),
        _key("hold", value, visit.choices.practitioner, visit.choices.service),
    )
    try:
        held = _held(wanted, where, visit)
    except SlotTaken as taken:
        return visit.times(taken=taken.alternatives)
    except (SlotRefused, NotFound):
        return visit.but(service="", practitioner="", location="").times(notice="slot_refused")
    return visit.details(held)


def _held(wanted: HoldRequest, where: Scope, visit: Visit) -> Held:
    """Hold the time; the browser's Back may send the same page again for a time given back since, which is a new request."""
    for _ in range(_BACKS):
        held = hold(wanted, scope=where, desk=house().desk, now=visit.now)
        if held.appointment.status not in (Status.CANCELLED, Status.EXPIRED):
            break
        wanted = replace(wanted, key=_key(wanted.key, held.appointment.id))
    return held


@steps.post("/details")
@policy(Policy.FORM)
def details() -> Response:
    """Details are given: send the code, or say beside each field what is wrong."""
    visit = Visit(Choices.of(request.form))
    typed = {name: request.form.get(name, "") for name in TYPED}
    given = Details(
        Person(typed["first_name"], typed["last_name"]), Person(typed["booker_first_name"], typed["booker_last_name"]),
        typed["phone"], typed["comment"], typed["consent"] == "yes", _key("details", *typed.values()),
        request.form.get("proof", "")[:MAX_PROOF],
    )  # fmt: skip
    try:
        held = give_details(visit.appointment_id, given, scope=visit.where(), desk=house().desk, now=visit.now)
    except FieldsRefused as refused:
        return visit.details(visit.held(), refused.errors)
    except ResendRefused as refused:
        return visit.details(visit.held(), {"phone": refused.code})
    except ProofNeeded as needed:
        return visit.details(visit.held(), proof=Proof(needed.challenge, needed.bits, needed.wait_seconds))
    except StepNotAllowed:
        return visit.after(visit.held())
    except (HoldExpired, NotFound) as lost:
        return visit.lost(lost)
    return visit.code(held)


@steps.post("/code")
@policy(Policy.FORM)
def code() -> Response:
    """The code is typed: the reservation stands, or the field says why not."""
    visit = Visit(Choices.of(request.form))
    typed = request.form.get("code", "")
    try:
        made = verify_code(
            visit.appointment_id, typed, key=_key("code", typed), scope=visit.where(), desk=house().desk, now=visit.now
        )
    except CodeRefused as refused:
        return visit.code(visit.held(), {"code": refused.code}, refused.tries_left)
    except StepNotAllowed:
        return visit.after(visit.held())
    except (HoldExpired, NotFound) as lost:
        return visit.lost(lost)
    return visit.done(made)


@steps.post("/resend")
@policy(Policy.FORM)
def resend() -> Response:
    """A new code to the same phone."""
    visit = Visit(Choices.of(request.form))
    try:
        held = resend_code(
            visit.appointment_id, key=_key("resend"), scope=visit.where(), desk=house().desk, now=visit.now
        )
    except ResendRefused as refused:
        return visit.code(visit.held(), {"code": refused.code})
    except StepNotAllowed:
        return visit.after(visit.held())
    except (HoldExpired, NotFound) as lost:
        return visit.lost(lost)
    return visit.code(held, notice="code_resent")


@steps.post("/extend")
@policy(Policy.FORM)
def extend() -> Response:
    """More time for whoever needs it, on the page they were on."""
    visit = Visit(Choices.of(request.form))
    try:
        held = extend_hold(visit.appointment_id, scope=visit.where(), desk=house().desk, now=visit.now)
    except StepNotAllowed:
        return visit.after(visit.held())
    except (HoldExpired, NotFound) as lost:
        return visit.lost(lost)
    if held.challenge is None:
        return visit.details(held, notice="hold_extended")
    return visit.code(held, notice="hold_extended")


@steps.post("/edit")
@policy(Policy.FORM)
def edit() -> Response:
    """Back from the code to the details, with everything typed."""
    visit = Visit(Choices.of(request.form))
    try:
        held = visit.held()
    except NotFound as lost:
        return visit.lost(lost)
    return visit.details(held)


@steps.post("/release")
@policy(Policy.FORM)
def give_back() -> Response:
    """The patient wants another time: this one goes back at once."""
    visit = Visit(Choices.of(request.form))
    visit.give_back()
    return visit.but(appointment="").times(notice="time_released")


@steps.post("/calendar")
@policy(Policy.FORM)
def calendar() -> Response:
    """The appointment as a calendar file."""
    visit = Visit(Choices.of(request.form))
    held = visit.held()
    if held.appointment.status not in (Status.PENDING, Status.BOOKED):
        raise NotFound
    return calendar_file(held.appointment, held.offer)


def _key(*asked: str) -> str:
    """Return the idempotency key of this page's form and what it asks: the browser's Back may send another choice from an old page."""
    page = request.form.get("key", "")
    if not page or getattr(g, "session_renewed", False):
        return ""
    return sha256("\n".join((page, *asked)).encode()).hexdigest()
