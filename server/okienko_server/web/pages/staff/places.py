"""The clinic's addresses: the list with hours, the form of one with its place on a map that needs no script and no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.access import Access, words_of
from okienko_server.domain.coordinates import point_of
from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused, StepNotAllowed
from okienko_server.domain.hours import DAYS
from okienko_server.domain.offer import Location, Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.towns import Town, in_poland, towns_named
from okienko_server.operations.change_places import PlaceTyped, remove_place, save_place, withhold_place
from okienko_server.operations.edit_offer import see_offer
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.staff.map import around, around_svg, country, country_svg
from okienko_server.web.pages.staff.week_words import week_in_words
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, whole_number

places = Blueprint("places", __name__, url_prefix="/staff/settings/places")
_FIELDS = ("name", "street", "postcode", "city", "latitude", "longitude")
_USUAL = ("8:00–18:00",) * 5 + ("", "")
"""Hours a new address begins with."""


@dataclass(frozen=True, slots=True)
class Row:
    """One address in the list."""

    id: str
    name: str
    address: str
    hours: str
    mapped: bool
    offered: bool


@places.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The addresses with their hours."""
    return _list()


@places.get("/map.svg")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def drawing() -> Response:
    """A map: of the country, or with `near` of what lies around the point."""
    point = _point(request.args.get("latitude", ""), request.args.get("longitude", ""))
    response = make_response(around_svg(point) if point and "near" in request.args else country_svg(point))
    response.mimetype = "image/svg+xml"
    # A drawing's own style sheet; nothing else runs in it.
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


@places.get("/new")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def fresh() -> Response:
    """The form of a new address; the first one begins with what the contract says."""
    offer = see_offer(scope=scope(), desk=house().desk)
    typed: dict[str, Any] = dict.fromkeys(_FIELDS, "") | {"access": frozenset()}
    if not offer.locations:
        known = offer.clinic.contract_address
        typed |= {"name": known.city, "street": known.street, "postcode": known.postcode, "city": known.city}
        typed |= _found(towns_named(known.city)) if known.city else {}
    return _form("", typed, offer, days=_USUAL)


@places.get("/<location_id>")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def one(location_id: str) -> Response:
    """The form of an address as it is kept."""
    offer = see_offer(scope=scope(), desk=house().desk)
    return _form(location_id, _kept(offer.location(plain_id(location_id))), offer)


@places.post("/new")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def add() -> AnyResponse:
    """A new address is written, or its place looked for."""
    return _sent("")


@places.post("/<location_id>")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change(location_id: str) -> AnyResponse:
    """An address is changed, or its place looked for."""
    return _sent(plain_id(location_id))


@places.post("/<location_id>/offered")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def offered(location_id: str) -> AnyResponse:
    """Patients can choose it, or not."""
    withhold_place(plain_id(location_id), request.form.get("offered") == "yes", **_tools())
    return redirect(url_for("places.page", did="saved"), 303)


@places.post("/<location_id>/remove")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def remove(location_id: str) -> AnyResponse:
    """An address nobody ever came to goes; any other can only be withheld."""
    try:
        remove_place(plain_id(location_id), **_tools())
    except StepNotAllowed:
        return _list(plain_id(location_id), 409)
    return redirect(url_for("places.page", did="saved"), 303)


def _tools() -> dict[str, Any]:
    return {"scope": scope(), "desk": house().desk, "now": house().clock()}


def _sent(location_id: str) -> AnyResponse:
    form, offer = request.form, see_offer(scope=scope(), desk=house().desk)
    typed: dict[str, Any] = {name: form.get(name, "")[:200] for name in _FIELDS}
    typed["access"] = words_of(Access, " ".join(form.getlist("access")))
    days = tuple(form.get(f"day-{n}", "")[:200] for n in range(DAYS)) if not location_id else ()
    revision = whole_number(form.get("revision", ""))
    if (looked := _looked(typed)) is not None:
        return _form(location_id, typed | looked[0], offer, days, towns=looked[1], revision=revision)
    try:
        save_place(location_id, PlaceTyped(**typed, days=days), revision, **_tools())
    except FieldsRefused as refused:
        return _form(location_id, typed, offer, days, refused.errors, 422, revision=revision)
    except EditConflict:
        return _form(location_id, typed, offer, days, {"conflict": EditConflict.code}, 409)
    return redirect(url_for("places.page", did="saved"), 303)


def _looked(typed: Mapping[str, Any]) -> tuple[dict[str, str], list[Town]] | None:
    """Return the coordinates a press that saves nothing asks for, and towns to choose among; None when it was the save button."""
    form = request.form
    if "find" in form:
        found = towns_named(typed["city"])
        return (_found(found), found)
    if "town" in form:
        latitude, _, longitude = form["town"].partition(" ")
        return ({"latitude": latitude[:20], "longitude": longitude[:20]}, [])
    for name, drawn in (("map", country()), ("near", None)):
        if f"{name}.x" in form:
            centre = _point(form.get("near-latitude", ""), form.get("near-longitude", ""))
            chart = drawn or (around(*centre) if centre else None)
            x, y = (whole_number(form.get(f"{name}.{axis}", "")) for axis in "xy")
            point = chart.point(x, y) if chart else None
            return (_written(point) if point and in_poland(*point) else {}, [])
    return None


def _found(towns: list[Town]) -> dict[str, str]:
    return _written((towns[0].latitude, towns[0].longitude)) if len(towns) == 1 else {}


def _written(point: tuple[float, float]) -> dict[str, str]:
    return {"latitude": f"{point[0]:.6f}", "longitude": f"{point[1]:.6f}"}


def _point(latitude: str, longitude: str) -> tuple[float, float] | None:
    try:
        return point_of(latitude[:40], longitude[:40])
    except FieldRefused:
        return None


def _kept(place: Location) -> dict[str, Any]:
    point = {"latitude": "", "longitude": ""}
    if place.latitude is not None and place.longitude is not None:
        point = _written((place.latitude, place.longitude))
    plain = {"name": place.name, "street": place.street, "postcode": place.postcode, "city": place.city}
    return plain | point | {"access": place.access}


def _list(used: str = "", status: int = 200) -> Response:
    offer = see_offer(scope=scope(), desk=house().desk)
    rows = [
        Row(
            place.id, place.name, f"{place.street}, {place.postcode} {place.city}",
            week_in_words(door for door in offer.opening if door.location_id == place.id),
            place.latitude is not None, place.offered,
        )
        for place in offer.locations.values()
    ]  # fmt: skip
    page = render_template("staff/places.jinja", rows=rows, used=used, saved=request.args.get("did") == "saved")
    return make_response(page, status)


def _form(
    location_id: str,
    typed: Mapping[str, Any],
    offer: Offer,
    days: tuple[str, ...] = (),
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    towns: list[Town] | None = None,
    revision: int | None = None,
) -> Response:
    point, drawn = _point(typed["latitude"], typed["longitude"]), country()
    choices = [(f"{town.latitude} {town.longitude}", f"{town.name}, {town.voivodeship}") for town in towns or []]
    page = render_template(
        "staff/place_form.jinja", id=location_id, typed=typed, days=days, errors=errors or {}, towns=choices if len(choices) > 1 else [],
        access=[(code, load()(f"places.access.{code}")) for code in Access],
        unknown=towns == [] and "find" in request.form, point=point, width=drawn.width, height=drawn.height,
        revision=offer.revision if revision is None or (errors and "conflict" in errors) else revision,
    )  # fmt: skip
    return make_response(page, status)
