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


class Worker:
    """What a worker does again and again, and when it did each part last."""

    def __init__(self, gateway: Gateway, *, desk: Desk, now: datetime, chores: Sequence[Chore] = ()) -> None:
        self._gateway, self._desk, self._chores = gateway, desk, chores
        self._swept = self._asked = self._reminded = now - timedelta(days=1)

    def turn(self, now: datetime) -> bool:
        """Send, sweep, remind, ask and do the chores as far as each is due; return whether more work waits already."""
        desk = self._desk
        if send_due(self._gateway, desk=desk, now=now) == BATCH:
            return True
        if _due(self._swept, SWEEP_SECONDS, now):
            expire_holds(desk=desk, now=now)
            lapse_unanswered(desk=desk, now=now)
            with desk.database.writing() as connection:
                DirectoryStore(connection, operator_scope()).forget_answers(now - KEEP_ANSWERS)
            self._swept = now
        if _due(self._reminded, REMIND_SECONDS, now):
            remind_due(desk=desk, now=now)
            self._reminded = now
        if _due(self._asked, ASK_SECONDS, now):
            ask_reports(self._gateway, desk=desk, now=now)
            self._asked = now
        for chore in self._chores:
            chore(now)
        return keep_starts(desk=desk, now=now) >= THERAPISTS_A_TURN


def _due(last: datetime, seconds: int, now: datetime) -> bool:
    # Also when the clock was put back meanwhile: else nothing would be done until it is as late again.
    return abs((now - last).total_seconds()) >= seconds


def work(
    gateway: Gateway, *, desk: Desk, clock: Callable[[], datetime], stop: threading.Event, chores: Sequence[Chore] = ()
) -> None:
    """Take turns until `stop` is set; one failure is logged by its kind and does not end the work."""
    worker = Worker(gateway, desk=desk, now=clock(), chores=chores)
    while not stop.is_set():
        try:
            if worker.turn(clock()):
                continue
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.warning("the worker met %s and goes on", type(error).__name__)
            stop.wait(1)
        desk.outbox_bell.wait(0.5)
        desk.outbox_bell.clear()
