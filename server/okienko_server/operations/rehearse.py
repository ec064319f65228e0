"""Rehearsals: what the clinic's people made while trying the window out, and taking it out of the schedule again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import Step
from okienko_server.domain.audit import Act
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.rehearsals import RehearsalStore


def rehearsals(*, scope: Scope, desk: Desk) -> int:
    """Return how many rehearsals stand in the schedule; raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)
    return len(desk.database.read(lambda connection: RehearsalStore(connection, scope).ids()))


def clear_rehearsals(*, scope: Scope, desk: Desk, now: datetime) -> int:
    """Cancel every rehearsal in the schedule and return how many there were; nobody is told. Raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> int:
        store, occupancy = AppointmentStore(connection, scope), OccupancyStore(connection, scope)
        zone = desk.current_offer(connection, scope).clinic.zone
        ids = RehearsalStore(connection, scope).ids()
        for appointment_id in ids:
            store.step(store.get(appointment_id, lock=True), Step.CANCEL, now)
            occupancy.free(appointment_id, zone)
        if ids:
            desk.note_act(connection, scope, Act.CLEAR_REHEARSALS, "clinic", scope.clinic_id, now)
        return len(ids)

    return desk.database.write(work)
