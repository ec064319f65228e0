"""What messages cost and who pays: double entry in integer grosze, each event of a message booked once.

Every booking costs its clinic two messages: from the month's pool first, else on the bill. A code sent a second time is the house's own
expense. What one costs says `domain/tariff.py`. Only the pure rules stand here; `storage/ledger.py` writes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

POOL_ROLES = ("owner", "consultant", "therapist")
"""Who gives a clinic messages of pool each calendar month; the clinic shares them."""


class Purse(StrEnum):
    """Who pays for a message: the month's pool, the clinic's bill, or the house."""

    POOL = "pool"
    BILL = "bill"
    HOUSE = "house"


class Account(StrEnum):
    """Accounts of a clinic's month. A purse falls when a message is reserved; the bill's negative balance is what the clinic owes."""

    POOL = "pool"
    BILL = "bill"
    HOUSE = "house"
    GRANTED = "granted"
    RESERVED = "reserved"
    SPENT = "spent"


class Event(StrEnum):
    """What may happen to a message's money, each once.

    TAKEN: its price was released, and the gateway took it after all. AGAIN: it was refunded as undelivered, and arrived after all.
    """

    GRANT = "grant"
    RESERVE = "reserve"
    SPEND = "spend"
    RELEASE = "release"
    REFUND = "refund"
    TAKEN = "taken"
    AGAIN = "again"


class Outcome(StrEnum):
    """What a message's money came to: still reserved, spent, or given back."""

    WAITING = "waiting"
    SPENT = "spent"
    BACK = "back"


def outcome_of(events: Collection[Event]) -> Outcome:
    """Return what the events of a message come to; told by the events and not by sums, because a message may be free."""
    spent = sum(one in events for one in (Event.SPEND, Event.TAKEN, Event.AGAIN)) - (Event.REFUND in events)
    if spent > 0:
        return Outcome.SPENT
    return Outcome.BACK if Event.RELEASE in events or Event.REFUND in events else Outcome.WAITING


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of an event; the sides of an event sum to zero."""

    account: Account
    amount: int


def legs(event: Event, purse: Purse, amount: int) -> tuple[Leg, Leg]:
    """Return the two sides of an event of `amount` grosze (positive)."""
    own = Account(purse.value)
    source, target = {
        Event.GRANT: (Account.GRANTED, Account.POOL),
        Event.RESERVE: (own, Account.RESERVED),
        Event.SPEND: (Account.RESERVED, Account.SPENT),
        Event.RELEASE: (Account.RESERVED, own),
        Event.REFUND: (Account.SPENT, own),
        Event.TAKEN: (own, Account.SPENT),
        Event.AGAIN: (own, Account.SPENT),
    }[event]
    return Leg(source, -amount), Leg(target, amount)


def month_of(at: datetime, zone: ZoneInfo) -> str:
    """Return the clinic's calendar month an instant belongs to, "2026-11"."""
    return f"{at.astimezone(zone):%Y-%m}"


def day_of(at: datetime, zone: ZoneInfo) -> str:
    """Return the clinic's day an instant belongs to, "2026-11-24"."""
    return at.astimezone(zone).date().isoformat()


@dataclass(frozen=True, slots=True)
class Line:
    """One message on a statement."""

    sms_id: str
    purse: Purse
    event: Event
    account: Account
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """A clinic's month: grosze granted, spent from each purse, still reserved, and what the clinic owes."""

    month: str
    granted: int
    from_pool: int
    from_bill: int
    from_house: int
    reserved: int

    @property
    def owed(self) -> int:
        """Grosze gross the clinic pays for the month."""
        return self.from_bill

    @property
    def pool_left(self) -> int:
        return self.granted - self.from_pool


def statement_of(month: str, lines: Iterable[Line]) -> Statement:
    """Return the statement the ledger's lines of a month add up to."""
    spent, reserved, granted = dict.fromkeys(Purse, 0), 0, 0
    for line in lines:
        if line.account is Account.SPENT:
            spent[line.purse] += line.amount
        elif line.account is Account.RESERVED:
            reserved += line.amount
        elif line.account is Account.GRANTED:
            granted -= line.amount
    return Statement(month, granted, spent[Purse.POOL], spent[Purse.BILL], spent[Purse.HOUSE], reserved)
