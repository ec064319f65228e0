"""When codes are asked for unusually often a little work comes first: for programs, for pages, without a script."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from okienko_server.domain.proof import WAIT
from okienko_server.operations import allow_code
from okienko_server.storage.tables import RateCounterRow, SmsMessageRow
from tests.conftest import Clock
from tests.limits import UNLIMITED
from tests.plans import one_therapist
from tests.web.patients import (
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    embed_token,
    house_of,
    opened,
    refusal_of,
    rows_of,
    solved,
)


@pytest.fixture
def risky(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every code for an unusual one."""
    object.__setattr__(house_of(app).desk, "sms_limits", UNLIMITED)
    monkeypatch.setattr(allow_code, "RISKY_SHARE", 2 * 10**9)


def held(app: Flask, clinic_id: str = "", start: datetime = TUESDAY_TEN) -> ApiPatient:
    patient = ApiPatient(app, clinic_id or opened(app).id)
    assert patient.hold(start).status_code == 201
    return patient


@pytest.mark.usefixtures("risky")
def test_a_program_works_for_its_code(app: Flask) -> None:
    patient = held(app)
    answer = patient.put_details()
    asked = answer.get_json()
    assert refusal_of(answer) == (428, "proof_needed") and answer.headers["Retry-After"] == "20"
    assert (rows_of(app, SmsMessageRow), rows_of(app, RateCounterRow)) == ([], []), "nothing left, nothing counted"
    assert refusal_of(patient.put_details(proof=asked["challenge"]))[1] == "proof_needed"
    assert patient.put_details(proof=solved(asked["challenge"], asked["bits"])).status_code == 200
    assert len(rows_of(app, SmsMessageRow)) == 2


@pytest.mark.usefixtures("risky")
def test_one_work_is_good_for_one_hold(app: Flask) -> None:
    place = opened(app)
    asked = held(app, place.id).put_details().get_json()
    proof = solved(asked["challenge"], asked["bits"])
    other = held(app, place.id, TUESDAY_TEN + timedelta(hours=1))
    assert refusal_of(other.put_details(proof=proof)) == (428, "proof_needed")


@pytest.mark.usefixtures("risky")
def test_a_page_without_a_script_keeps_what_was_typed_and_goes_on_after_a_moment(app: Flask, clock: Clock) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    patient.problem()
    patient.take()
    page = patient.details()
    assert "sprawdzamy" in page.text and 'value="Żółkiewski"' in page.html and "checked" in page.html
    clock.forward(seconds=5)
    again = patient.press("/w/details")
    assert "odczekaj 15 s" in again.text.replace("\u00a0", " "), "who is impatient does not begin anew"
    clock.now += WAIT
    assert 'name="code"' in patient.press("/w/details").html


def test_usual_codes_ask_for_nothing(app: Flask) -> None:
    assert held(app).put_details().status_code == 200


def test_the_eleventh_code_of_one_network_does(app: Flask) -> None:
    place = opened(app, one_therapist())

    def code(n: int) -> int:
        patient = held(app, place.id, TUESDAY_TEN + timedelta(days=n // 9, hours=n % 9 - 1))
        return int(patient.put_details(phone=f"6010{n:05d}").status_code)

    assert [code(n) for n in range(12)] == [200] * 10 + [428] * 2
