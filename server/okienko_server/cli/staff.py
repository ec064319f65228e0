"""`okienko staff …`: the accounts of a clinic's people, for whoever runs the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.errors import FieldRefused, FieldsRefused, NotFound
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Role
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.operations.accounts import (
    LastOwner,
    MemberTyped,
    close_member,
    drop_second_factor,
    invite,
    members,
    reopen_member,
    reset_link,
)
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import clinic_under

CLINIC = click.option("--clinic", required=True, help="Short name of the clinic.")
URL = click.option("--url", default="", help="Where this server is reached; default: OKIENKO_URL.")
EMAIL = click.argument("email")
REASONS = {
    "email_taken": "Somebody in this clinic has an account under that address already.",
    "email_invalid": "That is no e-mail address.",
    "required": "A name is needed.",
    "name_too_long": "The name is too long.",
    "practitioner_required": "A therapist's account needs --therapist: whose schedule it sees.",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """One clinic as the commands work on it."""

    desk: Desk
    scope: Scope
    now: datetime

    def tools(self) -> dict[str, Any]:
        return {"scope": self.scope, "desk": self.desk, "now": self.now}

    def account(self, email: str) -> str:
        """Return the id of the account under an address; raises Refused."""
        for one in members(scope=self.scope, desk=self.desk)[1]:
            if one.email == email.strip().lower():
                return one.id
        raise Refused(f"Nobody in this clinic has an account under {email!r}.")


@click.group()
def staff() -> None:
    """The accounts of a clinic's people."""


@staff.command("list")
@CLINIC
def listed(clinic: str) -> None:
    """Print every account: address, role, name, state."""
    with _clinic(clinic) as opened:
        for one in members(scope=opened.scope, desk=opened.desk)[1]:
            state = "closed" if one.closed_at else "invited" if one.invited else "open"
            factor = "second factor" if one.totp_nonce else ""
            click.echo("  ".join(part for part in (one.email, one.role, one.name, state, factor) if part))


@staff.command("invite")
@CLINIC
@URL
@click.option("--name", required=True, help="First and last name.")
@click.option("--role", required=True, type=click.Choice([one.value for one in Role]))
@click.option("--therapist", default="", help="First and last name of the therapist the account belongs to.")
@EMAIL
def invite_somebody(clinic: str, url: str, name: str, role: str, therapist: str, email: str) -> None:
    """Add an account and print the link that gives it a password: good once, for 72 hours."""
    with _clinic(clinic) as opened:
        offer, _ = members(scope=opened.scope, desk=opened.desk)
        whose = _practitioner(therapist, offer) if therapist else ""
        _print(invite(MemberTyped(email, name, role, whose), **opened.tools()), url)


@staff.command()
@CLINIC
@URL
@EMAIL
def reset(clinic: str, url: str, email: str) -> None:
    """Print a link that sets a new password: good once, for an hour (72 for somebody only invited)."""
    with _clinic(clinic) as opened:
        _print(reset_link(opened.account(email), **opened.tools()), url)


@staff.command()
@CLINIC
@EMAIL
def close(clinic: str, email: str) -> None:
    """Close an account: it opens nothing any more, at once."""
    _do(clinic, email, close_member, "The account is closed.")


@staff.command()
@CLINIC
@EMAIL
def reopen(clinic: str, email: str) -> None:
    """Let a closed account in again, under its old password."""
    _do(clinic, email, reopen_member, "The account is open.")


@staff.command("totp-off")
@CLINIC
@EMAIL
def totp_off(clinic: str, email: str) -> None:
    """Switch off the second factor of somebody who lost the telephone. Be sure who is asking."""
    _do(clinic, email, drop_second_factor, "The second factor is off; the password is asked for as before.")


def _do(clinic: str, email: str, act: Callable[..., None], done: str) -> None:
    with _clinic(clinic) as opened:
        act(opened.account(email), **opened.tools())
        click.echo(done)


@contextmanager
def _clinic(slug: str) -> Iterator[Opened]:
    """Yield the clinic as the house itself sees it; refusals become one sentence."""
    from okienko_server.web.house import wall_clock

    desk = open_desk(Settings.from_environment())
    try:
        yield Opened(desk, operator_scope().at(clinic_under(slug, desk=desk)), wall_clock())
    except NotFound:
        raise Refused(f"There is no clinic {slug!r}.") from None
    except LastOwner:
        raise Refused("That is the last owner who can sign in: make another one first.") from None
    except FieldRefused as refused:
        raise Refused(REASONS.get(refused.code, refused.code)) from None
    except FieldsRefused as refused:
        raise Refused(" ".join(REASONS.get(code, code) for code in refused.errors.values())) from None
    finally:
        desk.database.dispose()


def _practitioner(name: str, offer: Offer) -> str:
    for person in offer.practitioners.values():
        if name in (person.name, f"{person.first_name} {person.last_name}"):
            return person.id
    raise Refused(f"There is no therapist {name!r} in this clinic.")


def _print(token: str, url: str) -> None:
    clinic_id, _, secret = token.partition(".")
    address = (url or Settings.from_environment().public_url or "http://127.0.0.1:8000").rstrip("/")
    click.echo(f"{address}/staff/link/{clinic_id}.{secret}")
    click.echo("Good once. Hand it over in person, or by a message only that person reads.")
