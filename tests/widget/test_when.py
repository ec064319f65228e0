"""One clock: words for moments, also on the two Sundays a year when the clock moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.widget.samples import WHEN


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_four_forms_of_one_moment() -> None:
    start = utc("2026-11-24T16:15")
    assert WHEN.time(start) == "17:15"
    assert WHEN.day(start) == "wt. 24 listopada"
    assert WHEN.full(start) == "wt. 24 listopada, 17:15"
    assert WHEN.sms(start) == "wt. 24.11, 17:15"
    assert WHEN.span(start, start + timedelta(hours=1)) == "wt. 24 listopada, 17:15–18:15"


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 11, 24), "dziś, wt. 24 listopada"),
        (date(2026, 11, 23), "jutro, wt. 24 listopada"),
        (date(2026, 11, 22), "wt. 24 listopada"),
        (date(2026, 11, 25), "wt. 24 listopada"),
    ],
)
def test_today_and_tomorrow_are_said(today: date, words: str) -> None:
    assert WHEN.day(date(2026, 11, 24), today) == words


def test_the_local_day_counts_not_the_utc_one() -> None:
    assert WHEN.day(utc("2026-07-01T22:30")) == "czw. 2 lipca"


@pytest.mark.parametrize("sunday", ["2026-10-25", "2027-10-31"])
def test_the_doubled_hour_says_its_season(sunday: str) -> None:
    first, second = utc(f"{sunday}T00:30"), utc(f"{sunday}T01:30")
    assert WHEN.time(first) == "2:30 (czas letni)"
    assert WHEN.time(second) == "2:30 (czas zimowy)"
    assert WHEN.time(first - timedelta(minutes=31)) == "1:59"
    assert WHEN.time(second + timedelta(minutes=30)) == "3:00"
    assert WHEN.sms(first) != WHEN.sms(second)
    assert WHEN.span(first, first + timedelta(minutes=30)).endswith("2:30 (czas letni)–2:00 (czas zimowy)")


@pytest.mark.parametrize("sunday", ["2026-03-29", "2027-03-28"])
def test_the_missing_hour_is_never_said(sunday: str) -> None:
    day = utc(f"{sunday}T00:00")
    said = [WHEN.time(day + timedelta(minutes=5 * n)) for n in range(36)]
    assert said[11:13] == ["1:55", "3:00"]
    assert not any("czas" in time for time in said)


def test_a_visit_past_midnight_names_both_days() -> None:
    start = utc("2026-11-24T22:30")
    assert WHEN.span(start, start + timedelta(hours=1)) == "wt. 24 listopada, 23:30 – śr. 25 listopada, 0:30"


@pytest.mark.parametrize(
    ("grosze", "words"),
    [
        (18000, "180\u00a0zł"),
        (18050, "180,50\u00a0zł"),
        (5, "0,05\u00a0zł"),
        (120000, "1200\u00a0zł"),
        (1234500, "12 345\u00a0zł"),
    ],
)
def test_prices(grosze: int, words: str) -> None:
    assert WHEN.price(grosze) == words


def test_names_of_days_and_months() -> None:
    assert WHEN.weekday_short(date(2026, 11, 29)) == "niedz."
    assert WHEN.weekday(date(2026, 11, 25)) == "środa"
    assert WHEN.month(date(2026, 11, 25)) == "listopad 2026"


def test_durations_of_minutes_and_of_timedeltas() -> None:
    assert WHEN.duration(60) == WHEN.duration(timedelta(hours=1)) == "60\u00a0min"
