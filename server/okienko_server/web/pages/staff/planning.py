"""Changing the schedule: put in a visit, move it, cancel it, say what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.appointment import MOVABLE, Appointment, Step
from okienko_server.domain.contract import Use
from okienko_server.domain.errors import DomainError, EditConflict, FieldRefused, FieldsRefused, SlotRefused, SlotTaken
from okienko_server.domain.offer import Offer, Practitioner
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.roles import Right
from okienko_server.operations.plan_visit import (
    NewVisit,
    Where,
    cancel,
    free_beside,
    move,
    put_in,
    settle,
    told_of_move,
)
from okienko_server.operations.review import answered
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.card import Card, card_of
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id
from okienko_widget import load as widget_texts

planning = Blueprint("planning", __name__, url_prefix="/staff")
_PLACE = ("practitioner", "location", "day", "time", "outside")
_VISIT = (*_PLACE, "service", "category", "first_name", "last_name", "phone", "comment")
_REFUSED = (FieldRefused, FieldsRefused, SlotRefused, SlotTaken, EditConflict)


@dataclass(frozen=True, slots=True)
class Form:
    """What both forms show: who and where may be chosen, what was typed, what is wrong, which free starts are near."""

    offer: Offer
    people: tuple[Practitioner, ...]
    typed: Mapping[str, str]
    errors: Mapping[str, str]
    near: tuple[tuple[str, str], ...]
    """(ISO instant, words) of free starts."""
    categories: tuple[tuple[str, str], ...]
    seen: str = ""
    card: Card | None = None
    now_at: str = ""
    """Where an appointment stands by now that somebody else moved meanwhile."""


@planning.get("/plan")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def plan() -> Response:
    """The empty form; day, hour and therapist may come from the place in the schedule that was clicked."""
    offer = _offer()
    typed = dict.fromkeys(_VISIT, "") | {
        "practitioner": request.args.get("practitioner", "") or scope().practitioner_id,
        "location": request.args.get("location", "") or next(iter(offer.locations), ""),
        "day": request.args.get("day", ""),
        "time": request.args.get("time", ""),
        "service": next(iter(offer.services), ""),
        "category": ProblemCategory.SPINE.value,
    }
    return _shown("staff/plan.jinja", typed, {})


@planning.post("/plan")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def add() -> AnyResponse:
    """The visit stands in the schedule at once."""
    typed = _typed(_VISIT)
    try:
        typed |= _pressed()
        made = put_in(
            NewVisit(
                _where(typed), typed["service"], typed["category"], typed["first_name"], typed["last_name"], typed["phone"],
                typed["comment"],
            ),
            scope=scope(), desk=house().desk, now=house().clock(),
        )  # fmt: skip
    except _REFUSED as refused:
        return _shown("staff/plan.jinja", typed, _errors(refused), 409 if isinstance(refused, SlotTaken) else 422)
    return _back(made, "planned")


@planning.get("/appointments/<appointment_id>/move")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def moving(appointment_id: str) -> Response:
    """The form with the present place filled in."""
    found, offer = _appointment(appointment_id)
    return _shown("staff/move.jinja", _present(found, offer), {}, moved=found)


@planning.post("/appointments/<appointment_id>/move")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def moved(appointment_id: str) -> AnyResponse:
    """The visit stands at its new place."""
    typed = _typed(_PLACE)
    try:
        typed |= _pressed()
        seen = _instant(request.form.get("seen", ""), "day")
        before, _ = _appointment(appointment_id)
        made = move(
            plain_id(appointment_id), _where(typed), seen, scope=scope(), desk=house().desk, now=house().clock()
        )
    except _REFUSED as refused:
        found, _ = _appointment(appointment_id)
        status = 422 if isinstance(refused, FieldRefused | FieldsRefused | SlotRefused) else 409
        return _shown("staff/move.jinja", typed, _errors(refused), status, moved=found)
    return _back(made, "moved" if _sends() and told_of_move(before, made) else "moved_quiet")


@planning.get("/appointments/<appointment_id>/cancel")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def cancelling(appointment_id: str) -> Response:
    """What will happen, before it does."""
    return _cancel_page(appointment_id, "", {})


@planning.post("/appointments/<appointment_id>/cancel")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def cancelled(appointment_id: str) -> AnyResponse:
    """The visit is cancelled and its time free."""
    reason = request.form.get("reason", "")
    try:
        gone = cancel(
            plain_id(appointment_id), reason, tell="tell" in request.form, scope=scope(), desk=house().desk, now=house().clock()
        )  # fmt: skip
    except FieldRefused as refused:
        return _cancel_page(appointment_id, reason, {refused.field: refused.code}, 422)
    told = "tell" in request.form and _sends() and gone.told_by_sms and gone.starts_at > house().clock()
    return _back(gone, "cancelled" if told else "cancelled_quiet")


@planning.post("/appointments/<appointment_id>/missed")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def missed(appointment_id: str) -> AnyResponse:
    """The patient did not come."""
    now = house().clock()
    return _back(settle(plain_id(appointment_id), Step.MISS, scope=scope(), desk=house().desk, now=now), "settled")


@planning.post("/appointments/<appointment_id>/fulfilled")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def fulfilled(appointment_id: str) -> AnyResponse:
    """The visit took place."""
    now = house().clock()
    return _back(settle(plain_id(appointment_id), Step.FULFIL, scope=scope(), desk=house().desk, now=now), "settled")


def _offer() -> Offer:
    desk, where = house().desk, scope()
    return desk.database.read(lambda connection: desk.current_offer(connection, where))


def _appointment(appointment_id: str) -> tuple[Appointment, Offer]:
    found = answered(plain_id(appointment_id), scope=scope(), desk=house().desk).appointment
    scope().check_own(Right.CHANGE_SCHEDULE, found.practitioner_id)
    return found, _offer()


def _typed(names: tuple[str, ...]) -> dict[str, str]:
    return {name: request.form.get(name, "") for name in names}


def _pressed() -> dict[str, str]:
    """Return day and hour of the free start that was pressed, nothing when none was."""
    start = request.form.get("start", "")
    if not start:
        return {}
    local = _instant(start, "day").astimezone(_offer().clinic.zone)
    return {"day": local.date().isoformat(), "time": f"{local:%H:%M}"}


def _instant(text: str, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise FieldRefused("when_invalid", field=field) from None
    if found.tzinfo is None or not 2000 <= found.year <= 2200:
        raise FieldRefused("when_invalid", field=field)
    return found


def _where(typed: Mapping[str, str]) -> Where:
    zone = _offer().clinic.zone
    try:
        start = _local(date.fromisoformat(typed["day"]), time.fromisoformat(typed["time"]), zone)
    except (ValueError, OverflowError):
        raise FieldRefused("when_invalid", field="day") from None
    if not typed["practitioner"]:
        raise FieldRefused("choice_missing", field="practitioner")
    return Where(plain_id(typed["practitioner"]), plain_id(typed["location"]), start, outside=bool(typed["outside"]))


def _local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    if not 2000 <= day.year <= 2200 or clock.tzinfo is not None:
        raise ValueError
    found = datetime.combine(day, clock.replace(second=0, microsecond=0), zone)
    if found.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != found.replace(tzinfo=None):
        # The clock skips that hour in spring.
        raise ValueError
    return found


def _present(found: Appointment, offer: Offer) -> dict[str, str]:
    local = found.starts_at.astimezone(offer.clinic.zone)
    place = {"practitioner": found.practitioner_id, "location": found.location_id, "outside": ""}
    return place | {"day": local.date().isoformat(), "time": f"{local:%H:%M}"}


def _errors(refused: DomainError) -> dict[str, str]:
    if isinstance(refused, FieldsRefused):
        return refused.errors
    return {
        "conflict"
        if isinstance(refused, EditConflict)
        else "day"
        if refused.field in ("", "slot")
        else refused.field: refused.code
    }


def _shown(
    template: str,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
    moved: Appointment | None = None,
) -> Response:
    offer, own = _offer(), scope().own_only(Right.CHANGE_SCHEDULE)
    when, words = when_in(offer.clinic.zone), widget_texts()
    near: list[datetime] = []
    if "day" in errors and errors["day"] == SlotTaken.code:
        service, own = (moved.service_id, moved.id) if moved else (typed["service"], "")
        near = free_beside(_where(typed), service, moved=own, scope=scope(), desk=house().desk, now=house().clock())
    form = Form(
        offer,
        tuple(person for person in offer.practitioners.values() if own in ("", person.id)),
        typed,
        errors,
        tuple((one.isoformat(), when.full(one)) for one in near),
        tuple((one.value, words(f"category.{one}")) for one in ProblemCategory),
        moved.starts_at.isoformat() if moved else "",
        card_of(moved, offer, house().clock()) if moved else None,
        when.full(moved.starts_at) if moved and "conflict" in errors else "",
    )
    return make_response(render_template(template, form=form), status)


def _cancel_page(appointment_id: str, reason: str, errors: Mapping[str, str], status: int = 200) -> Response:
    found, offer = _appointment(appointment_id)
    card = card_of(found, offer, house().clock())
    page = render_template(
        "staff/cancel.jinja", card=card, reason=reason, errors=errors, possible=found.status in MOVABLE
    )
    return make_response(page, status)


def _back(about: Appointment, did: str) -> AnyResponse:
    day = about.starts_at.astimezone(_offer().clinic.zone).date()
    return redirect(
        url_for("staff.schedule", day=day.isoformat(), view="week", practitioner=about.practitioner_id, did=did, about=about.id), 303
    )  # fmt: skip


def _sends() -> bool:
    """Return whether the clinic's contract sends patients messages."""
    desk, where = house().desk, scope()
    clinic = desk.database.read(lambda connection: desk.current_offer(connection, where)).clinic
    return clinic.opens(Use.SMS, house().clock())
