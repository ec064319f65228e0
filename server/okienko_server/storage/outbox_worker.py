"""The SMS outbox of all clinics as the worker empties it: leased, settled, told of by reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, or_, select, tuple_, update

from okienko_server.storage.outbox import Paid
from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import SmsMessageRow

_S = SmsMessageRow


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """One message taken for sending: `phone` E.164, `body` already folded to one segment.

    `unsure`: it was handed to the gateway before, and nobody wrote down what came of it.
    `useful_until`: None for as long as its kind lives.
    """

    clinic_id: str
    id: str
    kind: str
    phone: str
    body: str
    tries: int
    created_at: datetime
    unsure: bool
    paid: Paid
    useful_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A message as a delivery report finds it."""

    clinic_id: str
    id: str
    status: str
    delivery: str
    tries: int
    """How often it was handed over; 0 for one a gateway cannot know."""
    paid: Paid


class OutboxWorkerStore(OperatorStore):
    """The outbox of all clinics."""

    def any_due(self, now: datetime) -> bool:
        """Return whether a message waits to be leased; a read, so that an idle worker takes no write lock."""
        return self.connection.execute(select(_S.id).where(_free(now)).limit(1)).first() is not None

    def lease(self, count: int, now: datetime, until: datetime) -> list[SmsMessage]:
        """Take up to `count` due messages for the caller alone until `until`.

        A message is "sending" from here on: whoever finds it so after the lease knows that its outcome is unknown. The lease test stands
        again outside the subquery: SKIP LOCKED is refused across shards, and SQLite has none.
        """
        free = _free(now)
        due = select(_S.clinic_id, _S.id).where(free).order_by(_S.due_at).limit(count)
        mark = case((_S.status == "queued", "sending"), else_="unsure")
        statement = (
            update(_S)
            .where(tuple_(_S.clinic_id, _S.id).in_(due), free)
            .values(leased_until=until, tries=_S.tries + 1, status=mark)
            .returning(
                _S.clinic_id,
                _S.id,
                _S.kind,
                _S.phone,
                _S.body,
                _S.tries,
                _S.created_at,
                _S.status,
                _S.purse,
                _S.month,
                _S.useful_until,
                _S.price,
            )
        )
        taken = [
            SmsMessage(
                r[0],
                r[1],
                r[2],
                r[3],
                r[4],
                r[5],
                r[6],
                r[7] == "unsure",
                Paid(r[0], r[1], r[8] or "", r[9] or "", r[11] or 0),
                r[10],
            )
            for r in self.connection.execute(statement)
        ]
        # The oldest first: of two codes the newer one arrives last.
        return sorted(taken, key=lambda one: one.created_at)

    def sent(self, message: SmsMessage, gateway: str, gateway_id: str, parts: int, now: datetime) -> str:
        """Settle a message the gateway took, whoever held it meanwhile, and return the status it had; a code is wiped, it did its work."""
        this = (_S.clinic_id == message.clinic_id, _S.id == message.id)
        was = self.connection.execute(select(_S.status).where(*this).with_for_update()).scalar_one()
        values = {
            "status": "sent", "gateway": gateway, "gateway_id": gateway_id, "parts": parts, "sent_at": now, "leased_until": None,
            "last_error": "",
        }  # fmt: skip
        self._settle(message, values | _wiped(message))
        return was

    def later(self, message: SmsMessage, error: str, due_at: datetime, *, unsure: bool, gateway: str = "") -> bool:
        """Put a message back until `due_at`: to be sent again, or, its outcome unknown, to be looked for at `gateway`.

        False for one whose hold was given up meanwhile: nobody waits for it any more, so it is dropped unless its outcome is unknown.
        """
        back = "unsure" if unsure else case((_S.phone == "", "dropped"), else_="queued")
        values: dict[str, object] = {"status": back, "last_error": error, "leased_until": None, "due_at": due_at}
        if unsure:
            # Only where every try went to one gateway can that one's account say that none arrived.
            values["gateway"] = case((_S.gateway == gateway, gateway), else_="") if message.unsure else gateway
        return self._settle(message, values, fenced=True) != "dropped"

    def give_up(self, message: SmsMessage, status: str, error: str) -> bool:
        """End a message as failed (never taken), dropped (too late to be of use) or lost (nobody will ever know); False if others did."""
        values = {"status": status, "last_error": error, "leased_until": None} | _wiped(message)
        return self._settle(message, values, fenced=True) == status

    def _settle(self, message: SmsMessage, values: dict[str, object], *, fenced: bool = False) -> str:
        # Somebody who took the message over after the lease decides instead.
        this = (_S.clinic_id == message.clinic_id, _S.id == message.id)
        still = (_S.status.in_(("sending", "unsure")), _S.tries == message.tries) if fenced else ()
        return (
            self.connection.execute(update(_S).where(*this, *still).values(**values).returning(_S.status)).scalar()
            or ""
        )

    def reported(self, message_id: str, gateway_id: str) -> Reported | None:
        """Return the message a delivery report is about, locked: by our id, else by the gateway's; None for neither."""
        columns = select(
            _S.clinic_id, _S.id, _S.status, _S.delivery, _S.tries, _S.purse, _S.month, _S.price
        ).with_for_update()
        for known, column in ((message_id, _S.id), (gateway_id, _S.gateway_id)):
            if known and (row := self.connection.execute(columns.where(column == known)).first()):
                paid = Paid(row[0], row[1], row[5] or "", row[6] or "", row[7] or 0)
                return Reported(row[0], row[1], row[2], row[3] or "", row[4], paid)
        return None

    def deliver(self, found: Reported, status: str, delivery: str, gateway_id: str, now: datetime) -> None:
        """Write how far a message got."""
        this = (_S.clinic_id == found.clinic_id, _S.id == found.id)
        values: dict[str, object] = {"status": status, "delivery": delivery, "reported_at": now, "leased_until": None}
        if found.status != "sent" and gateway_id:
            values["gateway_id"] = gateway_id
        self.connection.execute(update(_S).where(*this).values(**values))

    def without_end(self, since: datetime, limit: int) -> list[str]:
        """Return ids of messages sent since then of which nobody knows yet whether they arrived, the newest first."""
        waiting = (
            _S.status == "sent",
            _S.sent_at >= since,
            or_(_S.delivery.is_(None), _S.delivery.in_(("accepted", "sent"))),
        )
        statement = select(_S.id).where(*waiting).order_by(_S.sent_at.desc()).limit(limit)
        return list(self.connection.execute(statement).scalars())


def _wiped(message: SmsMessage) -> dict[str, object]:
    return {"body": ""} if message.kind == "verification" else {}


def _free(now: datetime) -> ColumnElement[bool]:
    waiting = _S.status.in_(("queued", "sending", "unsure"))
    return and_(waiting, _S.due_at <= now, or_(_S.leased_until.is_(None), _S.leased_until <= now))
