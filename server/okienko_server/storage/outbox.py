"""The SMS outbox as a clinic fills and reads it; `outbox_worker.py` empties it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select, update

from okienko_server.domain.money import Purse
from okienko_server.storage.ids import new_id
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import SmsMessageRow

_S = SmsMessageRow
_ADD = insert(_S)


@dataclass(frozen=True, slots=True)
class Paid:
    """Whose message it is, who pays for it, in which month, how much; purse and month are empty for one from before there was a ledger."""

    clinic_id: str
    id: str
    purse: str
    month: str
    price: int
    """Grosze reserved for it."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A message as its clinic's log shows it."""

    id: str
    kind: str
    phone: str
    status: str
    delivery: str
    created_at: datetime


class OutboxStore(ClinicStore):
    """Messages of the scope's clinic."""

    def add(
        self,
        appointment_id: str,
        kind: str,
        phone: str,
        body: str,
        now: datetime,
        *,
        promised: bool = False,
        useful_until: datetime | None = None,
    ) -> str:
        """Write a message into the current transaction and return its id; it leaves after commit.

        One only promised stands there without a text, and leaves when `keep_promise` gives it one.
        """
        key = new_id(16)
        self.connection.execute(
            _ADD,
            {
                "clinic_id": self.clinic_id, "id": key, "appointment_id": appointment_id, "kind": kind, "phone": phone,
                "body": body, "status": "promised" if promised else "queued", "due_at": now, "created_at": now, "tries": 0,
                "leased_until": None, "gateway": "", "gateway_id": "", "sent_at": None, "last_error": "",
                "useful_until": useful_until,
            },
        )  # fmt: skip
        return key

    def paid_from(self, message_id: str, purse: Purse, month: str, price: int) -> None:
        """Write who pays for a message, in which month, and how many grosze."""
        this = (_S.clinic_id == self.clinic_id, _S.id == message_id)
        self.connection.execute(update(_S).where(*this).values(purse=purse.value, month=month, price=price))

    def keep_promise(self, appointment_id: str, kind: str, phone: str, body: str, now: datetime) -> bool:
        """Give a promised message its text, so that it leaves; False when none was promised."""
        this = (_S.clinic_id == self.clinic_id, _S.appointment_id == appointment_id, _S.kind == kind)
        values = {"status": "queued", "phone": phone, "body": body, "due_at": now, "created_at": now}
        kept = self.connection.execute(update(_S).where(*this, _S.status == "promised").values(**values))
        return kept.rowcount == 1

    def newest_status(self, appointment_id: str) -> str:
        """Return queued, sending, unsure, sent, failed, lost or dropped for the newest message about an appointment, "" for none."""
        statement = (
            select(_S.status)
            .where(_S.clinic_id == self.clinic_id, _S.appointment_id == appointment_id)
            .order_by(_S.created_at.desc(), _S.id)
            .limit(1)
        )
        return self.connection.execute(statement).scalar() or ""

    def log(self, month: str) -> list[Logged]:
        """Return the messages paid for in a month."""
        statement = select(_S.id, _S.kind, _S.phone, _S.status, _S.delivery, _S.created_at).where(
            _S.clinic_id == self.clinic_id, _S.month == month
        )
        return [Logged(r[0], r[1], r[2], r[3], r[4] or "", r[5]) for r in self.connection.execute(statement)]

    def forget(self, appointment_id: str) -> list[Paid]:
        """Take number and text out of the messages of a hold nobody finished, drop those still waiting, and return these.

        One that is being handed over just now is settled by its worker, who finds no number to try again with.
        """
        mine = (_S.clinic_id == self.clinic_id, _S.appointment_id == appointment_id)
        dropped = self._drop(*mine, _S.status.in_(("queued", "promised")))
        self.connection.execute(update(_S).where(*mine).values(phone="", body=""))
        return dropped

    def take_back(self, kind: str, appointment_id: str = "") -> list[Paid]:
        """Drop the messages of a kind that still wait, about one appointment or all, and return these; what left stays.

        One that is being handed over just now loses its number: its worker has no second try.
        """
        this = [_S.clinic_id == self.clinic_id, _S.kind == kind]
        if appointment_id:
            this.append(_S.appointment_id == appointment_id)
        dropped = self._drop(*this, _S.status == "queued")
        under_way = update(_S).where(*this, _S.status.in_(("sending", "unsure")))
        self.connection.execute(under_way.values(phone="", body=""))
        return dropped

    def may_have_left(self, appointment_id: str, kind: str) -> bool:
        """Return whether a message of a kind about an appointment left, or may have."""
        this = (_S.clinic_id == self.clinic_id, _S.appointment_id == appointment_id, _S.kind == kind)
        found = select(_S.id).where(*this, _S.status.not_in(("queued", "dropped", "failed"))).limit(1)
        return self.connection.execute(found).first() is not None

    def paid_since(self, since: datetime, but: str) -> int:
        """Return how many messages left since then, those of one kind not counted: what else draws from the pool in a month."""
        this = (_S.clinic_id == self.clinic_id, _S.created_at >= since, _S.status == "sent", _S.kind != but)
        return self.connection.execute(select(func.count()).where(*this)).scalar_one()

    def _drop(self, *which: ColumnElement[bool]) -> list[Paid]:
        dropped = update(_S).where(*which).values(status="dropped").returning(_S.id, _S.purse, _S.month, _S.price)
        rows = self.connection.execute(dropped)
        return [Paid(self.clinic_id, row[0], row[1] or "", row[2] or "", row[3] or 0) for row in rows]
