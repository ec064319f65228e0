"""The worker's work: messages leave the outbox after the transaction that wrote them; lapsed holds give their time back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.appointment import Step
from okienko_server.domain.errors import StepNotAllowed
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.review import lapse_unanswered
from okienko_server.sms.gateway import Gateway, GatewayRefused
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.directory import DirectoryStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.outbox import OutboxStore, OutboxWorkerStore, SmsMessage

LEASE = timedelta(minutes=2)
BATCH = 20
MAX_SENDS = 5
SWEEP_SECONDS = 5
KEEP_ANSWERS = timedelta(hours=48)
log = logging.getLogger("okienko.worker")


def send_due(gateway: Gateway, *, desk: Desk, now: datetime) -> int:
    """Send what is due and return how many messages left; a refused one waits longer each time and is given up after five."""
    scope = operator_scope()
    if not desk.database.read(lambda connection: OutboxWorkerStore(connection, scope).any_due(now)):
        return 0
    messages = desk.database.write(lambda c: OutboxWorkerStore(c, scope).lease(BATCH, now, now + LEASE))
    return sum(_send(gateway, message, desk, now) for message in messages)


def _send(gateway: Gateway, message: SmsMessage, desk: Desk, now: datetime) -> bool:
    """Hand one leased message over and settle it; no transaction is open while the gateway is asked."""
    scope = operator_scope()
    try:
        gateway_id = gateway.send(message.id, message.phone, message.body)
    except GatewayRefused as refused:
        later = now + timedelta(seconds=5 * 4**message.tries) if message.tries < MAX_SENDS else None
        with desk.database.writing() as connection:
            OutboxWorkerStore(connection, scope).failed(message, str(refused), later)
        return False
    with desk.database.writing() as connection:
        OutboxWorkerStore(connection, scope).sent(message, gateway.name, gateway_id, now)
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
        OutboxStore(connection, scope).forget(appointment_id)
        OccupancyStore(connection, scope).free(appointment_id, desk.current_offer(connection, scope).clinic.zone)

    # `write` runs it again when it met somebody crosswise; a step no longer possible was taken by somebody else.
    with suppress(StepNotAllowed):
        desk.database.write(work)


def work(gateway: Gateway, *, desk: Desk, clock: Callable[[], datetime], stop: threading.Event) -> None:
    """Send and sweep until `stop` is set; one failure is logged by its kind and does not end the work."""
    swept = clock() - timedelta(days=1)
    while not stop.is_set():
        try:
            now = clock()
            if send_due(gateway, desk=desk, now=now) == BATCH:
                continue
            if (now - swept).total_seconds() >= SWEEP_SECONDS:
                expire_holds(desk=desk, now=now)
                lapse_unanswered(desk=desk, now=now)
                with desk.database.writing() as connection:
                    DirectoryStore(connection, operator_scope()).forget_answers(now - KEEP_ANSWERS)
                swept = now
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.warning("the worker met %s and goes on", type(error).__name__)
            stop.wait(1)
        desk.outbox_bell.wait(0.5)
        desk.outbox_bell.clear()
