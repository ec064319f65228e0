"""A clinic's month of messages: what the ledger adds up to, one line for each message, day by day."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.money import Account, Line, Purse, Statement, day_of, month_of, statement_of
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.ledger import Day, LedgerStore
from okienko_server.storage.outbox import Logged, OutboxStore

COLUMNS = ("date", "time", "kind", "status", "purse", "grosze")


@dataclass(frozen=True, slots=True)
class Charged:
    """One message of a month and what it cost in the end: `grosze` is 0 for one that was given back or never left."""

    message: Logged
    purse: Purse
    grosze: int


@dataclass(frozen=True, slots=True)
class Month:
    """A clinic's month: the statement, its messages (the newest first), and grosze spent for each day and purse."""

    offer: Offer
    statement: Statement
    pool: int
    """Grosze of the month's pool: granted with its first message, until then as the clinic's people would give it."""
    messages: tuple[Charged, ...]
    days: dict[str, dict[Purse, int]]
    today: Day | None = None
    """The present day's codes against the budget; None when another month is asked for."""
    lines: tuple[Line, ...] = ()
    """The ledger of the month, in the order it was written."""


def see_month(month: str, *, scope: Scope, desk: Desk, now: datetime) -> Month:
    """Return a clinic's month ("2026-11", empty: the present one); its messages' costs add up to the statement to the grosz.

    Raises NotAllowed, FieldRefused (month).
    """
    scope.own_only(Right.SEE_MONEY)

    def work(connection: Connection) -> Month:
        offer = desk.current_offer(connection, scope)
        zone = offer.clinic.zone
        asked = _checked(month) if month else month_of(now, zone)
        store = LedgerStore(connection, scope)
        lines = store.lines(asked)
        logged = {one.id: one for one in OutboxStore(connection, scope).log(asked)}
        spent = _spent(lines)
        days: dict[str, dict[Purse, int]] = defaultdict(lambda: dict.fromkeys(Purse, 0))
        for key, (purse, grosze) in spent.items():
            if grosze and key in logged:
                # A promise kept after midnight stands in the month it was made and paid in: on its last day.
                sent = day_of(logged[key].created_at, zone)
                days[sent if sent.startswith(asked) else f"{asked}-{_last_day(asked)}"][purse] += grosze
        charged = [Charged(one, *spent.get(key, (Purse.POOL, 0))) for key, one in logged.items()]
        charged.sort(key=lambda one: (one.message.created_at, one.message.id), reverse=True)
        statement = statement_of(asked, lines)
        day = store.day(day_of(now, zone)) if asked == month_of(now, zone) else None
        coming = store.due() if asked == month_of(now, zone) else 0
        return Month(offer, statement, statement.granted or coming, tuple(charged), dict(days), day, tuple(lines))

    return desk.database.read(work)


def _last_day(month: str) -> int:
    year, number = (int(part) for part in month.split("-"))
    return monthrange(year, number)[1]


def _checked(month: str) -> str:
    try:
        return f"{datetime.strptime(month, '%Y-%m'):%Y-%m}"  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise FieldRefused("bad_request", field="month") from None


def _spent(lines: list[Line]) -> dict[str, tuple[Purse, int]]:
    """Return who paid how much for each message in the end."""
    found: dict[str, tuple[Purse, int]] = {}
    for line in lines:
        if line.account in (Account.SPENT, Account.RESERVED):
            before = found.get(line.sms_id, (line.purse, 0))[1]
            found[line.sms_id] = (line.purse, before + (line.amount if line.account is Account.SPENT else 0))
    return found


def as_csv(month: Month) -> str:
    """Return the month as CSV (RFC 4180), the oldest message first, then the sums; no number and no name stands in it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    zone = month.offer.clinic.zone
    for one in reversed(month.messages):
        at = one.message.created_at.astimezone(zone)
        writer.writerow(
            [f"{at:%Y-%m-%d}", f"{at:%H:%M}", one.message.kind, one.message.status, one.purse.value, one.grosze]
        )
    found = month.statement
    for name, grosze in (
        ("granted", found.granted), ("pool", found.from_pool), ("bill", found.from_bill), ("house", found.from_house),
        ("reserved", found.reserved), ("owed", found.owed),
    ):  # fmt: skip
        writer.writerow(["", "", "total", name, "", grosze])
    return out.getvalue()
