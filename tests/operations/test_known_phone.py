"""Whether a telephone has been here before shows neither in the answer nor in how long it takes."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from okienko_server.operations import allow_code, verify
from tests.conftest import Clock
from tests.operations.test_money import budget, unlimited
from tests.plans import one_therapist
from tests.web.patients import TUESDAY_TEN, ApiPatient, opened

PROOF = os.environ.get("OKIENKO_PROOF") == "1"
PAIRS = 1000 if PROOF else 6
KNOWN = "601 234 567"
_VARIES = re.compile(r'"(id|reference)":\s*"[^"]*"|\d{4}-\d\d-\d\dT[0-9:.+Z-]+|\b[56]\d{2} ?\d{3} ?\d{3}\b|\+48\d{9}')


def said(answer: TestResponse) -> tuple[int, str]:
    """Return status and body without ids, moments and the number that was typed."""
    return answer.status_code, _VARIES.sub("…", answer.text)


@pytest.fixture(autouse=True)
def _any_number_of_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand unanswered codes are what this test is made of: no work is asked for, and no day looks pumped."""
    monkeypatch.setattr(allow_code, "UNUSUAL", 10**6)
    monkeypatch.setattr(allow_code, "SUSPICIOUS", 10**6)


def asked(app: Flask, place: str, clock: Clock, phone: str) -> tuple[tuple[int, str], float]:
    """Give details with a number and return (what was said, seconds it took); the time is given back after it."""
    patient = ApiPatient(app, place)
    assert patient.hold(clock.now.replace(hour=9, minute=0) + timedelta(days=2)).status_code == 201
    begun = time.perf_counter()
    answer = patient.put_details(phone=phone)
    took = time.perf_counter() - begun
    clock.forward(minutes=41)
    return said(answer), took


def pairs(app: Flask, clock: Clock, count: int) -> list[tuple[Any, Any]]:
    """Return (known, unknown) in turn, beginning now with the one, now with the other."""
    unlimited(app)
    place = opened(app, one_therapist())
    budget(app, place, 10**9)
    patient = ApiPatient(app, place.id)
    patient.booked(TUESDAY_TEN)
    found = []
    for number in range(count):
        here = [KNOWN, f"6020{number:05d}"]
        order = here if number % 2 else here[::-1]
        answers = {}
        for phone in order:
            answers[phone] = asked(app, place.id, clock, phone)
        found.append((answers[here[0]], answers[here[1]]))
    return found


def differing(found: list[tuple[Any, Any]]) -> int:
    return sum(known[0] != unknown[0] for known, unknown in found)


def test_a_known_telephone_is_answered_like_an_unknown_one(app: Flask, clock: Clock) -> None:
    found = pairs(app, clock, PAIRS)
    assert differing(found) == 0 and {known[0][0] for known, _ in found} == {200}
    if PROOF:
        ratio = median(known[1] for known, _ in found) / median(unknown[1] for _, unknown in found)
        assert 0.95 < ratio < 1.05


def test_a_known_telephone_treated_otherwise_is_found(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the known number is spared the code."""
    whole, seen = verify._Counter.write_code, list[str]()

    def spared(counter: Any, held: Any, proof: str = "") -> Any:
        seen.append(held.appointment.phone)
        again = seen[0] == seen[-1] and len(seen) > 1
        return held if again else whole(counter, held, proof)

    monkeypatch.setattr(verify._Counter, "write_code", spared)
    assert differing(pairs(app, clock, 2)) == 2
