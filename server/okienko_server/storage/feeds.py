"""Private calendar addresses of one clinic's therapists: only a digest is kept, and at most one lives for each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, or_, select

from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import CalendarFeedRow

_F = CalendarFeedRow


class FeedStore(ClinicStore):
    """Calendar addresses of the scope's clinic."""

    def open(self, token_sha256: str, practitioner_id: str, now: datetime) -> None:
        """Write a new address."""
        row = {"practitioner_id": practitioner_id, "made_by": self.scope.staff_id, "created_at": now}
        self.connection.execute(insert(_F), {"clinic_id": self.clinic_id, "token_sha256": token_sha256, **row})

    def close(self, practitioner_id: str) -> bool:
        """Delete a therapist's address; False when there was none."""
        statement = delete(_F).where(_F.clinic_id == self.clinic_id, _F.practitioner_id == practitioner_id)
        return self.connection.execute(statement).rowcount > 0

    def close_of(self, staff_id: str, practitioner_id: str = "") -> None:
        """Delete the addresses an account made, and the one of a therapist when one is named."""
        mine = _F.made_by == staff_id
        if practitioner_id:
            mine = or_(mine, _F.practitioner_id == practitioner_id)
        self.connection.execute(delete(_F).where(_F.clinic_id == self.clinic_id, mine))

    def practitioner_of(self, token_sha256: str) -> str:
        """Return whose address that is, "" for nobody's."""
        statement = select(_F.practitioner_id).where(_F.clinic_id == self.clinic_id, _F.token_sha256 == token_sha256)
        return self.connection.execute(statement).scalar() or ""

    def since(self) -> dict[str, datetime]:
        """Return since when each therapist has an address: practitioner id -> instant."""
        statement = select(_F.practitioner_id, _F.created_at).where(_F.clinic_id == self.clinic_id)
        return {row[0]: row[1] for row in self.connection.execute(statement)}
