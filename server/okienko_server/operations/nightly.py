"""What the worker looks after beside sending: the night's reckoning, a tidy database, alarms about messages nobody knows of or takes."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import date, datetime, timedelta

from okienko_server.domain.scope import operator_scope
from okienko_server.operations.alarms import Reason
from okienko_server.operations.desk import Desk
from okienko_server.operations.reconcile import ZONE, ask_account, reconcile
from okienko_server.operations.worker import Chore
from okienko_server.sms.gateway import Gateway, GatewayUnsure
from okienko_server.storage.reckoning import OutboxState, ReckoningStore

BEGINS = 3
"""The local hour from which on yesterday is reckoned: its last messages stand on the gateway's account by then."""
AGAIN = timedelta(minutes=30)
"""After an account could not be had."""
LOOK = timedelta(minutes=1)
TIDY = timedelta(hours=1)
LATE = timedelta(minutes=5)
DOUBT = timedelta(minutes=10)
"""How long an outcome may be unknown before somebody should look; delivery reports and questions end most doubts sooner."""
DOUBT_LASTS = timedelta(days=7)
"""An older doubt is no news any more; the month's statement still shows it as reserved."""
REFUSED = 3
"""Messages refused one after the other, none taken in between, that make a fault of the gateway out of one of a number."""
REFUSED_SINCE = timedelta(hours=1)
log = logging.getLogger("okienko.worker")


def chores_of(gateway: Gateway, desk: Desk) -> tuple[Chore, ...]:
    """Return what a worker with this gateway looks after."""
    return Watch(desk).look, Night(gateway, desk).look, Tidy(desk).look


def outbox_state(*, desk: Desk, now: datetime) -> OutboxState:
    """Return how many messages wait, wait longer than five minutes, and stay without an outcome; for the operator."""
    return desk.database.read(lambda connection: ReckoningStore(connection, operator_scope()).state(now, LATE))


def gateway_refuses(*, desk: Desk, now: datetime) -> bool:
    """Return whether the gateway refused its newest three messages and took none since."""
    since = now - REFUSED_SINCE
    return desk.database.read(lambda c: ReckoningStore(c, operator_scope()).refused_in_a_row(since, REFUSED))


class Night:
    """Reckons each local day once a process, after three o'clock, or as soon as the worker is back; twice does no harm."""

    def __init__(self, gateway: Gateway, desk: Desk) -> None:
        self._gateway, self._desk = gateway, desk
        self._done: date | None = None
        self._tried: datetime | None = None

    def look(self, now: datetime) -> None:
        """Reckon yesterday when it is time; an account that could not be had is asked for again half an hour later."""
        local = now.astimezone(ZONE)
        day = local.date() - timedelta(days=1)
        # A clock put back must not make it wait for the hour that is over.
        tried_now = self._tried is not None and abs(now - self._tried) < AGAIN
        if local.hour < BEGINS or day == self._done or tried_now:
            return
        self._tried = now
        try:
            account = ask_account(self._gateway, day, now)
        except GatewayUnsure as unsure:
            log.warning("the account of %s could not be had from %s: %s", day, self._gateway.name, unsure)
            return
        found = reconcile(day, account, desk=self._desk, now=now) if account else []
        self._done, self._tried = day, None
        left = Counter(one.kind.value for one in found if not one.settled)
        if account:
            log.info("%s: %s lines on the gateway's account, %s differences", day, len(account.lines), len(found))
        if left:
            said = ", ".join(f"{count} {kind}" for kind, count in sorted(left.items()))
            self._desk.alarms.raise_in_house(Reason.DIFFERENT, f"{day}: {said}", f"{day}")


class Watch:
    """Looks once a minute whether messages stay without an outcome or the gateway refuses them all."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looked: datetime | None = None

    def look(self, now: datetime) -> None:
        """Raise the alarms there is a reason for: doubts once a day, refusals once an hour."""
        if self._looked is not None and abs(now - self._looked) < LOOK:
            return
        self._looked, local = now, now.astimezone(ZONE)
        since, until = now - DOUBT_LASTS, now - DOUBT
        doubts = self._desk.database.read(lambda c: ReckoningStore(c, operator_scope()).doubtful(since, until))
        if doubts:
            self._desk.alarms.raise_in_house(Reason.DOUBT, f"{doubts} of the last week", f"{local:%Y-%m-%d}")
        if gateway_refuses(desk=self._desk, now=now):
            self._desk.alarms.raise_in_house(
                Reason.REFUSED, f"the newest {REFUSED}, none since", f"{local:%Y-%m-%dT%H}"
            )


class Tidy:
    """Lets the database count anew what its tables hold: when the worker begins, and hourly, because an import changes everything."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._done: datetime | None = None

    def look(self, now: datetime) -> None:
        """Do it when it is time."""
        if self._done is None or abs(now - self._done) >= TIDY:
            self._done = now
            self._desk.database.tidy()
