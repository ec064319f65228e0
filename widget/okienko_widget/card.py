"""The card other sites show of a clinic: its next free times as links, in one document that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from okienko_widget.bundle import csp_hash, tight_css, tight_js
from okienko_widget.icons import ICONS, MARK
from okienko_widget.texts import load
from okienko_widget.views import ClinicBadge

HEIGHT: Final = 320
"""CSS pixels that hold the card at every width from 320 up; a page that hears no message keeps this much room for it."""
WIDTH: Final = 600


@dataclass(frozen=True, slots=True)
class CardStart:
    """One free start, in words for a wide and for a narrow card, with the address that shows its day."""

    url: str
    day: str
    """"wt. 24 listopada", "jutro, 24 listopada"."""
    short: str
    """"wt. 24.11", "jutro"."""
    time: str


@dataclass(frozen=True, slots=True)
class CardView:
    """A clinic and its next free times; no times: the card names the phone."""

    clinic: ClinicBadge
    url: str
    """The clinic's own page on the portal."""
    starts: tuple[CardStart, ...] = ()
    dial: str = ""
    """The phone as a `tel:` address dials it."""


def _source(name: str) -> str:
    return files("okienko_widget").joinpath("static", name).read_text(encoding="utf-8")


CSS: Final = tight_css(_source("card.css"))
JS: Final = tight_js(_source("card.js"))
POLICY: Final = (
    f"default-src 'none'; style-src {csp_hash(CSS)}; script-src {csp_hash(JS)}; img-src data:; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors http: https:"
)
"""The document's Content-Security-Policy: public facts and links, so any site may frame it."""


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("okienko_widget"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )  # fmt: skip
    environment.globals.update(t=load(), icons=ICONS, mark=MARK, css=Markup(CSS), js=Markup(JS))  # noqa: S704 - our own files
    return environment


_TEMPLATE: Final = _environment().get_template("card.jinja")


def render_card(view: CardView | None) -> str:
    """Return the card's document; without a view, of a clinic that takes no appointments online."""
    return _TEMPLATE.render(view=view)
