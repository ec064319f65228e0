"""The clinic's services: the list patients choose from, and the form of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import EditConflict, FieldsRefused, StepNotAllowed
from okienko_server.domain.offer import DURATIONS, HealthcareService, Offer, ServiceKind
from okienko_server.domain.price import as_typed
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.roles import Right
from okienko_server.operations.change_services import (
    BUFFERS,
    ServiceTyped,
    move_service,
    remove_service,
    save_service,
    withhold_service,
)
from okienko_server.operations.edit_offer import see_offer
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, strict_number, whole_number
from okienko_widget import load as widget_texts

services = Blueprint("services", __name__, url_prefix="/staff/settings/services")
READY_MADE = {"first": ("consultation", 60), "next": ("visit", 45)}
"""What an empty clinic is offered as a beginning: word in the catalogue -> kind and minutes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One service in the list."""

    id: str
    name: str
    words: str
    givers: str
    offered: bool
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class ServiceForm:
    """Everything the form of one service shows; choices are (value, words, chosen)."""

    id: str
    typed: Mapping[str, str]
    minutes: tuple[tuple[int, str], ...]
    buffers: tuple[tuple[int, str], ...]
    categories: tuple[tuple[str, str, bool], ...]
    people: tuple[tuple[str, str, bool], ...]
    revision: int
    errors: Mapping[str, str]


@services.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The list in the clinic's order."""
    return _list()


@services.get("/new")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def fresh() -> Response:
    """The form of a new service, with a ready-made beginning when one is asked for."""
    offer, asked = see_offer(scope=scope(), desk=house().desk), request.args.get("like", "")
    kind, minutes = READY_MADE.get(asked, ("consultation", 60))
    name = load()(f"services.ready.{asked}") if asked in READY_MADE else ""
    typed = {
        "name": name,
        "kind": kind,
        "minutes": str(minutes),
        "price": "",
        "buffer_before": "0",
        "buffer_after": "0",
    }
    return _form("", typed, set(), set(offer.practitioners), offer)


@services.get("/<service_id>")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def one(service_id: str) -> Response:
    """The form of a service as it is."""
    offer = see_offer(scope=scope(), desk=house().desk)
    found = offer.service(plain_id(service_id))
    return _form(found.id, _kept(found), set(found.categories), _givers(found.id, offer), offer)


@services.post("/new")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def add() -> AnyResponse:
    """A new service is written."""
    return _save("")


@services.post("/<service_id>")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change(service_id: str) -> AnyResponse:
    """A service is changed."""
    return _save(plain_id(service_id))


@services.post("/<service_id>/offered")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def offered(service_id: str) -> AnyResponse:
    """Patients can choose it, or not."""
    withhold_service(plain_id(service_id), request.form.get("offered") == "yes", **_tools())
    return redirect(url_for("services.page", did="saved"), 303)


@services.post("/<service_id>/order")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def order(service_id: str) -> AnyResponse:
    """It stands one place higher or lower."""
    move_service(plain_id(service_id), -1 if request.form.get("way") == "up" else 1, **_tools())
    return redirect(url_for("services.page") + f"#service-{service_id}", 303)


@services.post("/<service_id>/remove")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def remove(service_id: str) -> AnyResponse:
    """A service nobody ever used goes; one with visits is only withheld."""
    try:
        remove_service(plain_id(service_id), **_tools())
    except StepNotAllowed:
        return _list(plain_id(service_id), 409)
    return redirect(url_for("services.page", did="saved"), 303)


def _tools() -> dict[str, Any]:
    return {"scope": scope(), "desk": house().desk, "now": house().clock()}


def _save(service_id: str) -> AnyResponse:
    form = request.form
    typed = {
        name: form.get(name, "")[:200] for name in ("name", "kind", "minutes", "price", "buffer_before", "buffer_after")
    }
    chosen, givers = set(form.getlist("categories")), set(form.getlist("givers"))
    asked = ServiceTyped(
        typed["name"], typed["kind"], whole_number(typed["minutes"]), typed["price"], strict_number(typed["buffer_before"]),
        strict_number(typed["buffer_after"]), tuple(chosen), tuple(givers),
    )  # fmt: skip
    revision = whole_number(form.get("revision", ""))
    try:
        save_service(service_id, asked, revision, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _form(service_id, typed, chosen, givers, None, refused.errors, 422, revision)
    except EditConflict:
        return _form(service_id, typed, chosen, givers, None, {"conflict": EditConflict.code}, 409)
    return redirect(url_for("services.page", did="saved"), 303)


def _list(used: str = "", status: int = 200) -> Response:
    offer = see_offer(scope=scope(), desk=house().desk)
    listed = list(offer.services.values())
    rows = [_row(service, offer, service is listed[0], service is listed[-1]) for service in listed]
    shown = render_template(
        "staff/services.jinja", rows=rows, used=used, saved=request.args.get("did") == "saved", ready=tuple(READY_MADE),
    )  # fmt: skip
    return make_response(shown, status)


def _row(service: HealthcareService, offer: Offer, first: bool, last: bool) -> Row:
    t, when = load(), when_in(offer.clinic.zone)
    price = when.price(service.price) if service.price else t("services.free")
    words = [widget_texts()(f"kind.{service.kind}"), when.duration(service.minutes), price]
    if service.categories:
        words.append(
            ", ".join(widget_texts()(f"category.{code}") for code in ProblemCategory if code in service.categories)
        )
    people = [offer.practitioner(key).name for key in offer.practitioners if key in _givers(service.id, offer)]
    return Row(service.id, service.name, " · ".join(words), ", ".join(people), service.offered, first, last)


def _givers(service_id: str, offer: Offer) -> set[str]:
    return {person.id for person in offer.practitioners.values() if service_id in person.services}


def _kept(service: HealthcareService) -> dict[str, str]:
    return {
        "name": service.name, "kind": service.kind.value, "minutes": str(service.minutes), "price": as_typed(service.price),
        "buffer_before": str(service.buffer_before), "buffer_after": str(service.buffer_after),
    }  # fmt: skip


def _form(
    service_id: str,
    typed: Mapping[str, str],
    categories: set[str] | set[ProblemCategory],
    givers: set[str],
    offer: Offer | None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    revision: int | None = None,
) -> Response:
    offer = offer or see_offer(scope=scope(), desk=house().desk)
    when, words = when_in(offer.clinic.zone), widget_texts()
    kept = offer.services.get(service_id)
    buffers = sorted({*BUFFERS, *((kept.buffer_before, kept.buffer_after) if kept else ())})
    shown = ServiceForm(
        service_id, typed, tuple((n, when.duration(n)) for n in DURATIONS),
        tuple((n, when.duration(n) if n else load()("services.no_buffer")) for n in buffers),
        tuple((code.value, words(f"category.{code}"), code in categories) for code in ProblemCategory),
        tuple((person.id, person.name, person.id in givers) for person in offer.practitioners.values()),
        offer.revision if revision is None else revision, errors or {},
    )  # fmt: skip
    kinds = [(kind.value, words(f"kind.{kind}")) for kind in ServiceKind]
    return make_response(render_template("staff/service.jinja", form=shown, kinds=kinds), status)
