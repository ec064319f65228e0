"""Somebody pumps messages through one clinic from many sessions and networks: its day ends, an alarm says so, nobody else notices."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask

from okienko_server.operations import allow_code
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.tables import SmsDayRow
from tests.conftest import Clock
from tests.operations.test_money import asking, balanced, booked, budget, ledger
from tests.plans import one_therapist
from tests.tariffs import SMS_PRICE
from tests.web.patients import opened, rows_of

SESSIONS, NUMBERS = (100, 100) if os.environ.get("OKIENKO_PROOF") == "1" else (60, 2)
STEP = timedelta(milliseconds=50)


class Heard(logging.Handler):
    """Alarms with the moment they were heard."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(logging.ERROR)
        self.clock, self.said = clock, list[tuple[datetime, str]]()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((self.clock.now, record.getMessage()))


@pytest.fixture
def heard(clock: Clock) -> Iterator[Heard]:
    handler, logger = Heard(clock), logging.getLogger("okienko.alarm")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def pump(app: Flask, clock: Clock, grosze: int, numbers: int = NUMBERS) -> tuple[str, int, datetime | None]:
    """Type number after number in every session; return the clinic, grosze promised, and when the first one was refused."""
    place = opened(app, one_therapist())
    budget(app, place, grosze)
    patients, refused_at = asking(app, place, SESSIONS), None
    for number in range(numbers):
        for visitor, patient in enumerate(patients):
            patient.client.environ_base["REMOTE_ADDR"] = f"203.{visitor}.113.9"
            answer = patient.details(phone=f"60{number:03d}{visitor:04d}")
            clock.forward(seconds=STEP.total_seconds())
            if answer.status_code == 429 and answer.get_json()["code"] == "sms_paused" and refused_at is None:
                refused_at = clock.now
    found = ledger(app, place)
    return place.id, found.reserved + found.from_pool + found.from_bill + found.from_house, refused_at


@pytest.mark.parametrize(("grosze", "reason"), [(20 * 2 * SMS_PRICE, "budget"), (10**6, "come back right")])
def test_pumping_ends_within_the_day_and_is_said_within_a_minute(
    app: Flask, clock: Clock, heard: Heard, grosze: int, reason: str
) -> None:
    place, spent, refused_at = pump(app, clock, grosze)
    # The breaker looks after fifty codes, each of which promises two messages at most.
    assert 0 < spent <= min(grosze, allow_code.SUSPICIOUS * 2 * SMS_PRICE)
    (at, said) = heard.said[0]
    assert refused_at is not None and abs(refused_at - at) < timedelta(minutes=1)
    assert place in said and reason in said and len(heard.said) == 1
    assert booked(app, opened(app, one_therapist("inna"))).reference and balanced(app)
    assert len(rows_of(app, SmsDayRow)) == 2


def test_without_budget_and_breaker_more_is_spent_and_nobody_hears(
    app: Flask, clock: Clock, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    whole = LedgerStore.charge_day
    monkeypatch.setattr(LedgerStore, "charge_day", lambda store, day, grosze, limit: whole(store, day, grosze, 10**9))
    monkeypatch.setattr(allow_code, "pumped", lambda day: False)
    _, spent, _ = pump(app, clock, 20 * 2 * SMS_PRICE, 1)
    assert spent > allow_code.SUSPICIOUS * 2 * SMS_PRICE and heard.said == []
