"""`okienko staff`: whoever runs the server can let people in, out, and in again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from okienko_server.app import create_app
from okienko_server.cli import main
from okienko_server.config import Settings

PASSWORD = "sosna brzoza klon 7"


class Operator:
    """Somebody at the command line of one server with the demonstration's clinics."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            "OKIENKO_ENV": "development",
            "OKIENKO_DATABASE_URL": f"sqlite:///{folder / 'okienko.db'}",
            "OKIENKO_EMBED_KEYS": "an embed key of at least thirty-two signs",
            "OKIENKO_SESSION_KEYS": "a session key of at least thirty-two signs",
            "OKIENKO_PEPPER": "p" * 32,
        }

    def run(self, *arguments: str) -> Result:
        return CliRunner(env=self.environment).invoke(main, arguments)

    def staff(self, what: str, *arguments: str, clinic: str = "kazimierz") -> Result:
        return self.run("staff", what, "--clinic", clinic, *arguments)

    def done(self, what: str, *arguments: str) -> str:
        result = self.staff(what, *arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def refused(self, what: str, *arguments: str, clinic: str = "kazimierz") -> str:
        result = self.staff(what, *arguments, clinic=clinic)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        return line

    def line_of(self, email: str) -> str:
        return next(line for line in self.done("list").splitlines() if line.startswith(email))

    def sign_in(self, email: str, password: str = PASSWORD) -> int:
        client = create_app(Settings.from_environment(self.environment)).test_client()
        return client.post("/staff/sign-in", data={"email": email, "password": password}).status_code


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path)
    assert made.run("migrate").exit_code == 0 and made.run("seed").exit_code == 0
    return made


def test_an_invitation_becomes_an_account_that_can_be_closed_and_opened(operator: Operator) -> None:
    invited = operator.done(
        "invite", "Nowa@Kazimierz.test", "--name", "Nowa Osoba", "--role", "therapist", "--therapist", "Zofia Wróblewska",
        "--url", "https://okienko.example/",
    )  # fmt: skip
    found = re.search(r"https://okienko\.example(/staff/link/\S+)", invited)
    assert found and operator.line_of("nowa@kazimierz.test").split()[-1] == "invited"
    client = create_app(Settings.from_environment(operator.environment)).test_client()
    assert client.post(found[1], data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert operator.sign_in("nowa@kazimierz.test") == 303
    operator.done("close", "nowa@kazimierz.test")
    assert operator.sign_in("nowa@kazimierz.test") == 401 and operator.line_of("nowa@").endswith("closed")
    operator.done("reopen", "nowa@kazimierz.test")
    assert operator.sign_in("nowa@kazimierz.test") == 303
    assert "/staff/link/" in operator.done("reset", "nowa@kazimierz.test")
    assert "off" in operator.done("totp-off", "nowa@kazimierz.test")
    assert operator.run("audit", "verify", "--clinic", "kazimierz").exit_code == 0


def test_what_cannot_be_done_is_said_in_one_sentence(operator: Operator) -> None:
    owner = next(line.split()[0] for line in operator.done("list").splitlines() if "  owner  " in line)
    assert "no clinic 'nobody'" in operator.refused("list", clinic="nobody")
    assert "Nobody in this clinic" in operator.refused("close", "nobody@kazimierz.test")
    assert "last owner" in operator.refused("close", owner)
    assert "already" in operator.refused("invite", owner, "--name", "A B", "--role", "owner")
    assert "no e-mail address" in operator.refused("invite", "nobody", "--name", "A B", "--role", "owner")
    assert "--therapist" in operator.refused("invite", "a@b.test", "--name", "A B", "--role", "therapist")
    assert "no therapist" in operator.refused(
        "invite", "a@b.test", "--name", "A B", "--role", "therapist", "--therapist", "Nikt Taki"
    )


def test_an_owner_only_invited_is_no_owner_to_leave_the_clinic_to(operator: Operator) -> None:
    owner = next(line.split()[0] for line in operator.done("list").splitlines() if "  owner  " in line)
    operator.done("invite", "drugi@kazimierz.test", "--name", "Drugi Właściciel", "--role", "owner")
    assert "last owner" in operator.refused("close", owner)
