"""`okienko tariff`: what holds when, and what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from okienko_server.web import house as web_house
from tests.conftest import Clock
from tests.demo.test_cli import okienko, sentence

ENVIRONMENT = {"OKIENKO_ENV": "development", "OKIENKO_EMBED_KEYS": "e" * 32, "OKIENKO_SESSION_KEYS": "s" * 32}
BUILT_IN = "before any: 20 gr a message, pool 100 a person"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The machine's clock in the middle of November."""
    made = Clock(datetime(2026, 11, 15, 12, 0, tzinfo=UTC))
    monkeypatch.setattr(web_house, "wall_clock", made)
    return made


@pytest.fixture
def environment(tmp_path: Path, clock: Clock) -> dict[str, str]:
    """A migrated database with nobody in it."""
    made = ENVIRONMENT | {"OKIENKO_DATABASE_URL": f"sqlite:///{tmp_path / 'okienko.db'}"}
    assert okienko(made, "migrate").exit_code == 0
    return made


def listed(environment: dict[str, str]) -> list[str]:
    return okienko(environment, "tariff", "list").stdout.splitlines()


def given(environment: dict[str, str], month: str, price: str, pool: str) -> str:
    result = okienko(environment, "tariff", "set", "--from", month, "--price", price, "--pool", pool)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_tariffs_are_set_replaced_and_listed(environment: dict[str, str], clock: Clock) -> None:
    assert listed(environment) == [BUILT_IN]
    assert given(environment, "2027-03", "25", "50") == "from 2027-03: 25 gr a message, pool 50 a person"
    given(environment, "2027-1", "21", "100")
    given(environment, "2027-01", "22", "90")
    assert listed(environment) == [
        BUILT_IN, "from 2027-01: 22 gr a message, pool 90 a person *", "from 2027-03: 25 gr a message, pool 50 a person *",
    ]  # fmt: skip
    clock.now = datetime(2027, 1, 5, tzinfo=UTC)
    assert [line.endswith("*") for line in listed(environment)] == [False, False, True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("2026-11", "22", "100"), "That month has begun"),
        (("2024-01", "22", "100"), "That month has begun"),
        (("0001-01", "22", "100"), "That month has begun"),
        (("0500-01", "22", "100"), "That month has begun"),
        (("2026-13", "22", "100"), "--from must be a month"),
        (("January", "22", "100"), "--from must be a month"),
        (("2027-01-01", "22", "100"), "--from must be a month"),
        (("", "22", "100"), "--from must be a month"),
        (("2027-01", "201", "100"), "--price must be between 0 and 200"),
        (("2027-01", "-1", "100"), "--price must be between 0 and 200"),
        (("2027-01", "22", "1001"), "--pool must be between 0 and 1000"),
        (("2027-01", "22", "-1"), "--pool must be between 0 and 1000"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    environment: dict[str, str], options: tuple[str, str, str], words: str
) -> None:
    month, price, pool = options
    assert words in sentence(environment, "tariff", "set", "--from", month, "--price", price, "--pool", pool)
    assert listed(environment) == [BUILT_IN]


def test_all_that_is_wrong_is_said_at_once(environment: dict[str, str]) -> None:
    said = sentence(environment, "tariff", "set", "--from", "2026-11", "--price", "999", "--pool", "-5")
    assert "has begun" in said and "--price" in said and "--pool" in said
