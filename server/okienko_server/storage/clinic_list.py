"""The list of all clinics as the operator reads it: searched, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import ClinicRow, ContractTermRow, LocationRow

_C, _T = ClinicRow, ContractTermRow


@dataclass(frozen=True, slots=True)
class ClinicLine:
    """One clinic in the list; `status` is that of now, "trial" before its first term."""

    id: str
    slug: str
    name: str
    status: str
    registration: bool
    paused: bool


class ClinicListStore(OperatorStore):
    """All clinics."""

    def page(self, asked: str, after: str, count: int, now: datetime) -> list[ClinicLine]:
        """Return up to `count` clinics whose name, short name, tax number or city holds a text, by short name, after one of them."""
        running = (
            select(_T.status)
            .where(_T.clinic_id == _C.clinic_id, _T.starts_at <= now, or_(_T.ends_at.is_(None), _T.ends_at > now))
            .limit(1)
            .scalar_subquery()
        )
        statement = select(_C.clinic_id, _C.slug, _C.name, running, _C.registration, _C.paused_at.is_not(None))
        if asked:
            like = f"%{_plain(asked.lower())}%"
            placed = select(LocationRow.clinic_id).where(func.lower(LocationRow.city).like(like, escape="\\"))
            statement = statement.where(
                or_(
                    func.lower(_C.name).like(like, escape="\\"),
                    _C.slug.like(like, escape="\\"),
                    _C.nip == asked.replace("-", "").replace(" ", ""),
                    _C.clinic_id.in_(placed),
                )
            )
        rows = self.connection.execute(statement.where(_C.slug > after).order_by(_C.slug).limit(count))
        return [ClinicLine(r[0], r[1], r[2], r[3] or "trial", bool(r[4]), bool(r[5])) for r in rows]

    def counts(self, now: datetime) -> dict[str, int]:
        """Return how many clinics have each status now."""
        running = (_T.starts_at <= now, or_(_T.ends_at.is_(None), _T.ends_at > now))
        statement = select(_T.status, func.count()).where(*running).group_by(_T.status)
        return {row[0]: row[1] for row in self.connection.execute(statement)}


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
