"""The style sheet and the script of the staff's pages, named by their content, and the templates' common words."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request, url_for
from flask.blueprints import BlueprintSetupState
from jinja2 import StrictUndefined

from okienko_server.domain.cells import ORDINARY_DAY
from okienko_server.domain.errors import NotFound
from okienko_server.domain.offer import HealthcareService, Location, Practitioner
from okienko_server.domain.phone import spoken
from okienko_server.texts import load
from okienko_server.web.guards import operator
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.alone import statement_css
from okienko_server.web.pages.staff.chrome import chrome, csrf, operator_csrf, wrong
from okienko_server.web.policy import Policy, policy
from okienko_widget import load as widget_texts
from okienko_widget.bundle import tight_css, tight_js
from okienko_widget.icons import ICONS, MARK

assets = Blueprint("assets", __name__, url_prefix="/static")
FOR_EVER = "public, max-age=31536000, immutable"
SHEETS = ("ground", "schedule", "team", "inbox", "account", "record", "planning", "conversion", "messages", "settings")
DEMO_ZONE = ZoneInfo("Europe/Warsaw")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `version` changes with its content."""

    text: str
    mimetype: str

    @property
    def version(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def _source(name: str) -> str:
    return files("okienko_server").joinpath("web", "static", *name.split("/")).read_text(encoding="utf-8")


def _sheet() -> str:
    """Return the staff's style sheet; what stands later in the list may refine what stands before."""
    return "\n".join(_source(f"staff/{part}.css") for part in SHEETS)


def _cells() -> str:
    """Return the rules that place a block in a day: `r12 h9` begins at the 12th cell and is 9 cells long."""
    # The pages' security policy forbids style attributes, so every place a block can have is a class.
    starts = "".join(f".r{n}{{grid-row-start:{n + 1}}}" for n in range(ORDINARY_DAY))
    return starts + "".join(f".h{n}{{grid-row-end:span {n}}}" for n in range(1, ORDINARY_DAY + 1))


ASSETS = {
    "staff.css": Asset(tight_css(_sheet()) + _cells(), "text/css"),
    "record.js": Asset(tight_js(_source("record.js")), "text/javascript"),
    "statement.css": Asset(statement_css(), "text/css"),
    "staff.js": Asset(tight_js(_source("staff.js")), "text/javascript"),
}
_VERSIONS = {name: asset.version for name, asset in ASSETS.items()}


@assets.get("/<name>")
@policy(Policy.PUBLIC)
def asset(name: str) -> Response:
    """One file; kept for ever by a browser that asked for this very content."""
    found = ASSETS.get(name)
    if found is None:
        raise NotFound
    response = Response(found.text, mimetype=found.mimetype)
    response.headers["Cache-Control"] = FOR_EVER if request.args.get("v") == _VERSIONS[name] else "no-cache"
    return response


def asset_url(name: str) -> str:
    """Return the address of a file's present content."""
    return url_for("assets.asset", name=name, v=_VERSIONS[name])


def _named(thing: Practitioner | Location | HealthcareService) -> tuple[str, str]:
    """Return (id, name) of something to choose from a list."""
    return thing.id, thing.name


@assets.record_once
def _prepare_templates(state: BlueprintSetupState) -> None:
    """Every template escapes what it shows and refuses unknown names; Flask alone would leave `.jinja` files bare."""
    environment = state.app.jinja_env
    environment.autoescape = True
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(
        t=load(),
        icons=ICONS,
        mark=MARK,
        asset=asset_url,
        chrome=chrome,
        csrf=csrf,
        operator=operator,
        operator_csrf=operator_csrf,
        wrong=wrong,
        widget_t=widget_texts(),
    )
    environment.filters.update(named=_named, spoken=spoken, demo_moment=when_in(DEMO_ZONE).full)
