"""The worker's work: messages leave the outbox after the transaction that wrote them; lapsed holds give their time back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.appointment import Step
from okienko_server.domain.errors import StepNotAllowed
from okienko_server.domain.money import Event
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.verification import CODE_MINUTES
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import book, forget_messages
from okienko_server.operations.review import lapse_unanswered
from okienko_server.operations.sms_wording import VERIFICATION
from okienko_server.sms.gateway import (
    AfterUnsure,
    Delivery,
    Gateway,
    GatewayRefused,
    GatewayUnsure,
    Report,
    Taken,
    goes_on,
)
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.directory import DirectoryStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.outbox import OutboxWorkerStore, SmsMessage

LEASE = timedelta(minutes=2)
"""Longer than the gateways' time-outs together: whoever finds a message after it finds one nobody works on."""
BATCH = 20
LONGEST_PAUSE = timedelta(minutes=15)
LIVES = {VERIFICATION: timedelta(minutes=CODE_MINUTES)}
"""How long after it was written a message is still of use; a code no longer than it may be typed in."""
LIFE = timedelta(hours=26)
"""Of any other message: a gateway may be down for a day."""
SWEEP_SECONDS = 5
ASK_SECONDS = 120
KEEP_ASKING = timedelta(hours=48)
MOST_ASKED = 200
KEEP_ANSWERS = timedelta(hours=48)
Chore = Callable[[datetime], object]
"""Something the worker looks after at every turn; it knows itself when there is anything to do."""
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
    later = min(now + min(timedelta(seconds=5 * 4 ** min(message.tries, 8)), LONGEST_PAUSE), end)
    settle = _Settling(message, desk, now)
    try:
        taken = _asked(gateway, message) if message.unsure else None
        if taken is None and (now >= end or not message.phone):
            # Whether the first try arrived stays unknown where only a second one could have told.
            guess = message.unsure and gateway.after_unsure is AfterUnsure.REPEAT
            settle.give_up("lost" if guess else "dropped", "too late")
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


class _Settling:
    """What becomes of one message: its row and its money in one transaction."""

    def __init__(self, message: SmsMessage, desk: Desk, now: datetime) -> None:
        self._message, self._desk, self._now = message, desk, now

    def sent(self, gateway: str, taken: Taken) -> None:
        def work(connection: Connection) -> None:
            store = OutboxWorkerStore(connection, operator_scope())
            was = store.sent(self._message, gateway, taken.gateway_id, taken.parts, self._now)
            # Given up by somebody who took it over after the lease, it did leave all the same.
            event = Event.AGAIN if was in ("failed", "dropped") else Event.SPEND
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


def take_reports(reports: Sequence[Report], *, desk: Desk, now: datetime) -> int:
    """Write what a gateway reports and return how many messages changed; a report goes only forward, and one twice changes nothing.

    A report about a message of unknown outcome ends the doubt. Reports about messages nobody knows are passed over.
    """
    return sum(desk.database.write(lambda c, one=one: take_report(c, one, now)) for one in reports)  # type: ignore[misc]


def ask_reports(gateway: Gateway, *, desk: Desk, now: datetime) -> int:
    """Ask a gateway that does not report by itself about messages of the last two days; returns how many changed."""
    scope = operator_scope()
    open_ones = desk.database.read(
        lambda connection: OutboxWorkerStore(connection, scope).without_end(now - KEEP_ASKING, MOST_ASKED)
    )
    if not open_ones:
        return 0
    try:
        return take_reports(gateway.ask_reports(open_ones), desk=desk, now=now)
    except GatewayUnsure:
        return 0


_MONEY = {
    ("sending", "sent"): Event.SPEND, ("unsure", "sent"): Event.SPEND, ("lost", "sent"): Event.SPEND,
    ("sending", "failed"): Event.RELEASE, ("unsure", "failed"): Event.RELEASE, ("lost", "failed"): Event.RELEASE,
    ("queued", "sent"): Event.SPEND, ("queued", "failed"): Event.RELEASE,
    ("sent", "failed"): Event.REFUND, ("failed", "sent"): Event.AGAIN, ("dropped", "sent"): Event.AGAIN,
}  # fmt: skip
"""(status before a report, after it) -> what it means for the money."""


def take_report(connection: Connection, report: Report, now: datetime) -> bool:
    """Write one report and its money in the caller's transaction; False (and no change) for one that tells nothing new."""
    store = OutboxWorkerStore(connection, operator_scope())
    found = store.reported(report.message_id, report.gateway_id)
    if (
        found is None
        or found.status == "promised"
        or (found.status in ("queued", "dropped") and not found.tries)
        or not goes_on(found.delivery, report.delivery)
    ):
        return False
    status = "failed" if report.delivery is Delivery.UNDELIVERED else "sent"
    store.deliver(found, status, report.delivery.value, report.gateway_id, now)
    if event := _MONEY.get((found.status, status)):
        book(connection, [found.paid], event, now)
    return True


def expire_holds(*, desk: Desk, now: datetime) -> int:
    """Give back the time of holds nobody finished, forget what was typed into them, and return how many there were."""
    operator = operator_scope()
    lapsed = desk.database.read(lambda connection: DirectoryStore(connection, operator).lapsed_holds(now, 200))
    for clinic_id, appointment_id in lapsed:
        _expire(clinic_id, appointment_id, desk, now)
    return len(lapsed)


def _expire(clinic_id: str, appointment_id: str, desk: Desk, now: datetime) -> None:
    scope = operator_scope().at(clinic_id)

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        held = store.get(appointment_id, lock=True)
        if held.held_until is None or held.held_until > now:
            return
        store.step(held, Step.EXPIRE, now)
        forget_messages(connection, scope, appointment_id, now)
        OccupancyStore(connection, scope).free(appointment_id, desk.current_offer(connection, scope).clinic.zone)

    # `write` runs it again when it met somebody crosswise; a step no longer possible was taken by somebody else.
    with suppress(StepNotAllowed):
        desk.database.write(work)


def work(
    gateway: Gateway, *, desk: Desk, clock: Callable[[], datetime], stop: threading.Event, chores: Sequence[Chore] = ()
) -> None:
    """Send, sweep and do the chores until `stop` is set; one failure is logged by its kind and does not end the work."""
    swept = asked = clock() - timedelta(days=1)
    while not stop.is_set():
        try:
            now = clock()
            if send_due(gateway, desk=desk, now=now) == BATCH:
                continue
            if abs((now - swept).total_seconds()) >= SWEEP_SECONDS:  # the clock may have been put back
                expire_holds(desk=desk, now=now)
                lapse_unanswered(desk=desk, now=now)
                with desk.database.writing() as connection:
                    DirectoryStore(connection, operator_scope()).forget_answers(now - KEEP_ANSWERS)
                swept = now
            if abs((now - asked).total_seconds()) >= ASK_SECONDS:
                ask_reports(gateway, desk=desk, now=now)
                asked = now
            for chore in chores:
                chore(now)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.warning("the worker met %s and goes on", type(error).__name__)
            stop.wait(1)
        desk.outbox_bell.wait(0.5)
        desk.outbox_bell.clear()
