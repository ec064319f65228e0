"""The audit rows of one clinic: appended in the transaction of the act itself, read in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from okienko_server.domain.audit import Act, AuditEntry
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import AuditHeadRow, AuditRow, StaffRow

_A, _H = AuditRow, AuditHeadRow
_BEGIN = on_both(lambda insert: insert(_H).on_conflict_do_nothing())
_TAKE = (
    update(_H).where(_H.clinic_id == bindparam("clinic")).values(number=_H.number + 1).returning(_H.number, _H.digest)
)
_SETTLE = update(_H).where(_H.clinic_id == bindparam("clinic")).values(digest=bindparam("to"))
_ADD = insert(_A)


@dataclass(frozen=True, slots=True)
class Linked:
    """An entry as it is kept, with its digest."""

    entry: AuditEntry
    digest: str
    who: str = ""
    """The staff member's name as it is now; empty for the house itself."""


class AuditStore(ClinicStore):
    """The audit trail of the scope's clinic."""

    def append(self, key: bytes, act: Act, object_kind: str, object_id: str, now: datetime, detail: str = "") -> None:
        """Write one act of the scope's staff member, chained with `key` (`domain.audit.audit_key`).

        Belongs at the end of the act's transaction: it locks the clinic's trail.
        """
        head = self._next()
        entry = AuditEntry(
            self.clinic_id, head.number, now, self.scope.staff_id, act.value, object_kind, object_id, detail
        )
        digest = entry.digest(key, head.digest)
        self.connection.execute(
            _ADD,
            {
                "clinic_id": self.clinic_id, "number": entry.number, "at": now, "staff_id": entry.staff_id, "action": entry.act,
                "object_kind": object_kind, "object_id": object_id, "detail": detail, "digest": digest,
            },
        )  # fmt: skip
        self.connection.execute(_SETTLE, {"clinic": self.clinic_id, "to": digest})

    def _next(self) -> Row[int, str]:
        taken = self.connection.execute(_TAKE, {"clinic": self.clinic_id}).first()
        if taken is None:
            self.connection.execute(_BEGIN[self.dialect], {"clinic_id": self.clinic_id, "number": 0, "digest": ""})
            taken = self.connection.execute(_TAKE, {"clinic": self.clinic_id}).one()
        return taken

    def head(self) -> tuple[int, str]:
        """Return the number and digest the newest row should have; (0, "") before the first."""
        row = self.connection.execute(select(_H.number, _H.digest).where(_H.clinic_id == self.clinic_id)).first()
        return (row[0], row[1]) if row else (0, "")

    def all(self) -> Iterator[Linked]:
        """Yield every row by number, oldest first."""
        statement = select(_A.__table__).where(_A.clinic_id == self.clinic_id).order_by(_A.number)
        for row in self.connection.execute(statement):
            yield _linked(row)

    def about(self, object_ids: list[str]) -> list[Linked]:
        """Return what was done to or read of some objects, oldest first."""
        joined = (StaffRow.clinic_id == _A.clinic_id) & (StaffRow.id == _A.staff_id)
        statement = (
            select(_A.__table__, StaffRow.name)
            .outerjoin(StaffRow, joined)
            .where(_A.clinic_id == self.clinic_id, _A.object_id.in_(object_ids))
        )
        return [_linked(row, row.name or "") for row in self.connection.execute(statement.order_by(_A.number))]

    def latest(self, limit: int, *, before: int = 0, staff_id: str = "") -> list[Linked]:
        """Return up to `limit` rows, newest first, older than number `before` (0: from the newest), of one staff member or all."""
        joined = (StaffRow.clinic_id == _A.clinic_id) & (StaffRow.id == _A.staff_id)
        statement = select(_A.__table__, StaffRow.name).outerjoin(StaffRow, joined)
        statement = statement.where(_A.clinic_id == self.clinic_id)
        if before:
            statement = statement.where(_A.number < before)
        if staff_id:
            statement = statement.where(_A.staff_id == staff_id)
        rows = self.connection.execute(statement.order_by(_A.number.desc()).limit(limit))
        return [_linked(row, row.name or "") for row in rows]


def _linked(r: Row[Any], who: str = "") -> Linked:
    entry = AuditEntry(r.clinic_id, r.number, r.at, r.staff_id, r.action, r.object_kind, r.object_id, r.detail)
    return Linked(entry, r.digest, who)
