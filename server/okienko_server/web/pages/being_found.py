"""What search engines and sharers fetch: robots.txt, the sitemaps, and the pictures a shared link shows."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from xml.sax.saxutils import escape

from flask import Blueprint, Response, request

from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.problem import ProblemCategory
from okienko_server.operations.desk import check_door
from okienko_server.storage.directory import PortalStore
from okienko_server.web.guards import scope
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.oembed import anybody_at, open_to_all
from okienko_server.web.pages.present import initials_of
from okienko_server.web.pages.share_card import ShareCard, draw_card
from okienko_server.web.pages.treatments import category_named, known_treatments, path, town_of
from okienko_server.web.policy import Policy, policy
from okienko_widget import load

found = Blueprint("being_found", __name__)
CLINICS_A_FILE = 5000
"""A sitemap holds 50,000 addresses at most (sitemaps.org); smaller ones are quicker to read again."""
_CLOSED = ("/w/", "/e/", "/api/", "/staff/", "/operator/", "/card/")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@found.get("/robots.txt")
@policy(Policy.PUBLIC)
def robots() -> Response:
    """What crawlers may fetch, and where the sitemaps are (RFC 9309)."""
    closed = "".join(f"Disallow: {path}\n" for path in _CLOSED)
    return _kept(Response(f"User-agent: *\n{closed}Sitemap: {public_url()}/sitemap.xml\n", mimetype="text/plain"))


@found.get("/sitemap.xml")
@policy(Policy.PORTAL)
def sitemaps() -> Response:
    """The index of sitemaps."""
    now = house().clock()
    pages = house().desk.database.read(lambda c: PortalStore(c, scope()).published_pages(CLINICS_A_FILE, now))
    names = ["sitemap-portal.xml", *(f"sitemap-clinics-{page}.xml" for page in pages)]
    lines = "".join(f"<sitemap><loc>{escape(public_url())}/{name}</loc></sitemap>" for name in names)
    return _xml(f"<sitemapindex {_NAMES}>{lines}</sitemapindex>")


@found.get("/sitemap-portal.xml")
@policy(Policy.PORTAL)
def portal_map() -> Response:
    """The portal's own pages: the front page, each treatment, each treatment in each town that has it."""
    known = known_treatments()
    paths = ["/"]
    for category in ProblemCategory:
        places = known.towns_of(category)
        if places:
            paths += [path(category), *(path(category, town) for town in places)]
    return _addresses(paths)


@found.get("/sitemap-clinics-<int(min=1, max=99999):page>.xml")
@policy(Policy.PORTAL)
def clinics_map(page: int) -> Response:
    """A page of clinics' own pages; raises NotFound when there is none."""
    now = house().clock()
    names = house().desk.database.read(
        lambda connection: PortalStore(connection, scope()).published_names(page, CLINICS_A_FILE, now)
    )
    if not names:
        raise NotFound
    return _addresses([f"/g/{name}" for name in names])


@found.get("/g/<slug>/karta.png")
@policy(Policy.PUBLIC)
def clinic_card(slug: str) -> Response:
    """The picture of a clinic's page; 404 where patients find its door shut."""
    desk, where = house().desk, anybody_at(slug)
    offer = desk.database.read(lambda connection: desk.current_offer(connection, where))
    try:
        check_door(offer.clinic, where, house().clock())
    except (ClinicUnavailable, ClinicPaused):
        raise NotFound from None
    texts = load()
    treated = [texts(f"category.{category}") for category in offer.categories()]
    lines = tuple(f"{place.street} – {place.city}" for place in offer.locations.values())
    title = offer.clinic.name
    return _picture(ShareCard(title, texts("about.card"), lines[:2] or tuple(treated[:2]), initials_of(title)))


@found.get("/fizjoterapia/<what>/karta.png")
@policy(Policy.PORTAL)
def treatment_card(what: str) -> Response:
    """The picture of a treatment's page."""
    category = category_named(what)
    towns = known_treatments().towns_of(category)
    lines = tuple(f"{town.name} – {load().plural('clinics.places', count)}" for town, count in list(towns.items())[:3])
    return _picture(ShareCard(load()(f"treatment_of.{category}"), load()("site.claim"), lines, ""))


@found.get("/fizjoterapia/<what>/<where>/karta.png")
@policy(Policy.PORTAL)
def town_card(what: str, where: str) -> Response:
    """The picture of a treatment's page in a town."""
    category, town = category_named(what), town_of(where)
    count = known_treatments().clinics(category, town)
    title = load()("treatment.title", what=load()(f"treatment_of.{category}"), place=town.name)
    return _picture(ShareCard(title, load().plural("clinics.places", count) if count else load()("site.claim"), (), ""))


@lru_cache(maxsize=256)
def _drawn(card: ShareCard) -> bytes:
    """Return a picture, drawn once while its facts stay the same."""
    return draw_card(card)


def _picture(card: ShareCard) -> Response:
    drawn = _drawn(card)
    response = open_to_all(Response(drawn, mimetype="image/png"))
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.set_etag(sha256(drawn).hexdigest()[:16])
    response.make_conditional(request)
    return response


def _addresses(paths: list[str]) -> Response:
    lines = "".join(f"<url><loc>{escape(public_url() + one)}</loc></url>" for one in paths)
    return _xml(f"<urlset {_NAMES}>{lines}</urlset>")


def _xml(body: str) -> Response:
    return _kept(Response(_HEAD + body, mimetype="application/xml"))


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=600"
    response.add_etag()
    response.make_conditional(request)
    return response
