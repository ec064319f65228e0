"""A month's ledger added up by kind of message and by day: every grosz of the ledger stands in exactly one row of each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from okienko_server.domain.money import Account, Line, Outcome, Purse, day_of, outcome_of
from okienko_server.operations.statement import Month, entries_of

OTHER = "other"
"""Kind of what the ledger knows and the log does not."""


@dataclass(slots=True)
class Tally:
    """Messages of one row: how many each purse paid for and with how many grosze, how many wait (`held`: of the pool's), came back."""

    count: dict[Purse, int] = field(default_factory=lambda: dict.fromkeys(Purse, 0))
    grosze: dict[Purse, int] = field(default_factory=lambda: dict.fromkeys(Purse, 0))
    waiting: int = 0
    held: int = 0
    reserved: int = 0
    back: int = 0

    @property
    def messages(self) -> int:
        return sum(self.count.values()) + self.waiting + self.back

    def add(self, own: list[Line]) -> None:
        """Count one message by its lines."""
        purse, outcome = own[0].purse, outcome_of({line.event for line in own})
        self.grosze[purse] += _sum(own, Account.SPENT)
        self.reserved += _sum(own, Account.RESERVED)
        if outcome is Outcome.SPENT:
            self.count[purse] += 1
        elif outcome is Outcome.WAITING:
            self.waiting += 1
            self.held += purse is Purse.POOL
        else:
            self.back += 1


@dataclass(frozen=True, slots=True)
class MonthSums:
    """A month in rows: by kind and by the clinic's day, and the total both add up to."""

    kinds: dict[str, Tally]
    days: dict[str, Tally]
    total: Tally


def sums_of(month: Month) -> MonthSums:
    """Return a month's messages in rows, the kinds by how often they were sent, the days in their order."""
    logged = {one.message.id: one.message for one in month.messages}
    kinds: dict[str, Tally] = defaultdict(Tally)
    days: dict[str, Tally] = defaultdict(Tally)
    total = Tally()
    for key, lines in entries_of(month.lines).items():
        known = logged.get(key)
        day = day_of(known.created_at if known else lines[0].at, month.offer.clinic.zone)
        for row in (kinds[known.kind if known else OTHER], days[day], total):
            row.add(lines)
    often = sorted(kinds.items(), key=lambda pair: (-pair[1].messages, pair[0]))
    return MonthSums(dict(often), dict(sorted(days.items())), total)


def _sum(lines: list[Line], account: Account) -> int:
    return sum(line.amount for line in lines if line.account is account)
