"""The night's reckoning: a gateway's own account of a day against our outbox, and what that settles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from okienko_server.domain.money import Event
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import book
from okienko_server.operations.send_sms import LIFE
from okienko_server.operations.take_reports import take_report
from okienko_server.sms.gateway import Billed, Delivery, Gateway, Report, goes_on
from okienko_server.storage.outbox_worker import OutboxWorkerStore
from okienko_server.storage.reckoning import Kept, ReckoningStore

ZONE = ZoneInfo("Europe/Warsaw")
"""Whose days are reckoned, whatever zone a clinic stands in."""
LAG = timedelta(hours=1)
"""How long after a message was taken it may still be missing on the account."""
EDGE = timedelta(minutes=10)
"""How near to midnight a message may stand on another day of a file than with us."""


class Kind(StrEnum):
    """What differs. The first three are settled where the account can settle them, the others only said."""

    TAKEN = "taken"
    """We held it for never sent, or did not know; the gateway took it."""
    UNDELIVERED = "undelivered"
    """We held it for sent, or did not know; the gateway says that it did not arrive."""
    NEVER_TAKEN = "never-taken"
    """We did not know; the gateway, whose account is whole, does not either."""
    UNKNOWN = "unknown"
    """The gateway bills it; we never wrote it."""
    MISSING = "missing"
    """We say it left; the gateway does not know it."""
    PARTS = "parts"
    """The gateway counts more or fewer parts than we."""
    TWICE = "twice"
    """The gateway bills it more than once."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: ids only, our status before, and whether it is settled now."""

    kind: Kind
    settled: bool
    clinic_id: str = ""
    message_id: str = ""
    gateway_id: str = ""
    was: str = ""


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """What a gateway says it took. `since` and `until`: between them it is whole; the same instant: nothing follows from absence."""

    gateway: str
    lines: Sequence[Billed]
    since: datetime
    until: datetime

    @property
    def whole(self) -> bool:
        """Whether a message that is not there was not taken."""
        return self.since < self.until


def day_span(day: date) -> tuple[datetime, datetime]:
    """Return a local day's first instant and the next one's."""
    first, end = (datetime.combine(one, time(), ZONE) for one in (day, day + timedelta(days=1)))
    return first, end


def account_span(day: date, now: datetime) -> tuple[datetime, datetime]:
    """Return the instants an account of a day is asked for: two days before it and one after, so that no midnight cuts anything off."""
    first, end = day_span(day)
    return first - timedelta(days=2), min(now, end + timedelta(days=1))


def ask_account(gateway: Gateway, day: date, now: datetime) -> GatewayAccount | None:
    """Return the gateway's own account around a day, None where it has none to ask for; raises GatewayUnsure."""
    since, until = account_span(day, now)
    lines = gateway.account(since, until)
    return None if lines is None else GatewayAccount(gateway.name, lines, since, until)


def reconcile(day: date, account: GatewayAccount, *, desk: Desk, now: datetime) -> list[Difference]:
    """Settle what the account of a local day settles, and return every difference, settled or not.

    A message's row and its money move together and once: the same account again settles nothing. No message is sent again, and none that
    left is given back because it is missing.
    """
    return _Reckoning(day, account, desk, now).run()


class _Reckoning:
    """One account against all clinics' messages."""

    def __init__(self, day: date, account: GatewayAccount, desk: Desk, now: datetime) -> None:
        self._account, self._desk, self._now = account, desk, now
        self._first, self._end = day_span(day)

    def run(self) -> list[Difference]:
        lines = _each_once(self._account.lines)
        found, strangers = self._matched(lines)
        differences = [one for row, named in found for one in self._compared(row, named)]
        known = {(row.clinic_id, row.id) for row, _ in found}
        # A line that names no id of ours may be any message we do not know the outcome of.
        nameless = any(not line.message_id for line in strangers)
        differences += self._absent(known, may_settle=not nameless)
        differences += self._missing(known)
        differences += [
            Difference(Kind.UNKNOWN, settled=False, message_id=line.message_id, gateway_id=line.gateway_id)
            for line in strangers
            if self._is_of_the_day(line.at)
        ]
        return differences

    def _matched(self, lines: list[Billed]) -> tuple[list[tuple[Kept, list[Billed]]], list[Billed]]:
        """Return our messages with their lines, and the lines of nobody."""
        # What cannot be written in a line was never one of our ids, and a database may refuse to look for it.
        ids, foreign = (
            {text for line in lines if (text := getattr(line, name)).isprintable()}
            for name in ("message_id", "gateway_id")
        )
        rows = self._desk.database.read(lambda c: ReckoningStore(c, operator_scope()).named(ids, foreign))
        by_id = {row.id: row for row in rows}
        # Two gateways may count from one: the id of another one's message says nothing.
        ours = (self._account.gateway, "")
        by_gateway = {row.gateway_id: row for row in rows if row.gateway_id and row.gateway in ours}
        named: dict[str, list[Billed]] = defaultdict(list)
        strangers = []
        for line in lines:
            row = by_id.get(line.message_id) or by_gateway.get(line.gateway_id)
            if row is None:
                strangers.append(line)
            else:
                named[row.id].append(line)
        return [(by_id[key], of_it) for key, of_it in named.items()], strangers

    def _compared(self, row: Kept, lines: list[Billed]) -> list[Difference]:
        best = max(lines, key=lambda line: list(Delivery).index(line.delivery))
        found = self._taken(row, best)
        moment = best.at or row.sent_at
        if not self._is_of_the_day(moment):
            return found
        if len({line.gateway_id for line in lines} - {""}) > 1 or len([1 for line in lines if not line.gateway_id]) > 1:
            found.append(self._said(Kind.TWICE, row, best.gateway_id))
        if any(line.parts and line.parts != (row.parts or 1) for line in lines):
            found.append(self._said(Kind.PARTS, row, best.gateway_id))
        return found

    def _taken(self, row: Kept, line: Billed) -> list[Difference]:
        """Let the account end a doubt or correct us."""
        if row.status == "sent" and not goes_on(row.delivery, line.delivery):
            return []
        report = Report(row.id, line.gateway_id, line.delivery)

        def work(connection: Connection) -> tuple[str, str, bool] | None:
            before = OutboxWorkerStore(connection, operator_scope()).reported(row.id, "")
            if before is None:
                return None
            return before.status, before.delivery, take_report(connection, report, self._now)

        told = self._desk.database.write(work)
        if told is None:
            return []
        was, delivery, settled = told
        kind, became = (Kind.UNDELIVERED, "failed") if line.delivery is Delivery.UNDELIVERED else (Kind.TAKEN, "sent")
        # An account may be older than what a delivery report told us since.
        reported = not settled and (was == "sent" or delivery == Delivery.UNDELIVERED)
        if was == became or reported:
            return []
        return [Difference(kind, settled, row.clinic_id, row.id, line.gateway_id, was)]

    def _absent(self, known: set[tuple[str, str]], *, may_settle: bool) -> list[Difference]:
        """Give back what was reserved for messages of unknown outcome that a whole account does not name."""
        if not self._account.whole:
            return []
        since, latest = self._account.since, self._account.until - LAG
        rows = self._desk.database.read(lambda c: ReckoningStore(c, operator_scope()).without_outcome(since))
        found = []
        for row in rows:
            # Every try of it must lie between the account's two ends.
            inside = max(row.created_at + LIFE, row.due_at) <= latest
            if inside and (row.clinic_id, row.id) not in known:
                settled = may_settle and row.gateway == self._account.gateway and self._given_back(row)
                found.append(self._said(Kind.NEVER_TAKEN, row, row.gateway_id, settled=settled))
        return found

    def _given_back(self, row: Kept) -> bool:
        def work(connection: Connection) -> bool:
            paid = ReckoningStore(connection, operator_scope()).never_taken(row, self._now)
            if paid:
                book(connection, [paid], Event.RELEASE, self._now)
            return paid is not None

        return self._desk.database.write(work)

    def _missing(self, known: set[tuple[str, str]]) -> list[Difference]:
        edge = timedelta() if self._account.whole else EDGE
        first, end = self._first + edge, min(self._end, self._now - LAG) - edge
        rows = self._desk.database.read(lambda c: ReckoningStore(c, operator_scope()).sent(first, end))
        return [
            self._said(Kind.MISSING, row, row.gateway_id)
            for row in rows
            if row.gateway == self._account.gateway and (row.clinic_id, row.id) not in known
        ]

    def _said(self, kind: Kind, row: Kept, gateway_id: str, *, settled: bool = False) -> Difference:
        return Difference(kind, settled, row.clinic_id, row.id, gateway_id, row.status)

    def _is_of_the_day(self, at: datetime | None) -> bool:
        """Whether a moment is of the day; one nobody knows is."""
        return at is None or self._first <= at < self._end


def _each_once(lines: Sequence[Billed]) -> list[Billed]:
    """Return the lines, one that stands on two pages once, as far as it got; those without the gateway's id are a billing each."""
    once: dict[object, Billed] = {}
    for number, line in enumerate(lines):
        key = (line.message_id, line.gateway_id) if line.gateway_id else number
        if key not in once or goes_on(once[key].delivery, line.delivery):
            once[key] = line
    return list(once.values())
