"""The SMS code: what every state of it answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.errors import CodeRefused, ResendRefused
from okienko_server.domain.verification import Challenge, check_code, check_resend, code_digest, new_code, resend_wait

SENT = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
RIGHT, WRONG = code_digest("pepper", "a1", "048213"), code_digest("pepper", "a1", "048214")


def challenge(tries: int = 1, sends: int = 1, *, used: bool = False) -> Challenge:
    return Challenge(RIGHT, SENT + timedelta(minutes=10), tries, sends, SENT, used)


@pytest.mark.parametrize(
    ("tries", "used", "minutes", "digest", "code", "left"),
    [
        (1, False, 0, RIGHT, None, None),
        (5, False, 9.99, RIGHT, None, None),
        (1, False, 1, WRONG, "code_wrong", 4),
        (4, False, 1, WRONG, "code_wrong", 1),
        (5, False, 1, WRONG, "code_wrong", 0),
        (6, False, 1, RIGHT, "code_exhausted", 0),
        (6, False, 1, WRONG, "code_exhausted", 0),
        (99, False, 60, RIGHT, "code_exhausted", 0),
        (1, False, 10, RIGHT, "code_expired", None),
        (1, False, 10, WRONG, "code_expired", None),
        (1, False, 600, RIGHT, "code_expired", None),
        (1, True, 1, RIGHT, "code_used", None),
        (1, True, 60, WRONG, "code_used", None),
        (9, True, 1, RIGHT, "code_used", None),
    ],
)
def test_a_code_answers_by_its_state(
    tries: int, used: bool, minutes: float, digest: str, code: str | None, left: int | None
) -> None:
    now = SENT + timedelta(minutes=minutes)
    if code is None:
        check_code(challenge(tries, used=used), digest, now)
        return
    with pytest.raises(CodeRefused) as refused:
        check_code(challenge(tries, used=used), digest, now)
    assert (refused.value.code, refused.value.tries_left, refused.value.field) == (code, left, "code")


@pytest.mark.parametrize(
    ("tries", "sends", "seconds", "code", "wait"),
    [
        (0, 1, 60, None, 0),
        (4, 2, 3600, None, 0),
        (0, 1, 0, "resend_too_soon", 60),
        (0, 1, 59, "resend_too_soon", 1),
        (0, 1, 59.5, "resend_too_soon", 1),
        (0, 3, 3600, "resend_limit", 0),
        (0, 3, 0, "resend_limit", 0),
        (5, 1, 3600, "resend_limit", 0),
    ],
)
def test_a_new_code_may_be_asked_for_after_a_minute_and_three_times_in_all(
    tries: int, sends: int, seconds: float, code: str | None, wait: int
) -> None:
    now = SENT + timedelta(seconds=seconds)
    if code is None:
        check_resend(challenge(tries, sends), now)
        return
    with pytest.raises(ResendRefused) as refused:
        check_resend(challenge(tries, sends), now)
    assert (refused.value.code, refused.value.wait_seconds) == (code, wait)


@given(st.integers(0, 120_000_000))
def test_nobody_is_told_to_come_back_too_early(microseconds: int) -> None:
    now = SENT + timedelta(microseconds=microseconds)
    wait = resend_wait(challenge(), now)
    assert 0 <= wait <= 60
    assert resend_wait(challenge(), now + timedelta(seconds=wait)) == 0


def test_codes_are_six_digits_with_leading_zeros_kept() -> None:
    codes = [new_code() for _ in range(2000)]
    assert all(len(code) == 6 and code.isdigit() and code.isascii() for code in codes)
    assert any(code.startswith("0") for code in codes) and len(set(codes)) > 1900


def test_a_digest_depends_on_pepper_appointment_and_code() -> None:
    others = [code_digest("pepper2", "a1", "048213"), code_digest("pepper", "a2", "048213"), WRONG]
    assert RIGHT not in others
    assert "048213" not in RIGHT and len(RIGHT) == 64
