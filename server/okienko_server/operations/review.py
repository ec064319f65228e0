"""The therapist's answer to an online reservation: confirm or decline; and what becomes of one nobody answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import UNCONFIRMED, Appointment, Status, Step
from okienko_server.domain.audit import Act
from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused, NotFound, StepNotAllowed
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import Post
from okienko_server.operations.sms_wording import DECLINED, declined_text
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.directory import DirectoryStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.outbox import OutboxStore

MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Answered:
    """An appointment after an answer, and how its message to the patient stands: queued, sent, failed, or "" for none."""

    appointment: Appointment
    sms: str


def confirm(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Turn a pending appointment into a planned one. Doing it twice changes nothing.

    Raises NotAllowed, NotFound, or StepNotAllowed when it was declined meanwhile, its day is past, or nobody answered it for 90 days.
    """

    def work(connection: Connection) -> None:
        if take_confirmation(connection, appointment_id, scope=scope, desk=desk, now=now):
            desk.note_act(connection, scope, Act.CONFIRM, "appointment", appointment_id, now)

    desk.database.write(work)
    return _read(appointment_id, scope, desk)


def take_confirmation(connection: Connection, appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> bool:
    """Confirm within a transaction already open; False when somebody did before. The appointment stays locked."""
    store = AppointmentStore(connection, scope)
    appointment = store.get(appointment_id, lock=True)
    scope.check_own(Right.CHANGE_SCHEDULE, appointment.practitioner_id)
    if appointment.status is Status.BOOKED:
        return False
    zone = desk.current_offer(connection, scope).clinic.zone
    if appointment.too_late(zone, now) or appointment.lapsed(now):
        raise StepNotAllowed
    store.step(appointment, Step.CONFIRM, now)
    return True


def decline(appointment_id: str, reason: str, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Cancel a pending appointment with a reason, give its time back, and tell the patient by SMS (never the reason) if it was to come.

    Raises NotAllowed, NotFound, FieldRefused, StepNotAllowed.
    """
    reason = reason.replace("\r\n", "\n").strip()
    if len(reason) > MAX_REASON or not printable(reason):
        raise FieldRefused("reason_too_long" if len(reason) > MAX_REASON else "bad_request", field="reason")

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        appointment = store.get(appointment_id, lock=True)
        scope.check_own(Right.CHANGE_SCHEDULE, appointment.practitioner_id)
        clinic = desk.current_offer(connection, scope).clinic
        store.step(appointment, Step.DECLINE, now, decline_reason=reason)
        OccupancyStore(connection, scope).free(appointment_id, clinic.zone)
        if appointment.told_by_sms and appointment.starts_at > now:
            text = declined_text(desk.texts, clinic, appointment.starts_at)
            Post(connection, scope, desk, clinic, now).send(appointment_id, DECLINED, appointment.phone, text)
        desk.note_act(connection, scope, Act.DECLINE, "appointment", appointment_id, now)

    desk.database.write(work)
    desk.outbox_bell.set()
    return _read(appointment_id, scope, desk)


def answered(appointment_id: str, *, scope: Scope, desk: Desk) -> Answered:
    """Return an appointment within the asker's reach and the state of the newest message about it.

    Raises NotAllowed, NotFound (also for a time only held: nobody's reservation yet).
    """

    def work(connection: Connection) -> Answered:
        found = AppointmentStore(connection, scope).get(appointment_id)
        scope.check_own(Right.SEE_SCHEDULE, found.practitioner_id)
        if found.status is Status.PROPOSED:
            raise NotFound
        return Answered(found, OutboxStore(connection, scope).newest_status(appointment_id))

    return desk.database.read(work)


def lapse_unanswered(*, desk: Desk, now: datetime) -> int:
    """Take reservations nobody answered for 90 days out of the schedule and give their time back; the archive keeps them whole."""
    operator = operator_scope()
    found = desk.database.read(
        lambda connection: DirectoryStore(connection, operator).unanswered(now - UNCONFIRMED, limit=200)
    )
    for clinic_id, appointment_id in found:
        _lapse(clinic_id, appointment_id, desk, now)
    return len(found)


def _lapse(clinic_id: str, appointment_id: str, desk: Desk, now: datetime) -> None:
    scope = operator_scope().at(clinic_id)

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        appointment = store.get(appointment_id, lock=True)
        if not appointment.lapsed(now):
            return
        store.step(appointment, Step.LAPSE, now)
        OccupancyStore(connection, scope).free(appointment_id, desk.current_offer(connection, scope).clinic.zone)

    desk.database.write(work)


def _read(appointment_id: str, scope: Scope, desk: Desk) -> Appointment:
    return desk.database.read(lambda connection: AppointmentStore(connection, scope).get(appointment_id))
