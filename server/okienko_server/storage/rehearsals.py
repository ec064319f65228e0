"""Appointments the clinic's own people made while trying the window out."""

from __future__ import annotations

from sqlalchemy import select

from okienko_server.domain.appointment import MOVABLE
from okienko_server.domain.scope import Source
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import AppointmentRow

_A = AppointmentRow


class RehearsalStore(ClinicStore):
    """Rehearsals of the scope's clinic."""

    def ids(self) -> list[str]:
        """Return the ids of those that stand in the schedule, pending or planned."""
        statement = select(_A.id).where(
            _A.clinic_id == self.clinic_id,
            _A.source == Source.REHEARSAL.value,
            _A.status.in_([status.value for status in MOVABLE]),
        )
        return list(self.connection.execute(statement.order_by(_A.id)).scalars())
