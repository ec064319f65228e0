"""Flask and Django print what the generator makes, and say what is missing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from flask import Flask, render_template_string

from okienko import Embed, EmbedToken, OptionRefused
from okienko.flask import Okienko
from tests.conftest import KEYS

SERVER = "https://rezerwacje.example"
TOKEN = EmbedToken("kazimierz123", 1).sign(KEYS.embed)
EMBED = Embed(SERVER, TOKEN, "kazimierz", "Rehabilitacja <Kazimierz>")
DJANGO = """
import json, sys
from django.conf import settings
settings.configure(**json.loads(sys.argv[1]), TEMPLATES=[{
    'BACKEND': 'django.template.backends.django.DjangoTemplates', 'OPTIONS': {'libraries': {'okienko': 'okienko.django'}}}])
import django; django.setup()
from django.template import engines
try:
    print(engines['django'].from_string(sys.argv[2]).render({'hostile': '"><b>'}), end='')
except ValueError as refused:
    print('refused:', refused, end='')
"""
SETTINGS = {
    "OKIENKO_URL": SERVER,
    "OKIENKO_TOKEN": TOKEN,
    "OKIENKO_SLUG": "kazimierz",
    "OKIENKO_NAME": "Rehabilitacja <Kazimierz>",
}


def flask(**config: str) -> Flask:
    app = Flask("host")
    app.config.update(config)
    Okienko(app)
    return app


def test_flask_templates_have_the_snippets() -> None:
    with flask(**SETTINGS).app_context():
        shown = render_template_string(
            "{{ okienko.element(mode='popup') }}|{{ okienko.iframe() }}|{{ okienko.link() }}"
        )
    assert shown == f"{EMBED.element(mode='popup')}|{EMBED.iframe()}|{EMBED.link()}"


def test_flask_escapes_what_a_template_passes_on() -> None:
    with flask(**SETTINGS).app_context():
        shown = render_template_string("{{ okienko.element(label=hostile) }}", hostile='"><b>')
    assert "<b>" not in shown


@pytest.mark.parametrize("missing", ["OKIENKO_URL", "OKIENKO_TOKEN"])
def test_flask_says_which_setting_is_missing(missing: str) -> None:
    with pytest.raises(OptionRefused, match=missing):
        flask(**SETTINGS | {missing: ""})


def django(template: str, **config: str) -> str:
    command = [sys.executable, "-c", DJANGO, json.dumps(SETTINGS | config), "{% load okienko %}" + template]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_django_templates_have_the_snippets() -> None:
    template = (
        "{% okienko_element mode='popup' %}|{% okienko_iframe height=640 %}|{% okienko_link 'Umów' kind='visit' %}"
    )
    shown = django(template)
    assert shown == f"{EMBED.element(mode='popup')}|{EMBED.iframe(height=640)}|{EMBED.link('Umów', kind='visit')}"


def test_django_escapes_what_a_template_passes_on() -> None:
    assert "<b>" not in django("{% okienko_link hostile %}")


def test_django_says_what_is_wrong() -> None:
    assert django("{% okienko_element %}", OKIENKO_TOKEN="").startswith("refused: OKIENKO_TOKEN")
    assert django("{% okienko_element mode='x' %}").startswith("refused: mode")


@pytest.mark.parametrize("module", ["flask", "django", "requests"])
def test_the_package_itself_needs_none_of_them(module: str) -> None:
    code = f"import sys; sys.modules['{module}'] = None; import okienko; okienko.Embed('{SERVER}', '{TOKEN}').element()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
