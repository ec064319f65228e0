"""The worker's round: messages leave, lapsed holds and unanswered reservations are swept, patients are reminded, gateways are asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.keep_starts import THERAPISTS_A_TURN, keep_starts
from okienko_server.operations.remind import remind_due
from okienko_server.operations.review import lapse_unanswered
from okienko_server.operations.send_sms import BATCH, send_due
from okienko_server.operations.take_reports import ask_reports
from okienko_server.sms.gateway import Gateway
from okienko_server.storage.directory import DirectoryStore

SWEEP_SECONDS = 5
REMIND_SECONDS = 60
ASK_SECONDS = 120
KEEP_ANSWERS = timedelta(hours=48)
Chore = Callable[[datetime], object]
"""Something the worker looks after at every turn; it knows itself when there is anything to do."""
log = logging.getLogger("okienko.worker")


def work(
    gateway: Gateway, *, desk: Desk, clock: Callable[[], datetime], stop: threading.Event, chores: Sequence[Chore] = ()
) -> None:
    """Send, sweep, remind and do the chores until `stop` is set; one failure is logged by its kind and does not end the work."""
    # Also when the clock was put back meanwhile: else nothing would be swept until it is as late again.
    swept = asked = reminded = clock() - timedelta(days=1)
    while not stop.is_set():
        try:
            now = clock()
            if send_due(gateway, desk=desk, now=now) == BATCH:
                continue
            if abs((now - swept).total_seconds()) >= SWEEP_SECONDS:
                expire_holds(desk=desk, now=now)
                lapse_unanswered(desk=desk, now=now)
                with desk.database.writing() as connection:
                    DirectoryStore(connection, operator_scope()).forget_answers(now - KEEP_ANSWERS)
                swept = now
            if abs((now - reminded).total_seconds()) >= REMIND_SECONDS:
                remind_due(desk=desk, now=now)
                reminded = now
            if abs((now - asked).total_seconds()) >= ASK_SECONDS:
                ask_reports(gateway, desk=desk, now=now)
                asked = now
            for chore in chores:
                chore(now)
            if keep_starts(desk=desk, now=now) >= THERAPISTS_A_TURN:
                continue
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.warning("the worker met %s and goes on", type(error).__name__)
            stop.wait(1)
        desk.outbox_bell.wait(0.5)
        desk.outbox_bell.clear()
