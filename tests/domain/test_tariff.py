"""Which tariff holds when, from when on it is fixed, and when a change is announced."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.money import Event, Outcome, outcome_of
from okienko_server.domain.tariff import (
    BUILT_IN,
    NOTICE,
    Tariff,
    coming_change,
    first_day,
    has_begun,
    month_read,
    tariff_of,
)

JANUARY, MARCH = Tariff("2027-01", 22, 100), Tariff("2027-03", 22, 50)
MONTHS = st.builds(lambda year, month: f"{year}-{month:02d}", st.integers(2024, 2030), st.integers(1, 12))
TARIFFS = st.lists(
    st.builds(Tariff, MONTHS, st.integers(0, 200), st.integers(0, 1000)), unique_by=lambda one: one.since
)


@pytest.mark.parametrize(
    ("month", "price", "pool"),
    [("2026-12", 20, 100), ("2027-01", 22, 100), ("2027-02", 22, 100), ("2027-03", 22, 50), ("2031-12", 22, 50)],
)
def test_the_newest_that_does_not_begin_later_holds(month: str, price: int, pool: int) -> None:
    found = tariff_of((MARCH, JANUARY), month)
    assert (found.price, found.pool_messages) == (price, pool)


@given(TARIFFS, MONTHS)
def test_no_other_tariff_begins_between(tariffs: list[Tariff], month: str) -> None:
    found = tariff_of(tariffs, month)
    assert found.since <= month and not [one for one in tariffs if found.since < one.since <= month]


@pytest.mark.parametrize(
    ("now", "begun"),
    [
        (datetime(2026, 12, 31, 7, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 12, 31, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 10, 0, tzinfo=UTC), True),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
        (datetime(2027, 5, 1, tzinfo=UTC), True),
    ],
)
def test_a_month_is_fixed_two_hours_before_it_begins_on_the_first_island(now: datetime, begun: bool) -> None:
    """Kiritimati has it at ten in the morning of Greenwich's last day."""
    assert has_begun("2027-01", now) is begun


@pytest.mark.parametrize(
    ("typed", "month"),
    [("2027-01", "2027-01"), ("2027-1", "2027-01"), ("0001-01", "0001-01"), ("2027-13", ""), ("x", ""), ("", "")],
)
def test_a_month_is_read_or_it_is_none(typed: str, month: str) -> None:
    assert month_read(typed) == month


def test_a_change_is_announced_sixty_days_before_until_it_holds() -> None:
    first = first_day("2027-01")
    assert coming_change((JANUARY,), first - NOTICE - timedelta(days=1)) is None
    assert coming_change((JANUARY,), first - NOTICE) == JANUARY
    assert coming_change((JANUARY,), first - timedelta(days=1)) == JANUARY
    assert coming_change((JANUARY,), first) is None


def test_what_changes_nothing_is_no_change_and_the_next_one_is() -> None:
    same = Tariff("2026-12", 20, 100)
    assert coming_change((same,), date(2026, 11, 25)) is None
    assert coming_change((same, JANUARY), date(2026, 11, 25)) == JANUARY
    assert coming_change((MARCH, JANUARY), date(2027, 1, 25)) == MARCH


@given(TARIFFS, st.integers(0, 50), MONTHS)
def test_a_pool_is_a_whole_number_of_messages(tariffs: list[Tariff], people: int, month: str) -> None:
    found = tariff_of(tariffs, month)
    assert found.messages(found.pool(people)) == (people * found.pool_messages if found.price else 0)


def test_a_free_message_weighs_on_the_day_as_it_always_did() -> None:
    assert (Tariff("2027-01", 0, 5).budgeted, JANUARY.budgeted) == (BUILT_IN.price, 22)


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ([], Outcome.WAITING),
        ([Event.SPEND], Outcome.SPENT),
        ([Event.RELEASE], Outcome.BACK),
        ([Event.SPEND, Event.REFUND], Outcome.BACK),
        ([Event.SPEND, Event.REFUND, Event.AGAIN], Outcome.SPENT),
        ([Event.RELEASE, Event.TAKEN], Outcome.SPENT),
        ([Event.RELEASE, Event.TAKEN, Event.REFUND], Outcome.BACK),
        ([Event.RELEASE, Event.TAKEN, Event.REFUND, Event.AGAIN], Outcome.SPENT),
    ],
)
def test_what_a_messages_money_came_to_is_told_by_its_events(then: list[Event], outcome: Outcome) -> None:
    assert outcome_of({Event.RESERVE, *then}) is outcome
