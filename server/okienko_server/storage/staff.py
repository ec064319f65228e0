"""Staff sessions of one clinic: kept on the server, so that signing out ends them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import StaffRow, StaffSessionRow

_S = StaffSessionRow
_FIND = (
    select(StaffRow.id, StaffRow.name, StaffRow.role, StaffRow.practitioner_id, _S.csrf, _S.created_at, _S.seen_at)
    .join(StaffRow, (StaffRow.clinic_id == _S.clinic_id) & (StaffRow.id == _S.staff_id))
    .where(_S.clinic_id == bindparam("clinic"), _S.token_sha256 == bindparam("token"))
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A living staff session joined with its person."""

    staff_id: str
    name: str
    role: str
    practitioner_id: str
    csrf: str
    created_at: datetime
    seen_at: datetime


class StaffSessionStore(ClinicStore):
    """Signed-in browsers of the scope's clinic."""

    def open(self, token_sha256: str, staff_id: str, csrf: str, now: datetime) -> None:
        self.connection.execute(
            insert(_S),
            {
                "clinic_id": self.clinic_id, "token_sha256": token_sha256, "staff_id": staff_id, "csrf": csrf,
                "created_at": now, "seen_at": now,
            },
        )  # fmt: skip

    def find(self, token_sha256: str) -> SignedIn | None:
        row = self.connection.execute(_FIND, {"clinic": self.clinic_id, "token": token_sha256}).first()
        return SignedIn(row[0], row[1], row[2], row[3] or "", row[4], row[5], row[6]) if row else None

    def seen(self, token_sha256: str, now: datetime) -> None:
        self.connection.execute(
            update(_S).where(_S.clinic_id == self.clinic_id, _S.token_sha256 == token_sha256).values(seen_at=now)
        )

    def close(self, token_sha256: str) -> None:
        self.connection.execute(delete(_S).where(_S.clinic_id == self.clinic_id, _S.token_sha256 == token_sha256))
