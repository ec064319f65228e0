"""Holds nobody finished give their time back, and what was typed into them is forgotten."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import Step
from okienko_server.domain.errors import StepNotAllowed
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import forget_messages
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.directory import DirectoryStore
from okienko_server.storage.occupancy import OccupancyStore


def expire_holds(*, desk: Desk, now: datetime) -> int:
    """Give back the time of holds nobody finished, forget what was typed into them, and return how many there were."""
    operator = operator_scope()
    lapsed = desk.database.read(lambda connection: DirectoryStore(connection, operator).lapsed_holds(now, 200))
    for clinic_id, appointment_id in lapsed:
        _expire(clinic_id, appointment_id, desk, now)
    return len(lapsed)


def _expire(clinic_id: str, appointment_id: str, desk: Desk, now: datetime) -> None:
    scope = operator_scope().at(clinic_id)

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        held = store.get(appointment_id, lock=True)
        if held.held_until is None or held.held_until > now:
            return
        store.step(held, Step.EXPIRE, now)
        forget_messages(connection, scope, appointment_id, now)
        OccupancyStore(connection, scope).free(appointment_id, desk.current_offer(connection, scope).clinic.zone)

    # `write` runs it again when it met somebody crosswise; a step no longer possible was taken by somebody else.
    with suppress(StepNotAllowed):
        desk.database.write(work)
