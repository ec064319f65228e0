"""The SMS outbox: a clinic's store writes rows, the operator's store leases and settles them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, insert, or_, select, tuple_, update

from okienko_server.storage.ids import new_id
from okienko_server.storage.store import ClinicStore, OperatorStore
from okienko_server.storage.tables import SmsMessageRow

_S = SmsMessageRow
_ADD = insert(_S)


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """One message to send: `phone` E.164, `body` already folded to one segment."""

    clinic_id: str
    id: str
    kind: str
    phone: str
    body: str
    tries: int


class OutboxStore(ClinicStore):
    """Messages of the scope's clinic."""

    def add(self, appointment_id: str, kind: str, phone: str, body: str, now: datetime) -> None:
        """Write a message into the current transaction; it leaves after commit."""
        self.connection.execute(
            _ADD,
            {
                "clinic_id": self.clinic_id, "id": new_id(16), "appointment_id": appointment_id, "kind": kind, "phone": phone,
                "body": body, "status": "queued", "due_at": now, "created_at": now, "tries": 0, "leased_until": None,
                "gateway": "", "gateway_id": "", "sent_at": None, "last_error": "",
            },
        )  # fmt: skip

    def newest_status(self, appointment_id: str) -> str:
        """Return queued, sent, failed or dropped for the newest message about an appointment, "" when there is none."""
        statement = (
            select(_S.status)
            .where(_S.clinic_id == self.clinic_id, _S.appointment_id == appointment_id)
            .order_by(_S.created_at.desc(), _S.id)
            .limit(1)
        )
        return self.connection.execute(statement).scalar() or ""

    def forget(self, appointment_id: str) -> None:
        """Take number and text out of the messages of a hold nobody finished; one still waiting is dropped."""
        mine = (_S.clinic_id == self.clinic_id, _S.appointment_id == appointment_id)
        self.connection.execute(update(_S).where(*mine, _S.status == "queued").values(status="dropped"))
        self.connection.execute(update(_S).where(*mine).values(phone="", body=""))


class OutboxWorkerStore(OperatorStore):
    """The outbox of all clinics."""

    def any_due(self, now: datetime) -> bool:
        """Return whether a message waits to be leased; a read, so that an idle worker takes no write lock."""
        return self.connection.execute(select(_S.id).where(_free(now)).limit(1)).first() is not None

    def lease(self, count: int, now: datetime, until: datetime) -> list[SmsMessage]:
        """Take up to `count` due messages for the caller alone until `until`.

        The lease test stands again outside the subquery: SKIP LOCKED is refused across shards, and SQLite has none.
        """
        free = _free(now)
        due = select(_S.clinic_id, _S.id).where(free).order_by(_S.due_at).limit(count)
        statement = (
            update(_S)
            .where(tuple_(_S.clinic_id, _S.id).in_(due), free)
            .values(leased_until=until, tries=_S.tries + 1)
            .returning(_S.clinic_id, _S.id, _S.kind, _S.phone, _S.body, _S.tries)
        )
        return [SmsMessage(*row) for row in self.connection.execute(statement)]

    def sent(self, message: SmsMessage, gateway: str, gateway_id: str, now: datetime) -> None:
        """Settle a sent message; the body of a code is wiped, it has done its work."""
        values = {"status": "sent", "gateway": gateway, "gateway_id": gateway_id, "sent_at": now, "leased_until": None}
        if message.kind == "verification":
            values["body"] = ""
        self._settle(message, values)

    def failed(self, message: SmsMessage, error: str, due_at: datetime | None) -> None:
        """Put a message back until `due_at`, or give it up (None)."""
        status = "queued" if due_at else "failed"
        values: dict[str, object] = {"status": status, "last_error": error, "leased_until": None}
        if due_at:
            values["due_at"] = due_at
        elif message.kind == "verification":
            values["body"] = ""
        self._settle(message, values)

    def _settle(self, message: SmsMessage, values: dict[str, object]) -> None:
        # A message dropped while the gateway was asked stays dropped, unless it did leave.
        this = (_S.clinic_id == message.clinic_id, _S.id == message.id)
        still = () if values["status"] == "sent" else (_S.status == "queued",)
        self.connection.execute(update(_S).where(*this, *still).values(**values))


def _free(now: datetime) -> ColumnElement[bool]:
    return and_(_S.status == "queued", _S.due_at <= now, or_(_S.leased_until.is_(None), _S.leased_until <= now))
