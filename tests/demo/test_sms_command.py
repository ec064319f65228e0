"""`okienko sms`: paid notifications, countries, the day's budget, reminders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo.test_cli import okienko, sentence

ENVIRONMENT = {"OKIENKO_ENV": "development", "OKIENKO_EMBED_KEYS": "e" * 32, "OKIENKO_SESSION_KEYS": "s" * 32}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A migrated database with the demonstration's clinics."""
    made = ENVIRONMENT | {"OKIENKO_DATABASE_URL": f"sqlite:///{tmp_path / 'okienko.db'}"}
    assert okienko(made, "migrate").exit_code == okienko(made, "seed").exit_code == 0
    return made


def said(environment: dict[str, str], *options: str) -> str:
    return okienko(environment, "sms", "--clinic", "kazimierz", *options).stdout.strip()


def test_settings_are_printed_and_changed(environment: dict[str, str]) -> None:
    assert said(environment) == "notifications on, countries PL, 8000 gr a day, no reminders"
    assert said(environment, "--no-notifications", "--countries", "pl, de", "--day-budget", "400").endswith(
        "countries PL,DE, 400 gr a day, no reminders"
    )
    assert said(environment).startswith("notifications off"), "it was written"
    assert said(environment, "--reminder", "24").endswith("reminders 24 h before") and "24 h" in said(environment)
    assert said(environment, "--notifications").startswith("notifications on, countries PL,DE")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--countries", "XX"], "--countries must be like"),
        (["--countries", ""], "--countries must be like"),
        (["--day-budget", "-1"], "--day-budget must be between"),
        (["--day-budget", "9999999"], "--day-budget must be between"),
        (["--reminder", "3"], "--reminder must be one of 0, 2, 4, 24, 48 hours"),
        (["--reminder", "-2"], "--reminder must be one of"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(environment: dict[str, str], options: list[str], words: str) -> None:
    assert words in sentence(environment, "sms", "--clinic", "kazimierz", *options)
    assert said(environment) == "notifications on, countries PL, 8000 gr a day, no reminders"


def test_an_unknown_clinic_is_named(environment: dict[str, str]) -> None:
    assert "no clinic 'nobody'" in sentence(environment, "sms", "--clinic", "nobody")
