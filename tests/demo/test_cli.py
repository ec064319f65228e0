"""The command `okienko`: what it does, and the one sentence it says when it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from okienko import Embed, EmbedToken, PortalToken, narrow
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
    snippets = Embed("https://okienko.example", token, "kazimierz", "Rehabilitacja Kazimierz")
    for snippet in (snippets.element(height=720), snippets.iframe(height=720), snippets.link()):
        assert f"\n{snippet}\n" in result.stdout
    assert "Secret" not in result.stdout
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


@pytest.fixture
def sown(environment: dict[str, str]) -> dict[str, str]:
    assert okienko(environment, "migrate").exit_code == okienko(environment, "seed").exit_code == 0
    return environment


def test_a_clinics_own_server_gets_the_secret_of_its_token(sown: dict[str, str]) -> None:
    told = okienko(sown, "token", "embed", "--clinic", "kazimierz", "--secret", "--strict").stdout
    token, secret = re.findall(r"^(?:Token|Secret): (\S+)$", told, re.MULTILINE)
    assert EmbedToken.read(narrow(token, secret, category="spine"), [EMBED_KEY]).category == "spine"
    assert "integrity=" in told and "style=" not in told


def test_a_portal_is_made_allowed_and_given_its_snippets(sown: dict[str, str]) -> None:
    portal = ("token", "portal", "--portal", "gazeta")
    assert "no portal" in sentence(sown, *portal)
    told = okienko(
        sown, *portal, "https://gazeta.example", "--name", "Gazeta", "--url", "https://okienko.example"
    ).stdout
    (token,) = re.findall(r"^Token: (\S+)$", told, re.MULTILINE)
    assert PortalToken.read(token, [EMBED_KEY]) == PortalToken("gazeta", 1)
    assert f"\n{Embed('https://okienko.example', token).element()}\n" in told
    assert "already" in sentence(sown, *portal, "--name", "Gazeta")
    assert "origin" in sentence(sown, *portal, "https://gazeta.example/path")
    assert "no id" in sentence(sown, "token", "portal", "--portal", "Zła Nazwa", "--name", "x")


def test_tokens_are_revoked_with_and_without_grace(sown: dict[str, str]) -> None:
    graced = okienko(sown, "token", "revoke", "--clinic", "kazimierz", "--grace", "7")
    assert "generation 2" in graced.stdout and "Older ones work until" in graced.stdout
    assert "Older" not in okienko(sown, "token", "revoke", "--clinic", "kazimierz").stdout
    for wrong in ((), ("--clinic", "a", "--portal", "b"), ("--clinic", "nowhere"), ("--portal", "nowhere")):
        assert sentence(sown, "token", "revoke", *wrong).startswith("Error: ")
    assert okienko(sown, "token", "revoke", "--clinic", "kazimierz", "--grace", "91").exit_code == 2


def test_a_new_key_is_long_enough_to_sign_with(environment: dict[str, str]) -> None:
    first, second = (okienko(environment, "token", "key").stdout.strip() for _ in range(2))
    assert first != second
    assert EmbedToken.read(EmbedToken("a", 1).sign([first]), [second, first]) == EmbedToken("a", 1)


@pytest.mark.parametrize("url", ["http://okienko.example", "okienko.example", "https://okienko.example/path"])
def test_snippets_no_secure_page_could_use_are_refused(sown: dict[str, str], url: str) -> None:
    assert "https" in sentence(sown, "token", "embed", "--clinic", "kazimierz", "--url", url)


@pytest.mark.parametrize("url", ["postgresql://a@h:port/x", "mongodb://x", "sqlite:////", "rubbish"])
def test_a_database_that_is_none_is_said_in_a_sentence(environment: dict[str, str], url: str) -> None:
    assert sentence(environment | {"OKIENKO_DATABASE_URL": url}, "migrate").startswith("Error: ")


def test_a_file_that_is_no_database_is_said_in_a_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("This is a letter, and not a database at all. " * 50)
    assert "database" in sentence(
        environment | {"OKIENKO_DATABASE_URL": f"sqlite:///{tmp_path / 'letter.db'}"}, "migrate"
    )


@pytest.mark.parametrize("origin", ["https://b.example:99999", "https://b.example/", "b.example", "https://*.example"])
def test_an_origin_that_is_none_is_refused(sown: dict[str, str], origin: str) -> None:
    assert "origin" in sentence(sown, "origins", "--clinic", "kazimierz", origin)
    assert "origin" in sentence(sown, "token", "embed", "--clinic", "kazimierz", "--origin", origin)
