"""`okienko audit verify`: walk a clinic's audit trail from its first row to its head."""

from __future__ import annotations

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.errors import NotFound
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.audit import verify_audit
from okienko_server.operations.onboard_clinic import clinic_under

WORDS = {
    "changed": "was changed, or moved from another place",
    "missing": "is missing",
    "cut_off": "is missing at the end of the trail",
    "surplus": "is not the one the trail ended with",
}


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command()
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.option("--anchor", default="", help="NUMBER:DIGEST printed by an earlier run and kept elsewhere.")
def verify(clinic: str, anchor: str) -> None:
    """Print the trail's end, or name every row that is wrong; exit status 1 when any is."""
    number, _, digest = anchor.partition(":")
    if anchor and not (number.isdigit() and digest):
        raise Refused("--anchor must be NUMBER:DIGEST as an earlier run printed it.")
    desk = open_desk(Settings.from_environment())
    try:
        scope = operator_scope().at(clinic_under(clinic, desk=desk))
        found = verify_audit((int(number), digest) if anchor else None, scope=scope, desk=desk)
    except NotFound:
        raise Refused(f"There is no clinic {clinic!r}.") from None
    finally:
        desk.database.dispose()
    for fault in found.faults:
        click.echo(f"Row {fault.number} {WORDS[fault.what]}.", err=True)
    if found.faults:
        raise SystemExit(1)
    click.echo(f"{found.number} rows, all as they were written. Anchor: {found.number}:{found.digest}")
