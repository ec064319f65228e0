"""Which visits want a reminder: found across clinics by the worker, settled once each by a clinic's store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, literal_column, select, update

from okienko_server.domain.appointment import Status
from okienko_server.domain.contract import Use
from okienko_server.storage.contracts import opens_now
from okienko_server.storage.store import ClinicStore, OperatorStore
from okienko_server.storage.tables import AppointmentRow, ClinicRow

_A, _C = AppointmentRow, ClinicRow
# Said as the index says it: a bound value would leave a plan that is made once without the index.
_UNREMINDED = (_A.status == literal_column("'booked'"), _A.reminder_settled_at.is_(None))


@dataclass(frozen=True, slots=True)
class Coming:
    """A planned visit of some clinic that nobody was reminded of."""

    clinic_id: str
    appointment_id: str
    starts_at: datetime


class Held(NamedTuple):
    """What decides whether a visit would have been reminded of: its start, when it was made, the telephone."""

    starts_at: datetime
    created_at: datetime
    phone: str


class ReminderStore(ClinicStore):
    """Reminders of the scope's clinic."""

    def settle(self, appointment_id: str, starts_at: datetime, now: datetime) -> bool:
        """Take the reminder of a visit for the caller alone: False when it is settled, no longer planned, or begins at another time by now.

        One statement, so of two workers one gets it; whoever cancels or moves the visit waits for it, or is waited for.
        """
        statement = update(_A).where(
            _A.clinic_id == self.clinic_id,
            _A.id == appointment_id,
            _A.starts_at == starts_at,
            *_UNREMINDED,
        )
        return self.connection.execute(statement.values(reminder_settled_at=now)).rowcount == 1

    def reset(self, appointment_id: str, settled_at: datetime | None) -> None:
        """Say anew of a visit whether its reminder is settled: None when it is to be written at its time."""
        this = (_A.clinic_id == self.clinic_id, _A.id == appointment_id)
        self.connection.execute(update(_A).where(*this).values(reminder_settled_at=settled_at))

    def held(self, start: datetime, end: datetime) -> list[Held]:
        """Return the visits planned or held that begin in [start, end): what a reminder each would have cost."""
        kept = (Status.BOOKED.value, Status.FULFILLED.value, Status.NOSHOW.value)
        statement = select(_A.starts_at, _A.created_at, _A.phone).where(
            _A.clinic_id == self.clinic_id, _A.starts_at >= start, _A.starts_at < end, _A.status.in_(kept)
        )
        return [Held(*row) for row in self.connection.execute(statement)]


class ReminderWorkerStore(OperatorStore):
    """Reminders of all clinics."""

    def leads(self, now: datetime) -> list[tuple[str, int]]:
        """Return (zone, minutes) of the clinics that remind, each pair once."""
        statement = select(_C.zone, _C.reminder_minutes).where(*_on(now)).distinct()
        return [(zone, minutes) for zone, minutes in self.connection.execute(statement) if minutes]

    def coming(self, zone: str, lead: int, first: datetime, end: datetime, now: datetime, limit: int) -> list[Coming]:
        """Return planned visits without a reminder that begin in (first, end) in clinics of that zone and lead, the soonest first."""
        statement = (
            select(_A.clinic_id, _A.id, _A.starts_at)
            .join(_C, _C.clinic_id == _A.clinic_id)
            .where(
                *_on(now),
                _C.zone == zone,
                _C.reminder_minutes == lead,
                *_UNREMINDED,
                _A.starts_at > first,
                _A.starts_at < end,
            )
            .order_by(_A.starts_at, _A.clinic_id, _A.id)
            .limit(limit)
        )
        return [Coming(*row) for row in self.connection.execute(statement)]


def _on(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _C.reminder_minutes > 0, opens_now(Use.SMS, now)
