"""The clinic's addresses: added with their first hours, changed, put on the map, withheld from patients, removed while unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.access import Access, text_of
from okienko_server.domain.coordinates import point_of, postcode_of
from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused, FieldsRefused, StepNotAllowed
from okienko_server.domain.hours import DAYS, Span, spans_of
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.edit_offer import edit_offer
from okienko_server.storage.hours import HoursStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.places import PlaceStore

LONGEST = {"name": 60, "street": 80, "city": 60}


@dataclass(frozen=True, slots=True)
class PlaceTyped:
    """An address as typed; `days` are seven texts of hours from Monday for a new one, empty for one that has its own page of hours."""

    name: str
    street: str
    postcode: str
    city: str
    latitude: str
    longitude: str
    days: tuple[str, ...] = ()
    access: frozenset[Access] = frozenset()


def save_place(location_id: str, typed: PlaceTyped, revision: int, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Write an address, a new one for an empty id, and return its id; patients read it at once.

    Raises FieldsRefused (name, street, city: required, name_too_long, bad_request, name_taken; postcode: postcode_invalid; latitude:
    coordinates_*; day-0 …: as `spans_of`), EditConflict, NotFound, NotAllowed.
    """

    def work(connection: Connection, offer: Offer) -> str:
        columns, week = _checked(typed, location_id, offer)
        store, key = PlaceStore(connection, scope), location_id or new_id()
        if location_id:
            offer.location(location_id)
            store.change(location_id, **columns)
        else:
            store.add(key, **columns)
            HoursStore(connection, scope).set_opening(key, week)
        return key

    return edit_offer(work, "location", revision, scope=scope, desk=desk, now=now)


def withhold_place(location_id: str, offered: bool, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Let patients choose an address, or not; what was made there stays. Raises NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.location(location_id)
        PlaceStore(connection, scope).change(location_id, offered=offered)
        return location_id

    edit_offer(work, "location", None, scope=scope, desk=desk, now=now)


def remove_place(location_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Delete an address and the hours there; raises StepNotAllowed once an appointment was there, NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.location(location_id)
        store = PlaceStore(connection, scope)
        if store.used(location_id):
            raise StepNotAllowed
        store.remove(location_id)
        return location_id

    edit_offer(work, "location", None, scope=scope, desk=desk, now=now)


def _checked(typed: PlaceTyped, location_id: str, offer: Offer) -> tuple[dict[str, object], Sequence[tuple[Span, ...]]]:
    errors: dict[str, str] = {}
    columns: dict[str, object] = {"access": text_of(typed.access) or None}
    for name, longest in LONGEST.items():
        value = " ".join(getattr(typed, name).split())
        columns[name] = value
        if not value:
            errors[name] = "required"
        elif len(value) > longest or not printable(value):
            errors[name] = "name_too_long" if printable(value) else "bad_request"
    others = {one.name.casefold() for one in offer.locations.values() if one.id != location_id}
    if str(columns["name"]).casefold() in others:
        errors["name"] = "name_taken"
    try:
        columns["postcode"] = postcode_of(typed.postcode)
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    try:
        point = point_of(typed.latitude, typed.longitude)
        columns |= {"latitude": point[0] if point else None, "longitude": point[1] if point else None}
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    week: list[tuple[Span, ...]] = []
    for day in range(DAYS if typed.days else 0):
        try:
            week.append(spans_of(typed.days[day], field=f"day-{day}"))
        except FieldRefused as refused:
            errors[refused.field] = refused.code
    if errors:
        raise FieldsRefused(errors)
    return columns, week
