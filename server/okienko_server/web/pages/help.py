"""Help for a clinic under /pomoc/: how to join, paste, handle a reservation, and what it costs; each picture a real screen."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from flask import Blueprint, Response, make_response, render_template, url_for

from okienko_server.domain.errors import NotFound
from okienko_server.texts import load
from okienko_server.web.policy import Policy, policy

help_pages = Blueprint("help", __name__, url_prefix="/pomoc")
ARTICLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "dolacz": ("join", ("nothing-yet", "address", "service-first", "therapist", "hours", "rehearsal", "ready")),
    "wklej": ("paste", ("website", "", "", "", "done-on-the-clinics-own-page")),
    "rezerwacja": ("handle", ("schedule", "", "")),
    "ceny": ("prices", ("sms", "", "")),
}
"""Address -> word in the catalogue and a picture for each step; made by tests/journeys/test_joining.py with OKIENKO_PICTURES=1."""
PICTURES = frozenset(name for _, pictures in ARTICLES.values() for name in pictures if name)


@dataclass(frozen=True, slots=True)
class HelpStep:
    """One step: what to do, and a picture where one helps."""

    title: str
    text: str
    picture: str


@help_pages.get("/")
@policy(Policy.PUBLIC)
def index() -> Response:
    """What there is to read."""
    t = load()
    listed = [
        (t(f"help.{word}.title"), t(f"help.{word}.lead"), url_for("help.article", name=name))
        for name, (word, _) in ARTICLES.items()
    ]
    return make_response(
        render_template("help.jinja", title=t("help.title"), lead=t("help.lead"), listed=listed, steps=())
    )


@help_pages.get("/<name>")
@policy(Policy.PUBLIC)
def article(name: str) -> Response:
    """One article."""
    if name not in ARTICLES:
        raise NotFound
    t, (word, pictures) = load(), ARTICLES[name]
    steps = [
        HelpStep(
            t(f"help.{word}.{n}.title"),
            t(f"help.{word}.{n}.text"),
            url_for("help.picture", name=shown) if shown else "",
        )
        for n, shown in enumerate(pictures, start=1)
    ]
    page = render_template(
        "help.jinja", title=t(f"help.{word}.title"), lead=t(f"help.{word}.lead"), listed=(), steps=steps
    )
    return make_response(page)


@help_pages.get("/obrazy/<name>.jpg")
@policy(Policy.PUBLIC)
def picture(name: str) -> Response:
    """A picture of a step."""
    if name not in PICTURES:
        raise NotFound
    content = files("okienko_server").joinpath("web", "static", "help", f"{name}.jpg").read_bytes()
    response = Response(content, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
