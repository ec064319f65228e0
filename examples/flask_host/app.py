"""A host site in Flask that signs the widget's token itself. Needs OKIENKO_URL, OKIENKO_CLINIC and OKIENKO_EMBED_KEYS."""

from __future__ import annotations

import os

from flask import Flask, render_template_string, request

from okienko import EmbedToken

PAGE = """<!doctype html>
<html lang="pl">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Umów wizytę</title>
<body style="max-width:36rem;margin:48px auto;padding:0 16px;font:17px/1.6 system-ui,sans-serif">
<h1>Umów wizytę</h1>
<iframe src="{{ url }}/e/{{ token }}" title="Rezerwacja wizyty" loading="lazy"
  width="100%" height="720" style="border:0;color-scheme:normal"></iframe>
</body>
</html>
"""
CATEGORIES = ("spine", "orthopaedics", "sports", "neurology", "paediatrics")

app = Flask(__name__)


@app.get("/")
def page() -> str:
    """The page with the frame; `?category=spine` narrows what it offers."""
    asked = request.args.get("category")
    token = EmbedToken(os.environ["OKIENKO_CLINIC"], generation=1, category=asked if asked in CATEGORIES else None)
    keys = [key.strip() for key in os.environ["OKIENKO_EMBED_KEYS"].split(",")]
    return render_template_string(PAGE, url=os.environ["OKIENKO_URL"], token=token.sign(keys))
