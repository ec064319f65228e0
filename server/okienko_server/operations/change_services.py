"""The clinic's services: added, changed, put in order, withheld from patients, removed while nobody ever used one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused, FieldsRefused, StepNotAllowed
from okienko_server.domain.offer import DURATIONS, Offer, ServiceKind
from okienko_server.domain.price import grosze_of
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.edit_offer import edit_offer
from okienko_server.storage.ids import new_id
from okienko_server.storage.services import ServiceStore

MAX_NAME = 80
HIGHEST_PRICE = 1_000_000
"""Grosze."""
BUFFERS = (0, 5, 10, 15, 20, 30, 45, 60)
"""Minutes before or after a visit."""


@dataclass(frozen=True, slots=True)
class ServiceTyped:
    """A service as typed: price in złoty, the rest as chosen; no categories means all. `givers` are ids of practitioners."""

    name: str
    kind: str
    minutes: int
    price: str
    buffer_before: int
    buffer_after: int
    categories: tuple[str, ...]
    givers: tuple[str, ...]


def save_service(
    service_id: str, typed: ServiceTyped, revision: int, *, scope: Scope, desk: Desk, now: datetime
) -> str:
    """Write a service, a new one for an empty id, and return its id; appointments already made keep their length and time.

    Raises FieldsRefused (name: required, name_too_long, name_taken; minutes, kind, buffers: choice_missing; price: price_invalid;
    categories: category_unknown), EditConflict, NotFound, NotAllowed.
    """

    def work(connection: Connection, offer: Offer) -> str:
        columns = _checked(typed, service_id, offer)
        store, key = ServiceStore(connection, scope), service_id or new_id()
        if service_id:
            offer.service(service_id)
            store.change(service_id, **columns)
        else:
            store.add(key, **columns)
        store.give(key, [one for one in offer.practitioners if one in typed.givers])
        return key

    return edit_offer(work, "service", revision, scope=scope, desk=desk, now=now)


def withhold_service(service_id: str, offered: bool, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Let patients choose a service, or not; what was made of it stays. Raises NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.service(service_id)
        ServiceStore(connection, scope).change(service_id, offered=offered)
        return service_id

    edit_offer(work, "service", None, scope=scope, desk=desk, now=now)


def move_service(service_id: str, step: int, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Put a service `step` places further down the list (negative: up), as far as it goes. Raises NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.service(service_id)
        ids = [one for one in offer.services if one != service_id]
        at = min(max(list(offer.services).index(service_id) + step, 0), len(ids))
        ServiceStore(connection, scope).order([*ids[:at], service_id, *ids[at:]])
        return service_id

    edit_offer(work, "service", None, scope=scope, desk=desk, now=now)


def remove_service(service_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Delete a service; raises StepNotAllowed once an appointment was of it (withhold it then), NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.service(service_id)
        store = ServiceStore(connection, scope)
        if store.used(service_id):
            raise StepNotAllowed
        store.remove(service_id)
        return service_id

    edit_offer(work, "service", None, scope=scope, desk=desk, now=now)


def _checked(typed: ServiceTyped, service_id: str, offer: Offer) -> dict[str, object]:
    errors: dict[str, str] = {}
    name, price = " ".join(typed.name.split()), 0
    if not name:
        errors["name"] = "required"
    elif len(name) > MAX_NAME or not printable(name):
        errors["name"] = "name_too_long" if len(name) > MAX_NAME else "bad_request"
    elif any(one.name.casefold() == name.casefold() and one.id != service_id for one in offer.services.values()):
        errors["name"] = "name_taken"
    if typed.kind not in list(ServiceKind):
        errors["kind"] = "choice_missing"
    kept = offer.services.get(service_id)
    if typed.minutes not in DURATIONS:
        errors["minutes"] = "choice_missing"
    try:
        price = grosze_of(typed.price, HIGHEST_PRICE, field="price")
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    for field, minutes in (("buffer_before", typed.buffer_before), ("buffer_after", typed.buffer_after)):
        if minutes not in BUFFERS and (kept is None or minutes != getattr(kept, field)):
            errors[field] = "choice_missing"
    if not set(typed.categories) <= set(ProblemCategory):
        errors["categories"] = "category_unknown"
    if errors:
        raise FieldsRefused(errors)
    listed = [code for code in ProblemCategory if code in typed.categories]
    whole = len(listed) == len(ProblemCategory)
    return {
        "name": name, "kind": typed.kind, "minutes": typed.minutes, "price": price, "buffer_before": typed.buffer_before,
        "buffer_after": typed.buffer_after, "categories": "" if whole else " ".join(listed),
    }  # fmt: skip
