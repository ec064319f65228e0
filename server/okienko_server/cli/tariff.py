"""`okienko tariff`: what a message costs and what the pool is made of, from which month on."""

from __future__ import annotations

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.errors import FieldsRefused
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import HIGHEST_PRICE, LARGEST_POOL, Tariff
from okienko_server.operations.tariffs import Listed, set_tariff, tariffs

WRONG = {
    "tariff_month": "--from must be a month like 2027-01.",
    "tariff_begun": "That month has begun, or is about to: what was promised for it stays. Choose a later one.",
    "tariff_price": f"--price must be between 0 and {HIGHEST_PRICE} grosze.",
    "tariff_pool": f"--pool must be between 0 and {LARGEST_POOL} messages.",
}


@click.group()
def tariff() -> None:
    """The price of a message and the month's pool."""


@tariff.command("list")
def list_() -> None:
    """Print every tariff, the oldest first; a star marks those that may still be changed."""
    from okienko_server.web.house import wall_clock

    desk = open_desk(Settings.from_environment())
    try:
        for one in tariffs(scope=operator_scope(), desk=desk, now=wall_clock()):
            click.echo(_line(one))
    finally:
        desk.database.dispose()


@tariff.command("set")
@click.option("--from", "month", required=True, help="Month it begins with, like 2027-01; it must not have begun.")
@click.option("--price", required=True, type=int, help="Grosze gross for one message.")
@click.option("--pool", required=True, type=int, help="Messages a month for each owner, consultant and therapist.")
def set_(month: str, price: int, pool: int) -> None:
    """Set what holds from a month on; clinics read of it sixty days before."""
    from okienko_server.web.house import wall_clock

    desk = open_desk(Settings.from_environment())
    try:
        made = set_tariff(month, price, pool, scope=operator_scope(), desk=desk, now=wall_clock())
        click.echo(_said(made))
    except FieldsRefused as refused:
        raise Refused(" ".join(WRONG[code] for code in refused.errors.values())) from None
    finally:
        desk.database.dispose()


def _line(one: Listed) -> str:
    return f"{_said(one.tariff)}{' *' if one.open else ''}"


def _said(one: Tariff) -> str:
    begins = f"from {one.since}" if one.since else "before any"
    return f"{begins}: {one.price} gr a message, pool {one.pool_messages} a person"
