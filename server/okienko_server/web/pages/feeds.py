"""Free times for programs: a clinic's own list, and the whole portal's as SMART Scheduling Links (`web.pages.fhir`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, request

from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.scope import Scope
from okienko_server.operations.publish_slots import PublishedSlots, clinic_slots, published_pages, published_slots
from okienko_server.web.api.problem_json import problem_response
from okienko_server.web.guards import new_portal_session, scope_of
from okienko_server.web.house import house, public_url
from okienko_server.web.pages import fhir
from okienko_server.web.pages.oembed import anybody_at, open_to_all
from okienko_server.web.policy import Policy, policy

slot_feeds = Blueprint("slot_feeds", __name__)
MOST = 500
"""Free times a clinic's list names; later ones are left off."""
KINDS: dict[str, tuple[str, Callable[[PublishedSlots, str], Iterator[fhir.Resource]]]] = {
    "locations": ("Location", fhir.locations),
    "schedules": ("Schedule", fhir.schedules),
    "slots": ("Slot", fhir.slots),
}
_COUNTRY = {"state": ["PL"]}
"""The specification asks for "state or jurisdiction abbreviations": every clinic is in the one."""


@slot_feeds.get("/g/<slug>/terminy.json")
@policy(Policy.PUBLIC)
def clinic_list(slug: str) -> Response:
    """A clinic's free first visits of the next fortnight in time order; 404 where nobody can book by its link."""
    now = house().clock()
    try:
        found = clinic_slots(scope=anybody_at(slug), desk=house().desk, now=now)
    except (NotFound, ClinicUnavailable, ClinicPaused):
        return _refused()
    clinic = found.offer.clinic
    told = {
        "clinic": {
            "name": clinic.name, "slug": clinic.slug, "url": f"{public_url()}/g/{clinic.slug}", "phone": clinic.phone,
        },
        "slots": _listed(found, public_url())[:MOST],
    }  # fmt: skip
    # The moment of looking is no part of what is compared: the same times are the same answer, hence a weak tag.
    tag = _digest(json.dumps(told))
    body = {"as_of": now.astimezone(clinic.zone).isoformat(timespec="seconds"), **told}
    return _told(json.dumps(body), "application/json", tag, weak=True)


@slot_feeds.get("/fhir/$bulk-publish")
@policy(Policy.PUBLIC)
def manifest() -> Response:
    """Where the portal's places, schedules and free times are, a file of each for every page of clinics."""
    now, home = house().clock(), public_url()
    pages = published_pages(scope=_anybody(now), desk=house().desk, now=now)
    body = json.dumps(
        {
            # To the minute, which is how long an answer may be kept: within it the manifest stays the same.
            "transactionTime": now.replace(second=0, microsecond=0).isoformat(),
            "request": f"{home}/fhir/$bulk-publish",
            "output": [
                {"type": kind, "url": f"{home}/fhir/{name}-{page}.ndjson", "extension": _COUNTRY}
                for name, (kind, _) in KINDS.items()
                for page in pages
            ],
            "error": [],
        }
    )
    return _told(body, "application/json", _digest(body))


@slot_feeds.get("/fhir/<any(locations, schedules, slots):kind>-<int(min=1, max=99999):page>.ndjson")
@policy(Policy.PUBLIC)
def resources(kind: str, page: int) -> Response:
    """One kind of resource of one page of clinics, a line each; 404 when the page holds no clinic."""
    now, home = house().clock(), public_url()
    try:
        found = published_slots(page, scope=_anybody(now), desk=house().desk, now=now)
    except NotFound:
        return _refused()
    drawn = KINDS[kind][1]
    lines = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) for one in found for line in drawn(one, home))
    body = "".join(f"{line}\n" for line in lines)
    return _told(body, "application/fhir+ndjson", _digest(body))


def _listed(found: PublishedSlots, home: str) -> list[dict[str, Any]]:
    clinic = found.offer.clinic
    each = [(cell, place, service) for place, service, cells in found.each() for cell in cells]
    listed = []
    for cell, place, service in sorted(each, key=lambda one: one[0]):
        start, end = fhir.span_of(cell, service, clinic.zone)
        where = {"name": place.name, "street": place.street, "postcode": place.postcode, "city": place.city}
        listed.append(
            {
                "start": start.isoformat(), "end": end.isoformat(), "location": where, "service": service.name,
                "price_grosze": service.price, "url": fhir.deep_link(home, clinic, start),
            }
        )  # fmt: skip
    return listed


def _anybody(now: datetime) -> Scope:
    return scope_of(new_portal_session(now))


def _refused() -> Response:
    return open_to_all(problem_response("not_found", 404, None))


def _told(body: str, mimetype: str, tag: str, *, weak: bool = False) -> Response:
    """Return an answer any page may read and any cache keep a minute; 304 to whoever has it already."""
    response = open_to_all(Response(body, mimetype=mimetype))
    response.set_etag(tag, weak)
    response.make_conditional(request)
    return response


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
