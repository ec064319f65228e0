"""The headers of each kind of document: who may frame it, what may run in it, who may keep it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import Clock
from tests.plans import clinic
from tests.web.patients import API, TUESDAY_TEN, ApiPatient, FormPatient, embed_token, opened, slot_of

SITES = ("https://kazimierz.example", "http://localhost:8081")
STEPS = ("start", "problem", "times", "hold", "details", "code", "resend", "extend", "edit", "release", "calendar")


def directives(answer: TestResponse) -> dict[str, str]:
    policy = answer.headers["Content-Security-Policy"]
    return {name: value for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))}


def csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def assert_closed(answer: TestResponse) -> None:
    assert directives(answer)["frame-ancestors"] == "'none'"
    assert directives(answer)["default-src"] == "'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def assert_framed(answer: TestResponse) -> None:
    assert directives(answer)["frame-ancestors"] == " ".join(("'self'", *SITES)), answer.text[:200]
    assert directives(answer)["default-src"] == "'none'"
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in ("strict-origin", "no-referrer")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/g/kazimierz", "/nie-ma", "/staff/sign-in", f"{API}/openapi.json", f"{API}/categories", "/health"]
)
def test_nobody_frames_our_own_pages(app: Flask, path: str) -> None:
    opened(app, clinic(allowed_origins=SITES))
    assert_closed(app.test_client().get(path))


def test_nobody_frames_the_steps_of_the_portal(app: Flask) -> None:
    opened(app, clinic(allowed_origins=SITES))
    patient = FormPatient(app, "/g/kazimierz")
    patient.awaiting_code()
    patient.code(patient.phone.code())
    for answer in patient.answers:
        assert_closed(answer)
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_clinics_own_sites_frame_every_step(app: Flask) -> None:
    place = opened(app, clinic(allowed_origins=SITES))
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    patient.press("/w/problem", category="")
    patient.problem()
    patient.take()
    patient.details(phone="1")
    patient.details()
    patient.code("1")
    patient.press("/w/resend")
    patient.code(patient.phone.code())
    assert patient.page.says("done.title")
    for answer in patient.answers:
        assert_framed(answer)


def test_a_refusal_inside_the_frame_is_shown_inside_the_frame(app: Flask) -> None:
    place = opened(app, clinic(allowed_origins=SITES))
    other = opened(app, clinic("wola", staff=(), allowed_origins=("https://wola.example",)))
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    fields = dict(patient.page.form("/w/problem").filled()) | {"slot": slot_of(TUESDAY_TEN)}
    for step in STEPS:
        for wrong in ({"clinic": other.id}, {"kind": "nonsense"}, {"appointment": "nonsense"}, {"week": "0001-01-01"}):
            answer = patient.client.post(f"/w/{step}", data=fields | wrong)
            ancestors = directives(answer)["frame-ancestors"].split()
            if answer.mimetype == "text/html":
                assert set(ancestors) & {SITES[0], "https:"}, (step, wrong, answer.status_code)
                assert "X-Frame-Options" not in answer.headers
            assert "https://wola.example" not in ancestors


@pytest.mark.parametrize("token", ["damaged", "unknown", "revoked", "paused"])
def test_a_dead_snippet_shows_a_card_wherever_it_was_pasted(app: Flask, token: str) -> None:
    place = opened(
        app, clinic(allowed_origins=SITES, generation=2, contract="trial" if token == "paused" else "active")
    )
    text = {"damaged": "x", "unknown": embed_token("nosuchclinic"), "revoked": embed_token(place.id)}
    answer = app.test_client().get(f"/e/{text.get(token) or embed_token(place.id, 2)}")
    assert answer.status_code in (401, 403)
    assert {"http:", "https:"} <= set(directives(answer)["frame-ancestors"].split()) or SITES[0] in directives(answer)[
        "frame-ancestors"
    ]
    assert "X-Frame-Options" not in answer.headers


def test_without_listed_sites_only_our_own_preview_frames_the_clinic(app: Flask) -> None:
    place = opened(app)
    answer = app.test_client().get(f"/e/{embed_token(place.id)}")
    assert directives(answer)["frame-ancestors"] == "'self'"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("door", ["/", "/g/kazimierz", "/e/", "/nie-ma"])
def test_what_runs_in_the_document_is_what_its_policy_names(app: Flask, door: str) -> None:
    place = opened(app, clinic(allowed_origins=SITES))
    answer = app.test_client().get(door + embed_token(place.id) if door == "/e/" else door)
    policy = directives(answer)
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    # The search's own style and script stand only where more than one clinic exists.
    assert len(styles) == len(scripts) == (2 if door in ("/", "/g/kazimierz") else 1)
    assert policy["style-src"].split() == [csp_hash(style) for style in styles]
    assert policy["script-src"].split() == [csp_hash(script) for script in scripts]
    assert " style=" not in answer.text and "javascript:" not in answer.text and not re.search(r"\son\w+=", answer.text)


def test_answers_of_the_api_are_kept_by_no_cache(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.awaiting_code()
    clock.forward(seconds=61)
    answers = [
        patient.slots(), patient.details(), patient.resend(), patient.verify("1"), patient.read(), patient.hold(),
        patient.ask("GET", "/categories"), patient.hold(TUESDAY_TEN - timedelta(days=9)),
    ]  # fmt: skip
    for answer in answers:
        assert_closed(answer)
        assert answer.headers["Cache-Control"] == "no-store", answer.text


def test_the_pages_own_script_gets_the_step_alone(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    form = patient.page.form("/w/problem", "spine")
    sent = form.filled(next(one for one in form.buttons if one.value == "spine"))
    whole, bare = (
        patient.client.post("/w/problem", data=sent, headers=headers).text for headers in ({}, {"X-Okienko": "step"})
    )
    assert "<style>" in whole and "<script>" in whole
    assert "<style>" not in bare and "<script>" not in bare
    assert bare.partition("<main")[2].count('name="slot"') == whole.partition("<main")[2].count('name="slot"') > 20
    assert len(bare) < len(whole) / 2
