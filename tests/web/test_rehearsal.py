"""The rehearsal: the whole window on a trial's own offer, seen by nobody but its people, with no message and no money."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from okienko.tokens import WidgetSession, new_session_id
from okienko_server.domain.appointment import Status
from okienko_server.domain.contract import OPENS, ContractStatus, Use
from okienko_server.operations.remind import remind_due
from okienko_server.operations.sms_settings import SmsSettings, set_sms
from okienko_server.storage.tables import AppointmentRow, LedgerRow, RateCounterRow, SmsDayRow, SmsMessageRow
from okienko_server.web import guards
from tests.conftest import KEYS, MONDAY
from tests.web.pages import Page
from tests.web.patients import API, FormPatient, change_clinic, house_of, refusal_of, rows_of
from tests.web.staff_world import ADMINISTRATOR, OWNER, RECEPTIONIST, StaffWorld

DOOR = "/staff/settings/rehearsal"


class Rehearsing(FormPatient):
    """Somebody of the clinic, trying the window out in the browser they are signed in with."""

    def __init__(self, world: StaffWorld, app: Flask) -> None:
        self.world = world
        super().__init__(app)
        self.client = world.client
        self._see(world.client.get(DOOR))

    def shown_code(self) -> str:
        found = re.search(r"Kod to (\d{6})", self.page.html)
        assert found
        return found[1]

    def booked(self) -> Page:
        self.problem()
        self.take()
        self.details()
        return self.code(self.shown_code())


def trial(app: Flask, status: str = "trial", **plan: Any) -> StaffWorld:
    made = StaffWorld.of(app, contract=ContractStatus(status), registration=False, **plan)
    made.sign_in(OWNER)
    return made


@pytest.mark.parametrize("status", ContractStatus, ids=str)
def test_it_is_as_open_as_the_table_says(app: Flask, status: ContractStatus) -> None:
    world = trial(app, status)
    assert (world.client.get(DOOR).status_code == 200) is (Use.REHEARSAL in OPENS[status])


def test_while_patients_can_come_there_is_no_rehearsal(app: Flask) -> None:
    """It would take their times."""
    world = StaffWorld.of(app)
    world.sign_in(OWNER)
    assert world.client.get(DOOR).status_code == 403


def test_the_whole_way_leaves_a_marked_appointment_and_nothing_else(app: Flask) -> None:
    world = trial(app)
    counted = len(rows_of(app, RateCounterRow))
    patient = Rehearsing(world, app)
    assert "data-rehearsal" in patient.page.html
    done = patient.booked()
    assert done.status == 200
    assert done.says("rehearsal.done")
    (row,) = rows_of(app, AppointmentRow)
    assert (row.status, row.source) == ("pending", "rehearsal")
    for table in (SmsMessageRow, LedgerRow, SmsDayRow):
        assert rows_of(app, table) == [], table
    assert len(rows_of(app, RateCounterRow)) == counted, "no code was counted"
    assert patient.phone.messages() == []
    assert "próba – bez SMS-ów" in world.page("?view=day&day=2026-11-24&practitioner=all")


def test_every_page_of_it_says_so(app: Flask) -> None:
    patient = Rehearsing(trial(app), app)
    pages = [patient.page, patient.problem(), patient.take(), patient.details(), patient.code(patient.shown_code())]
    assert all("data-rehearsal" in page.html and "Nikt nie dostanie SMS-a" in page.html for page in pages)


def test_a_wrong_code_is_wrong_here_too(app: Flask) -> None:
    patient = Rehearsing(trial(app), app)
    patient.problem()
    patient.take()
    patient.details()
    wrong = f"{(int(patient.shown_code()) + 1) % 1_000_000:06d}"
    assert patient.code(wrong).says("error.code_wrong")


def steal(app: Flask, world: StaffWorld) -> dict[str, str]:
    """Return the fields of a rehearsal's first form, as somebody might copy them out of the page."""
    form = Rehearsing(world, app).page.form("/w/problem", "spine")
    return dict(form.filled(next(b for b in form.buttons if b.value == "spine")))


def outside(app: Flask, fields: dict[str, str]) -> TestResponse:
    return app.test_client().post("/w/problem", data=fields)


def test_it_is_refused_outside_the_staffs_own_browser(app: Flask) -> None:
    world = trial(app)
    assert outside(app, steal(app, world)).status_code == 401
    assert app.test_client().get(DOOR).status_code in (302, 303, 401)


def test_without_that_check_it_would_be_taken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""
    world = trial(app)
    fields = steal(app, world)
    monkeypatch.setattr(guards, "_rehearsed", lambda session, now: session)
    assert outside(app, fields).status_code == 200


def test_it_ends_with_the_sign_out_and_is_not_for_everybody(app: Flask) -> None:
    world = trial(app)
    fields = steal(app, world)
    assert world.client.post("/w/problem", data=fields).status_code == 200
    world.sign_in(ADMINISTRATOR)
    assert world.client.post("/w/problem", data=fields).status_code == 200
    world.sign_in(RECEPTIONIST)
    assert world.client.post("/w/problem", data=fields).status_code == 401
    assert world.client.get(DOOR).status_code == 403


def test_another_clinics_people_cannot_use_it(app: Flask) -> None:
    world = trial(app)
    fields = steal(app, world)
    other = StaffWorld.of(app, slug="inna", contract=ContractStatus.TRIAL, registration=False, staff=())
    session = WidgetSession(new_session_id(), "clinic", other.opened.id, 1, "rehearsal", issued_at=MONDAY)
    mine = fields | {"session": session.sign(KEYS.session)}
    assert world.client.post("/w/problem", data=mine).status_code == 401


def test_the_api_takes_no_rehearsal_from_outside(app: Flask) -> None:
    fields = steal(app, trial(app))
    answer = app.test_client().post(
        f"{API}/slots/search", json={"category": "spine", "age_group": "adult"}, headers={"Authorization": f"Bearer {fields['session']}"}
    )  # fmt: skip
    assert refusal_of(answer) == (401, "session_invalid")


def test_it_stops_when_patients_begin_to_come(app: Flask) -> None:
    world = trial(app)
    patient = Rehearsing(world, app)
    patient.problem()
    change_clinic(app, world.opened.id, contract="active", registration=True)
    assert patient.take().status == 403


def test_no_later_act_sends_a_message_about_a_rehearsal(app: Flask) -> None:
    """Also under a running contract: what was tried out before stays a rehearsal."""
    world = trial(app)
    Rehearsing(world, app).booked()
    (row,) = rows_of(app, AppointmentRow)
    change_clinic(app, world.opened.id, contract="active", registration=True)
    set_sms(SmsSettings(reminder=1440), scope=world.scope, desk=world.desk, now=MONDAY)
    assert world.answer(row.id, "confirm").status_code == 200
    assert world.get(row.id).status is Status.BOOKED
    assert remind_due(desk=world.desk, now=row.starts_at - timedelta(hours=23)) == 0
    data = {"csrf": world.csrf(), "reason": "", "tell": "yes"}
    assert world.client.post(f"/staff/appointments/{row.id}/cancel", data=data).status_code == 303
    assert world.get(row.id).status is Status.CANCELLED
    assert rows_of(app, SmsMessageRow) == []


def test_rehearsals_are_taken_out_of_the_schedule_together(app: Flask) -> None:
    world = trial(app)
    Rehearsing(world, app).booked()
    real = world.add("real", at=MONDAY + timedelta(days=2, hours=4))
    assert "W grafiku stoi 1 próba." in world.client.get("/staff/settings").text
    assert world.client.post(f"{DOOR}/clear", data={"csrf": world.csrf()}).status_code == 303
    states = {row.source: row.status for row in rows_of(app, AppointmentRow)}
    assert states == {"rehearsal": "cancelled", "iframe": "pending"}
    assert world.get(real.id).status is Status.PENDING
    assert "W grafiku stoi" not in world.client.get("/staff/settings").text
    again = Rehearsing(world, app).booked()
    assert again.status == 200, "its time was given back"


def test_a_trial_stays_unseen_while_it_rehearses(app: Flask) -> None:
    world = trial(app)
    Rehearsing(world, app).booked()
    assert "Rehabilitacja Kazimierz" not in FormPatient(app, "/").problem().html
    assert app.test_client().get("/g/kazimierz").status_code == 404
    assert house_of(app).desk.shelf.get(world.opened.id) is not None
