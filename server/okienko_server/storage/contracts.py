"""The terms of contracts: which status holds since when, kept as spans that never overlap."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, insert, literal_column, or_, update

from okienko_server.domain.contract import Term, Use, opening
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import ClinicRow, ContractTermRow

_T = ContractTermRow


class ContractStore(ClinicStore):
    """The contract of the scope's clinic."""

    def begin(self, term: Term) -> None:
        """Let a status hold from an instant on; terms that would have begun then or later are withdrawn."""
        mine = _T.clinic_id == self.clinic_id
        self.connection.execute(delete(_T).where(mine, _T.starts_at >= term.starts_at))
        running = (mine, or_(_T.ends_at.is_(None), _T.ends_at > term.starts_at))
        self.connection.execute(update(_T).where(*running).values(ends_at=term.starts_at))
        row = {"clinic_id": self.clinic_id, "starts_at": term.starts_at, "ends_at": None, "status": term.status.value}
        self.connection.execute(insert(_T), row)
        self.connection.execute(
            update(ClinicRow).where(ClinicRow.clinic_id == self.clinic_id).values(revision=ClinicRow.revision + 1)
        )

    def note_signed(self, signed_on: str | None) -> None:
        """Write the day the contract was signed ("2026-11-25")."""
        self.connection.execute(
            update(ClinicRow)
            .where(ClinicRow.clinic_id == self.clinic_id)
            .values(signed_on=signed_on, revision=ClinicRow.revision + 1)
        )


def opens_now(use: Use, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that the contract of a ClinicRow opens a use at an instant."""
    return exists().where(
        _T.clinic_id == ClinicRow.clinic_id,
        _T.starts_at <= now,
        or_(_T.ends_at.is_(None), _T.ends_at > now),
        _T.status.in_([literal_column(f"'{status}'") for status in opening(use)]),
    )
