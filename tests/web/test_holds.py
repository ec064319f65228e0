"""How long a time is kept, for whom, and what happens to somebody who comes too late."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import update

from okienko_server.operations.expire_holds import expire_holds
from okienko_server.storage.tables import AppointmentRow, CellRow
from tests.conftest import Clock
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
    slot_of,
)


def sweep(app: Flask) -> int:
    return expire_holds(desk=house_of(app).desk, now=house_of(app).clock())


def held_until(app: Flask) -> datetime:
    """Return until when the newest hold is kept."""
    kept: datetime = max(rows_of(app, AppointmentRow), key=lambda row: row.created_at).held_until
    return kept


def at_the_code(app: Flask, clinic_id: str) -> FormPatient:
    patient = FormPatient(app, f"/e/{embed_token(clinic_id)}")
    patient.awaiting_code()
    return patient


def test_a_held_time_is_nobody_elses_for_ten_minutes(app: Flask, clock: Clock) -> None:
    place = opened(app, one_therapist())
    assert ApiPatient(app, place.id).hold().status_code == 201
    rival = ApiPatient(app, place.id)
    clock.forward(minutes=9, seconds=59)
    assert TUESDAY_TEN not in rival.starts()
    assert refusal_of(rival.hold()) == (409, "slot_taken")
    clock.forward(seconds=1)
    assert TUESDAY_TEN in rival.starts()
    assert rival.hold().status_code == 201


def test_whoever_comes_too_late_hears_of_the_nearest_times(app: Flask, clock: Clock) -> None:
    place = opened(app, one_therapist())
    late, rival = ApiPatient(app, place.id), ApiPatient(app, place.id)
    late.hold()
    clock.forward(minutes=11)
    rival.hold()
    answer = late.details()
    assert refusal_of(answer) == (410, "hold_expired")
    found = [datetime.fromisoformat(start) for start in answer.get_json()["alternatives"]]
    assert found == [TUESDAY_TEN + timedelta(minutes=minutes) for minutes in (-65, -60, 60)]
    assert late.hold(found[0]).status_code == 201
    assert rival.details().status_code == 200


def test_a_lapsed_time_nobody_took_is_still_the_visitors(app: Flask, clock: Clock) -> None:
    place = opened(app, one_therapist())
    patient = ApiPatient(app, place.id)
    patient.hold()
    clock.forward(minutes=11)
    assert patient.details().status_code == 200
    assert refusal_of(ApiPatient(app, place.id).hold()) == (409, "slot_taken")
    assert patient.verify(patient.phone.code()).get_json()["status"] == "pending"


def test_after_the_sweep_the_time_is_given_back_and_named_first(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app, one_therapist()).id)
    patient.hold()
    clock.forward(minutes=11)
    assert sweep(app) == 1
    answer = patient.details()
    assert refusal_of(answer) == (410, "hold_expired")
    assert TUESDAY_TEN.isoformat() in answer.get_json()["alternatives"]
    assert patient.hold().status_code == 201


def test_the_code_too_comes_too_late_once_somebody_has_the_time(app: Flask, clock: Clock) -> None:
    place = opened(app, one_therapist())
    late = at_the_code(app, place.id)
    clock.forward(minutes=9)
    late.press("/w/resend")
    code = late.phone.code()
    with house_of(app).desk.database.writing() as connection:
        lapsed = {"held_until": clock.now}
        connection.execute(update(AppointmentRow).values(lapsed))
        connection.execute(update(CellRow).values(lapsed))
    rival = ApiPatient(app, place.id)
    assert rival.hold().status_code == 201
    page = late.code(code)
    assert page.status == 200
    assert page.says("times.taken_title")
    assert len(page.form("/w/hold").buttons) == 3
    assert [row.status for row in rows_of(app, AppointmentRow)].count("pending") == 0


def test_more_time_up_to_forty_minutes_and_not_longer(app: Flask, clock: Clock) -> None:
    place = opened(app, one_therapist())
    patient, made = at_the_code(app, place.id), clock.now
    for minutes in (9, 18, 27, 36):
        clock.now = made + timedelta(minutes=minutes)
        assert patient.press("/w/extend").says("notice.hold_extended")
        assert held_until(app) == made + timedelta(minutes=min(minutes + 10, 40))
    clock.now = made + timedelta(minutes=39, seconds=59)
    patient.press("/w/extend")
    assert held_until(app) == made + timedelta(minutes=40)
    clock.now = made + timedelta(minutes=40)
    page = patient.press("/w/extend")
    assert page.status == 200 and page.form("/w/hold").buttons
    assert ApiPatient(app, place.id).hold().status_code == 201


def test_new_codes_do_not_keep_a_time_longer_than_forty_minutes(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app, one_therapist()).id)
    patient.awaiting_code()
    made = clock.now
    for minutes in (9, 18):
        clock.now = made + timedelta(minutes=minutes)
        assert patient.resend().status_code == 200
        assert held_until(app) == made + timedelta(minutes=minutes + 10)
    clock.now = made + timedelta(minutes=39)
    assert patient.details().status_code == 429
    assert patient.read().get_json()["status"] == "proposed"


def test_more_time_on_the_page_of_details_keeps_what_was_typed(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    patient.problem()
    form = patient.take().form("/w/details")
    form.action = "/w/extend"
    page = patient.send(form, first_name="Jan", phone="601")
    assert page.says("notice.hold_extended")
    assert (page.form("/w/details").value("first_name"), page.form("/w/details").value("phone")) == ("Jan", "601")


def test_a_time_given_back_is_free_at_once(app: Flask) -> None:
    place = opened(app, one_therapist())
    patient = at_the_code(app, place.id)
    form = patient.press("/w/edit").form("/w/details")
    form.action = "/w/release"
    patient.send(form)
    assert rows_of(app, CellRow) == []
    (row,) = rows_of(app, AppointmentRow)
    assert (row.status, row.first_name, row.phone, row.comment) == ("cancelled", "", "", "")
    assert ApiPatient(app, place.id).hold().status_code == 201


def test_a_time_that_came_back_is_not_said_to_be_somebody_elses(app: Flask, clock: Clock) -> None:
    patient = at_the_code(app, opened(app, one_therapist()).id)
    clock.forward(minutes=11)
    sweep(app)
    page = patient.press("/w/extend")
    assert page.says("notice.hold_expired")
    assert not page.says("times.taken_title")
    assert slot_of(TUESDAY_TEN) in page.slots()
