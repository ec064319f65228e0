"""The operator's console: clinics and their contracts, prices of messages, how things stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.cells import local_day
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import ContractStatus
from okienko_server.domain.errors import FieldsRefused
from okienko_server.operations.contracts import (
    PAGE,
    STOPPING,
    ClinicTyped,
    ContractTyped,
    change_contract,
    list_clinics,
    open_new_clinic,
    see_contract,
)
from okienko_server.operations.guests import enter_as_guest
from okienko_server.operations.house_state import see_state
from okienko_server.operations.tariffs import set_tariff, tariffs
from okienko_server.texts import load
from okienko_server.web.guards import operator, scope, staff_cookie
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, strict_number

console = Blueprint("operator", __name__, url_prefix="/operator")
_CLINIC = ("name", "slug", "nip", "phone", "street", "postcode", "city", "owner", "email")
_TERM = ("status", "starts_on", "signed_on", "reason")


@console.get("")
@policy(Policy.OPERATOR)
def clinics() -> Response:
    """The clinics, fifty a page, those a text fits."""
    asked, after = request.args.get("asked", "")[:100], request.args.get("after", "")[:100]
    found = list_clinics(asked, after, desk=house().desk, now=house().clock())
    more = url_for("operator.clinics", asked=asked or None, after=found[-1].slug) if len(found) == PAGE else ""
    return make_response(render_template("operator/clinics.jinja", clinics=found, asked=asked, after=after, more=more))


@console.get("/clinics/new")
@policy(Policy.OPERATOR)
def fresh() -> Response:
    """The form of a new clinic."""
    return _new_form(dict.fromkeys(_CLINIC, ""), {})


@console.post("/clinics/new")
@policy(Policy.OPERATOR)
def add() -> AnyResponse:
    """A new clinic on trial, and its owner's link, shown this once."""
    typed = {name: request.form.get(name, "")[:300] for name in _CLINIC}
    try:
        clinic_id, secret = open_new_clinic(
            ClinicTyped(**typed), by=operator().operator.id, desk=house().desk, now=house().clock()
        )
    except FieldsRefused as refused:
        return _new_form(typed, refused.errors, 422)
    token = secret.partition(".")[2]
    link = f"{public_url()}{url_for('door.link', clinic_id=clinic_id, token=token)}"
    return _clinic_page(clinic_id, link=link)


@console.get("/clinics/<clinic_id>")
@policy(Policy.OPERATOR)
def clinic(clinic_id: str) -> Response:
    """One clinic: how its contract stands and stood."""
    return _clinic_page(plain_id(clinic_id))


@console.post("/clinics/<clinic_id>/contract")
@policy(Policy.OPERATOR)
def contract(clinic_id: str) -> AnyResponse:
    """A new term begins; what stops everything is asked twice."""
    key, typed = plain_id(clinic_id), {name: request.form.get(name, "")[:400] for name in _TERM}
    if typed["status"] in STOPPING and request.form.get("sure") != typed["status"]:
        return _clinic_page(key, typed, asking=True)
    try:
        change_contract(key, ContractTyped(**typed), by=operator().operator.id, desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _clinic_page(key, typed, refused.errors, 422)
    return redirect(url_for("operator.clinic", clinic_id=key, did="saved"), 303)


@console.post("/clinics/<clinic_id>/enter")
@policy(Policy.OPERATOR)
def enter(clinic_id: str) -> AnyResponse:
    """Into the clinic's own pages, while it allows that."""
    cookie = enter_as_guest(plain_id(clinic_id), operator().operator, desk=house().desk, now=house().clock())
    response = redirect(url_for("settings.page"), 303)
    secure = house().settings.secure_cookies
    response.set_cookie(staff_cookie(), cookie, path="/", httponly=True, samesite="Lax", secure=secure)
    return response


@console.get("/prices")
@policy(Policy.OPERATOR)
def prices() -> Response:
    """What messages cost, from which month on."""
    return _prices({}, {})


@console.post("/prices")
@policy(Policy.OPERATOR)
def set_prices() -> AnyResponse:
    """A tariff for a month that has not begun."""
    typed = {name: request.form.get(name, "")[:20] for name in ("month", "price", "pool_messages")}
    numbers = [strict_number(typed[name]) for name in ("price", "pool_messages")]
    try:
        set_tariff(typed["month"], *numbers, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _prices(typed, refused.errors, 422)
    return redirect(url_for("operator.prices", did="saved"), 303)


@console.get("/state")
@policy(Policy.OPERATOR)
def state() -> Response:
    """How the house stands: clinics, messages, what operators did."""
    found = see_state(desk=house().desk, now=house().clock())
    rows = [(_moment(one.at), found.names.get(one.operator_id, ""), one.action, one.object_id) for one in found.acts]
    return make_response(render_template("operator/state.jinja", state=found, acts=rows))


def _moment(at: Any) -> str:
    when = when_in(house().home)
    return f"{when.dated(at)}, {when.time(at)}"


def _new_form(typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
    return make_response(render_template("operator/new.jinja", typed=typed, errors=errors), status)


def _prices(typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
    listed = tariffs(scope=scope(), desk=house().desk, now=house().clock())
    shown = dict.fromkeys(("month", "price", "pool_messages"), "") | dict(typed)
    page = render_template(
        "operator/prices.jinja", listed=listed, typed=shown, errors=errors, saved=request.args.get("did") == "saved"
    )
    return make_response(page, status)


def _clinic_page(
    clinic_id: str,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    asking: bool = False,
    link: str = "",
) -> Response:
    offer, now = see_contract(clinic_id, desk=house().desk), house().clock()
    found = offer.clinic
    kept = {
        "status": "",
        "starts_on": "",
        "signed_on": found.signed_on.isoformat() if found.signed_on else "",
        "reason": "",
    }
    statuses = [
        ("", load()("operator.choose")),
        *((one.value, load()(f"operator.status.{one}")) for one in ContractStatus),
    ]
    page = render_template(
        "operator/clinic.jinja", clinic=found, status=found.status(now), terms=_terms(found), offer=offer, typed=typed or kept,
        errors=errors or {}, asking=asking, statuses=statuses, link=link, saved=request.args.get("did") == "saved",
        today=local_day(now, found.zone).isoformat(), allowed=found.lets_guests_in(now),
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _terms(found: Clinic) -> list[tuple[str, str]]:
    """Return the terms in words, the newest first."""
    when = when_in(found.zone)
    return [
        (load()(f"operator.status.{term.status}"), f"{when.dated(term.starts_at)}, {when.time(term.starts_at)}")
        for term in reversed(found.terms)
    ]
