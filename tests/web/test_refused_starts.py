"""Starts that were never on offer: each refused under its own code, on the page in words, with the choices kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from okienko_server.operations.onboard_clinic import PractitionerPlan, competent
from okienko_server.storage.tables import AppointmentRow, CellRow
from tests.conftest import MONDAY
from tests.plans import clinic
from tests.web.patients import TUESDAY_TEN, ApiPatient, FormPatient, embed_token, opened, refusal_of, rows_of, slot_of

INFANT: dict[str, Any] = {"category": "paediatrics", "age_group": None, "age_months": 5}
REFUSED: dict[str, tuple[datetime, dict[str, Any], str]] = {
    "yesterday": (MONDAY - timedelta(days=1), {}, "slot_past"),
    "five minutes ago": (MONDAY - timedelta(minutes=5), {}, "slot_past"),
    "fifty years ago": (datetime(1976, 1, 1, tzinfo=UTC), {}, "slot_past"),
    "year 1": (datetime(1, 1, 1, tzinfo=UTC), {}, "slot_past"),
    "in an hour": (MONDAY + timedelta(hours=1), {}, "slot_short_notice"),
    "five past": (TUESDAY_TEN + timedelta(minutes=5), {}, "slot_off_grid"),
    "half a minute past": (TUESDAY_TEN + timedelta(seconds=30), {}, "slot_off_grid"),
    "a microsecond past": (TUESDAY_TEN + timedelta(microseconds=1), {}, "slot_off_grid"),
    "in the lunch break": (TUESDAY_TEN + timedelta(hours=2, minutes=30), {}, "slot_outside_hours"),
    "running into lunch": (TUESDAY_TEN + timedelta(hours=1, minutes=15), {}, "slot_outside_hours"),
    "on Saturday": (TUESDAY_TEN + timedelta(days=4), {}, "slot_outside_hours"),
    "on Christmas Day": (TUESDAY_TEN + timedelta(days=31), {}, "slot_outside_hours"),
    "in 61 days": (TUESDAY_TEN + timedelta(days=60), {}, "slot_beyond_horizon"),
    "in a hundred years": (datetime(2126, 1, 1, tzinfo=UTC), {}, "slot_beyond_horizon"),
    "year 9999": (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), {}, "slot_beyond_horizon"),
    "nobody for the jaw": (TUESDAY_TEN, {"category": "jaw_head"}, "slot_unqualified"),
    "nobody of 3 to 17 for geriatrics": (TUESDAY_TEN, {"category": "geriatrics", "age_group": None, "age_months": 60}, "slot_unqualified"),
}  # fmt: skip


@pytest.mark.parametrize("when", REFUSED)
def test_each_reason_has_its_code(app: Flask, when: str) -> None:
    start, asked, code = REFUSED[when]
    answer = ApiPatient(app, opened(app).id).hold(start, **asked)
    assert refusal_of(answer) == (422, code)
    assert answer.get_json()["errors"] == {"slot": code}
    assert rows_of(app, AppointmentRow) == rows_of(app, CellRow) == []


@pytest.mark.parametrize(
    "slot",
    [
        slot_of(MONDAY - timedelta(days=1)), slot_of(MONDAY + timedelta(hours=1)), slot_of(TUESDAY_TEN + timedelta(minutes=5)),
        slot_of(TUESDAY_TEN + timedelta(days=4)), slot_of(TUESDAY_TEN + timedelta(days=60)), "0", "999999999", "9" * 40, "-1", "x", "",
        "٣", "\0",
    ],
)  # fmt: skip
def test_the_page_says_so_and_shows_the_times_there_are(app: Flask, slot: str) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    form = patient.problem().form("/w/hold")
    page = patient.send(form, slot=slot)
    assert page.status == 200
    assert page.says("notice.slot_refused")
    assert slot_of(TUESDAY_TEN) in page.slots()
    assert rows_of(app, AppointmentRow) == []


def test_an_infant_is_offered_to_whoever_may_treat_infants(app: Flask) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    answer = patient.slots(**INFANT).get_json()
    assert [person["name"] for person in answer["practitioners"]] == ["mgr Hanna Bąk"]
    held = patient.hold(**INFANT).get_json()
    assert held["practitioner"]["name"] == "mgr Hanna Bąk"


@pytest.mark.parametrize("name", ["Zofia Wróblewska", "Michał Kot"])
def test_no_request_brings_an_infant_to_anybody_else(app: Flask, name: str) -> None:
    place = opened(app)
    person = place.practitioners[name]
    patient = ApiPatient(app, place.id)
    assert not patient.starts(practitioner_id=person, **INFANT)
    assert refusal_of(patient.hold(practitioner_id=person, **INFANT)) == (422, "slot_unqualified")
    form = FormPatient(app, f"/e/{embed_token(place.id)}")
    page = form.problem("paediatrics", age_group="child", age="5", age_unit="months")
    assert name not in page.text
    page = form.press("/w/hold", slot_of(TUESDAY_TEN), practitioner=person)
    assert page.says("notice.slot_refused")
    assert rows_of(app, AppointmentRow) == []


@pytest.mark.parametrize(
    ("months", "found"),
    [(0, True), (5, True), (36, True), (37, True), (17 * 12 + 11, True), (18 * 12, False), (-1, None), (1441, None)],
)
def test_ages_at_the_edges_of_competence(app: Flask, months: int, found: bool | None) -> None:
    answer = ApiPatient(app, opened(app).id).slots(category="paediatrics", age_group=None, age_months=months)
    if found is None:
        assert refusal_of(answer) == (422, "age_invalid")
    else:
        assert bool(answer.get_json()["practitioners"]) is found


def test_the_search_lists_only_clinics_with_somebody_for_the_infant(app: Flask) -> None:
    opened(app)
    people = (PractitionerPlan("mgr", "Olga", "Zięba", competent("paediatrics 3y-17y, spine")),)
    opened(app, replace(clinic("wola", staff=()), name="Gabinet Wola", practitioners=people))
    found = ApiPatient(app).ask("POST", "/clinics/search", INFANT).get_json()
    assert [one["name"] for one in found["clinics"]] == ["Rehabilitacja Kazimierz"]
    assert [[p["name"] for p in one["practitioners"]] for one in found["clinics"]] == [["mgr Hanna Bąk"]]
    page = FormPatient(app, "/").problem("paediatrics", age_group="child", age="5", age_unit="months")
    assert "Rehabilitacja Kazimierz" in page.text and "Gabinet Wola" not in page.text
    page = FormPatient(app, "/").problem("spine")
    assert "Gabinet Wola" in page.text


def test_a_clinic_without_anybody_for_the_infant_says_so(app: Flask) -> None:
    people = (PractitionerPlan("mgr", "Olga", "Zięba", competent("paediatrics 3y-17y")),)
    place = opened(app, replace(clinic("wola", staff=()), practitioners=people))
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    page = patient.problem("paediatrics", age_group="child", age="5", age_unit="months")
    assert (page.status, page.slots()) == (200, [])
    assert ApiPatient(app, place.id).starts(**INFANT) == []


def test_an_age_must_be_said_in_one_way(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    assert refusal_of(patient.slots(age_group=None)) == (422, "age_required")
    assert refusal_of(patient.slots(age_months=30)) == (400, "bad_request")
