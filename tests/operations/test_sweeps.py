"""Holds nobody finished: their time comes back, what was typed is forgotten, and masks and rows agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from okienko_server.domain.scope import operator_scope
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.worker import KEEP_ANSWERS
from okienko_server.storage.directory import DirectoryStore
from okienko_server.storage.tables import AppointmentRow, Base, CellRow, IdempotencyRow
from tests.conftest import Clock
from tests.plans import clinic
from tests.storage.rows import differences, kept_masks
from tests.web.patients import GUARDIAN, TUESDAY_TEN, ApiPatient, house_of, opened, rows_of

TYPED = ("Janusz", "Żółkiewski", "601234567", "Boli od maja", "Ewa", "Grab")


def sweep(app: Flask, now: datetime) -> int:
    return expire_holds(desk=house_of(app).desk, now=now)


def typed_anywhere(app: Flask) -> list[tuple[str, str]]:
    """Return (table, text) of everything a patient typed that still stands in the database."""
    found = []
    with house_of(app).desk.database.reading() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found += [(table.name, text) for text in TYPED if any(text in str(value) for value in row)]
    return sorted(set(found))


def test_a_lapsed_hold_gives_its_time_back(app: Flask, clock: Clock) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    patient.hold()
    assert sweep(app, clock.now + timedelta(minutes=9, seconds=59)) == 0
    assert len(rows_of(app, CellRow)) == 12
    assert sweep(app, clock.now + timedelta(minutes=10)) == 1
    assert rows_of(app, CellRow) == []
    assert [row.status for row in rows_of(app, AppointmentRow)] == ["expired"]
    with house_of(app).desk.database.reading() as connection:
        assert differences(connection) == kept_masks(connection) == {}
    assert sweep(app, clock.now + timedelta(minutes=11)) == 0


def test_the_appointment_forgets_what_was_typed_into_it(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold(category="paediatrics", age_group=None, age_months=5)
    patient.details(**GUARDIAN)
    assert typed_anywhere(app)
    sweep(app, clock.now + timedelta(minutes=10))
    (row,) = rows_of(app, AppointmentRow)
    assert (row.first_name, row.last_name, row.phone, row.comment, row.booker_first_name, row.booker_last_name) == (
        "",
    ) * 6


@pytest.mark.parametrize("sent", [True, False], ids=["code sent", "code waiting"])
def test_nothing_a_patient_typed_outlives_an_unfinished_hold(app: Flask, clock: Clock, sent: bool) -> None:
    """The privacy notice promises it: an unconfirmed reservation is deleted."""
    patient = ApiPatient(app, opened(app).id)
    patient.hold(category="paediatrics", age_group=None, age_months=5)
    patient.details(**GUARDIAN)
    if sent:
        patient.phone.messages()
    sweep(app, clock.now + timedelta(minutes=10))
    assert typed_anywhere(app) == []


def test_a_reservation_is_never_swept(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.booked()
    assert sweep(app, clock.now + timedelta(days=1)) == 0
    (row,) = rows_of(app, AppointmentRow)
    assert (row.status, row.first_name) == ("pending", "Janusz")


def test_a_hold_kept_longer_is_swept_later(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    made = clock.now
    clock.forward(minutes=9)
    patient.details()
    assert sweep(app, made + timedelta(minutes=18)) == 0
    assert sweep(app, made + timedelta(minutes=19)) == 1


def test_cells_somebody_took_over_stay_theirs(app: Flask, clock: Clock) -> None:
    place = opened(app)
    zofia = place.practitioners["Zofia Wróblewska"]
    ApiPatient(app, place.id).hold(practitioner_id=zofia)
    clock.forward(minutes=10)
    rival = ApiPatient(app, place.id)
    assert rival.hold(TUESDAY_TEN + timedelta(minutes=30), practitioner_id=zofia).status_code == 201
    assert sweep(app, clock.now) == 1
    assert len(rows_of(app, CellRow)) == 12
    with house_of(app).desk.database.reading() as connection:
        assert differences(connection) == {}


def test_holds_of_many_clinics_are_swept_together(app: Flask, clock: Clock) -> None:
    for number in range(4):
        place = opened(app, clinic(f"gabinet-{number}", staff=()))
        assert ApiPatient(app, place.id).hold().status_code == 201
    assert sweep(app, clock.now + timedelta(minutes=10)) == 4
    assert rows_of(app, CellRow) == []


def test_sweepers_and_patients_at_once_leave_rows_and_masks_equal(app: Flask, clock: Clock) -> None:
    place = opened(app)
    patients = [ApiPatient(app, place.id) for _ in range(8)]
    for number, patient in enumerate(patients):
        patient.hold(TUESDAY_TEN + timedelta(hours=24 * (number % 4)))
    clock.forward(minutes=10)
    with ThreadPoolExecutor(16) as pool:
        swept = [pool.submit(sweep, app, clock.now) for _ in range(4)]
        finished = [pool.submit(patient.details) for patient in patients]
        assert all(job.result() is not None for job in swept)
        assert {job.result().status_code for job in finished} <= {200, 404, 410, 429}
    with house_of(app).desk.database.reading() as connection:
        assert differences(connection) == {}
    states = [row.status for row in rows_of(app, AppointmentRow)]
    assert len(rows_of(app, CellRow)) == 12 * states.count("proposed")


def test_kept_answers_are_forgotten_after_two_days(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold(key="k")
    desk = house_of(app).desk
    for later, left in ((KEEP_ANSWERS - timedelta(seconds=1), 1), (KEEP_ANSWERS + timedelta(seconds=1), 0)):
        with desk.database.writing() as connection:
            DirectoryStore(connection, operator_scope()).forget_answers(clock.now + later - KEEP_ANSWERS)
        assert len(rows_of(app, IdempotencyRow)) == left
