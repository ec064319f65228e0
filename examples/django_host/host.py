"""A host site in Django, in one file: `python host.py runserver localhost:5001`. Needs OKIENKO_URL and OKIENKO_TOKEN."""

from __future__ import annotations

import os
import sys
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from okienko import OkienkoError

PAGE = """{% load okienko %}<!doctype html>
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
{% for start, url in slots %}<li><a href="{{ url }}">{{ start }}</a></li>
{% endfor %}
</ul>
{% else %}
<p>Wolne terminy zobaczysz w okienku poniżej.</p>
{% endif %}
{% okienko_element %}
<p>Wolisz osobną stronę? {% okienko_link "Otwórz rezerwację" %}</p>
</body>
</html>
"""


def page(_request: HttpRequest) -> HttpResponse:
    """The page with the window and the next three free times."""
    from okienko.django import embed

    try:
        found = embed().next_slots(category="spine")
    except OkienkoError:
        found = []
    zone = ZoneInfo("Europe/Warsaw")
    slots = [(f"{slot.start.astimezone(zone):%d.%m, %H:%M}", slot.url) for slot in found]
    return HttpResponse(engines["django"].from_string(PAGE).render({"slots": slots}))


urlpatterns = [path("", page)]

if __name__ == "__main__":
    settings.configure(
        SECRET_KEY=os.urandom(32).hex(),
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["localhost"],
        OKIENKO_URL=os.environ["OKIENKO_URL"],
        OKIENKO_TOKEN=os.environ["OKIENKO_TOKEN"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"libraries": {"okienko": "okienko.django"}},
            }
        ],
    )
    execute_from_command_line(sys.argv)
