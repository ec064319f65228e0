"""Days off work in Poland, checked against the published calendars."""

from __future__ import annotations

from datetime import date

import pytest

from okienko_server.domain.holidays import easter, is_public_holiday, public_holidays

FIXED = {(1, 1), (1, 6), (5, 1), (5, 3), (8, 15), (11, 1), (11, 11), (12, 25), (12, 26)}
MOVABLE = [
    # year, Easter Sunday, Easter Monday, Pentecost, Corpus Christi
    (2024, (3, 31), (4, 1), (5, 19), (5, 30)),
    (2025, (4, 20), (4, 21), (6, 8), (6, 19)),
    (2026, (4, 5), (4, 6), (5, 24), (6, 4)),
    (2027, (3, 28), (3, 29), (5, 16), (5, 27)),
    (2028, (4, 16), (4, 17), (6, 4), (6, 15)),
]


@pytest.mark.parametrize(("year", "sunday", "monday", "pentecost", "corpus_christi"), MOVABLE)
def test_the_days_off_of_a_year_are_these_and_no_others(
    year: int,
    sunday: tuple[int, int],
    monday: tuple[int, int],
    pentecost: tuple[int, int],
    corpus_christi: tuple[int, int],
) -> None:
    expected = FIXED | {sunday, monday, pentecost, corpus_christi} | ({(12, 24)} if year >= 2025 else set())
    assert public_holidays(year) == {date(year, *day) for day in expected}


def test_christmas_eve_is_free_since_2025() -> None:
    assert [is_public_holiday(date(year, 12, 24)) for year in range(2023, 2029)] == [False, False] + [True] * 4


def test_corpus_christi_is_a_thursday_and_easter_monday_a_monday() -> None:
    for year, _, monday, _, corpus_christi in MOVABLE:
        assert date(year, *monday).weekday() == 0
        assert date(year, *corpus_christi).weekday() == 3


def test_easter_is_a_sunday_between_22_march_and_25_april() -> None:
    for year in range(1900, 2200):
        assert easter(year).weekday() == 6
        assert date(year, 3, 22) <= easter(year) <= date(year, 4, 25)


def test_an_ordinary_day_good_friday_and_new_years_eve_are_working_days() -> None:
    assert not any(
        map(is_public_holiday, (date(2026, 11, 23), date(2026, 4, 3), date(2026, 12, 31), date(2027, 11, 12)))
    )
