"""The therapist's answer to an online reservation: confirm or decline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status, Step
from okienko_server.domain.cells import local_day
from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused, StepNotAllowed
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.occupancy import OccupancyStore

MAX_REASON = 300


def confirm(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Turn a pending appointment into a planned one. Doing it twice changes nothing.

    Raises NotFound, or StepNotAllowed when it was declined meanwhile or its day is past.
    """

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        appointment = store.get(appointment_id, lock=True)
        if appointment.status is Status.BOOKED:
            return
        zone = desk.current_offer(connection, scope).clinic.zone
        if local_day(appointment.starts_at, zone) < local_day(now, zone):
            raise StepNotAllowed
        store.step(appointment, Step.CONFIRM, now)

    desk.database.write(work)
    return _read(appointment_id, scope, desk)


def decline(appointment_id: str, reason: str, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Cancel a pending appointment with a reason and give its time back. Raises NotFound, FieldRefused, StepNotAllowed."""
    reason = reason.replace("\r\n", "\n").strip()
    if len(reason) > MAX_REASON or not printable(reason):
        raise FieldRefused("text_too_long" if len(reason) > MAX_REASON else "bad_request", field="reason")

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        appointment = store.get(appointment_id, lock=True)
        store.step(appointment, Step.DECLINE, now, decline_reason=reason)
        OccupancyStore(connection, scope).free(appointment_id, desk.current_offer(connection, scope).clinic.zone)

    desk.database.write(work)
    return _read(appointment_id, scope, desk)


def _read(appointment_id: str, scope: Scope, desk: Desk) -> Appointment:
    return desk.database.read(lambda connection: AppointmentStore(connection, scope).get(appointment_id))
