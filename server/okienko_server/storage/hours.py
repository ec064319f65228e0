"""Writing a clinic's hours and absences. Each change raises the offer's revision, so that every reader sees it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from okienko_server.domain.errors import NotFound
from okienko_server.domain.hours import Span
from okienko_server.storage.ids import new_id
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import AbsenceRow, ClinicRow, OpeningHoursRow, WorkingHoursRow

_B = AbsenceRow


@dataclass(frozen=True, slots=True)
class KeptAbsence:
    """An absence with its id and its reason, which only the clinic's own people see."""

    id: str
    practitioner_id: str
    start: datetime
    end: datetime
    reason: str


class HoursStore(ClinicStore):
    """Hours and absences of the scope's clinic."""

    def take_revision(self, seen: int) -> bool:
        """Raise the revision if it is still the one seen; False when somebody changed the offer since."""
        statement = update(ClinicRow).where(ClinicRow.clinic_id == self.clinic_id, ClinicRow.revision == seen)
        return self.connection.execute(statement.values(revision=ClinicRow.revision + 1)).rowcount == 1

    def set_opening(self, location_id: str, week: Sequence[tuple[Span, ...]]) -> None:
        """Replace the opening hours of a location; the revision was taken before."""
        mine = (OpeningHoursRow.clinic_id == self.clinic_id, OpeningHoursRow.location_id == location_id)
        self.connection.execute(delete(OpeningHoursRow).where(*mine))
        if rows := self._rows(week, location_id=location_id):
            self.connection.execute(insert(OpeningHoursRow), rows)

    def set_working(self, practitioner_id: str, location_id: str, week: Sequence[tuple[Span, ...]]) -> None:
        """Replace a therapist's hours at a location; the revision was taken before."""
        row = WorkingHoursRow
        mine = (row.clinic_id == self.clinic_id, row.practitioner_id == practitioner_id, row.location_id == location_id)
        self.connection.execute(delete(row).where(*mine))
        if rows := self._rows(week, location_id=location_id, practitioner_id=practitioner_id):
            self.connection.execute(insert(row), rows)

    def _rows(self, week: Sequence[tuple[Span, ...]], **more: str) -> list[dict[str, object]]:
        return [
            {
                "clinic_id": self.clinic_id, "id": new_id(), "weekday": day, "start_minute": start, "end_minute": end, **more,
            }
            for day, spans in enumerate(week)
            for start, end in spans
        ]  # fmt: skip

    def absences(self, since: datetime) -> list[KeptAbsence]:
        """Return the absences that end after an instant, in time order."""
        statement = select(_B.__table__).where(_B.clinic_id == self.clinic_id, _B.ends_at > since)
        rows = self.connection.execute(statement.order_by(_B.starts_at, _B.id))
        return [KeptAbsence(r.id, r.practitioner_id, r.starts_at, r.ends_at, r.reason) for r in rows]

    def add_absence(self, practitioner_id: str, start: datetime, end: datetime, reason: str) -> None:
        """Write a span of aware time in which a practitioner does not work."""
        absence = {"practitioner_id": practitioner_id, "starts_at": start, "ends_at": end, "reason": reason}
        self.connection.execute(insert(_B), {"clinic_id": self.clinic_id, "id": new_id(), **absence})
        OfferStore(self.connection, self.scope).raise_revision()

    def remove_absence(self, absence_id: str, own: str) -> str:
        """Delete an absence, only of the practitioner `own` unless that is empty, and return whose it was; raises NotFound."""
        statement = delete(_B).where(_B.clinic_id == self.clinic_id, _B.id == absence_id)
        if own:
            statement = statement.where(_B.practitioner_id == own)
        whose = self.connection.execute(statement.returning(_B.practitioner_id)).scalar()
        if whose is None:
            raise NotFound
        OfferStore(self.connection, self.scope).raise_revision()
        return whose

    def set_answer_minutes(self, minutes: int) -> None:
        """Write how long a reservation may wait for an answer."""
        statement = update(ClinicRow).where(ClinicRow.clinic_id == self.clinic_id)
        self.connection.execute(statement.values(answer_minutes=minutes, revision=ClinicRow.revision + 1))
