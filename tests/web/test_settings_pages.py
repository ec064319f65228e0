"""The settings' first page, the pause and the rules: what is missing, the switch, what patients read at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from okienko_server.domain.contract import ContractStatus
from okienko_server.operations.onboard_clinic import LocationPlan, weekly
from okienko_server.storage.tables import AuditRow, ClinicRow
from tests.conftest import Clock
from tests.plans import clinic
from tests.web.patients import ApiPatient, FormPatient, change_clinic, embed_token, opened, refusal_of, rows_of
from tests.web.staff_world import ADMINISTRATOR, OWNER, RECEPTIONIST, THERAPIST, StaffWorld

BASE = "/staff/settings"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def get(world: StaffWorld, path: str = "") -> str:
    answer = world.client.get(BASE + path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def post(world: StaffWorld, path: str, **fields: Any) -> TestResponse:
    return world.client.post(BASE + path, data={"csrf": world.csrf()} | fields)


def acts(app: Flask) -> list[str]:
    return [row.action for row in sorted(rows_of(app, AuditRow), key=lambda row: row.number) if row.action != "sign_in"]


def rules_form(world: StaffWorld, **changes: Any) -> dict[str, Any]:
    form = {
        "notice_minutes": "120", "horizon_days": "60", "slot_step_minutes": "15", "cancel_minutes": "1440",
        "answer_minutes": "240", "revision": str(world.offer().revision),
    }  # fmt: skip
    return form | changes


def test_only_owner_and_administrator_come_in(app: Flask, world: StaffWorld) -> None:
    for who, status in ((OWNER, 200), (ADMINISTRATOR, 200), (THERAPIST, 403), (RECEPTIONIST, 403)):
        world.sign_in(who)
        for path in ("", "/pause", "/rules"):
            assert world.client.get(BASE + path).status_code == status, (who, path)


def test_switching_off_and_on_is_seen_by_patients_at_once_and_kept_in_the_trail(app: Flask, world: StaffWorld) -> None:
    door = f"/e/{embed_token(world.opened.id)}"
    assert app.test_client().get(door).status_code == 200
    assert post(world, "/registration", on="no").status_code == 303
    assert app.test_client().get(door).status_code == 403
    assert "Rejestracja online jest wyłączona" in get(world)
    assert post(world, "/registration", on="yes").status_code == 303
    assert app.test_client().get(door).status_code == 200
    assert post(world, "/registration", on="yes").status_code == 303
    assert acts(app) == ["switch_off", "switch_on"], "what changes nothing leaves no trace"


@pytest.mark.parametrize("status", ["trial", "legacy", "suspended", "ended"])
def test_without_the_contract_the_switch_is_refused_and_the_page_says_whom_to_call(app: Flask, status: str) -> None:
    settings = app.extensions["okienko"].settings
    object.__setattr__(settings, "operator_phone", "12 300 40 50")
    world = StaffWorld.of(app, contract=ContractStatus(status), registration=False)
    world.sign_in(OWNER)
    page = get(world)
    assert "tel:123004050" in page
    assert 'name="on"' not in page
    assert post(world, "/registration", on="yes").status_code == 403
    assert [row.registration for row in rows_of(app, ClinicRow)] == [False]


def test_with_something_missing_the_first_press_says_what_patients_would_see(app: Flask) -> None:
    world = StaffWorld.of(app, registration=False, locations=(), practitioners=(), staff=clinic().staff[:1])
    world.sign_in(OWNER)
    assert "Nie ma żadnego adresu" in get(world)
    first = post(world, "/registration", on="yes")
    assert first.status_code == 422
    assert "placówkę bez adresu" in first.text
    assert world.offer().clinic.registration is False
    assert post(world, "/registration", on="yes", seen="no_hours").status_code == 422, "that was another lack"
    shown = [part for part in first.text.split("<") if 'name="seen"' in part]
    assert len(shown) == 2, "the address, and the people"
    assert post(world, "/registration", on="yes", seen=["no_address", "no_therapists"]).status_code == 303
    assert world.offer().clinic.registration is True


def test_what_became_missing_since_it_was_read_is_told_again(app: Flask) -> None:
    world = StaffWorld.of(app, registration=False, locations=(), practitioners=(), staff=clinic().staff[:1])
    world.sign_in(OWNER)
    again = post(world, "/registration", on="yes", seen=["no_address"])
    assert again.status_code == 422


def test_leaving_the_portal_keeps_the_clinics_own_doors_open(app: Flask, world: StaffWorld) -> None:
    post(world, "/portal", listed="no")
    assert "Rehabilitacja Kazimierz" not in FormPatient(app, "/").problem().html
    assert app.test_client().get("/g/kazimierz").status_code == 200
    post(world, "/portal", listed="yes")
    assert "Rehabilitacja Kazimierz" in FormPatient(app, "/").problem().html


def paused(world: StaffWorld, **typed: Any) -> TestResponse:
    form = {"message": "", "phone": "", "back_on": "", "revision": str(world.offer().revision)}
    return post(world, "/pause", **form | typed)


def test_a_pause_says_the_same_through_every_door(app: Flask, world: StaffWorld) -> None:
    words = "Do 7 grudnia mamy remont sali."
    answer = paused(world, message=words, phone="12 300 40 50", back_on="2026-12-07")
    assert answer.status_code == 303
    frame = FormPatient(app, f"/e/{embed_token(world.opened.id)}").page
    link = FormPatient(app, "/g/kazimierz").page
    for page in (frame, link):
        assert page.status == 403
        for said in (words, "123 004 050", "tel:123004050", "7 grudnia", "Rehabilitacja Kazimierz"):
            assert said in page.html, said
        assert "12 634 56 78" not in page.html
    told = app.test_client().post("/api/v1/sessions", json={"token": embed_token(world.opened.id)})
    assert refusal_of(told) == (403, "clinic_paused")
    body = told.get_json()
    assert (body["message"], body["phone"], body["back_on"]) == (words, "+48123004050", "2026-12-07")
    assert "Rehabilitacja Kazimierz" not in FormPatient(app, "/").problem().html
    assert ApiPatient(app).ask("POST", "/clinics/search", {"category": "spine", "age_group": "adult"}).get_json() == {
        "clinics": [],
        "cities": [],
    }
    assert app.test_client().get("/card/kazimierz").status_code == 404
    asked = {"url": "http://localhost/g/kazimierz"}
    assert app.test_client().get("/oembed", query_string=asked).status_code == 404
    slots = ApiPatient(app).slots(clinic_id=world.opened.id)
    assert refusal_of(slots) == (403, "clinic_paused")


def test_a_pause_without_words_names_the_clinics_own_telephone(app: Flask, world: StaffWorld) -> None:
    paused(world)
    page = FormPatient(app, "/g/kazimierz").page
    assert "126 345 678" in page.html
    assert page.says("message.clinic_paused.body")


def test_a_pause_ends_by_itself_on_its_day_in_the_clinics_zone(app: Flask, world: StaffWorld, clock: Clock) -> None:
    paused(world, back_on="2026-11-30")
    door = f"/e/{embed_token(world.opened.id)}"
    clock.now = clock.now.replace(day=29, hour=22, minute=59, second=59)
    assert app.test_client().get(door).status_code == 403
    clock.forward(seconds=1)
    assert app.test_client().get(door).status_code == 200
    assert "Rehabilitacja Kazimierz" in FormPatient(app, "/").problem().html


def test_whoever_holds_a_time_may_finish_in_a_pause(app: Flask, world: StaffWorld) -> None:
    patient = ApiPatient(app, world.opened.id)
    patient.hold()
    paused(world, message="Urlop")
    assert patient.details().status_code == 200
    assert patient.verify(patient.phone.code()).status_code == 200
    assert refusal_of(ApiPatient(app, session=patient.session).hold())[1] == "clinic_paused"


def test_ending_a_pause_opens_the_doors(app: Flask, world: StaffWorld) -> None:
    paused(world, message="Urlop")
    assert "Urlop" in get(world, "/pause")
    assert post(world, "/pause/end").status_code == 303
    assert app.test_client().get("/g/kazimierz").status_code == 200
    assert post(world, "/pause/end").status_code == 303
    assert acts(app) == ["pause", "end_pause"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("back_on", "2026-11-23"), ("back_on", "2026-02-30"), ("back_on", "jutro"), ("back_on", "2028-01-01"),
        ("phone", "112"), ("phone", "abc"), ("phone", "+1 212 555 0100"), ("message", "x" * 201), ("message", "a\x00b"),
    ],
)  # fmt: skip
def test_a_wrong_pause_is_told_beside_its_field_and_nothing_typed_is_lost(
    app: Flask, world: StaffWorld, field: str, value: str
) -> None:
    typed = {"message": "Urlop", "phone": "12 300 40 50", "back_on": "2026-12-07"} | {field: value}
    answer = paused(world, **typed)
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    for name, said in typed.items():
        assert said.replace("\x00", "") in answer.text.replace("\x00", "").replace("�", ""), name
    assert world.offer().clinic.pause is None


def test_two_who_change_the_pause_at_once(app: Flask, world: StaffWorld) -> None:
    revision = str(world.offer().revision)
    assert paused(world, message="Pierwsza", revision=revision).status_code == 303
    second = paused(world, message="Druga", revision=revision)
    assert second.status_code == 409
    assert "Druga" in second.text
    kept = world.offer().clinic.pause
    assert kept and kept.message == "Pierwsza"


def test_the_rules_are_what_patients_meet(app: Flask, world: StaffWorld) -> None:
    patient = ApiPatient(app, world.opened.id)
    before = patient.starts(days=60)
    form = rules_form(world, notice_minutes="2880", horizon_days="7", slot_step_minutes="60")
    assert post(world, "/rules", **form).status_code == 303
    after = patient.starts(days=60)
    assert after
    assert after[0] - before[0] >= timedelta(days=1)
    assert max(start.date() for start in after) <= date(2026, 11, 30) < max(start.date() for start in before)
    assert {start.minute for start in after} == {0}
    clinic_now = world.offer().clinic
    assert (clinic_now.cancel_minutes, clinic_now.open_on_holidays) == (1440, False)
    assert acts(app) == ["change_settings"]


@pytest.mark.parametrize("value", ["", "-1", "3", "999999999999", "²", "abc", "1e3"])
def test_what_is_no_choice_is_refused_beside_its_field(world: StaffWorld, value: str) -> None:
    answer = post(world, "/rules", **rules_form(world, notice_minutes=value))
    assert answer.status_code == 422
    assert 'id="notice_minutes-wrong"' in answer.text
    assert world.offer().clinic.notice_minutes == 120


def test_a_value_from_before_stays_choosable(app: Flask, world: StaffWorld) -> None:
    change_clinic(app, world.opened.id, notice_minutes=77)
    assert 'value="77" selected' in get(world, "/rules")
    assert post(world, "/rules", **rules_form(world, notice_minutes="77", horizon_days="30")).status_code == 303


def test_two_who_change_the_rules_at_once(world: StaffWorld) -> None:
    stale = rules_form(world)
    post(world, "/rules", **rules_form(world, horizon_days="30"))
    second = post(world, "/rules", **stale | {"horizon_days": "90"})
    assert second.status_code == 409
    assert 'value="90" selected' in second.text
    assert world.offer().clinic.horizon_days == 30


def test_another_clinic_is_not_touched(app: Flask, world: StaffWorld, client: FlaskClient) -> None:
    place = LocationPlan("Inna", "ul. Długa 1", "31-147", "Kraków", weekly("mon-fri 8:00-18:00"))
    other = opened(app, replace(clinic("inna"), name="Inna", locations=(place,), staff=()))
    paused(world, message="Urlop")
    post(world, "/registration", on="no")
    assert client.get("/g/inna").status_code == 200
    assert [row.registration for row in rows_of(app, ClinicRow) if row.clinic_id == other.id] == [True]


def sms_form(**changes: Any) -> dict[str, Any]:
    return {"notifications": "yes", "budget": "80", "country": []} | changes


@pytest.mark.parametrize(
    ("typed", "grosze"),
    [("80", 8_000), ("80,50", 8_050), ("80.5 zł", 8_050), ("0", 0), (" 12 zł ", 1_200), ("10000", 1_000_000)],
)
def test_a_budget_is_read_as_people_write_it(world: StaffWorld, typed: str, grosze: int) -> None:
    assert post(world, "/sms", **sms_form(budget=typed)).status_code == 303
    assert world.offer().clinic.sms_day_budget == grosze


@pytest.mark.parametrize("typed", ["", "-5", "10000,01", "osiem", "٨٠", "1e3", "80,505", "99999999"])
def test_a_budget_that_is_none_is_told_beside_it(world: StaffWorld, typed: str) -> None:
    before = world.offer().clinic.sms_day_budget
    answer = post(world, "/sms", **sms_form(budget=typed, notifications="no", country=["UA"]))
    assert answer.status_code == 422
    assert 'id="budget-wrong"' in answer.text
    assert f'value="{typed}"' in answer.text
    assert 'value="UA" checked' in answer.text
    assert 'value="no" checked' in answer.text
    assert world.offer().clinic.sms_day_budget == before


def test_the_wishes_are_written_and_poland_always_stays(app: Flask, world: StaffWorld) -> None:
    assert post(world, "/sms", **sms_form(notifications="no", country=["UA", "CZ"])).status_code == 303
    kept = world.offer().clinic
    assert (kept.sms_notifications, kept.sms_countries) == (False, ("PL", "UA", "CZ"))
    assert 'value="UA" checked' in get(world, "/sms")
    assert acts(app) == ["change_settings"]


@pytest.mark.parametrize("country", ["XX", "ąę", "<b>"])
def test_a_country_that_is_none_changes_nothing(world: StaffWorld, country: str) -> None:
    answer = post(world, "/sms", **sms_form(country=[country]))
    assert answer.status_code == 422
    assert world.offer().clinic.sms_countries == ("PL",)


def test_nothing_chosen_about_notifications_switches_nothing_off(world: StaffWorld) -> None:
    assert post(world, "/sms", budget="80").status_code == 422
    assert world.offer().clinic.sms_notifications is True
