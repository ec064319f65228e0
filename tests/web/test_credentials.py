"""Tokens and sessions that are unknown, outlived, damaged, foreign or too long: stable codes for programs, Polish for people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from flask import Flask
from sqlalchemy import update

from okienko.tokens import EmbedToken, PortalToken, WidgetSession, new_session_id
from okienko_server.domain.scope import operator_scope
from okienko_server.storage.onboarding import OnboardingStore
from okienko_server.storage.tables import PortalRow
from tests.conftest import KEYS, MONDAY, Clock
from tests.web.pages import Page
from tests.web.patients import (
    ADULT_SPINE,
    API,
    JAN,
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    change_clinic,
    embed_token,
    house_of,
    opened,
    refusal_of,
    slot_of,
)

FOREIGN = ("a key of somebody else, long enough to sign",)
TRACES = ("Traceback", "okienko_server", "sqlalchemy", "werkzeug", ".py")


def session_text(clinic_id: str | None = None, keys: tuple[str, ...] = KEYS.session, minutes: int = 0) -> str:
    kind: Literal["clinic", "portal"] = "clinic" if clinic_id else "portal"
    issued = MONDAY + timedelta(minutes=minutes)
    return WidgetSession(new_session_id(), kind, clinic_id, 1, "iframe", issued_at=issued).sign(keys)


def flipped(text: str) -> str:
    return text[:10] + ("A" if text[10] != "A" else "B") + text[11:]


TOKENS: dict[str, Callable[[str], str]] = {
    "unknown": lambda clinic: embed_token("nosuchclinic"),
    "damaged": lambda clinic: flipped(embed_token(clinic)),
    "cut": lambda clinic: embed_token(clinic)[:-1],
    "foreign": lambda clinic: EmbedToken(clinic, 1).sign(FOREIGN),
    "signed with the session key": lambda clinic: EmbedToken(clinic, 1).sign(KEYS.session),
    "a session": session_text,
    "of an unknown portal": lambda clinic: PortalToken("nosuchportal", 1).sign(KEYS.embed),
    "oversized": lambda clinic: embed_token(clinic) + "A" * 600,
    "the clinic's bare id": lambda clinic: clinic,
    "Polish letters": lambda clinic: "zażółć",
    "a NUL": lambda clinic: embed_token(clinic)[:-1] + "\0",
}
SESSIONS: dict[str, Callable[[str], str]] = {
    "damaged": lambda clinic: flipped(session_text(clinic)),
    "cut": lambda clinic: session_text(clinic)[:-1],
    "foreign": lambda clinic: session_text(clinic, FOREIGN),
    "an embed token": embed_token,
    "oversized": lambda clinic: session_text(clinic) + "A" * 600,
    "of tomorrow": lambda clinic: session_text(clinic, minutes=60 * 24),
    "nothing": lambda clinic: "",
}


def assert_polish(page: Page, key: str) -> None:
    """The page speaks in the catalogue's words and shows nothing of how it was made."""
    assert page.says(f"message.{key}.title"), page.text
    assert page.says(f"message.{key}.body")
    assert not [trace for trace in TRACES if trace in page.html]


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_that_opens_nothing(app: Flask, kind: str) -> None:
    token = TOKENS[kind](opened(app).id)
    answer = app.test_client().post(f"{API}/sessions", json={"token": token})
    assert answer.status_code in (400, 401, 422)
    assert refusal_of(answer)[1] == ("bad_request" if "\0" in token else "token_invalid")
    page = FormPatient(app, f"/e/{token.replace(chr(0), '%00')}").page
    assert page.status == 401
    assert_polish(page, "token_invalid")


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_session_that_proves_nothing(app: Flask, kind: str) -> None:
    session = SESSIONS[kind](opened(app).id)
    client = app.test_client()
    answer = client.get(f"{API}/categories", headers={"Authorization": f"Bearer {session}"})
    assert refusal_of(answer) == (401, "session_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    page = Page(client.post("/w/problem", data={"session": session, **ADULT_SPINE}))
    assert page.status == 401
    assert_polish(page, "session_invalid")


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer ż"}]
)
def test_without_a_bearer_session_nothing_is_told(app: Flask, header: dict[str, str]) -> None:
    answer = app.test_client().get(f"{API}/categories", headers=header)
    assert refusal_of(answer) == (401, "session_invalid")


def test_a_session_lasts_an_hour(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    clock.forward(minutes=59, seconds=59)
    assert patient.slots().status_code == 200
    clock.forward(seconds=1)
    assert refusal_of(patient.slots()) == (401, "session_expired")


def test_an_outlived_session_no_longer_opens_its_appointment(app: Flask, clock: Clock) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    code = patient.awaiting_code()
    fields = patient.page.form("/w/code").filled(code=code)
    clock.forward(minutes=61)
    page = Page(patient.client.post("/w/code", data=fields))
    assert page.says("notice.session_renewed") and not page.says("done.title")


def test_each_page_renews_the_hour(app: Flask, clock: Clock) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    patient.problem()
    for _ in range(3):
        clock.forward(minutes=50)
        page = patient.press("/w/times") if patient.page.forms else patient.page
        assert not page.says("notice.session_renewed")


def revoked_everywhere(patient: ApiPatient, code: str) -> list[tuple[int, str]]:
    reference = f"/appointments/{patient.reference}"
    start = {"start": TUESDAY_TEN.isoformat()}
    asked = [
        ("GET", "/categories", None), ("POST", "/slots/search", ADULT_SPINE), ("POST", "/appointments", ADULT_SPINE | start),
        ("GET", reference, None), ("PUT", f"{reference}/details", JAN), ("POST", f"{reference}/code", None),
        ("POST", f"{reference}/verification", {"code": code}),
    ]  # fmt: skip
    return [refusal_of(patient.ask(method, path, body)) for method, path, body in asked]


@pytest.mark.parametrize("right", [True, False], ids=["right code", "wrong code"])
def test_a_raised_generation_ends_tokens_and_living_sessions_at_once(app: Flask, clock: Clock, right: bool) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    patient.awaiting_code()
    code = patient.phone.code() if right else patient.phone.wrong_code()
    clock.forward(seconds=61)
    change_clinic(app, place.id, generation=2)
    assert set(revoked_everywhere(patient, code)) == {(403, "token_revoked")}
    minted = patient.client.post(f"{API}/sessions", json={"token": embed_token(place.id)})
    assert refusal_of(minted) == (403, "token_revoked")
    newer = patient.client.post(f"{API}/sessions", json={"token": embed_token(place.id, 2)})
    assert newer.status_code == 201


def test_a_raised_generation_ends_every_page(app: Flask) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    code = patient.awaiting_code()
    fields = dict(patient.page.form("/w/code").filled(code=code)) | {"slot": slot_of(TUESDAY_TEN)}
    change_clinic(app, place.id, generation=2)
    for step in (
        "start",
        "problem",
        "times",
        "hold",
        "details",
        "code",
        "resend",
        "extend",
        "edit",
        "release",
        "calendar",
    ):
        page = Page(patient.client.post(f"/w/{step}", data=fields | JAN | {"consent": "yes"}))
        assert page.status == 403, step
        assert_polish(page, "token_revoked")
    page = FormPatient(app, f"/e/{embed_token(place.id)}").page
    assert page.status == 403
    assert_polish(page, "token_revoked")
    assert FormPatient(app, f"/e/{embed_token(place.id, 2)}").page.status == 200


@pytest.fixture
def portal_token(app: Flask) -> str:
    with house_of(app).desk.database.writing() as connection:
        OnboardingStore(connection, operator_scope()).add_portal("zdrowie", "Portal Zdrowie")
    return PortalToken("zdrowie", 1).sign(KEYS.embed)


def test_a_portals_token_mints_an_unpinned_session(app: Flask, portal_token: str) -> None:
    opened(app)
    minted = app.test_client().post(f"{API}/sessions", json={"token": portal_token}).get_json()
    assert (minted["kind"], minted["clinic"]) == ("portal", None)
    patient = ApiPatient(app, session=minted["session"])
    assert len(patient.ask("POST", "/clinics/search", ADULT_SPINE).get_json()["clinics"]) == 1


def test_a_portals_token_opens_the_widget_unpinned(app: Flask, portal_token: str) -> None:
    opened(app)
    patient = FormPatient(app, f"/e/{portal_token}")
    assert patient.page.status == 200
    assert "Rehabilitacja Kazimierz" in patient.problem().text


def test_a_portal_can_be_revoked(app: Flask, portal_token: str) -> None:
    with house_of(app).desk.database.writing() as connection:
        connection.execute(update(PortalRow).values(generation=2))
    answer = app.test_client().post(f"{API}/sessions", json={"token": portal_token})
    assert refusal_of(answer) == (403, "token_revoked")


@pytest.mark.parametrize(
    "path", ["/nie-ma", "/g/nie-ma", "/g/a%00b", "/g/%F0%9F%98%80", "/w/nie-ma", "/static/nie-ma.css"]
)
def test_an_address_that_leads_nowhere_is_a_page_in_polish(app: Flask, path: str) -> None:
    page = FormPatient(app, path).page
    assert page.status == 404
    assert_polish(page, "not_found")


def test_a_step_cannot_be_opened_as_an_address(app: Flask) -> None:
    page = FormPatient(app, "/w/hold").page
    assert page.status == 405
    assert_polish(page, "method_not_allowed")


def test_far_too_much_text_is_refused_in_polish(app: Flask) -> None:
    session = session_text(opened(app).id)
    page = Page(app.test_client().post("/w/details", data={"session": session, "comment": "a" * 70_000}))
    assert page.status == 413
    assert_polish(page, "too_large")
