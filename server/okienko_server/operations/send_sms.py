"""Messages leave the outbox after the transaction that wrote them, each once, and their money is settled with them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import Use
from okienko_server.domain.money import Event
from okienko_server.domain.reminder import quiet_until
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.verification import CODE_MINUTES
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import book
from okienko_server.operations.sms_wording import REMINDER, VERIFICATION
from okienko_server.sms.gateway import AfterUnsure, Gateway, GatewayRefused, GatewayUnsure, Taken
from okienko_server.storage.outbox_worker import OutboxWorkerStore, SmsMessage

LEASE = timedelta(minutes=2)
"""Longer than the gateways' time-outs together: whoever finds a message after it finds one nobody works on."""
BATCH = 20
LONGEST_PAUSE = timedelta(minutes=15)
LIVES = {VERIFICATION: timedelta(minutes=CODE_MINUTES)}
"""How long after it was written a message is still of use; a code no longer than it may be typed in."""
LIFE = timedelta(hours=26)
"""Of any other message: a gateway may be down for a day."""
log = logging.getLogger("okienko.worker")


def send_due(gateway: Gateway, *, desk: Desk, now: datetime) -> int:
    """Send what is due and return how many messages left; a refused one waits longer each time while it is of use.

    One whose outcome is unknown is never sent again unless the gateway says that it never took it, or refuses a second one itself.
    """
    scope = operator_scope()
    if not desk.database.read(lambda connection: OutboxWorkerStore(connection, scope).any_due(now)):
        return 0
    messages = desk.database.write(lambda c: OutboxWorkerStore(c, scope).lease(BATCH, now, now + LEASE))
    return sum(_settled(gateway, message, desk, now) for message in messages)


def _settled(gateway: Gateway, message: SmsMessage, desk: Desk, now: datetime) -> bool:
    """Hand one leased message over and settle it; no transaction is open while the gateway is asked. True when it left."""
    end = message.created_at + LIVES.get(message.kind, LIFE)
    end = min(end, message.useful_until or end)
    later = min(now + min(timedelta(seconds=5 * 4 ** min(message.tries, 8)), LONGEST_PAUSE), end)
    settle = _Settling(message, desk, now)
    try:
        taken = _asked(gateway, message) if message.unsure else None
        if taken is None and (now >= end or not message.phone):
            # Whether the first try arrived stays unknown where only a second one could have told.
            guess = message.unsure and gateway.after_unsure is AfterUnsure.REPEAT
            settle.give_up("lost" if guess else "dropped", "too late")
            return False
        clinic = _clinic(message, desk) if taken is None else None
        if clinic and not clinic.opens(Use.SMS, now):
            settle.give_up("lost" if message.unsure else "dropped", "the contract sends no messages")
            return False
        if clinic and (morning := _quiet(message, clinic, now)):
            settle.later("quiet hours", min(morning, end), unsure=message.unsure, gateway=gateway.name)
            return False
        taken = taken or gateway.send(message.id, message.phone, message.body)
    except GatewayRefused as refused:
        if refused.again and now < end:
            settle.later(str(refused), later, unsure=False)
        else:
            settle.give_up("failed", str(refused))
        return False
    except GatewayUnsure as unsure:
        log.warning("a message of unknown outcome at %s: %s", gateway.name, unsure)
        if now < message.created_at + LIFE:
            settle.later(str(unsure), max(later, now + timedelta(seconds=20)), unsure=True, gateway=gateway.name)
        else:
            settle.give_up("lost", str(unsure))
        return False
    settle.sent(gateway.name, taken)
    return True


def _clinic(message: SmsMessage, desk: Desk) -> Clinic:
    scope = operator_scope().at(message.clinic_id)
    return desk.database.read(lambda connection: desk.current_offer(connection, scope)).clinic


def _quiet(message: SmsMessage, clinic: Clinic, now: datetime) -> datetime | None:
    """Return when the quiet hours a message has to wait for end: only reminders wait, whatever else is sent answers somebody."""
    return quiet_until(now, clinic.zone) if message.kind == REMINDER else None


class _Settling:
    """What becomes of one message: its row and its money in one transaction."""

    def __init__(self, message: SmsMessage, desk: Desk, now: datetime) -> None:
        self._message, self._desk, self._now = message, desk, now

    def sent(self, gateway: str, taken: Taken) -> None:
        def work(connection: Connection) -> None:
            store = OutboxWorkerStore(connection, operator_scope())
            was = store.sent(self._message, gateway, taken.gateway_id, taken.parts, self._now)
            # Given up by somebody who took it over after the lease, it did leave all the same.
            event = Event.TAKEN if was in ("failed", "dropped") else Event.SPEND
            if was != "sent":
                book(connection, [self._message.paid], event, self._now)

        self._desk.database.write(work)

    def later(self, error: str, due_at: datetime, *, unsure: bool, gateway: str = "") -> None:
        def work(connection: Connection) -> None:
            store = OutboxWorkerStore(connection, operator_scope())
            if not store.later(self._message, error, due_at, unsure=unsure, gateway=gateway):
                book(connection, [self._message.paid], Event.RELEASE, self._now)

        self._desk.database.write(work)

    def give_up(self, status: str, error: str) -> None:
        """What is lost stays reserved: the gateway may have billed it."""

        def work(connection: Connection) -> None:
            store = OutboxWorkerStore(connection, operator_scope())
            if store.give_up(self._message, status, error) and status != "lost":
                book(connection, [self._message.paid], Event.RELEASE, self._now)

        self._desk.database.write(work)


def _asked(gateway: Gateway, message: SmsMessage) -> Taken | None:
    """Return what became of a message of unknown outcome, None when it may be sent (again); raises GatewayUnsure to wait."""
    if gateway.after_unsure is AfterUnsure.ASK:
        return gateway.find(message.id)
    if gateway.after_unsure is AfterUnsure.REPEAT:
        return None
    raise GatewayUnsure("only a delivery report can tell")
