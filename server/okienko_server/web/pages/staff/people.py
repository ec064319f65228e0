"""The clinic's people: who has an account, in which role, invited and closed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import FieldRefused, FieldsRefused
from okienko_server.domain.roles import Right, Role
from okienko_server.operations.accounts import (
    LastOwner,
    MemberTyped,
    change_member,
    close_member,
    drop_second_factor,
    invite,
    may_give,
    members,
    reopen_member,
    reset_link,
)
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id

people = Blueprint("people", __name__, url_prefix="/staff/people")
_FIELDS = ("email", "name", "role", "practitioner_id")


@people.get("")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def page() -> Response:
    """Every account, and the form that invites one more."""
    return _shown({}, {})


@people.post("")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def add() -> AnyResponse:
    """One more account; its link is shown this once."""
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    if typed["practitioner_id"]:
        plain_id(typed["practitioner_id"])
    try:
        token = invite(MemberTyped(**typed), scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _shown(typed, refused.errors, 422)
    except FieldRefused as refused:
        return _shown(typed, {refused.field: refused.code}, 422)
    return _shown({}, {}, link=_address(token), link_for=typed["name"])


@people.post("/<staff_id>/link")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def link(staff_id: str) -> Response:
    """A link that sets a new password, shown this once."""
    token = reset_link(plain_id(staff_id), scope=scope(), desk=house().desk, now=house().clock())
    _, found = members(scope=scope(), desk=house().desk)
    return _shown({}, {}, link=_address(token), link_for=next(one.name for one in found if one.id == staff_id))


@people.post("/<staff_id>")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def change(staff_id: str) -> AnyResponse:
    """Another role or therapist."""
    role, practitioner_id = request.form.get("role", ""), request.form.get("practitioner_id", "")
    if practitioner_id:
        plain_id(practitioner_id)
    try:
        change_member(plain_id(staff_id), role, practitioner_id, scope=scope(), desk=house().desk, now=house().clock())
    except (FieldRefused, LastOwner) as refused:
        return _shown({}, {"member": refused.code}, 422)
    return redirect(url_for("people.page"), 303)


@people.post("/<staff_id>/close")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def close(staff_id: str) -> AnyResponse:
    """The account opens nothing any more."""
    try:
        close_member(plain_id(staff_id), scope=scope(), desk=house().desk, now=house().clock())
    except LastOwner as refused:
        return _shown({}, {"member": refused.code}, 409)
    return redirect(url_for("people.page"), 303)


@people.post("/<staff_id>/reopen")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def reopen(staff_id: str) -> AnyResponse:
    """The account opens again."""
    reopen_member(plain_id(staff_id), scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("people.page"), 303)


@people.post("/<staff_id>/second-factor")
@policy(Policy.STAFF, Right.MANAGE_STAFF)
def second_factor(staff_id: str) -> AnyResponse:
    """Somebody's lost telephone is no longer asked for."""
    drop_second_factor(plain_id(staff_id), scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("people.page"), 303)


def _address(token: str) -> str:
    clinic_id, _, secret = token.partition(".")
    return public_url() + url_for("door.link", clinic_id=clinic_id, token=secret)


def _shown(
    typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200, *, link: str = "", link_for: str = ""
) -> Response:
    offer, found = members(scope=scope(), desk=house().desk)
    when = when_in(offer.clinic.zone)
    rows = [(one, when.dated(one.seen_at) if one.seen_at else "") for one in found]
    mine = {role.value for role in Role if may_give(role, scope())}
    roles = [(role.value, load()(f"role_name.{role}")) for role in Role if role.value in mine]
    therapists = [("", load()("people.no_therapist")), *((one.id, one.name) for one in offer.practitioners.values())]
    page = render_template(
        "staff/people.jinja", rows=rows, roles=roles, therapists=therapists,
        typed={name: typed.get(name, "") for name in _FIELDS}, errors=errors, link=link, link_for=link_for, own=scope().staff_id,
        mine=mine,
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
