"""A clinic's month of messages: what the ledger adds up to, one line for each message, day by day."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.money import (
    Account,
    Line,
    Outcome,
    Purse,
    Statement,
    day_of,
    month_of,
    outcome_of,
    statement_of,
)
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.domain.tariff import Tariff, month_read, tariff_of
from okienko_server.operations.desk import Desk
from okienko_server.storage.ledger import Day, LedgerStore
from okienko_server.storage.outbox import Logged, OutboxStore
from okienko_server.storage.tariffs import TariffStore

COLUMNS = ("date", "time", "kind", "status", "purse", "grosze")


@dataclass(frozen=True, slots=True)
class Charged:
    """One message of a month and what it cost in the end: `grosze` is 0 for one that was given back or never left."""

    message: Logged
    purse: Purse
    grosze: int
    outcome: Outcome = Outcome.BACK


@dataclass(frozen=True, slots=True)
class Month:
    """A clinic's month: the statement, its messages (the newest first), and how many were paid for on each day from each purse."""

    offer: Offer
    statement: Statement
    pool: int
    """Grosze of the month's pool: granted with its first message, until then as the clinic's people would give it."""
    messages: tuple[Charged, ...]
    days: dict[str, dict[Purse, int]]
    tariffs: tuple[Tariff, ...]
    """All there are; `tariff` is the month's."""
    today: Day | None = None
    """The present day's codes against the budget; None when another month is asked for."""
    lines: tuple[Line, ...] = ()
    """The ledger of the month, in the order it was written."""

    @property
    def tariff(self) -> Tariff:
        """What a message cost in this month."""
        return tariff_of(self.tariffs, self.statement.month)


def see_month(month: str, *, scope: Scope, desk: Desk, now: datetime) -> Month:
    """Return a clinic's month ("2026-11", empty: the present one); its messages' costs add up to the statement to the grosz.

    Raises NotAllowed, FieldRefused (month).
    """
    scope.own_only(Right.SEE_MONEY)

    def work(connection: Connection) -> Month:
        offer = desk.current_offer(connection, scope)
        zone = offer.clinic.zone
        present = month_of(now, zone)
        asked = _checked(month) if month else present
        store, tariffs = LedgerStore(connection, scope), TariffStore(connection, operator_scope()).listed()
        lines = store.lines(asked)
        logged = {one.id: one for one in OutboxStore(connection, scope).log(asked)}
        settled = {key: _settled(own) for key, own in entries_of(lines).items()}
        days: dict[str, dict[Purse, int]] = defaultdict(lambda: dict.fromkeys(Purse, 0))
        for key, (purse, _, outcome) in settled.items():
            if outcome is Outcome.SPENT and key in logged:
                # A promise kept after midnight stands in the month it was made and paid in: on its last day.
                sent = day_of(logged[key].created_at, zone)
                days[sent if sent.startswith(asked) else f"{asked}-{_last_day(asked)}"][purse] += 1
        charged = [Charged(one, *settled.get(key, (Purse.POOL, 0, Outcome.BACK))) for key, one in logged.items()]
        charged.sort(key=lambda one: (one.message.created_at, one.message.id), reverse=True)
        statement = statement_of(asked, lines)
        day = store.day(day_of(now, zone)) if asked == present else None
        due = tariff_of(tariffs, asked).pool(store.people()) if asked == present else 0
        return Month(offer, statement, statement.granted or due, tuple(charged), dict(days), tariffs, day, tuple(lines))

    return desk.database.read(work)


def _last_day(month: str) -> int:
    year, number = (int(part) for part in month.split("-"))
    return monthrange(year, number)[1]


def _checked(month: str) -> str:
    if not (read := month_read(month)):
        raise FieldRefused("bad_request", field="month")
    return read


def entries_of(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return the ledger's lines of each message, the grants of pool left out."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.account in (Account.SPENT, Account.RESERVED):
            found[line.sms_id].append(line)
    return found


def _settled(own: list[Line]) -> tuple[Purse, int, Outcome]:
    """Return who paid how much for a message in the end, and what its money came to."""
    spent = sum(line.amount for line in own if line.account is Account.SPENT)
    return own[0].purse, spent, outcome_of({line.event for line in own})


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
