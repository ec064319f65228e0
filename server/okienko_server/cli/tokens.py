"""`okienko token …`: make, narrow and revoke what host pages paste; make keys."""

from __future__ import annotations

import os
import secrets

import click

from okienko.exceptions import OptionRefused
from okienko.tokens import is_origin
from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.errors import NotFound
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.issue_embed import issue_embed, issue_portal_embed
from okienko_server.operations.onboard_clinic import add_portal, allow_origins, allow_portal_origins, clinic_under
from okienko_server.operations.revoke_tokens import MAX_GRACE_DAYS, revoke_clinic_tokens, revoke_portal_tokens

URL = click.option("--url", default="", help="Where patients reach this server; default: OKIENKO_URL.")
CLINIC = click.option("--clinic", default="", help="Short name of the clinic.")
PORTAL = click.option("--portal", default="", help="Id of the portal.")


@click.group()
def token() -> None:
    """Tokens to paste into a page."""


@token.command()
@click.option("--clinic", required=True, help="Short name of the clinic.")
@URL
@click.option("--service", default="", help="Id of the only service on offer.")
@click.option("--practitioner", default="", help="Id of the only therapist on offer.")
@click.option(
    "--category",
    default="",
    type=click.Choice(["", *(one.value for one in ProblemCategory)]),
    help="The only problem category on offer.",
)
@click.option("--origin", default="", help="The only site that may frame it, like https://clinic.example.")
@click.option("--strict", is_flag=True, help="For a page with a strict policy: a pinned release, no style attribute.")
@click.option(
    "--secret",
    "show_secret",
    is_flag=True,
    help="Also print the secret the clinic's own server narrows the token with.",
)
def embed(
    clinic: str, url: str, service: str, practitioner: str, category: str, origin: str, strict: bool, show_secret: bool
) -> None:
    """Print the token of a clinic and the three snippets for its page."""
    settings = _settings_with_keys()
    if origin and not is_origin(origin):
        raise Refused(f"{origin!r} is no origin: write it as https://clinic.example, without a path.")
    try:
        issued = issue_embed(
            clinic, _address(settings, url), settings.keys.embed, desk=open_desk(settings), service=service,
            practitioner=practitioner, category=category, origin=origin,
        )  # fmt: skip
    except NotFound:
        raise Refused(f"There is no clinic {clinic!r}, or it has no such service or therapist.") from None
    except OptionRefused as refused:
        raise Refused(str(refused)) from refused
    click.echo(f"Clinic: {issued.clinic_id}\nToken: {issued.token}")
    if show_secret:
        click.echo(f"Secret: {issued.secret}")
    element = issued.snippets.element(height=issued.height, strict=strict)
    click.echo(f"\n{element}\n\n{issued.iframe}\n\n{issued.snippets.link()}")


@token.command()
@click.option("--portal", required=True, help="Id of the portal: letters, digits and dashes.")
@click.option("--name", default="", help="Name of a new portal.")
@click.argument("origin", nargs=-1)
@URL
def portal(portal: str, name: str, origin: tuple[str, ...], url: str) -> None:
    """Print a portal's token and snippets; with --name the portal is new, with origins they are the sites that may frame it."""
    settings = _settings_with_keys()
    desk = open_desk(settings)
    try:
        if name:
            add_portal(portal, name, desk=desk)
        if origin:
            allow_portal_origins(portal, origin, desk=desk)
        snippets = issue_portal_embed(portal, _address(settings, url), settings.keys.embed, desk=desk)
    except NotFound:
        raise Refused(f"There is no portal {portal!r}; give --name to make it.") from None
    except OptionRefused as refused:
        raise Refused(str(refused)) from refused
    click.echo(f"Token: {snippets.token}\n\n{snippets.element()}\n\n{snippets.iframe()}\n\n{snippets.link()}")


@token.command()
@CLINIC
@PORTAL
@click.option(
    "--grace",
    "grace_days",
    default=0,
    show_default=True,
    type=click.IntRange(0, MAX_GRACE_DAYS),
    help="Days in which pages with the old token go on working; while such days run already, they stay and nothing changes.",
)
def revoke(clinic: str, portal: str, grace_days: int) -> None:
    """Make every token issued so far stop: at once (a leak), or after some days in which pages can be changed."""
    from okienko_server.web.house import wall_clock

    if bool(clinic) == bool(portal):
        raise Refused("Name either --clinic or --portal.")
    settings, now = Settings.from_environment(), wall_clock()
    desk = open_desk(settings)
    try:
        if clinic:
            raised = revoke_clinic_tokens(clinic_under(clinic, desk=desk), grace_days, desk=desk, now=now)
        else:
            raised = revoke_portal_tokens(portal, grace_days, desk=desk, now=now)
    except NotFound:
        raise Refused(f"There is no {'clinic' if clinic else 'portal'} {clinic or portal!r}.") from None
    until = f" Older ones work until {raised.grace_until:%Y-%m-%d %H:%M} UTC." if raised.grace_until else ""
    click.echo(f"Tokens of generation {raised.current} and later are accepted.{until} Paste the new snippet.")


@token.command()
def key() -> None:
    """Print a new signing key. Append it to OKIENKO_EMBED_KEYS (the last signs, all verify); drop an old one years later."""
    click.echo(secrets.token_urlsafe(32))


@click.command()
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.argument("origin", nargs=-1)
def origins(clinic: str, origin: tuple[str, ...]) -> None:
    """Say which sites may frame a clinic's widget (none given: print them)."""
    desk = open_desk(Settings.from_environment())
    try:
        scope = operator_scope().at(clinic_under(clinic, desk=desk))
    except NotFound:
        raise Refused(f"There is no clinic {clinic!r}.") from None
    if origin:
        allow_origins(origin, scope=scope, desk=desk)
    offer = desk.database.read(lambda connection: desk.offer(connection, scope))
    click.echo("\n".join(offer.clinic.allowed_origins) or "No site may frame it.")


def _settings_with_keys() -> Settings:
    settings = Settings.from_environment()
    if not os.environ.get("OKIENKO_EMBED_KEYS"):
        raise Refused("Set OKIENKO_EMBED_KEYS first: a token under a key the server does not have opens nothing.")
    return settings


def _address(settings: Settings, url: str) -> str:
    return (url or settings.public_url or "http://127.0.0.1:8000").rstrip("/")
