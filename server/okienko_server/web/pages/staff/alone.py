"""The printable statement as one file that needs no server: the page's own template with its style inside."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from okienko_server.operations.statement import Month
from okienko_server.texts import load
from okienko_server.web.pages.staff.sheet import sheet_of
from okienko_widget.bundle import tight_css


@cache
def statement_css() -> str:
    """Return the statement's whole style sheet."""
    folder = files("okienko_server").joinpath("web", "static")
    return tight_css(folder.joinpath("statement.css").read_text(encoding="utf-8"))


def standing_alone(month: Month) -> str:
    """Return the month's statement as an HTML document with nothing outside it."""
    environment = Environment(
        loader=PackageLoader("okienko_server", "web/templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    # The sheet is ours, and a style element's text is not unescaped by a browser.
    style = Markup(statement_css())  # noqa: S704
    return environment.get_template("staff/statement.jinja").render(
        t=load(), page=sheet_of(month), style=style, back=""
    )
