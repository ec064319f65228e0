"""The operators' accounts, invitations and sessions, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from okienko_server.storage.ids import new_id
from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import OperatorActRow, OperatorLinkRow, OperatorRow, OperatorSessionRow

_O, _L, _S, _A = OperatorRow, OperatorLinkRow, OperatorSessionRow, OperatorActRow


@dataclass(frozen=True, slots=True)
class Operator:
    """An account; somebody only invited has no password yet."""

    id: str
    email: str
    name: str
    password_hash: str
    totp_nonce: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """A living session with its person."""

    operator: Operator
    csrf: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class DoneByOperator:
    """One act of an operator."""

    at: datetime
    operator_id: str
    action: str
    object_id: str
    detail: str


class OperatorAccountStore(OperatorStore):
    """Accounts and sessions of the house itself."""

    def add(self, operator_id: str, email: str, name: str, nonce: str) -> None:
        row = {
            "operator_id": operator_id, "email": email, "name": name, "password_hash": "", "totp_nonce": nonce,
        }  # fmt: skip
        self.connection.execute(insert(_O), row)

    def change(self, operator_id: str, **columns: Any) -> None:
        self.connection.execute(update(_O).where(_O.operator_id == operator_id).values(**columns))

    def all(self) -> list[Operator]:
        """Return every account, closed ones too, by address."""
        return [_operator(row) for row in self.connection.execute(select(_O.__table__).order_by(_O.email))]

    def by_email(self, email: str) -> Operator | None:
        """Return the living account under an address."""
        statement = select(_O.__table__).where(_O.email == email, _O.closed_at.is_(None))
        row = self.connection.execute(statement).first()
        return _operator(row) if row else None

    def take_step(self, operator_id: str, step: int) -> bool:
        """Take a time step of the second factor; False when it, or a later one, was taken before."""
        fresh = or_(_O.totp_step.is_(None), _O.totp_step < step)
        statement = update(_O).where(_O.operator_id == operator_id, fresh).values(totp_step=step)
        return self.connection.execute(statement).rowcount == 1

    def make_link(self, token_sha256: str, operator_id: str, expires_at: datetime) -> None:
        """Write an invitation; older ones of the account stop."""
        self.connection.execute(delete(_L).where(_L.operator_id == operator_id))
        self.connection.execute(
            insert(_L), {"token_sha256": token_sha256, "operator_id": operator_id, "expires_at": expires_at}
        )

    def invited(self, token_sha256: str, now: datetime) -> Operator | None:
        """Return whose living invitation it is."""
        statement = (
            select(_O.__table__)
            .join(_L, _L.operator_id == _O.operator_id)
            .where(_L.token_sha256 == token_sha256, _L.used_at.is_(None), _L.expires_at > now, _O.closed_at.is_(None))
        )
        row = self.connection.execute(statement).first()
        return _operator(row) if row else None

    def use_link(self, token_sha256: str, now: datetime) -> bool:
        """Use an invitation up; False when somebody did before."""
        statement = update(_L).where(_L.token_sha256 == token_sha256, _L.used_at.is_(None)).values(used_at=now)
        return self.connection.execute(statement).rowcount == 1

    def open(self, token_sha256: str, operator_id: str, csrf: str, now: datetime) -> None:
        row = {
            "token_sha256": token_sha256,
            "operator_id": operator_id,
            "csrf": csrf,
            "created_at": now,
            "seen_at": now,
        }
        self.connection.execute(insert(_S), row)

    def session(self, token_sha256: str) -> OperatorSession | None:
        """Return the session of a living account."""
        statement = (
            select(_O.__table__, _S.csrf, _S.created_at, _S.seen_at)
            .join(_S, _S.operator_id == _O.operator_id)
            .where(_S.token_sha256 == token_sha256, _O.closed_at.is_(None))
        )
        row = self.connection.execute(statement).first()
        return OperatorSession(_operator(row), row.csrf, row.created_at, row.seen_at) if row else None

    def seen(self, token_sha256: str, now: datetime) -> None:
        self.connection.execute(update(_S).where(_S.token_sha256 == token_sha256).values(seen_at=now))

    def close(self, token_sha256: str) -> None:
        self.connection.execute(delete(_S).where(_S.token_sha256 == token_sha256))

    def close_all(self, operator_id: str) -> None:
        """End every session of an account."""
        self.connection.execute(delete(_S).where(_S.operator_id == operator_id))

    def note(self, operator_id: str, action: str, object_id: str, now: datetime, detail: str = "") -> None:
        """Write what somebody did."""
        row = {
            "id": new_id(), "at": now, "operator_id": operator_id, "action": action, "object_id": object_id, "detail": detail,
        }  # fmt: skip
        self.connection.execute(insert(_A), row)

    def done(self, limit: int) -> list[DoneByOperator]:
        """Return the newest acts."""
        statement = select(_A.at, _A.operator_id, _A.action, _A.object_id, _A.detail).order_by(_A.at.desc(), _A.id)
        return [DoneByOperator(*row) for row in self.connection.execute(statement.limit(limit))]


def _operator(r: Row[Any]) -> Operator:
    return Operator(r.operator_id, r.email, r.name, r.password_hash, r.totp_nonce, r.closed_at)
