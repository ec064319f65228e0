"""A token may narrow the offer to one service, one therapist or one problem: everywhere, and never the other way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from okienko_server.domain.offer import ServiceKind
from okienko_server.operations.onboard_clinic import (
    OpenedClinic,
    PractitionerPlan,
    ServicePlan,
    competent,
    weekly,
)
from okienko_server.storage.tables import AppointmentRow
from tests.plans import CONSULTATION, VISIT, clinic
from tests.web.patients import (
    ADULT_SPINE,
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    embed_token,
    opened,
    refusal_of,
    rows_of,
    slot_of,
)

SHORT = ServicePlan("Krótka rozmowa", ServiceKind.CONSULTATION, 30, 9_000)
ZOFIA, MICHAL, HANNA = "Zofia Wróblewska", "Michał Kot", "Hanna Bąk"


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    return opened(app, replace(clinic(), services=(CONSULTATION, SHORT, VISIT)))


def test_without_a_lock_everything_is_offered(app: Flask, place: OpenedClinic) -> None:
    answer = ApiPatient(app, place.id).slots().get_json()
    assert [service["name"] for service in answer["services"]] == ["Konsultacja", "Krótka rozmowa"]
    assert [person["name"] for person in answer["practitioners"]] == [f"mgr {ZOFIA}", f"dr {MICHAL}"]


def test_one_service_only(app: Flask, place: OpenedClinic) -> None:
    short, long = place.services["Krótka rozmowa"], place.services["Konsultacja"]
    patient = ApiPatient(app, place.id, service=short)
    answer = patient.slots().get_json()
    assert answer["service"]["id"] == short
    assert [service["id"] for service in answer["services"]] == [short]
    assert refusal_of(patient.slots(service_id=long)) == (404, "not_found")
    assert refusal_of(patient.hold(service_id=long)) == (404, "not_found")
    assert patient.hold().get_json()["service"]["id"] == short


def test_one_service_only_on_the_pages(app: Flask, place: OpenedClinic) -> None:
    short, long = place.services["Krótka rozmowa"], place.services["Konsultacja"]
    patient = FormPatient(app, f"/e/{embed_token(place.id, service=short)}")
    page = patient.problem()
    assert "90 zł" in page.text
    assert long not in page.html and "Konsultacja" not in page.text
    page = patient.press("/w/times", service=long)
    assert page.status == 200
    assert "90 zł" in page.text
    assert long not in page.html


def test_one_therapist_only(app: Flask, place: OpenedClinic) -> None:
    michal, zofia = place.practitioners[MICHAL], place.practitioners[ZOFIA]
    patient = ApiPatient(app, place.id, practitioner=michal)
    assert [person["id"] for person in patient.slots().get_json()["practitioners"]] == [michal]
    assert refusal_of(patient.slots(practitioner_id=zofia)) == (404, "not_found")
    assert refusal_of(patient.hold(practitioner_id=zofia)) == (404, "not_found")
    assert patient.hold().get_json()["practitioner"]["id"] == michal
    lost = ApiPatient(app, place.id, practitioner=michal).hold()
    assert refusal_of(lost) == (409, "slot_taken")
    assert len(lost.get_json()["alternatives"]) == 3


def test_one_therapist_only_on_the_pages(app: Flask, place: OpenedClinic) -> None:
    michal, zofia = place.practitioners[MICHAL], place.practitioners[ZOFIA]
    patient = FormPatient(app, f"/e/{embed_token(place.id, practitioner=michal)}")
    page = patient.problem()
    assert zofia not in page.html and ZOFIA not in page.text
    assert ZOFIA not in patient.take().text
    assert {row.practitioner_id for row in rows_of(app, AppointmentRow)} == {michal}


def test_only_the_problems_of_the_one_therapist(app: Flask, place: OpenedClinic) -> None:
    hanna = place.practitioners[HANNA]
    listed = ApiPatient(app, place.id, practitioner=hanna).ask("GET", "/categories").get_json()["categories"]
    assert [one["code"] for one in listed] == ["paediatrics"]


def test_one_problem_only(app: Flask, place: OpenedClinic) -> None:
    patient = ApiPatient(app, place.id, category="sports")
    listed = patient.ask("GET", "/categories").get_json()["categories"]
    assert [one["code"] for one in listed] == ["sports"]
    assert refusal_of(patient.slots()) == (422, "category_unknown")
    assert refusal_of(patient.hold()) == (422, "category_unknown")
    assert patient.hold(category="sports").status_code == 201


def test_one_problem_only_on_the_pages(app: Flask, place: OpenedClinic) -> None:
    patient = FormPatient(app, f"/e/{embed_token(place.id, category='sports')}")
    offered = [b.value for b in patient.page.form("/w/problem").buttons if b.name == "category" and b.value]
    assert set(offered) == {"sports"}
    form = patient.page.form("/w/problem")
    refused = patient.send(form, category="spine")
    assert not refused.slots() and refused.status in (200, 403, 422)


def test_a_lock_to_what_the_clinic_no_longer_has_offers_nothing_and_breaks_nothing(
    app: Flask, place: OpenedClinic
) -> None:
    gone: list[dict[str, Any]] = [{"service": "gone"}, {"practitioner": "gone"}]
    for locks in gone:
        patient = ApiPatient(app, place.id, **locks)
        assert patient.slots().status_code in (200, 404)
        assert patient.hold().status_code in (404, 422)
        assert FormPatient(app, f"/e/{embed_token(place.id, **locks)}").page.status in (200, 404)
    nothing = ApiPatient(app, place.id, category="gone")
    assert nothing.ask("GET", "/categories").get_json() == {"categories": []}


def test_the_nearest_times_stay_within_the_lock(app: Flask, place: OpenedClinic) -> None:
    michal = place.practitioners[MICHAL]
    other = ApiPatient(app, place.id)
    for hours in (-1, 0, 1):
        rival = ApiPatient(app, place.id)
        assert rival.hold(TUESDAY_TEN + timedelta(hours=hours), practitioner_id=michal).status_code == 201
    lost = ApiPatient(app, place.id, practitioner=michal).hold()
    free = set(other.starts(practitioner_id=michal))
    shown = {datetime.fromisoformat(start) for start in lost.get_json()["alternatives"]}
    assert len(shown) == 3 and shown <= free


def test_a_lock_does_not_travel_to_the_portal(app: Flask, place: OpenedClinic) -> None:
    patient = ApiPatient(app, place.id, practitioner=place.practitioners[MICHAL])
    assert refusal_of(patient.ask("POST", "/clinics/search", ADULT_SPINE)) == (403, "foreign_clinic")
    answer = patient.client.post(
        "/w/hold",
        data={"session": patient.session, "slot": slot_of(TUESDAY_TEN), "kind": "consultation", **ADULT_SPINE},
    )
    assert answer.status_code == 200
    assert [row.practitioner_id for row in rows_of(app, AppointmentRow)] == [place.practitioners[MICHAL]]


def test_the_first_screen_promises_only_what_the_lock_leaves(app: Flask) -> None:
    early = PractitionerPlan("mgr", "Olga", "Zięba", competent("spine"), hours={"Główna": weekly("mon-thu 8:00-18:00")})
    late = PractitionerPlan("mgr", "Piotr", "Dąb", competent("spine"), hours={"Główna": weekly("fri 9:00-18:00")})
    place = opened(app, replace(clinic(staff=()), practitioners=(early, late)))
    anybody = FormPatient(app, f"/e/{embed_token(place.id)}")
    assert "dziś 10:00" in anybody.page.text
    only_late = FormPatient(app, f"/e/{embed_token(place.id, practitioner=place.practitioners['Piotr Dąb'])}")
    assert "dziś" not in only_late.page.text
    assert "27.11, 9:00" in only_late.page.text
