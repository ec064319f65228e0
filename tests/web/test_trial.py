"""A clinic without a contract for online registration does not exist for patients, whichever way they look."""

from __future__ import annotations

import pytest
from flask import Flask

from okienko.tokens import WidgetSession, new_session_id
from okienko_server.operations.onboard_clinic import OpenedClinic
from tests.conftest import KEYS, MONDAY
from tests.plans import clinic
from tests.web.pages import Page
from tests.web.patients import (
    ADULT_SPINE,
    API,
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    change_clinic,
    embed_token,
    opened,
    refusal_of,
    slot_of,
)

BETRAYING = ("Rehabilitacja Kazimierz", "Józefa 12", "126 345 678", "Wróblewska", "Bąk")
STEPS = ("start", "problem", "times", "hold", "details", "code", "resend", "extend", "edit", "release", "calendar")


@pytest.fixture(params=["trial", "suspended"])
def hidden(app: Flask, request: pytest.FixtureRequest) -> OpenedClinic:
    return opened(app, clinic("proba", contract=request.param))


def assert_unseen(page: Page, clinic_id: str = "") -> None:
    assert not [word for word in BETRAYING if word in page.html]
    assert not clinic_id or clinic_id not in page.html


def test_the_portal_does_not_list_it(app: Flask, hidden: OpenedClinic) -> None:
    found = ApiPatient(app).ask("POST", "/clinics/search", ADULT_SPINE).get_json()
    assert found == {"clinics": [], "cities": []}
    page = FormPatient(app, "/").problem()
    assert page.says("clinics.empty_title")
    assert_unseen(page, hidden.id)


def test_its_link_and_its_frame_lead_nowhere(app: Flask, hidden: OpenedClinic) -> None:
    link = FormPatient(app, "/g/proba").page
    assert link.status == 404
    frame = FormPatient(app, f"/e/{embed_token(hidden.id)}").page
    assert (frame.status, frame.says("message.clinic_unavailable.title")) == (403, True)
    for page in (link, frame):
        assert_unseen(page, hidden.id)


def test_its_token_mints_no_session(app: Flask, hidden: OpenedClinic) -> None:
    answer = app.test_client().post(f"{API}/sessions", json={"token": embed_token(hidden.id)})
    assert refusal_of(answer) == (403, "clinic_unavailable")


def test_a_portal_visitor_who_knows_its_id_gets_nothing(app: Flask, hidden: OpenedClinic) -> None:
    patient = ApiPatient(app)
    for answer in (patient.slots(clinic_id=hidden.id), patient.hold(clinic_id=hidden.id)):
        assert refusal_of(answer)[1] in ("clinic_unavailable", "not_found")
        assert not [word for word in BETRAYING if word in answer.text]


@pytest.mark.parametrize(
    "more", [{}, {"category": ""}, {"category": "paediatrics", "age": ""}], ids=["right", "no category", "no age"]
)
def test_no_form_shows_its_name(app: Flask, hidden: OpenedClinic, more: dict[str, str]) -> None:
    patient = ApiPatient(app)
    fields = {"session": patient.session, "key": "k", "clinic": hidden.id, "slot": slot_of(TUESDAY_TEN), **ADULT_SPINE}
    for step in STEPS:
        page = Page(patient.client.post(f"/w/{step}", data=fields | more))
        assert page.status < 500
        assert not [word for word in BETRAYING if word in page.html], step


def test_a_session_from_better_days_books_nothing(app: Flask, hidden: OpenedClinic) -> None:
    session = WidgetSession(new_session_id(), "clinic", hidden.id, 1, "api", issued_at=MONDAY).sign(KEYS.session)
    patient = ApiPatient(app, session=session)
    assert refusal_of(patient.slots()) == (403, "clinic_unavailable")
    assert refusal_of(patient.hold()) == (403, "clinic_unavailable")


def test_a_clinic_suspended_meanwhile_disappears_at_once(app: Flask) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    patient.problem()
    change_clinic(app, place.id, contract="suspended")
    page = patient.take()
    assert page.status == 403
    assert page.says("message.clinic_unavailable.body")
    assert FormPatient(app, "/g/kazimierz").page.status == 404
