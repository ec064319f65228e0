"""What guards the steps of one booking: the SMS challenge, and the answers kept under idempotency keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from okienko_server.domain.errors import NotFound
from okienko_server.domain.verification import Challenge
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import ChallengeRow, ClinicRow, IdempotencyRow

_OF_APPOINTMENT = (
    ChallengeRow.clinic_id == bindparam("clinic"),
    ChallengeRow.appointment_id == bindparam("appointment"),
)
_STATE = (
    select(ClinicRow.revision, ChallengeRow.__table__)
    .outerjoin(ChallengeRow, (ChallengeRow.clinic_id == ClinicRow.clinic_id) & _OF_APPOINTMENT[1])
    .where(ClinicRow.clinic_id == bindparam("clinic"))
)
_TRY = (
    update(ChallengeRow).where(*_OF_APPOINTMENT).values(tries=ChallengeRow.tries + 1).returning(ChallengeRow.__table__)
)
_USED = update(ChallengeRow).where(*_OF_APPOINTMENT).values(used=True)


def _putting(insert: Any) -> Any:
    statement = insert(ChallengeRow)
    names = ("digest", "expires_at", "sends", "sent_at", "used")
    return statement.on_conflict_do_update(
        index_elements=["clinic_id", "appointment_id"], set_={name: statement.excluded[name] for name in names}
    )


_PUT = on_both(_putting)


class ChallengeStore(ClinicStore):
    """SMS codes of the scope's clinic."""

    def get(self, appointment_id: str) -> Challenge | None:
        """Return the current code's challenge, None when no code was sent."""
        return self.with_revision(appointment_id)[0]

    def with_revision(self, appointment_id: str) -> tuple[Challenge | None, int]:
        """Return (the current code's challenge, None when no code was sent; the revision of the clinic's offer) by one read."""
        row = self.connection.execute(_STATE, self._of(appointment_id)).one()
        return (_challenge(row) if row.digest is not None else None), row.revision

    def put(self, appointment_id: str, challenge: Challenge) -> None:
        """Write the current code; tries survive, because a resend must not reset them."""
        self.connection.execute(
            _PUT[self.dialect],
            {
                "clinic_id": self.clinic_id, "appointment_id": appointment_id, "digest": challenge.digest,
                "expires_at": challenge.expires_at, "tries": challenge.tries, "sends": challenge.sends,
                "sent_at": challenge.sent_at, "used": challenge.used,
            },
        )  # fmt: skip

    def take_try(self, appointment_id: str) -> Challenge:
        """Count one try and return the challenge with it counted; the row stays locked. Raises NotFound when no code was sent."""
        row = self.connection.execute(_TRY, self._of(appointment_id)).first()
        if row is None:
            raise NotFound
        return _challenge(row)

    def mark_used(self, appointment_id: str) -> None:
        """A code is good for one time."""
        self.connection.execute(_USED, self._of(appointment_id))

    def _of(self, appointment_id: str) -> dict[str, str]:
        return {"clinic": self.clinic_id, "appointment": appointment_id}


_KEEP = on_both(lambda insert: insert(IdempotencyRow).on_conflict_do_nothing().returning(IdempotencyRow.key))
_FIND = select(IdempotencyRow.request_sha256, IdempotencyRow.answer).where(
    IdempotencyRow.clinic_id == bindparam("clinic"), IdempotencyRow.key == bindparam("name")
)


class AnswerStore(ClinicStore):
    """Answers kept under idempotency keys."""

    def keep(self, key: str, request_sha256: str, answer: str, now: datetime) -> bool:
        """Keep an answer in the transaction that made it; False when the key already has one."""
        row = {
            "clinic_id": self.clinic_id,
            "key": key,
            "request_sha256": request_sha256,
            "answer": answer,
            "created_at": now,
        }
        return self.connection.execute(_KEEP[self.dialect], row).first() is not None

    def find(self, key: str) -> tuple[str, str] | None:
        """Return (request sha256, answer) kept under the key, or None."""
        row = self.connection.execute(_FIND, {"clinic": self.clinic_id, "name": key}).first()
        return (row[0], row[1]) if row else None


def _challenge(r: Row[Any]) -> Challenge:
    return Challenge(r.digest, r.expires_at, r.tries, r.sends, r.sent_at, r.used)
