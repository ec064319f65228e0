"""Writing a clinic's therapists and what each is competent for; the revision is taken by the operation before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from okienko_server.domain.problem import Competence
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import (
    AbsenceRow,
    AppointmentRow,
    CalendarFeedRow,
    CompetenceRow,
    EncounterRow,
    EpisodeRow,
    PractitionerRow,
    PractitionerServiceRow,
    StaffRow,
    WorkingHoursRow,
)

_P = PractitionerRow
_OWN = (CompetenceRow, PractitionerServiceRow, WorkingHoursRow, AbsenceRow, CalendarFeedRow)
"""What goes with a person."""
_TIED = (AppointmentRow, EpisodeRow, EncounterRow, StaffRow)
"""What keeps a person."""


class TherapistStore(ClinicStore):
    """The therapists of the scope's clinic."""

    def add(self, practitioner_id: str, **columns: Any) -> None:
        """Write a new person, offered, after all others."""
        last = select(_P.position).where(_P.clinic_id == self.clinic_id).order_by(_P.position.desc()).limit(1)
        position = (self.connection.execute(last).scalar() or 0) + 1
        row = {"clinic_id": self.clinic_id, "id": practitioner_id, "position": position, "offered": True, **columns}
        self.connection.execute(insert(_P), row)

    def change(self, practitioner_id: str, **columns: Any) -> None:
        """Write columns of a person."""
        this = (_P.clinic_id == self.clinic_id, _P.id == practitioner_id)
        self.connection.execute(update(_P).where(*this).values(**columns))

    def set_services(self, practitioner_id: str, service_ids: Sequence[str]) -> None:
        """Say which services a person gives, and no others."""
        self._replace(PractitionerServiceRow, practitioner_id, [{"service_id": one} for one in service_ids])

    def set_competences(self, practitioner_id: str, competences: Iterable[Competence]) -> None:
        """Say what a person is competent for, and nothing else."""
        rows = [
            {"category": one.category.value, "lowest_months": one.ages.lowest, "highest_months": one.ages.highest}
            for one in competences
        ]
        self._replace(CompetenceRow, practitioner_id, rows)

    def tied(self, practitioner_id: str) -> bool:
        """Return whether appointments, documentation or an account name a person."""
        return any(self._any(table, practitioner_id) for table in _TIED)

    def remove(self, practitioner_id: str) -> None:
        """Delete a person nothing names."""
        for table in _OWN:
            self._replace(table, practitioner_id, [])
        self.connection.execute(delete(_P).where(_P.clinic_id == self.clinic_id, _P.id == practitioner_id))

    def _any(self, table: Any, practitioner_id: str) -> bool:
        mine = (table.clinic_id == self.clinic_id, table.practitioner_id == practitioner_id)
        return self.connection.execute(select(table.clinic_id).where(*mine).limit(1)).first() is not None

    def _replace(self, table: Any, practitioner_id: str, rows: list[dict[str, Any]]) -> None:
        mine = (table.clinic_id == self.clinic_id, table.practitioner_id == practitioner_id)
        self.connection.execute(delete(table).where(*mine))
        whole = [{"clinic_id": self.clinic_id, "practitioner_id": practitioner_id, **row} for row in rows]
        if whole:
            self.connection.execute(insert(table), whole)
