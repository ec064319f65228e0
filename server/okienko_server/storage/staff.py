"""The accounts and sessions of one clinic's people: kept on the server, so that an end is an end at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, update

from okienko_server.domain.errors import FieldRefused, NotFound
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import OneTimeLinkRow, StaffRow, StaffSessionRow

_S, _P, _L = StaffSessionRow, StaffRow, OneTimeLinkRow
_FIND = (
    select(_P.id, _P.name, _P.role, _P.practitioner_id, _S.csrf, _S.created_at, _S.seen_at, _P.guest_of)
    .join(_P, (_P.clinic_id == _S.clinic_id) & (_P.id == _S.staff_id))
    .where(_S.clinic_id == bindparam("clinic"), _S.token_sha256 == bindparam("token"), _P.closed_at.is_(None))
)
_ADD = on_both(lambda insert: insert(_P).on_conflict_do_nothing().returning(_P.id))


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
    guest: bool = False
    """An operator, let in by the clinic."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A signed-in browser in the list of one's own; `key` names the session without opening it."""

    key: str
    agent: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """An account as its clinic sees it."""

    id: str
    email: str
    name: str
    role: str
    practitioner_id: str
    password_hash: str
    closed_at: datetime | None
    totp_nonce: str
    seen_at: datetime | None
    guest_of: str = ""
    """Id of the operator whose guest account it is."""

    @property
    def invited(self) -> bool:
        """True while nobody has taken the invitation."""
        return not self.password_hash


class StaffSessionStore(ClinicStore):
    """Signed-in browsers of the scope's clinic."""

    def open(self, token_sha256: str, staff_id: str, csrf: str, now: datetime, agent: str = "") -> None:
        self.connection.execute(
            insert(_S),
            {
                "clinic_id": self.clinic_id, "token_sha256": token_sha256, "staff_id": staff_id, "csrf": csrf,
                "created_at": now, "seen_at": now, "agent": agent,
            },
        )  # fmt: skip

    def find(self, token_sha256: str) -> SignedIn | None:
        row = self.connection.execute(_FIND, {"clinic": self.clinic_id, "token": token_sha256}).first()
        return SignedIn(row[0], row[1], row[2], row[3] or "", row[4], row[5], row[6], bool(row[7])) if row else None

    def seen(self, token_sha256: str, now: datetime) -> None:
        self.connection.execute(
            update(_S).where(_S.clinic_id == self.clinic_id, _S.token_sha256 == token_sha256).values(seen_at=now)
        )

    def close(self, token_sha256: str) -> None:
        self.connection.execute(delete(_S).where(_S.clinic_id == self.clinic_id, _S.token_sha256 == token_sha256))

    def of(self, staff_id: str) -> list[Browser]:
        """Return an account's browsers, the one seen last first."""
        statement = select(_S.__table__).where(_S.clinic_id == self.clinic_id, _S.staff_id == staff_id)
        rows = self.connection.execute(statement.order_by(_S.seen_at.desc()))
        return [Browser(r.token_sha256, r.agent or "", r.created_at, r.seen_at) for r in rows]

    def close_one(self, staff_id: str, key: str) -> None:
        """End one browser's session of an account; raises NotFound when it is not that account's."""
        mine = (_S.clinic_id == self.clinic_id, _S.staff_id == staff_id, _S.token_sha256 == key)
        if self.connection.execute(delete(_S).where(*mine)).rowcount != 1:
            raise NotFound

    def close_all(self, staff_id: str, but: str = "") -> None:
        """End every session of an account, except the one under the key `but`."""
        mine = (_S.clinic_id == self.clinic_id, _S.staff_id == staff_id, _S.token_sha256 != but)
        self.connection.execute(delete(_S).where(*mine))


class MemberStore(ClinicStore):
    """Accounts of the scope's clinic."""

    def all(self) -> list[Member]:
        """Return every account, living ones first, by name."""
        seen = select(func.max(_S.seen_at)).where(_S.clinic_id == _P.clinic_id, _S.staff_id == _P.id).scalar_subquery()
        statement = select(_P.__table__, seen.label("seen_at")).where(_P.clinic_id == self.clinic_id)
        found = [_member(row) for row in self.connection.execute(statement.order_by(_P.name, _P.id))]
        return sorted(found, key=lambda one: one.closed_at is not None)

    def get(self, staff_id: str, *, lock: bool = False) -> Member:
        """Raises NotFound."""
        statement = select(_P.__table__).where(_P.clinic_id == self.clinic_id, _P.id == staff_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        if row is None:
            raise NotFound
        return _member(row)

    def lock_owners(self) -> list[str]:
        """Return the ids of the owners who can sign in, locked until the transaction ends: who counts them must not be overtaken."""
        living = (_P.closed_at.is_(None), _P.password_hash != "")
        statement = select(_P.id).where(_P.clinic_id == self.clinic_id, _P.role == "owner", *living)
        return list(self.connection.execute(statement.order_by(_P.id).with_for_update()).scalars())

    def add(self, staff_id: str, email: str, name: str, role: str, practitioner_id: str) -> None:
        """Write an account without a password; raises FieldRefused (email_taken) when the clinic has that address already."""
        row = {
            "clinic_id": self.clinic_id, "id": staff_id, "email": email, "name": name, "role": role, "password_hash": "",
            "practitioner_id": practitioner_id or None,
        }  # fmt: skip
        if self.connection.execute(_ADD[self.dialect], row).first() is None:
            raise FieldRefused("email_taken", field="email")

    def change(self, staff_id: str, **values: Any) -> None:
        """Change columns of an account."""
        self.connection.execute(update(_P).where(_P.clinic_id == self.clinic_id, _P.id == staff_id).values(**values))

    def take_step(self, staff_id: str, step: int) -> bool:
        """Take a time step of the second factor; False when this one or a later one was taken before."""
        statement = (
            update(_P)
            .where(_P.clinic_id == self.clinic_id, _P.id == staff_id, or_(_P.totp_step.is_(None), _P.totp_step < step))
            .values(totp_step=step)
        )
        return self.connection.execute(statement).rowcount == 1


class LinkStore(ClinicStore):
    """One-time links of the scope's clinic: only digests are kept, and a newer link ends the older ones of its account."""

    def make(self, token_sha256: str, staff_id: str, purpose: str, now: datetime, until: datetime) -> None:
        """Write a link that works until `until`."""
        self.connection.execute(delete(_L).where(_L.clinic_id == self.clinic_id, _L.staff_id == staff_id))
        self.connection.execute(
            insert(_L),
            {
                "clinic_id": self.clinic_id, "token_sha256": token_sha256, "staff_id": staff_id, "purpose": purpose,
                "made_by": self.scope.staff_id, "created_at": now, "expires_at": until, "used_at": None,
            },
        )  # fmt: skip

    def drop(self, staff_id: str) -> None:
        """End every link of an account."""
        self.connection.execute(delete(_L).where(_L.clinic_id == self.clinic_id, _L.staff_id == staff_id))

    def whose(self, token_sha256: str, now: datetime) -> str:
        """Return whose link that is while it works; raises NotFound."""
        statement = select(_L.staff_id).where(
            _L.clinic_id == self.clinic_id, _L.token_sha256 == token_sha256, _L.used_at.is_(None), _L.expires_at > now
        )
        found = self.connection.execute(statement).scalar()
        if found is None:
            raise NotFound
        return found

    def use(self, token_sha256: str, now: datetime) -> str:
        """Use the link up and return whose it was, in one statement: of two who use it at once one gets NotFound."""
        statement = (
            update(_L)
            .where(
                _L.clinic_id == self.clinic_id,
                _L.token_sha256 == token_sha256,
                _L.used_at.is_(None),
                _L.expires_at > now,
            )
            .values(used_at=now)
            .returning(_L.staff_id)
        )
        found = self.connection.execute(statement).scalar()
        if found is None:
            raise NotFound
        return found


def _member(r: Row[Any]) -> Member:
    return Member(
        r.id, r.email, r.name, r.role, r.practitioner_id or "", r.password_hash, r.closed_at, r.totp_nonce or "",
        getattr(r, "seen_at", None), r.guest_of or "",
    )  # fmt: skip
