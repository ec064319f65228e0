"""The same request under the same key: one effect, one answer, however often and however suddenly it comes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from okienko_server.storage.tables import AppointmentRow, ConsentRow
from tests.conftest import Clock
from tests.web.patients import TUESDAY_TEN, ApiPatient, messages_of, opened, refusal_of, rows_of

TIMES = 20
KEY = "5f0c4a6e-2f0b-4d4f-9f3e-7c3f0f6f1a11"


def at_once(patient: ApiPatient, ask: Callable[[ApiPatient], TestResponse]) -> list[TestResponse]:
    """Let twenty programs of the same visitor ask at once."""

    def one(_: int) -> TestResponse:
        same = ApiPatient(patient.app, session=patient.session)
        same.reference = patient.reference
        return ask(same)

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(one, range(TIMES)))


def settled(answer: TestResponse) -> dict[str, Any]:
    """Return what was answered, without the seconds that pass by themselves."""
    body: dict[str, Any] = answer.get_json()
    if body.get("code"):
        body["code"].pop("resend_in")
    return body


def test_twenty_equal_holds_make_one_appointment(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    answers = at_once(patient, lambda same: same.hold(key=KEY))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len(rows_of(app, AppointmentRow)) == 1


def test_twenty_equal_details_send_one_message(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    answers = at_once(patient, lambda same: same.details(key=KEY))
    assert {answer.status_code for answer in answers} == {200}
    assert len(messages_of(app)) == len(rows_of(app, ConsentRow)) == 1


def test_twenty_equal_verifications_confirm_once(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    code = patient.awaiting_code()
    answers = at_once(patient, lambda same: same.verify(code, key=KEY))
    assert {(answer.status_code, answer.get_json()["status"]) for answer in answers} == {(200, "pending")}
    assert [row.kind for row in messages_of(app)].count("confirmation") == 1


def test_twenty_equal_wishes_for_a_new_code_send_one(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.awaiting_code()
    clock.forward(seconds=61)
    answers = at_once(patient, lambda same: same.resend(key=KEY))
    assert {answer.status_code for answer in answers} == {200}
    assert len(messages_of(app)) == 2


def test_a_connection_lost_after_the_hold_finds_the_same_hold_again(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    first = settled(patient.hold(key=KEY))
    clock.forward(minutes=3)
    assert settled(patient.hold(key=KEY)) == first == settled(patient.read())


@pytest.mark.parametrize("seconds", [0, 120])
def test_every_step_repeated_gives_the_answer_that_stands(app: Flask, clock: Clock, seconds: int) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    steps: list[Callable[[], TestResponse]] = [
        lambda: patient.details(key="details"),
        lambda: patient.resend(key="resend"),
        lambda: patient.verify(patient.phone.code(), key="verify"),
    ]
    for step in steps:
        clock.forward(seconds=61)
        first = settled(step())
        clock.forward(seconds=seconds)
        assert settled(step()) == first == settled(patient.read())
    assert len(messages_of(app)) == 3


@pytest.mark.parametrize(
    "other",
    [
        lambda patient: patient.hold(TUESDAY_TEN + timedelta(hours=4), key="hold"),
        lambda patient: patient.hold(age_group="senior", key="hold"),
        lambda patient: patient.details(comment="inaczej", key="details"),
        lambda patient: patient.details(phone="602 345 678", key="details"),
        lambda patient: patient.details(consent=False, key="details"),
        lambda patient: patient.verify(patient.phone.wrong_code(), key="verify"),
        lambda patient: patient.resend(key="hold"),
    ],
    ids=["start", "age", "comment", "phone", "consent", "code", "another step"],
)
def test_another_request_under_a_used_key_is_refused(app: Flask, other: Callable[[ApiPatient], TestResponse]) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold(key="hold")
    patient.details(key="details")
    patient.verify(patient.phone.code(), key="verify")
    reference = patient.reference
    assert refusal_of(other(patient)) == (422, "idempotency_mismatch")
    patient.reference = reference
    assert patient.read().get_json()["status"] == "pending"
    assert len(rows_of(app, AppointmentRow)) == 1


def test_a_key_belongs_to_its_visitor(app: Flask) -> None:
    place = opened(app)
    one, other = ApiPatient(app, place.id), ApiPatient(app, place.id)
    assert one.hold(key=KEY).status_code == other.hold(key=KEY).status_code == 201
    assert one.reference != other.reference
    assert len(rows_of(app, AppointmentRow)) == 2


def test_a_wrong_code_sent_twice_by_one_click_counts_once(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.awaiting_code()
    wrong = patient.phone.wrong_code()
    answers = [patient.verify(wrong, key=KEY) for _ in range(2)]
    assert [refusal_of(answer) for answer in answers] == [(422, "code_wrong")] * 2
    assert [answer.get_json()["tries_left"] for answer in answers] == [4, 4]


def test_a_refused_request_may_be_mended_under_the_same_key(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    assert patient.details(phone="1", key=KEY).status_code == 422
    assert patient.details(key=KEY).status_code == 200


@pytest.mark.parametrize("key", ["k" * 129, "klucz\tz tabulatorem"])
def test_a_key_no_header_should_carry_is_refused(app: Flask, key: str) -> None:
    assert refusal_of(ApiPatient(app, opened(app).id).hold(key=key)) == (400, "bad_request")
    assert rows_of(app, AppointmentRow) == []
