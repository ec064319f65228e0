"""The three doors: the portal, a deep link to one clinic, and the pinned frame on a clinic's own page."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from okienko_server.domain.cells import local_day
from okienko_server.domain.errors import FieldRefused, OriginRefused
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Source
from okienko_server.operations.desk import check_door
from okienko_server.storage.directory import PortalStore
from okienko_server.web.guards import enter, host_of, new_portal_session, scope
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.choices import Choices
from okienko_server.web.pages.clinic_page import about_view, clinic_head, json_ld
from okienko_server.web.pages.show import Visit
from okienko_server.web.policy import Policy, policy
from okienko_widget.portal_views import PageHead

doors = Blueprint("doors", __name__)
_PREFILL = ("category", "kind", "service", "practitioner", "age_group", "age", "age_unit", "theme", "accent")


@doors.get("/")
@policy(Policy.PORTAL)
def portal() -> Response:
    """Door 1: search across clinics."""
    texts, home = house().desk.texts, public_url()
    claim = texts("problem.title_portal")
    lead = texts("problem.lead_portal")
    head = PageHead(
        texts("title.with_clinic", title=claim, clinic=texts("brand")),
        lead,
        home + "/",
        "",
        json_ld({"@context": "https://schema.org", "@type": "WebSite", "name": texts("brand"), "url": home + "/"}),
        indexed=not request.args,
    )
    visit = Visit(_prefilled())
    visit.head = head
    return visit.problem()


@doors.get("/g/<slug>")
@policy(Policy.PORTAL)
def deep_link(slug: str) -> Response:
    """Door 2: one clinic preselected, changeable; unknown or stale parameters are passed over."""
    enter(new_portal_session(house().clock(), Source.LINK))
    now = house().clock()
    clinic_id = house().desk.database.read(
        lambda connection: PortalStore(connection, scope()).clinic_by_slug(slug, now)
    )
    visit = Visit(_prefilled().but(clinic=clinic_id))
    offer = visit.offer()
    check_door(offer.clinic, scope(), now)
    texts = house().desk.texts
    visit.head = clinic_head(offer, public_url(), texts, plain=not request.args)
    notice = stale_link(visit.choices, offer, now)
    if _age_said() and visit.choices.category in offer.categories():
        # Only who has said whose body it is may pass the question: a baby's parent must not land among adults' times.
        return visit.times(notice=notice)
    return visit.problem(about=about_view(offer, texts), notice=notice)


def _age_said() -> bool:
    """Return whether the address says whose body it is in words we know; anything else counts as not said."""
    group, unit = request.args.get("age_group"), request.args.get("age_unit", "years")
    return group in ("adult", "child", "senior") and unit in ("months", "years")


def stale_link(asked: Choices, offer: Offer, now: datetime) -> str:
    """Return the notice that says why a link's wish could not be kept, "" when it could."""
    if "category" in request.args and asked.category not in offer.categories():
        return "link_category"
    if "practitioner" in request.args and asked.practitioner not in offer.practitioners:
        return "link_person"
    if "service" in request.args and asked.service not in offer.services:
        return "link_service"
    today = local_day(now, offer.clinic.zone)
    last = today + timedelta(days=offer.clinic.horizon_days)
    if "date" in request.args and not today.isoformat() <= request.args["date"] <= last.isoformat():
        return "link_day"
    return ""


@doors.get("/e/<token>")
@policy(Policy.EMBED)
def frame(token: str) -> Response:
    """Door 3: the document inside a clinic's own page; no other clinic exists. A PortalToken opens it unpinned."""
    visit = Visit(_prefilled())
    offer = visit.offer() if scope().clinic_id else None
    if offer:
        check_door(offer.clinic, scope(), visit.now)
    if (page := framing_page()) and page not in visit.hosts(offer):
        raise OriginRefused
    return visit.problem()


def framing_page() -> str:
    """Return the origin of the page that opens this document in a frame, or "" when the browser does not say, or it is our own.

    Only for a kind word instead of the browser's grey box: what really refuses is frame-ancestors.
    """
    if request.headers.get("Sec-Fetch-Dest") not in ("iframe", "frame"):
        return ""
    referer = request.headers.get("Referer", "")
    host = host_of(referer)
    return f"{referer.partition(':')[0].lower()}://{host}" if host and host != request.host else ""


def _prefilled() -> Choices:
    """Return the choices a link brings, or none when they are no choices."""
    asked = {name: request.args[name] for name in _PREFILL if name in request.args}
    if "date" in request.args:
        asked["week"] = request.args["date"]
    try:
        choices = Choices.of(asked)
        choices.but(category="spine", age_group="adult").question()
    except FieldRefused:
        return Choices()
    return choices
