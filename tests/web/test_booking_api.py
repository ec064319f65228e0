"""From a token to *pending* through the JSON API, and what stands in the database afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from okienko_server.domain.cells import local_day
from okienko_server.domain.sms_text import SEGMENT, fold, septets
from okienko_server.operations.schedule import see_schedule
from okienko_server.storage.tables import AppointmentRow, CellRow, ChallengeRow, ConsentRow
from okienko_widget import load
from tests.conftest import Clock
from tests.plans import clinic
from tests.storage.rows import WARSAW, differences
from tests.web.patients import (
    GUARDIAN,
    JAN,
    TUESDAY_TEN,
    ApiPatient,
    house_of,
    messages_of,
    opened,
    refusal_of,
    rows_of,
    staff_scope,
)

HEALTH_WORDS = (
    "fizjo",
    "rehabilit",
    "kręgosłup",
    "kregoslup",
    "ból",
    "bol ",
    "lecz",
    "terap",
    "pacjent",
    "zdrow",
    "konsultacj",
)


def test_a_visitor_books_from_the_token_to_pending(app: Flask, clock: Clock) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    assert TUESDAY_TEN in patient.starts()
    held = patient.hold().get_json()
    assert (held["status"], held["code"]) == ("proposed", None)
    assert held["held_until"].startswith((clock.now + timedelta(minutes=10)).isoformat()[:16])
    asked = patient.details().get_json()
    assert (asked["status"], asked["code"]["tries_left"], asked["code"]["resend_in"]) == ("proposed", 5, 60)
    made = patient.verify(patient.phone.code()).get_json()
    assert (made["status"], made["code"], made["held_until"]) == ("pending", None, None)
    assert patient.read().get_json() == made
    assert made["start"] == "2026-11-24T10:00:00+01:00"
    assert TUESDAY_TEN not in patient.starts(practitioner_id=made["practitioner"]["id"])


def test_the_reservation_stands_in_the_schedule_at_once(app: Flask, clock: Clock) -> None:
    place = opened(app)
    reference = ApiPatient(app, place.id).booked()
    seen = see_schedule(
        local_day(TUESDAY_TEN, WARSAW), 1, "", scope=staff_scope(place.id), desk=house_of(app).desk, now=clock.now
    )
    assert [f"{a.clinic_id}-{a.id}" for a in seen.to_confirm] == [reference]
    assert [a.patient.name for a in seen.appointments] == ["Janusz Żółkiewski"]


def test_what_is_written_is_what_was_asked(app: Flask, clock: Clock) -> None:
    place = opened(app)
    ApiPatient(app, place.id).booked()
    (made,) = rows_of(app, AppointmentRow)
    assert (made.status, made.phone, made.source) == ("pending", "+48601234567", "api")
    assert made.pending_at.replace(tzinfo=None) == clock.now.replace(tzinfo=None)
    cells = rows_of(app, CellRow)
    assert len(cells) == 12
    assert {cell.held_until for cell in cells} == {None}
    assert [challenge.used for challenge in rows_of(app, ChallengeRow)] == [True]
    with house_of(app).desk.database.reading() as connection:
        assert differences(connection) == {}


@pytest.mark.parametrize(
    ("asked", "typed", "wording", "given_by"),
    [
        ({}, {}, "text", "Janusz Żółkiewski"),
        ({"category": "paediatrics", "age_group": None, "age_months": 5}, GUARDIAN, "text_child", "Ewa Grab"),
    ],
    ids=["adult", "child"],
)
def test_the_consent_keeps_the_wording_that_was_shown(
    app: Flask, asked: dict[str, Any], typed: dict[str, str], wording: str, given_by: str
) -> None:
    patient = ApiPatient(app, opened(app).id)
    assert patient.hold(**asked).status_code == 201
    assert patient.details(**typed).status_code == 200
    (kept,) = rows_of(app, ConsentRow)
    text = load()(f"consent.processing.{wording}")
    assert kept.text_sha256 == sha256(text.encode()).hexdigest()
    assert (kept.text_version, kept.given_by) == (load()("consent.processing.version"), given_by)


def test_two_messages_of_one_segment_say_nothing_about_health(app: Flask) -> None:
    place = opened(
        app, replace(clinic(), name="Gabinet Zażółć Gęślą Jaźń na Kazimierzu przy ulicy Józefa Szeroka Wąska Długa")
    )
    patient = ApiPatient(app, place.id)
    patient.booked()
    confirmation, verification = patient.phone.messages()
    assert "24.11, 10:00" in confirmation.body
    assert "126 345 678" in confirmation.body
    for message in (confirmation, verification):
        assert message.phone == "+48601234567"
        assert fold(message.body) == message.body
        assert septets(message.body) <= SEGMENT
        assert not [word for word in HEALTH_WORDS if word in message.body.lower()]
        assert load()("category.spine").lower() not in message.body.lower()
        assert not [name for name in ("Janusz", "Zolkiewski", "Wroblewska", "Zofia") if name in message.body]


def test_the_code_is_wiped_from_the_outbox_once_it_left(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    patient.details()
    (waiting,) = messages_of(app)
    assert (waiting.status, waiting.kind) == ("queued", "verification")
    code = patient.phone.code()
    assert code in waiting.body
    (sent,) = messages_of(app)
    assert (sent.status, sent.body) == ("sent", "")
    (challenge,) = rows_of(app, ChallengeRow)
    assert code not in challenge.digest


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("12 345 67 89", "phone_landline"),
        ("+44 7400 123456", "phone_foreign"),
        ("+49 900 1234567", "phone_premium"),
        ("700 123 456", "phone_premium"),
        ("601", "phone_invalid"),
        ("sześćset", "phone_invalid"),
        ("", "required"),
        ("😀" * 10, "phone_invalid"),
    ],
)
def test_a_number_that_cannot_get_the_code_is_named(app: Flask, phone: str, code: str) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    answer = patient.details(phone=phone)
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"phone": code}
    assert messages_of(app) == []
    assert patient.details().status_code == 200


def test_every_wrong_field_is_named_at_once(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    answer = patient.details(first_name=" ", last_name="Ż" * 100, phone="1", comment="x" * 501, consent=False)
    assert answer.get_json()["errors"] == {
        "first_name": "required", "last_name": "name_too_long", "phone": "phone_invalid", "comment": "text_too_long",
        "consent": "consent_required",
    }  # fmt: skip
    assert rows_of(app, ConsentRow) == []


def test_a_child_needs_a_guardian(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold(category="paediatrics", age_group=None, age_months=5)
    answer = patient.details()
    assert answer.get_json()["errors"] == {"booker_first_name": "required", "booker_last_name": "required"}


def test_a_taken_time_answers_with_the_three_nearest(app: Flask) -> None:
    place = opened(app)
    first, second = ApiPatient(app, place.id), ApiPatient(app, place.id)
    zofia = place.practitioners["Zofia Wróblewska"]
    assert first.hold(practitioner_id=zofia).status_code == 201
    lost = second.hold(practitioner_id=zofia)
    assert refusal_of(lost) == (409, "slot_taken")
    expected = sorted(second.starts(practitioner_id=zofia), key=lambda at: (abs(at - TUESDAY_TEN), at))[:3]
    assert lost.get_json()["alternatives"] == [at.isoformat().replace("+01:00", "+00:00") for at in sorted(
        at.astimezone(TUESDAY_TEN.tzinfo) for at in expected
    )]  # fmt: skip


def test_any_therapist_means_the_time_is_lost_only_with_the_last_of_them(app: Flask) -> None:
    place = opened(app)
    statuses = [ApiPatient(app, place.id).hold().status_code for _ in range(3)]
    assert statuses == [201, 201, 409]
    assert len({row.practitioner_id for row in rows_of(app, AppointmentRow)}) == 2


def test_a_visitor_holds_one_time_in_a_clinic(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    first = patient.reference
    patient.hold(TUESDAY_TEN + timedelta(hours=4))
    assert patient.ask("GET", f"/appointments/{first}").get_json()["status"] == "cancelled"
    assert len(rows_of(app, CellRow)) == 12


def test_the_portal_needs_a_clinic_and_then_books_as_well(app: Flask) -> None:
    place = opened(app)
    patient = ApiPatient(app)
    assert refusal_of(patient.hold()) == (422, "required")
    found = patient.ask("POST", "/clinics/search", {"category": "spine", "age_group": "adult"}).get_json()
    assert [one["id"] for one in found["clinics"]] == [place.id]
    assert found["cities"] == [{"name": "Kraków", "clinics": 1}]
    patient.booked(clinic_id=place.id)
    assert patient.read().get_json()["status"] == "pending"


def test_the_details_may_be_corrected_while_the_code_is_awaited(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.awaiting_code()
    assert patient.details(last_name="Żółkiewska").status_code == 200
    assert len(patient.phone.messages()) == 1
    clock.forward(seconds=5)
    assert patient.details(last_name="Żółkiewska", phone="602 345 678").status_code == 200
    newest, *_ = patient.phone.messages()
    assert newest.phone == "+48602345678"
    assert patient.verify(patient.phone.code()).status_code == 200
    (made,) = rows_of(app, AppointmentRow)
    assert (made.last_name, made.phone, made.comment) == ("Żółkiewska", "+48602345678", JAN["comment"])
