"""Putting a message into the outbox together with its money: what is written down is paid for, and what is promised is reserved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import Use
from okienko_server.domain.money import Event, Purse, month_of
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.outbox import OutboxStore, Paid


class Post:
    """A clinic's outbox and ledger on one connection; where the contract sends no messages, nothing is written and nothing paid."""

    def __init__(self, connection: Connection, scope: Scope, desk: Desk, clinic: Clinic, now: datetime) -> None:
        self._connection, self._desk = connection, desk
        self._outbox, self._ledger = OutboxStore(connection, scope), LedgerStore(connection, scope)
        self._month, self._now = month_of(now, clinic.zone), now
        self._open = clinic.opens(Use.SMS, now)

    def send(
        self,
        appointment_id: str,
        kind: str,
        phone: str,
        body: str,
        purse: Purse = Purse.POOL,
        useful_until: datetime | None = None,
    ) -> None:
        """Write a message that leaves after commit; its price is reserved, and given back if it has not left by `useful_until`."""
        if self._open:
            self._pay(self._outbox.add(appointment_id, kind, phone, body, self._now, useful_until=useful_until), purse)

    def promise(self, appointment_id: str, kind: str) -> None:
        """Reserve the price of a message whose text comes later, so that it can never be missing for lack of money."""
        if self._open:
            self._pay(self._outbox.add(appointment_id, kind, "", "", self._now, promised=True), Purse.POOL)

    def keep_promise(self, appointment_id: str, kind: str, phone: str, body: str) -> None:
        """Let a promised message leave; one that was never promised is written and paid for now."""
        if not self._outbox.keep_promise(appointment_id, kind, phone, body, self._now):
            self.send(appointment_id, kind, phone, body)

    def _pay(self, message_id: str, purse: Purse) -> None:
        tariff = self._desk.tariff(self._connection, self._month, self._now)
        paid_from = self._ledger.reserve(message_id, purse, self._month, self._now, tariff)
        self._outbox.paid_from(message_id, paid_from, self._month, tariff.price)


def take_back(connection: Connection, scope: Scope, kind: str, now: datetime, appointment_id: str = "") -> None:
    """Drop messages of a kind that have not left, about an appointment or the whole clinic's, and give their price back."""
    book(connection, OutboxStore(connection, scope).take_back(kind, appointment_id), Event.RELEASE, now)


def forget_messages(connection: Connection, scope: Scope, appointment_id: str, now: datetime) -> None:
    """Forget the messages of a hold nobody finished and give back what was reserved for those that never left."""
    book(connection, OutboxStore(connection, scope).forget(appointment_id), Event.RELEASE, now)


def book(connection: Connection, messages: Iterable[Paid], event: Event, now: datetime) -> None:
    """Write what became of some messages into their clinics' ledgers, each event once and at the message's own price; TAKEN after a
    refund is AGAIN."""
    for one in messages:
        if one.purse:
            ledger = LedgerStore(connection, operator_scope().at(one.clinic_id))
            exactly = ledger.after_all(one.id) if event is Event.TAKEN else event
            ledger.book(one.id, exactly, Purse(one.purse), one.month, now, one.price)
