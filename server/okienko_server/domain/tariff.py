"""What a message costs and how many of them a person gives a clinic's pool: which tariff holds in which month.

A tariff begins with a calendar month (of the clinic's zone) and holds until the next one, so that one month has one price and one pool. The
pool is granted for a whole month and kept in grosze: a price that changed midway would change how many messages the rest of the pool is.
A message belongs to the month it was reserved in and keeps that month's price (`sms_message.price`), whenever it leaves or is given back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

HIGHEST_PRICE = 200
"""Grosze gross: what is more is a slip of the finger."""
LARGEST_POOL = 1000
AHEAD = timedelta(hours=2)
"""A tariff is set at least so long before its month begins anywhere: clocks differ, and a list read an hour ago must be right."""
NOTICE = timedelta(days=60)
"""So long before it begins a clinic reads of a change."""
_FIRST_MIDNIGHT = timezone(timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class Tariff:
    """From the month `since` ("2026-11") on: grosze gross a message, messages a month for each owner, consultant and therapist."""

    since: str
    price: int
    pool_messages: int

    @property
    def budgeted(self) -> int:
        """Grosze a message takes of the day's budget: a free one costs the house what it always did, and pumping it is no better."""
        return self.price or BUILT_IN.price

    def pool(self, people: int) -> int:
        """Return the grosze of pool so many people give a month."""
        return people * self.pool_messages * self.price

    def messages(self, grosze: int) -> int:
        """Return how many messages a sum pays for; 0 where they are free."""
        return grosze // self.price if self.price else 0


BUILT_IN = Tariff("", 20, 100)
"""What holds before the first tariff."""


def tariff_of(tariffs: Iterable[Tariff], month: str) -> Tariff:
    """Return the newest tariff that does not begin later than a month ("2026-11"), the built-in one before the first."""
    return max((one for one in tariffs if one.since <= month), key=lambda one: one.since, default=BUILT_IN)


def has_begun(month: str, now: datetime) -> bool:
    """Return whether a month has begun somewhere on earth, or is about to: its tariff stays as it is."""
    return month <= f"{(now + AHEAD).astimezone(_FIRST_MIDNIGHT):%Y-%m}"


def coming_change(tariffs: Iterable[Tariff], today: date) -> Tariff | None:
    """Return the next tariff that changes something and begins within `NOTICE` of a clinic's day, None when none does."""
    listed, here = tuple(tariffs), f"{today:%Y-%m}"
    held = tariff_of(listed, here)
    later = sorted((one for one in listed if one.since > here), key=lambda one: one.since)
    changing = (one for one in later if (one.price, one.pool_messages) != (held.price, held.pool_messages))
    found = next(changing, None)
    return found if found and first_day(found.since) - today <= NOTICE else None


def month_read(typed: str) -> str:
    """Return a month as it is kept ("2026-11"), "" for what is none."""
    try:
        return datetime.strptime(typed, "%Y-%m").date().isoformat()[:7]  # noqa: DTZ007 - a month has no zone
    except ValueError:
        return ""


def first_day(month: str) -> date:
    """Return the day a month begins with."""
    return date.fromisoformat(f"{month}-01")
