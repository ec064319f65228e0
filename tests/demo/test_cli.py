"""The command `okienko`: what it does, and the one sentence it says when it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from okienko.tokens import EmbedToken
from okienko_server.cli import main

EMBED_KEY = "an embed key of at least thirty-two signs"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "OKIENKO_ENV": "development",
        "OKIENKO_DATABASE_URL": f"sqlite:///{tmp_path / 'okienko.db'}",
        "OKIENKO_EMBED_KEYS": EMBED_KEY,
        "OKIENKO_SESSION_KEYS": "a session key of at least thirty-two signs",
    }


def okienko(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner(env=environment).invoke(main, arguments)


def sentence(environment: dict[str, str], *arguments: str) -> str:
    """Return the one sentence a refused command ends with."""
    result = okienko(environment, *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line


def test_a_clinic_gets_its_token(environment: dict[str, str]) -> None:
    assert okienko(environment, "migrate").exit_code == 0
    assert "9 clinics" in okienko(environment, "seed").stdout
    result = okienko(
        environment,
        "token",
        "embed",
        "--clinic",
        "kazimierz",
        "--url",
        "https://okienko.example/",
        "--category",
        "spine",
    )
    clinic, token = re.findall(r"^(?:Clinic|Token): (\S+)$", result.stdout, re.MULTILINE)
    assert EmbedToken.read(token, [EMBED_KEY]) == EmbedToken(clinic, 1, category="spine")
    assert (
        f'<iframe src="https://okienko.example/e/{token}" title="Rezerwacja wizyty – Rehabilitacja Kazimierz"'
        in result.stdout
    )
    assert result.stdout.endswith("\n\nhttps://okienko.example/g/kazimierz\n")
    assert "no such service" in sentence(environment, "token", "embed", "--clinic", "kazimierz", "--service", "nothing")
    assert "no clinic 'nobody'" in sentence(environment, "token", "embed", "--clinic", "nobody")
    del environment["OKIENKO_EMBED_KEYS"]
    assert "OKIENKO_EMBED_KEYS" in sentence(environment, "token", "embed", "--clinic", "kazimierz")


def test_sites_that_may_frame_a_clinic(environment: dict[str, str]) -> None:
    okienko(environment, "migrate")
    okienko(environment, "seed")
    origins = ("origins", "--clinic", "kazimierz")
    assert okienko(environment, *origins).stdout == "No site may frame it.\n"
    okienko(environment, *origins, "https://kazimierz.example", "http://localhost:5001")
    assert okienko(environment, *origins).stdout.split() == ["https://kazimierz.example", "http://localhost:5001"]
    for wrong in (
        "https://kazimierz.example/",
        "*",
        "https://*.example",
        "https://a.example; script-src *",
        "kazimierz.example",
    ):
        assert "is no origin" in sentence(environment, *origins, wrong)
    assert "no clinic 'nobody'" in sentence(environment, "origins", "--clinic", "nobody")


def test_sowing_is_refused_twice_and_in_production(environment: dict[str, str]) -> None:
    assert "okienko migrate" in sentence(environment, "seed")
    okienko(environment, "migrate")
    okienko(environment, "seed")
    assert "already" in sentence(environment, "seed")
    pepper = {"OKIENKO_PEPPER": "a pepper of at least thirty-two characters"}
    assert sentence(environment | pepper | {"OKIENKO_ENV": "production", "OKIENKO_SMS": "console"}, "seed")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_an_old_schema_stops_the_server(environment: dict[str, str], command: str) -> None:
    assert "okienko migrate" in sentence(environment, command)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"OKIENKO_ENV": "somewhere"}, "OKIENKO_ENV"),
        ({"OKIENKO_SMS": "pigeon"}, "OKIENKO_SMS"),
        ({"OKIENKO_EMBED_KEYS": "short"}, "OKIENKO_EMBED_KEYS"),
        ({"OKIENKO_ENV": "production", "OKIENKO_SMS": "inbox"}, "OKIENKO_PEPPER"),
        ({"OKIENKO_DATABASE_URL": "nonsense"}, "OKIENKO_DATABASE_URL"),
        ({"OKIENKO_DATABASE_URL": "sqlite:////no/such/folder/okienko.db"}, "unable to open database file"),
        ({"OKIENKO_DATABASE_URL": "postgresql://127.0.0.1:1/okienko"}, "does not answer"),
    ],
)
def test_a_wrong_setting_is_one_sentence(environment: dict[str, str], change: dict[str, str], said: str) -> None:
    assert said in sentence(environment | change, "migrate")
