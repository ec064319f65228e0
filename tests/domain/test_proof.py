"""The little work before a code: bound to one hold, worked on or waited for, never forged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from okienko_server.domain.proof import BITS, LIFE, WAIT, challenge_for, proven
from tests.conftest import MONDAY, PEPPER
from tests.web.patients import solved

SOON = MONDAY + timedelta(seconds=2)


def made(appointment_id: str = "a1") -> str:
    return challenge_for(PEPPER, appointment_id, "", MONDAY).text


def test_work_is_accepted_at_once_and_nothing_less() -> None:
    text = made()
    good = solved(text, BITS)
    assert proven(PEPPER, "a1", good, SOON)
    unsolved = [f"{text}{n}" for n in range(200) if f"{text}{n}" != good]
    assert sum(proven(PEPPER, "a1", one, SOON) for one in unsolved) <= 2
    assert not proven(PEPPER, "a1", text, SOON) and not proven(PEPPER, "a1", "", SOON)


def test_whoever_cannot_work_waits_and_is_not_sent_back_to_the_start() -> None:
    text = made()
    again = challenge_for(PEPPER, "a1", text + "7", MONDAY + timedelta(seconds=15))
    assert (again.text, again.wait_seconds) == (text, 5)
    assert not proven(PEPPER, "a1", text, MONDAY + WAIT - timedelta(seconds=1))
    assert proven(PEPPER, "a1", text, MONDAY + WAIT)
    assert not proven(PEPPER, "a1", text, MONDAY + LIFE), "not for ever"


@pytest.mark.parametrize(
    "sent",
    [
        "x",
        "1.2.3",
        "9" * 300,
        "²." + "0" * 32 + ".",
        "1795503600." + "0" * 32 + ".5",
        "\ud800",
        "1795503600.ż.",
        "..",
        "0",
    ],
)
def test_what_is_not_ours_is_refused_and_answered_with_a_new_one(sent: str) -> None:
    late = MONDAY + timedelta(minutes=1)
    assert not proven(PEPPER, "a1", sent, late)
    assert proven(PEPPER, "a1", challenge_for(PEPPER, "a1", sent, late).text, late + WAIT)


def test_work_for_one_hold_is_no_good_for_another_nor_under_another_pepper() -> None:
    good = solved(made(), BITS)
    assert not proven(PEPPER, "a2", good, SOON) and not proven("another" * 8, "a1", good, SOON)
    stamp, mac, _ = made().split(".")
    assert not proven(PEPPER, "a1", f"{int(stamp) - 60}.{mac}.", SOON), "nobody dates a challenge back"
