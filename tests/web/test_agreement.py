"""What was agreed stays: an appointment's own length, buffers, price, service, address and cancellation limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain.appointment import OCCUPYING, Appointment, Status
from okienko_server.domain.cells import cell_at
from okienko_server.operations.plan_visit import free_beside
from okienko_server.storage.appointments import appointment_of
from okienko_server.storage.tables import AppointmentRow, CellRow, ClinicRow, LocationRow, ServiceRow
from okienko_server.web.pages import present
from tests.conftest import Clock
from tests.web.patients import ApiPatient, FormPatient, change_clinic, embed_token, refusal_of, rows_of, written_in
from tests.web.staff_world import OWNER, TUESDAY_NINE, ZOFIA
from tests.web.test_planning import Planner, sound, text_of

TEN = TUESDAY_NINE + timedelta(hours=1)
HALF = timedelta(minutes=30)


@pytest.fixture
def world(app: Flask) -> Planner:
    made = Planner.of(app)
    assert isinstance(made, Planner)
    made.sign_in(OWNER)
    return made


def change_service(world: Planner, **changes: Any) -> None:
    """Change the consultation as its owner does on the settings page."""
    service = world.offer().service(world.opened.services["Konsultacja"])
    kept = {
        "csrf": world.csrf(), "name": service.name, "kind": service.kind.value, "minutes": str(service.minutes),
        "price": str(service.price // 100), "buffer_before": str(service.buffer_before),
        "buffer_after": str(service.buffer_after), "givers": list(world.opened.practitioners.values()),
        "revision": str(world.offer().revision),
    }  # fmt: skip
    answer = world.client.post(f"/staff/settings/services/{service.id}", data=kept | changes)
    assert answer.status_code == 303, text_of(answer)


def planned(world: Planner, time: str = "9:00", service: str = "Konsultacja") -> Appointment:
    """Let staff plan a visit with Zofia on Tuesday."""
    answer = world.send("plan", time=time.zfill(5), service=world.opened.services[service])
    assert answer.status_code == 303, text_of(answer)
    return appointment_of(world.visits()[0])


def moved(world: Planner, made: Appointment, time: str) -> Appointment:
    """Let staff move it to another hour of Tuesday."""
    answer = world.send(f"appointments/{made.id}/move", time=time.zfill(5), seen=world.seen(made.id))
    assert answer.status_code == 303, text_of(answer)
    return world.get(made.id)


def with_zofia(app: Flask, world: Planner) -> tuple[ApiPatient, dict[str, str]]:
    """Return a patient at the clinic and what asks for a consultation with Zofia."""
    asked = {"kind": "consultation", "practitioner_id": world.opened.practitioners[ZOFIA]}
    return ApiPatient(app, world.opened.id), asked


def overlapping(app: Flask) -> int:
    """Return how many pairs of living appointments of one therapist overlap."""
    living = [appointment_of(r) for r in rows_of(app, AppointmentRow) if Status(r.status) in OCCUPYING]
    return sum(
        a.id < b.id and a.practitioner_id == b.practitioner_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
        for a in living
        for b in living
    )


def cells_of_visit(app: Flask, made: Appointment) -> list[int]:
    return sorted(row.cell for row in rows_of(app, CellRow) if row.appointment_id == made.id)


def test_a_shortened_service_leaves_a_planned_visit_whole_when_it_moves(app: Flask, world: Planner) -> None:
    made = planned(world)
    change_service(world, minutes="30")
    after = moved(world, made, "10:00")
    assert (after.starts_at, after.ends_at) == (TEN, TEN + 2 * HALF)
    assert cells_of_visit(app, made) == list(range(cell_at(TEN), cell_at(TEN) + 12)) and sound(world)
    patient, asked = with_zofia(app, world)
    starts = patient.starts(**asked, **{"from": "2026-11-24", "days": 1})
    assert TEN + HALF not in starts and TEN - HALF in starts
    assert refusal_of(patient.hold(TEN + HALF, **asked)) == (409, "slot_taken")
    assert overlapping(app) == 0


def test_an_online_reservation_keeps_its_length_as_well(app: Flask, world: Planner) -> None:
    first, asked = with_zofia(app, world)
    first.booked(TUESDAY_NINE, **asked)
    change_service(world, minutes="30")
    moved(world, appointment_of(world.visits()[0]), "10:00")
    second, _ = with_zofia(app, world)
    assert refusal_of(second.hold(TEN + HALF, **asked)) == (409, "slot_taken")
    second.booked(TEN + 2 * HALF, **asked)
    assert overlapping(app) == 0 and sound(world)


def test_a_lengthened_service_takes_no_more_of_the_day_for_a_visit_that_moves(app: Flask, world: Planner) -> None:
    change_service(world, minutes="30")
    made = planned(world)
    change_service(world, minutes="60")
    after = moved(world, made, "10:00")
    assert (after.ends_at, len(cells_of_visit(app, made))) == (TEN + HALF, 6)
    patient, asked = with_zofia(app, world)
    assert TEN + HALF in patient.starts(**asked, **{"from": "2026-11-24", "days": 1})


@pytest.mark.parametrize(("before", "after"), [("15", "0"), ("0", "15")])
def test_buffers_are_those_of_the_day_it_was_made(app: Flask, world: Planner, before: str, after: str) -> None:
    change_service(world, buffer_before=before, buffer_after=before)
    made = planned(world)
    change_service(world, buffer_before=after, buffer_after=after)
    moved(world, made, "10:00")
    more = int(before) // 5
    assert cells_of_visit(app, made) == list(range(cell_at(TEN) - more, cell_at(TEN) + 12 + more)) and sound(world)


@pytest.mark.parametrize("changes", [{"minutes": "60"}, {"buffer_after": "30"}, {"buffer_before": "30"}])
def test_the_right_code_is_accepted_within_what_is_held(app: Flask, world: Planner, changes: dict[str, str]) -> None:
    change_service(world, minutes="30")
    patient, asked = with_zofia(app, world)
    code = patient.awaiting_code(TEN, **asked)
    change_service(world, **changes)
    for time in ("9:30", "10:30"):
        assert world.send("plan", time=time.zfill(5), outside="1").status_code in (303, 409)
    answer = patient.verify(code)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["end"] == "2026-11-24T10:30:00+01:00"
    made = next(one for one in world.visits() if one.source != "staff")
    assert len(cells_of_visit(app, appointment_of(made))) == 6 and overlapping(app) == 0 and sound(world)


@pytest.mark.parametrize("step", ["resend", "extend", "details"])
def test_each_step_before_the_code_keeps_what_is_held(app: Flask, world: Planner, clock: Clock, step: str) -> None:
    change_service(world, minutes="30")
    patient = FormPatient(app, f"/e/{embed_token(world.opened.id)}?kind=consultation")
    patient.problem()
    patient.take(TEN)
    if step != "details":
        patient.details()
        clock.forward(seconds=61)
    change_service(world, minutes="60")
    planned(world, "10:30", "Wizyta")
    page = patient.details() if step == "details" else patient.press(f"/w/{step}")
    assert page.status == 200, page.text
    held = next(one for one in world.visits() if one.source != "staff")
    assert held.status == "proposed" and len(cells_of_visit(app, appointment_of(held))) == 6 and sound(world)


def test_what_a_moved_visit_is_offered_fits_its_own_length(app: Flask, world: Planner, clock: Clock) -> None:
    made = planned(world, "13:00")
    world.add("neighbour", at=TEN)
    change_service(world, minutes="30")
    answer = world.send(f"appointments/{made.id}/move", time="10:00", seen=world.seen(made.id))
    assert answer.status_code == 409
    where = {"practitioner_id": made.practitioner_id, "location_id": made.location_id}
    near = free_beside(
        _where(**where, start=TEN), "", moved=made.id, scope=world.scope, desk=world.desk, now=clock.now
    )  # fmt: skip
    assert near and all(start + 2 * HALF <= TEN or start >= TEN + 2 * HALF for start in near)
    for start in near:
        moved(world, made, f"{start.astimezone(world.offer().clinic.zone):%H:%M}")
    assert overlapping(app) == 0


def _where(**place: Any) -> Any:
    from okienko_server.operations.plan_visit import Where

    return Where(**place)


def test_the_agreed_price_is_the_one_that_was_held(app: Flask, world: Planner) -> None:
    change_service(world, price="220")
    patient, asked = with_zofia(app, world)
    code = patient.awaiting_code(TEN, **asked)
    change_service(world, price="999", name="Konsultacja premium")
    said = patient.verify(code).get_json()
    assert (said["service"]["price"], said["service"]["name"], said["price_agreed"]) == (22_000, "Konsultacja", True)
    page = world.page("?day=2026-11-24&view=day")
    assert "Konsultacja · 220 zł" in page.replace("\u00a0", " ") and "999" not in page


def test_every_page_of_the_patient_names_the_agreed_terms(app: Flask, world: Planner) -> None:
    change_clinic(app, world.opened.id, cancel_minutes=24 * 60)
    patient = FormPatient(app, f"/e/{embed_token(world.opened.id)}?kind=consultation")
    patient.problem()
    patient.take(TEN)
    with world.desk.database.writing() as connection:
        connection.execute(update(LocationRow).values(street="ul. Nowa 99"))
        connection.execute(update(ServiceRow).values(price=99_900, name="Inna"))
    change_clinic(app, world.opened.id, cancel_minutes=48 * 60)
    for page in (patient.details(), patient.code(patient.phone.code())):
        text = page.text.replace("\u00a0", " ")
        assert "180 zł" in text and "Józefa 12" in text and "999" not in text and "obecna cena" not in text
    assert "pon. 23 listopada, 10:00" in text and "ndz. 22" not in text
    assert "J%C3%B3zefa" in page.html
    assert written_in(patient.client.post("/w/calendar", data=page.form("/w/calendar").hidden()).data)[2].startswith(
        "ul. Józefa 12"
    )


def test_an_appointment_from_before_shows_the_present_price_and_says_so(app: Flask, world: Planner) -> None:
    patient, asked = with_zofia(app, world)
    patient.booked(TEN, **asked)
    forgotten = {column.name: None for column in AppointmentRow.__table__.columns if column.name.startswith("agreed_")}
    with world.desk.database.writing() as connection:
        connection.execute(update(AppointmentRow).values(forgotten))
    said = patient.read().get_json()
    assert (said["service"]["price"], said["price_agreed"], said["location"]["street"]) == (
        18_000,
        False,
        "ul. Józefa 12",
    )
    assert "180 zł (obecna cena)" in world.page("?day=2026-11-24&view=day").replace("\u00a0", " ")
    made = appointment_of(world.visits()[0])
    summary = present.appointment_summary(made, world.offer(), world.desk.texts)
    assert "180\u00a0zł (obecna cena)" in summary.offer or "180 zł (obecna cena)" in summary.offer


def test_a_move_agrees_on_the_new_address_and_on_nothing_else(app: Flask, world: Planner) -> None:
    made = planned(world)
    with world.desk.database.writing() as connection:
        connection.execute(update(ServiceRow).values(price=99_900))
        connection.execute(update(LocationRow).values(street="ul. Nowa 99"))
        connection.execute(update(ClinicRow).values(revision=ClinicRow.revision + 1))
    same = moved(world, made, "10:00")
    assert same.agreement == made.agreement and same.agreement.price == 18_000
    here = world.offer().location(made.location_id)
    assert made.agreement.at(here).address == here.postal
    assert made.agreement.at(here).price == 18_000


def test_a_service_somebody_holds_a_time_of_is_not_deleted(app: Flask, world: Planner) -> None:
    patient, asked = with_zofia(app, world)
    code = patient.awaiting_code(TEN, **asked)
    path = f"/staff/settings/services/{world.opened.services['Konsultacja']}"
    answer = world.client.post(f"{path}/remove", data={"csrf": world.csrf()})
    assert answer.status_code in (303, 409), text_of(answer)
    world.client.post(f"{path}/offered", data={"csrf": world.csrf(), "offered": "no"})
    assert patient.verify(code).status_code == 200
    made = appointment_of(world.visits()[0])
    assert moved(world, made, "11:00").starts_at == _at("11:00") and overlapping(app) == 0


def _at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-24T{time}:00+01:00")
