"""Reminders as the clinic sets them: the price beside each choice, one choice written, nothing switched off by an empty form."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain.appointment import Status
from okienko_server.storage.tables import AuditRow, ClinicRow
from tests.web.patients import rows_of
from tests.web.staff_world import ADMINISTRATOR, CONSULTANT, OWNER, RECEPTIONIST, THERAPIST, TUESDAY_NINE, StaffWorld

PATH = "/staff/messages/reminders"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    """Two visits of the last thirty days, made a week before."""
    made = StaffWorld.of(app)
    for days in (5, 6):
        starts = TUESDAY_NINE - timedelta(days=days)
        made.add(f"v{days}", at=starts, created_at=starts - timedelta(days=7), status=Status.FULFILLED)
    made.sign_in(OWNER)
    return made


def text(world: StaffWorld, path: str = PATH) -> str:
    answer = world.client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.get_data(as_text=True).replace("\u00a0", " ").replace("‑", "-"))


def save(world: StaffWorld, **fields: str) -> tuple[int, str]:
    answer = world.client.post(PATH, data={"csrf": world.csrf(), **fields}, follow_redirects=True)
    return answer.status_code, answer.get_data(as_text=True).replace("\u00a0", " ")


def test_each_choice_shows_its_price_before_it_is_made(world: StaffWorld) -> None:
    page = text(world)
    assert "około 2 SMS-y miesięcznie, wszystkie z puli" in page and "0,20 zł brutto za każdy" in page
    assert re.search(r'value="0" checked', page) and page.count('<input type="radio"') == 5
    assert "przypominamy o wizycie" in page and "z 160 znaków" in page
    world.desk.database.write(
        lambda c: c.execute(update(ClinicRow).values(sms_notifications=False, revision=ClinicRow.revision + 1))
    )
    assert "około 2 SMS-y miesięcznie, czyli 0,40 zł brutto" in text(world)


def test_a_clinic_without_visits_yet_is_told_so(app: Flask) -> None:
    made = StaffWorld.of(app)
    made.sign_in(ADMINISTRATOR)
    assert "nie było takiej wizyty" in text(made)


def test_the_choice_is_written_said_and_noted(world: StaffWorld, app: Flask) -> None:
    status, page = save(world, lead="1440")
    assert status == 200 and "Zapisano. Pacjenci dostają przypomnienie dzień przed wizytą." in page
    clinic = world.offer().clinic
    assert clinic.reminder_minutes == 1440 and clinic.sms_notifications and clinic.sms_day_budget == 8000
    assert "change_settings" in {row.action for row in rows_of(app, AuditRow)}
    assert "Pacjenci dostają przypomnienie dzień przed wizytą" in text(world, "/staff/messages")
    assert save(world, lead="0")[0] == 200 and world.offer().clinic.reminder_minutes == 0


@pytest.mark.parametrize("lead", ["", "x", "-1", "60", "1440.0", "٢٤", "9" * 30, "1440 OR 1=1"])
def test_what_is_no_choice_switches_nothing(world: StaffWorld, lead: str) -> None:
    save(world, lead="120")
    status, page = save(world, lead=lead)
    assert status == 422 and "Wybierz jedną z możliwości" in page
    assert world.offer().clinic.reminder_minutes == 120


def test_a_form_without_the_field_switches_nothing_off(world: StaffWorld) -> None:
    save(world, lead="240")
    assert save(world)[0] == 422 and world.offer().clinic.reminder_minutes == 240


@pytest.mark.parametrize("who", [CONSULTANT, THERAPIST, RECEPTIONIST])
def test_only_who_pays_may_choose(world: StaffWorld, who: str) -> None:
    world.sign_in(who)
    assert world.client.get(PATH).status_code == 403
    assert save(world, lead="1440")[0] == 403 and world.offer().clinic.reminder_minutes == 0
