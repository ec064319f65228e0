"""A host site in Flask: the window, and the next free times in the page's own words. Needs OKIENKO_URL and OKIENKO_TOKEN."""

from __future__ import annotations

import os
from zoneinfo import ZoneInfo

from flask import Flask, current_app, render_template_string, request

from okienko import Embed, NextSlot, OkienkoError
from okienko.flask import Okienko

PAGE = """<!doctype html>
<html lang="pl">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Umów wizytę</title>
</head>
<body style="max-width:36rem;margin:48px auto;padding:0 16px;font:17px/1.6 system-ui,sans-serif">
<h1>Umów wizytę</h1>
{% if slots %}
<p>Najbliższe wolne terminy na kręgosłup:</p>
<ul>
{% for slot in slots %}<li><a href="{{ slot.url }}">{{ slot.start.astimezone(zone).strftime("%d.%m, %H:%M") }}</a></li>
{% endfor %}
</ul>
{% elif slots is none %}
<p>Wolne terminy zobaczysz w okienku poniżej.</p>
{% else %}
<p>W najbliższych dwóch tygodniach nie ma wolnych terminów na kręgosłup.</p>
{% endif %}
{{ window.element() }}
</body>
</html>
"""
CATEGORIES = ("spine", "orthopaedics", "sports", "neurology", "paediatrics")

app = Flask(__name__)
app.config.from_mapping(OKIENKO_URL=os.environ["OKIENKO_URL"], OKIENKO_TOKEN=os.environ["OKIENKO_TOKEN"])
Okienko(app)


@app.get("/")
def page() -> str:
    """The page; `?category=sports` narrows the window to one problem, when OKIENKO_SECRET is there to sign that with."""
    window: Embed = current_app.extensions["okienko"]
    secret, category = os.environ.get("OKIENKO_SECRET"), request.args.get("category")
    narrowed = window.narrow(secret, category=category) if secret and category in CATEGORIES else window
    return render_template_string(PAGE, window=narrowed, slots=_slots(window), zone=ZoneInfo("Europe/Warsaw"))


def _slots(window: Embed) -> list[NextSlot] | None:
    try:
        return window.next_slots(category="spine")
    except OkienkoError as silent:
        app.logger.warning("no times to show: %s", silent)
        return None
