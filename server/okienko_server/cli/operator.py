"""`okienko operator …` and `okienko clinic …`: the people who run the house, and what they do with clinics, for automation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.contract import ContractStatus
from okienko_server.domain.errors import FieldRefused, FieldsRefused, NotFound
from okienko_server.operations.contracts import (
    PAGE,
    ClinicTyped,
    ContractTyped,
    change_contract,
    list_clinics,
    open_new_clinic,
    see_contract,
)
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import clinic_under
from okienko_server.operations.operators import close_operator, invite_operator, operators
from okienko_server.texts import load
from okienko_server.web.house import wall_clock

URL = click.option("--url", default="", help="Where this server is reached; default: OKIENKO_URL.")


@click.group("operator")
def operator_group() -> None:
    """The people who may enter /operator/."""


@operator_group.command("invite")
@URL
@click.option("--name", required=True, help="First and last name.")
@click.argument("email")
def invite(url: str, name: str, email: str) -> None:
    """Print a link that sets a password and a second factor: good once, for 72 hours. Also for whoever lost either."""
    with _desk() as desk:
        token = invite_operator(email, name, desk=desk, now=wall_clock())
        click.echo(f"{_address(url)}/operator/link/{token}")
        click.echo("Good once. Hand it over in person, or by a message only that person reads.")


@operator_group.command("list")
def listed() -> None:
    """Print every account."""
    with _desk() as desk:
        for one in operators(desk=desk):
            state = "closed" if one.closed_at else "open" if one.password_hash else "invited"
            click.echo(f"{one.email}  {one.name}  {state}")


@operator_group.command()
@click.argument("email")
def close(email: str) -> None:
    """Close an account: it opens nothing any more, at once."""
    with _desk() as desk:
        close_operator(email, desk=desk, now=wall_clock())
        click.echo("The account is closed.")


@click.group("clinic")
def clinic_group() -> None:
    """Clinics and their contracts."""


@clinic_group.command("list")
@click.option("--search", default="", help="Part of a name, a short name or a city, or a whole tax number.")
def list_all(search: str) -> None:
    """Print every clinic: short name, status, registration, name."""
    with _desk() as desk:
        after = ""
        while found := list_clinics(search, after, desk=desk, now=wall_clock()):
            for one in found:
                click.echo(f"{one.slug}  {one.status}  {'on' if one.registration else 'off'}  {one.name}")
            after = found[-1].slug
            if len(found) < PAGE:
                break


@clinic_group.command()
@click.argument("slug")
def show(slug: str) -> None:
    """Print how a clinic's contract stands and stood."""
    with _desk() as desk:
        clinic = see_contract(clinic_under(slug, desk=desk), desk=desk).clinic
        click.echo(f"{clinic.name}: {clinic.status(wall_clock())}, signed {clinic.signed_on or 'on no known day'}")
        for term in clinic.terms:
            click.echo(f"  {term.starts_at:%Y-%m-%d %H:%M} UTC  {term.status}")


@clinic_group.command()
@URL
@click.option("--name", required=True)
@click.option("--slug", default="", help="Short name; default: made of the name.")
@click.option("--nip", default="")
@click.option("--phone", required=True)
@click.option("--street", required=True)
@click.option("--postcode", required=True)
@click.option("--city", required=True)
@click.option("--owner", required=True, help="The owner's first and last name.")
@click.option("--email", required=True, help="The owner's address.")
def add(url: str, **typed: str) -> None:
    """Open an empty clinic on trial and print its owner's link: good once, for 72 hours."""
    with _desk() as desk:
        clinic_id, secret = open_new_clinic(ClinicTyped(**typed), desk=desk, now=wall_clock())
        click.echo(f"{_address(url)}/staff/link/{clinic_id}.{secret.partition('.')[2]}")


@clinic_group.command("contract")
@click.option("--status", required=True, type=click.Choice([one.value for one in ContractStatus]))
@click.option("--from", "starts_on", default="", help="Day it begins, like 2026-12-01; default: at once.")
@click.option("--signed", "signed_on", default="", help="Day the contract was signed.")
@click.option("--reason", default="")
@click.argument("slug")
def contract_of(slug: str, **typed: str) -> None:
    """Begin a new term of a clinic's contract; everything follows it at that instant."""
    with _desk() as desk:
        change_contract(clinic_under(slug, desk=desk), ContractTyped(**typed), desk=desk, now=wall_clock())
        click.echo("Written.")


@contextmanager
def _desk() -> Iterator[Desk]:
    desk = open_desk(Settings.from_environment())
    try:
        yield desk
    except NotFound:
        raise Refused("There is nothing under that name.") from None
    except FieldRefused as refused:
        raise Refused(f"{refused.field}: {_sentence(refused.code)}") from None
    except FieldsRefused as refused:
        raise Refused(" ".join(f"{field}: {_sentence(code)}" for field, code in refused.errors.items())) from None
    finally:
        desk.database.dispose()


def _sentence(code: str) -> str:
    return load()(f"wrong.{code}") if f"wrong.{code}" in load() else code


def _address(url: str) -> str:
    return (url or Settings.from_environment().public_url or "http://127.0.0.1:8000").rstrip("/")
