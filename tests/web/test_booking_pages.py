"""From each door to *pending* through plain forms, as a browser without JavaScript sends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from okienko_server.storage.tables import AppointmentRow, ConsentRow
from okienko_widget import load
from tests.conftest import Clock
from tests.plans import clinic
from tests.web.pages import Form, values_of
from tests.web.patients import (
    GUARDIAN,
    JAN_TYPED,
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    embed_token,
    messages_of,
    opened,
    rows_of,
    slot_of,
    written_in,
)

TYPED = ("first_name", "last_name", "phone", "comment", "consent")
KEPT = {name: JAN_TYPED[name] for name in TYPED}


def at_details(app: Flask, place: str) -> FormPatient:
    """Return a pinned visitor on the page of details."""
    patient = FormPatient(app, f"/e/{embed_token(place)}")
    patient.problem()
    patient.take()
    return patient


def test_through_the_pinned_frame_to_the_reservation(app: Flask) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    code = patient.awaiting_code()
    assert "601 ••• 567" in patient.page.text
    assert "601 234 567" not in patient.page.text
    page = patient.code(code)
    assert page.text.count("wt. 24 listopada, 10:00–11:00") == 1
    assert page.says("done.title")
    (made,) = rows_of(app, AppointmentRow)
    assert (made.status, made.source, made.first_name) == ("pending", "iframe", "Janusz")


def test_through_the_portal_to_the_reservation(app: Flask) -> None:
    opened(app)
    opened(app, replace(clinic("wola"), name="Gabinet Wola"))
    patient = FormPatient(app, "/")
    page = patient.problem()
    assert "Rehabilitacja Kazimierz" in page.text and "Gabinet Wola" in page.text
    (wola,) = {one.clinic_id for one in rows_of(app, AppointmentRow)} or {page.form("/w/times").buttons[0].value}
    patient.press("/w/times", wola)
    page = patient.take()
    patient.details()
    page = patient.code(patient.phone.code())
    assert page.says("done.title")
    (made,) = rows_of(app, AppointmentRow)
    assert (made.status, made.source, made.clinic_id) == ("pending", "portal", wola)


def test_a_time_can_be_taken_straight_from_the_list_of_clinics(app: Flask) -> None:
    opened(app)
    patient = FormPatient(app, "/")
    soonest = patient.problem().slots()[0]
    page = patient.press("/w/hold", soonest)
    assert page.says("details.title")


def test_through_a_deep_link_whose_clinic_can_be_changed(app: Flask) -> None:
    opened(app)
    other = opened(app, replace(clinic("wola"), name="Gabinet Wola"))
    patient = FormPatient(app, "/g/kazimierz?category=spine&kind=visit")
    assert patient.page.form("/w/problem").value("kind") == "visit"
    page = patient.problem()
    assert "Rehabilitacja Kazimierz" in page.text and "Gabinet Wola" not in page.text
    change = next(form for form in page.forms if form.action == "/w/problem" and form.value("clinic") is None)
    assert "Gabinet Wola" in patient.send(change).text
    patient.press("/w/times", other.id)
    code_page = patient.take()
    assert "Gabinet Wola" in code_page.text
    patient.details()
    patient.code(patient.phone.code())
    (made,) = rows_of(app, AppointmentRow)
    assert (made.status, made.source, made.clinic_id) == ("pending", "link", other.id)


def test_the_wording_on_the_page_is_the_wording_kept(app: Flask) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    patient.problem("paediatrics", age_group="child", age="5", age_unit="months")
    page = patient.take()
    shown = load()("consent.processing.text_child")
    assert page.says("consent.processing.text_child") and not page.says("consent.processing.text")
    patient.details(**GUARDIAN)
    (kept,) = rows_of(app, ConsentRow)
    assert (kept.text_sha256, kept.given_by) == (sha256(shown.encode()).hexdigest(), "Ewa Grab")


def test_wrong_fields_are_named_beside_what_was_typed(app: Flask) -> None:
    patient = at_details(app, opened(app).id)
    page = patient.details(phone="12 345 67 89", last_name="")
    assert page.says("error.phone_landline") and page.says("error.required")
    form = page.form("/w/details")
    assert values_of(form, *TYPED) == {**KEPT, "phone": "12 345 67 89", "last_name": ""}
    assert messages_of(app) == []
    assert patient.details().says("code.title")


def test_a_missing_category_or_age_is_asked_for_again(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    page = patient.press("/w/problem", category="")
    assert page.says("error.category_unknown")
    page = patient.problem("paediatrics")
    assert page.says("error.age_required")
    assert patient.problem("paediatrics", age="18").says("error.age_invalid")
    assert patient.problem("paediatrics", age="5", age_unit="months").slots()


def test_somebody_faster_leaves_the_nearest_times_and_all_that_was_typed(app: Flask, clock: Clock) -> None:
    place = opened(app)
    patient = at_details(app, place.id)
    patient.details(phone="1")
    clock.forward(minutes=11)
    rivals = [ApiPatient(app, place.id) for _ in range(2)]
    assert [rival.hold().status_code for rival in rivals] == [201, 201]
    page = patient.details()
    assert page.status == 200
    others = page.form("/w/hold")
    assert len(others.buttons) == 3 and slot_of(TUESDAY_TEN) not in page.slots()
    assert others.hidden() | KEPT == others.hidden()
    page = patient.send(others, others.buttons[0])
    assert values_of(page.form("/w/details"), *TYPED) == KEPT


def test_a_lost_race_at_the_choice_of_the_time_shows_the_nearest(app: Flask) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    patient.problem()
    for _ in range(2):
        assert ApiPatient(app, place.id).hold().status_code == 201
    page = patient.take()
    assert page.says("times.taken_title")
    assert len(page.form("/w/hold").buttons) == 3


def test_pressing_a_button_twice_counts_once(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    page = patient.problem()
    hold = page.form("/w/hold", slot_of(TUESDAY_TEN))
    pressed = next(b for b in hold.buttons if b.value == slot_of(TUESDAY_TEN))
    patient.send(hold, pressed)
    details = patient.send(hold, pressed).form("/w/details")
    assert len(rows_of(app, AppointmentRow)) == 1
    typed = dict(JAN_TYPED)
    patient.send(details, **typed)
    code_form = patient.send(details, **typed).form("/w/code")
    assert len(patient.phone.messages()) == 1
    code = patient.phone.code()
    patient.send(code_form, code=code)
    assert patient.send(code_form, code=code).says("done.title")
    assert len(patient.phone.messages()) == 2


def test_going_back_to_an_older_page_after_the_reservation_shows_the_reservation(app: Flask) -> None:
    patient = at_details(app, opened(app).id)
    details = patient.page.form("/w/details")
    code_form = patient.details().form("/w/code")
    resend = patient.page.form("/w/resend")
    extend, edit = patient.page.form("/w/extend"), patient.page.form("/w/edit")
    code = patient.phone.code()
    patient.send(code_form, code=code)
    typed = JAN_TYPED | {"comment": "inaczej"}
    waiting: list[tuple[Form, dict[str, Any]]] = [
        (code_form, {"code": "000000"}),
        (edit, {}),
        (details, typed),
        (resend, {}),
        (extend, {}),
    ]
    for form, changes in waiting:
        page = patient.send(form, **changes)
        assert page.says("done.title"), form.action


def test_another_time_can_be_chosen_and_the_details_are_kept(app: Flask) -> None:
    patient = at_details(app, opened(app).id)
    form = patient.page.form("/w/details")
    release = next(b for b in form.buttons if b.action == "/w/release")
    form.action = release.action
    page = patient.send(form, **JAN_TYPED)
    assert page.says("notice.time_released")
    assert slot_of(TUESDAY_TEN) in page.slots()
    page = patient.take(TUESDAY_TEN + timedelta(hours=4))
    assert values_of(page.form("/w/details"), *TYPED) == KEPT


def test_from_the_code_back_to_the_details_with_everything_typed(app: Flask) -> None:
    patient = at_details(app, opened(app).id)
    patient.details()
    page = patient.press("/w/edit")
    assert values_of(page.form("/w/details"), *TYPED) == KEPT


def test_an_outlived_page_goes_on_with_what_was_typed(app: Flask, clock: Clock) -> None:
    patient = at_details(app, opened(app).id)
    clock.forward(minutes=61)
    page = patient.details()
    assert page.status == 200
    assert page.says("notice.session_renewed")
    page = patient.take()
    assert values_of(page.form("/w/details"), *TYPED) == KEPT


def test_the_calendar_file_names_place_and_time_and_nothing_of_health(app: Flask) -> None:
    patient = at_details(app, opened(app).id)
    patient.details()
    patient.code(patient.phone.code())
    answer = patient.client.post("/w/calendar", data=patient.page.form("/w/calendar").filled())
    assert answer.mimetype == "text/calendar"
    place = "ul. Józefa 12, 31-056 Kraków"
    assert written_in(answer.data) == (TUESDAY_TEN, TUESDAY_TEN + timedelta(hours=1), place)
    assert "ręgosłup" not in answer.text and "Janusz" not in answer.text


def test_a_calendar_file_is_made_for_a_reservation_only(app: Flask) -> None:
    patient = at_details(app, opened(app).id)
    fields = patient.page.form("/w/details").filled()
    assert patient.client.post("/w/calendar", data=fields).status_code == 404


@pytest.mark.parametrize("day", ["2020-01-01", "9999-12-31", "0001-01-01", "nonsense", ""])
def test_a_stale_day_in_a_link_is_passed_over(app: Flask, day: str) -> None:
    opened(app)
    page = FormPatient(app, f"/g/kazimierz?category=spine&date={day}").problem()
    assert page.status == 200
    assert page.slots()


def test_a_link_may_open_at_a_later_day(app: Flask) -> None:
    opened(app)
    page = FormPatient(app, "/g/kazimierz?date=2026-12-07").problem()
    assert slot_of(TUESDAY_TEN) not in page.slots()
    assert slot_of(TUESDAY_TEN + timedelta(days=14)) in page.slots()
