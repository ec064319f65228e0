"""The Flask extension: `{{ okienko.element() }}` in every template. Needs Flask, which the page has anyway."""

from __future__ import annotations

from flask import Flask

from okienko.exceptions import OptionRefused
from okienko.snippet import Embed


class Okienko:
    """Reads OKIENKO_URL and OKIENKO_TOKEN (and, for a prettier link and title, OKIENKO_SLUG and OKIENKO_NAME) from the app's config."""

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make the template global `okienko`, an :class:`okienko.Embed`; raises OptionRefused for a setting missing or wrong."""
        for name in ("OKIENKO_URL", "OKIENKO_TOKEN"):
            if not app.config.get(name):
                raise OptionRefused(name, "must be in the app's config")
        embed = Embed(
            app.config["OKIENKO_URL"],
            app.config["OKIENKO_TOKEN"],
            app.config.get("OKIENKO_SLUG") or "",
            app.config.get("OKIENKO_NAME") or "",
        )
        app.extensions["okienko"] = embed
        app.jinja_env.globals["okienko"] = embed
