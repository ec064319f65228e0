"""Double entry: whatever happens to messages, every event balances and a month's statement is what its ledger adds up to."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.money import Account, Event, Line, Purse, day_of, legs, month_of, statement_of
from tests.tariffs import SMS_PRICE

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
LIVES = (
    (), (Event.SPEND,), (Event.RELEASE,), (Event.SPEND, Event.REFUND), (Event.SPEND, Event.REFUND, Event.AGAIN),
    (Event.RELEASE, Event.AGAIN),
)  # fmt: skip
"""Everything that may happen to a message after its price was reserved."""


def lines_of(number: int, purse: Purse, life: tuple[Event, ...]) -> list[Line]:
    events = (Event.RESERVE, *life)
    return [
        Line(f"m{number}", purse, event, leg.account, leg.amount, NOW)
        for event in events
        for leg in legs(event, purse, SMS_PRICE)
    ]


@given(st.lists(st.tuples(st.sampled_from(Purse), st.sampled_from(LIVES)), max_size=60))
def test_every_month_balances_whatever_happened(messages: list[tuple[Purse, tuple[Event, ...]]]) -> None:
    lines = [line for n, (purse, life) in enumerate(messages) for line in lines_of(n, purse, life)]
    assert sum(line.amount for line in lines) == 0
    found = statement_of("2026-11", lines)
    ended = [(purse, life[-1] if life else None) for purse, life in messages]
    spent = {
        purse: SMS_PRICE * sum(1 for p, end in ended if p is purse and end in (Event.SPEND, Event.AGAIN))
        for purse in Purse
    }
    assert (found.from_pool, found.from_bill, found.from_house) == (
        spent[Purse.POOL],
        spent[Purse.BILL],
        spent[Purse.HOUSE],
    )
    assert found.reserved == SMS_PRICE * sum(1 for _, end in ended if end is None)
    balances = {account: sum(line.amount for line in lines if line.account is account) for account in Account}
    assert -balances[Account.BILL] == found.owed + SMS_PRICE * sum(
        1 for p, end in ended if p is Purse.BILL and end is None
    )


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("purse", Purse)
def test_the_sides_of_every_event_sum_to_zero(event: Event, purse: Purse) -> None:
    one, other = legs(event, purse, 37)
    assert one.amount == -other.amount == -37 and one.account is not other.account


def test_a_month_and_a_day_are_the_clinics_own() -> None:
    warsaw = ZoneInfo("Europe/Warsaw")
    assert (month_of(NOW, warsaw), day_of(NOW, warsaw)) == ("2026-12", "2026-12-01")
    assert (month_of(NOW, ZoneInfo("UTC")), day_of(NOW, ZoneInfo("UTC"))) == ("2026-11", "2026-11-30")
