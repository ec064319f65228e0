"""A clinic's link pasted on somebody else's page: the oEmbed answer (https://oembed.com, 1.0) and the card it points at."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import date, datetime
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from flask import Blueprint, Response, request
from markupsafe import Markup

from okienko_server.domain.cells import instant_of, local_day
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope, Source
from okienko_server.operations.desk import check_door
from okienko_server.operations.next_starts import NextStarts, next_starts
from okienko_server.storage.directory import PortalStore
from okienko_server.web.api.problem_json import problem_response
from okienko_server.web.guards import new_portal_session, scope_of
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.present import offer_badge, when_in
from okienko_server.web.policy import Policy, policy
from okienko_widget import When, load
from okienko_widget.card import HEIGHT, POLICY, WIDTH, CardStart, CardView, render_card

oembed = Blueprint("oembed", __name__)
STARTS = 3
LONGEST_URL = 2048
FRESH = "public, max-age=60"
KEPT = 24 * 60 * 60
"""Seconds a page may keep the oEmbed answer: the frame in it stays the same, only the card behind it changes."""
_PAGE = re.compile(r"/g/([A-Za-z0-9_.~-]{1,64})/?")
_SLUG = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
_PORTS = {"http": 80, "https": 443}
_FRAME = Markup(
    '<iframe src="{src}" width="{width}" height="{height}" title="{title}" frameborder="0" scrolling="no"></iframe>'
)


@oembed.get("/oembed")
@policy(Policy.PUBLIC)
def answer() -> Response:
    """The frame to put where a clinic's link stands; 404 for any other address, 501 for any format but JSON."""
    if request.args.get("format", "json") != "json":
        return open_to_all(problem_response("bad_request", 501, None))
    try:
        where = anybody_at(_slug_of(request.args.get("url", "")))
        desk = house().desk
        clinic = desk.database.read(lambda connection: desk.current_offer(connection, where)).clinic
        check_door(clinic, where, house().clock())
    except (NotFound, ClinicUnavailable, ClinicPaused):
        return open_to_all(problem_response("not_found", 404, None))
    width, height = _at_most("maxwidth", WIDTH), _at_most("maxheight", HEIGHT)
    title = load()("card.title", clinic=clinic.name)
    src = f"{public_url()}/card/{clinic.slug}"
    body = {
        "version": "1.0", "type": "rich", "provider_name": load()("brand"), "provider_url": public_url() + "/", "title": title,
        "cache_age": KEPT, "width": width, "height": height,
        "html": _FRAME.format(src=src, width=width, height=height, title=title),
    }  # fmt: skip
    return open_to_all(Response(json.dumps(body), mimetype="application/json"))


@oembed.get("/card/<slug>")
@policy(Policy.PUBLIC)
def card(slug: str) -> Response:
    """The next free times of a clinic as a small document any site may frame; a kind word with 404 where there is none."""
    view, status = None, 404
    with suppress(NotFound, ClinicUnavailable, ClinicPaused):
        now = house().clock()
        view, status = _view(next_starts(STARTS, scope=anybody_at(slug), desk=house().desk, now=now), now), 200
    response = open_to_all(Response(render_card(view), status))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    return response


def discovery(offer: Offer) -> str:
    """Return the address a clinic's page names in its head, `<link rel="alternate" type="application/json+oembed">`."""
    asked = {"url": f"{public_url()}/g/{offer.clinic.slug}", "format": "json"}
    return f"{public_url()}/oembed?{urlencode(asked)}"


def open_to_all(response: Response) -> Response:
    """Let any page read and frame it: it holds public facts only."""
    response.headers["Cache-Control"] = FRESH
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _slug_of(url: str) -> str:
    """Return the clinic named by an address of this very server; raises NotFound."""
    try:
        parts = urlsplit(url) if len(url) <= LONGEST_URL else None
        ours = parts is not None and _place(parts) == _place(urlsplit(public_url()))
    except ValueError:
        raise NotFound from None
    found = _PAGE.fullmatch(unquote(parts.path)) if parts is not None and ours else None
    if found is None:
        raise NotFound
    return found[1]


def _place(parts: SplitResult) -> tuple[str | None, int | None]:
    # The scheme is not compared: pages still carry links from before the server had HTTPS.
    port = None if parts.port == _PORTS.get(parts.scheme) else parts.port
    return (parts.hostname, port) if parts.scheme in _PORTS and "@" not in parts.netloc else (None, -1)


def anybody_at(slug: str) -> Scope:
    """Return anybody's scope at the visible clinic of that short name or public id; raises NotFound."""
    if not _SLUG.fullmatch(slug):
        raise NotFound
    now = house().clock()
    anybody = scope_of(new_portal_session(now, Source.LINK))
    return anybody.at(
        house().desk.database.read(lambda connection: PortalStore(connection, anybody).clinic_by_slug(slug, now))
    )


def _at_most(name: str, own: int) -> int:
    """Return the asked limit, or our own measure when it is smaller or the limit is none."""
    asked = request.args.get(name, "")
    return min(own, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 10 and int(asked) else own


def _view(found: NextStarts, now: datetime) -> CardView:
    clinic = found.offer.clinic
    url, today = f"{public_url()}/g/{clinic.slug}", local_day(now, clinic.zone)
    starts = tuple(_start(url, cell, when_in(clinic.zone), today) for cell in found.cells)
    return CardView(offer_badge(found.offer), url, starts, clinic.phone)


def _start(url: str, cell: int, when: When, today: date) -> CardStart:
    at, texts = instant_of(cell), load()
    day = when.local_date(at)
    near = {0: texts("card.today"), 1: texts("card.tomorrow")}.get((day - today).days, "")
    named = texts("card.near", word=near, number=day.day, month=texts(f"month_of.{day.month}"))
    brief = texts("card.short", weekday=when.weekday_short(day), number=day.day, month=f"{day.month:02d}")
    return CardStart(
        url=f"{url}?date={day.isoformat()}",
        day=named if near else when.day(day),
        short=near or brief,
        time=when.time(at),
    )
