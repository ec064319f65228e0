"""Pages about one treatment in one town, with its clinics and their next free times: the portal's addresses for search engines."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from flask import Blueprint, Response

from okienko_server.domain.errors import NotFound
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.towns import Town, plain, towns, towns_like
from okienko_server.operations.treatments import Treatments
from okienko_server.web.guards import scope
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.choices import Choices
from okienko_server.web.pages.clinic_page import json_ld
from okienko_server.web.pages.show import Visit
from okienko_server.web.policy import Policy, policy
from okienko_widget import load
from okienko_widget.portal_views import Crumb, Intro, PageHead

pages = Blueprint("treatments", __name__, url_prefix="/fizjoterapia")
SLUGS = {
    ProblemCategory.SPINE: "kregoslup",
    ProblemCategory.ORTHOPAEDICS: "stawy-i-urazy",
    ProblemCategory.SPORTS: "sport",
    ProblemCategory.NEUROLOGY: "neurologia",
    ProblemCategory.PAEDIATRICS: "niemowleta-i-dzieci",
    ProblemCategory.WOMENS_HEALTH: "uroginekologia",
    ProblemCategory.CARDIO_PULMONARY: "serce-i-pluca",
    ProblemCategory.ONCOLOGY_LYMPH: "onkologia-i-obrzeki",
    ProblemCategory.GERIATRICS: "seniorzy",
    ProblemCategory.JAW_HEAD: "szczeka-i-glowa",
}
_BY_SLUG = {slug: category for category, slug in SLUGS.items()}
NEAR_KM = 60.0
MOST_NEAR = 8


@pages.get("/<what>/")
@policy(Policy.PORTAL)
def everywhere(what: str) -> Response:
    """One treatment: the towns where it is to be had, and the way into the search."""
    category = category_named(what)
    texts, home = load(), public_url()
    known = known_treatments()
    crumbs = (Crumb(load()("brand"), "/"),)
    intro = Intro(
        texts(f"treatment_of.{category}"),
        texts("treatment.lead_everywhere"),
        crumbs,
        tuple(Crumb(texts(f"category.{one}"), path(one)) for one in ProblemCategory if one is not category),
        tuple(Crumb(town.name, path(category, town)) for town in known.towns_of(category)),
    )
    title = texts("treatment.title_everywhere", what=texts(f"treatment_of.{category}"))
    head = PageHead(
        title,
        texts("treatment.description_everywhere", what=texts(f"treatment_of.{category}")),
        home + path(category),
        f"{home}{path(category)}karta.png",
        _trail(title, [(texts("brand"), home + "/"), (texts(f"category.{category}"), home + path(category))]),
        indexed=bool(known.towns_of(category)),
    )
    visit = Visit(Choices(category=category.value))
    visit.head = head
    return visit.problem(intro=intro)


@pages.get("/<what>/<where>")
@policy(Policy.PORTAL)
def in_town(what: str, where: str) -> Response:
    """One treatment in one town: its addresses with their next free times; for a child, whose age comes first, by name only."""
    category, town = category_named(what), town_of(where)
    known = known_treatments()
    count = known.clinics(category, town)
    visit = Visit(_choices(category, town))
    visit.head, intro = _head(category, town, count), _intro(category, town, known, count)
    if category is ProblemCategory.PAEDIATRICS:
        # No time is offered before the age is said: a baby must never come to somebody who treats older children.
        rows = tuple(Crumb(f"{one.name}, {one.street}", f"/g/{one.slug}") for one in known.at(category, town))
        return visit.problem(intro=replace(intro, listed=rows))
    return visit.clinics(intro=intro)


def known_treatments() -> Treatments:
    """Return what is treated where."""
    here = house()
    return here.treatments.of(scope=scope(), desk=here.desk, now=here.clock())


def path(category: ProblemCategory, town: Town | None = None) -> str:
    """Return the path of a treatment's page, in a town or everywhere."""
    return f"/fizjoterapia/{SLUGS[category]}/" + (slug_of(town) if town else "")


def slug_of(town: Town) -> str:
    """Return a town's name in an address; one that shares its name with a bigger one adds its voivodeship."""
    return _slugs()[town]


def town_of(slug: str) -> Town:
    """Return the town of an address; raises NotFound."""
    found = _towns_by_slug().get(slug)
    if found is None:
        raise NotFound
    return found


@cache
def _slugs() -> dict[Town, str]:
    seen: dict[str, Town] = {}
    for town in towns():
        name = _dashed(town.name)
        for slug in (name, f"{name}-{_dashed(town.voivodeship)}", *(f"{name}-{n}" for n in range(2, 20))):
            if slug not in seen:
                seen[slug] = town
                break
    return {town: slug for slug, town in seen.items()}


@cache
def _towns_by_slug() -> dict[str, Town]:
    return {slug: town for town, slug in _slugs().items()}


def _dashed(name: str) -> str:
    return "-".join("".join(sign for sign in plain(name) if sign.isalnum() or sign == " ").split())


def category_named(slug: str) -> ProblemCategory:
    """Return the category of an address; raises NotFound."""
    found = _BY_SLUG.get(slug)
    if found is None:
        raise NotFound
    return found


def _choices(category: ProblemCategory, town: Town) -> Choices:
    """Return the search of a town's page: by its name where that means this very town, else by where it lies."""
    for words in (town.name, f"{town.name}, {town.voivodeship}"):
        if towns_like(words, 1) == (town,):
            return Choices(category=category.value, place=words)
    return Choices(category=category.value, near=f"{town.latitude:.4f},{town.longitude:.4f}")


def _intro(category: ProblemCategory, town: Town, known: Treatments, count: int) -> Intro:
    texts = load()
    near = sorted(
        (other for other in known.towns_of(category) if other != town),
        key=lambda other: other.away(town.latitude, town.longitude),
    )
    close = [other for other in near if other.away(town.latitude, town.longitude) <= NEAR_KM] or near[:3]
    return Intro(
        texts("treatment.title", what=texts(f"treatment_of.{category}"), place=town.name),
        texts.plural("treatment.lead", count) if count else texts("treatment.lead_none"),
        (Crumb(texts("brand"), "/"), Crumb(texts(f"treatment_of.{category}"), path(category))),
        tuple(Crumb(texts(f"category.{one}"), path(one, town)) for one in known.in_town(town) if one is not category),
        tuple(Crumb(other.name, path(category, other)) for other in close[:MOST_NEAR]),
    )


def _head(category: ProblemCategory, town: Town, count: int) -> PageHead:
    texts, home = load(), public_url()
    what = texts(f"treatment_of.{category}")
    title = texts("treatment.title", what=what, place=town.name)
    trail = [
        (texts("brand"), home + "/"),
        (what, home + path(category)),
        (town.name, home + path(category, town)),
    ]
    return PageHead(
        title,
        texts("treatment.description", what=what, place=town.name),
        home + path(category, town),
        f"{home}{path(category, town)}/karta.png",
        _trail(title, trail),
        indexed=count > 0,
    )


def _trail(title: str, steps: list[tuple[str, str]]) -> str:
    items = [
        {"@type": "ListItem", "position": n, "name": name, "item": url} for n, (name, url) in enumerate(steps, start=1)
    ]
    return json_ld(
        {
            "@context": "https://schema.org",
            "@type": "CollectionPage",
            "name": title,
            "url": steps[-1][1],
            "breadcrumb": {"@type": "BreadcrumbList", "itemListElement": items},
        }
    )
