"""What a visit leaves behind: no cookie, no word about health where others look, nothing of a person in the log."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from flask import Flask

from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.send_sms import send_due
from okienko_server.sms.gateway import GatewayRefused, OfThisProcess, Taken
from okienko_server.web.policy import Policy, policy_of
from okienko_widget import load
from tests.conftest import Clock
from tests.web.patients import (
    ADULT_SPINE,
    JAN,
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    embed_token,
    house_of,
    opened,
    slot_of,
)

PERSONAL = ("601234567", "601 234 567", "Janusz", "Żółkiewski", "Boli od maja", "spine", "ręgosłup")


class Refusing(OfThisProcess):
    """A gateway that takes nothing, and says the number in its complaint."""

    name = "refusing"

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        raise GatewayRefused(f"no route to {phone}: {body}")


def walked(app: Flask, door: str) -> FormPatient:
    """Return a visitor who went the whole way, with a mistake at each step."""
    patient = FormPatient(app, door)
    patient.press("/w/problem", category="")
    page = patient.problem()
    if slot_of(TUESDAY_TEN) not in page.slots():
        patient.press("/w/times", page.form("/w/times").buttons[0].value)
    patient.take()
    patient.details(phone="1")
    patient.details()
    patient.code(patient.phone.wrong_code())
    patient.press("/w/resend")
    patient.press("/w/extend")
    patient.code(patient.phone.code())
    return patient


@pytest.mark.parametrize("door", ["/", "/g/kazimierz", "/e/"])
def test_no_page_sets_a_cookie_or_names_the_problem_in_its_title(app: Flask, door: str) -> None:
    place = opened(app)
    patient = walked(app, door + embed_token(place.id) if door == "/e/" else door)
    assert patient.page.says("done.title")
    health = [load()(f"category.{code}").lower() for code in ("spine", "sports", "paediatrics", "geriatrics")]
    for answer in patient.answers:
        assert "Set-Cookie" not in answer.headers
        title = answer.text.partition("<title>")[2].partition("</title>")[0].lower()
        assert title
        assert not [word for word in (*health, "spine", "janusz") if word in title]
    assert not patient.client._cookies


def test_no_api_answer_sets_a_cookie(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.awaiting_code()
    answers = [
        patient.slots(), patient.hold(), patient.details(), patient.resend(), patient.verify("1"), patient.read(),
        patient.ask("GET", "/categories"), patient.ask("POST", "/clinics/search", ADULT_SPINE), patient.ask("GET", "/nothing"),
        patient.client.get("/api/v1/openapi.json"),
    ]  # fmt: skip
    assert not [answer for answer in answers if "Set-Cookie" in answer.headers]


def test_the_problem_never_stands_in_an_address(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        kind = policy_of(app, rule.endpoint)
        if kind is Policy.FORM:
            assert rule.methods is not None and "GET" not in rule.methods
        assert not {"category", "problem", "phone", "code"} & rule.arguments


def test_nothing_of_a_patient_is_logged(
    app: Flask, clock: Clock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    place = opened(app)
    secrets = list(PERSONAL)
    with caplog.at_level(logging.INFO):
        patient = walked(app, f"/e/{embed_token(place.id)}")
        secrets += [embed_token(place.id), patient.page.form("/w/calendar").value("session") or "?"]
        api = ApiPatient(app, place.id)
        secrets.append(api.awaiting_code(TUESDAY_TEN + timedelta(hours=4)))
        secrets.append(api.session)
        api.details(phone="602 345 678")
        send_due(Refusing(), desk=house_of(app).desk, now=clock.now)
        api.details(first_name="\0", comment="x" * 5001)
        clock.forward(minutes=30)
        expire_holds(desk=house_of(app).desk, now=clock.now)
    written = caplog.text + "".join(capfd.readouterr())
    assert [secret for secret in secrets if secret in written] == []


def test_a_fault_is_logged_by_its_kind_and_place_only(
    app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"could not keep {JAN}")

    monkeypatch.setattr("okienko_server.web.api.routes.give_details", broken)
    answer = patient.details()
    assert answer.status_code == 500
    assert answer.get_json()["code"] == "server_error"
    assert "RuntimeError" in caplog.text
    for secret in PERSONAL:
        assert secret not in caplog.text and secret not in answer.text
