"""The portal's ranking says the same in the database's words as in Python's."""

from __future__ import annotations

from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import BigInteger, literal, select

from okienko_server.domain.cells import cell_at
from okienko_server.domain.starts import day_count
from okienko_server.storage.portal_starts import _day
from okienko_server.storage.session import Database

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize("today", [date(2026, 3, 20), date(2026, 10, 20), date(2026, 11, 23)])
def test_the_database_counts_days_as_the_calendar_does(database_url: str, today: date) -> None:
    database, random = Database(database_url), Random(1)
    days = day_count(WARSAW, today)
    begin = cell_at(datetime(today.year, today.month, today.day, 8, tzinfo=WARSAW))
    told = {"begin": begin, "midnight": days.first, "turn": days.turn, "shift": days.shift}
    cells = [
        0,
        begin - 1,
        begin,
        *(days.turn + n for n in range(-14, 14)),
        *(begin + random.randrange(8000) for _ in range(60)),
    ]
    with database.reading() as connection:
        for cell in cells:
            counted = connection.execute(select(_day(literal(cell, BigInteger()))), told).scalar()
            assert counted == days.of(max(cell, begin)), cell
    database.dispose()
