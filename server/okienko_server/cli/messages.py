"""`okienko messages`: what each clinic sends and what it costs, for the operator; no whole number, no text and no name."""

from __future__ import annotations

from collections import Counter

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.errors import FieldRefused, NotFound
from okienko_server.domain.money import Purse
from okienko_server.domain.phone import masked
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.month_sums import sums_of
from okienko_server.operations.onboard_clinic import clinic_under, clinics
from okienko_server.operations.statement import Month, see_month

STEPS = "▁▂▃▄▅▆▇█"


@click.command()
@click.option("--month", default="", help="Like 2026-11; the present one when left out.")
@click.option("--clinic", default="", help="Short name of a clinic, to see its log.")
def messages(month: str, clinic: str) -> None:
    """Print a line for each clinic, or one clinic's log with masked numbers."""
    from okienko_server.web.house import wall_clock

    desk, now = open_desk(Settings.from_environment()), wall_clock()
    try:
        if clinic:
            scope = operator_scope().at(clinic_under(clinic, desk=desk))
            click.echo("\n".join(_log(see_month(month, scope=scope, desk=desk, now=now))))
            return
        for clinic_id, slug in clinics(desk=desk):
            click.echo(f"{slug}: {_line(see_month(month, scope=operator_scope().at(clinic_id), desk=desk, now=now))}")
    except NotFound:
        raise Refused(f"There is no clinic {clinic!r}.") from None
    except FieldRefused:
        raise Refused("--month must be like 2026-11.") from None
    finally:
        desk.database.dispose()


def _line(found: Month) -> str:
    sums, states = found.statement, Counter(one.message.status for one in found.messages)
    used, pool = sums_of(found).total.count[Purse.POOL], found.tariff.messages(found.pool)
    parts = [
        f"{len(found.messages)} messages", f"pool {used}/{pool}",
        f"billed {sums.owed / 100:.2f} zł",
    ]  # fmt: skip
    if found.today is not None:
        parts.append(f"today {found.today.used / 100:.2f} of {found.offer.clinic.sms_day_budget / 100:.2f} zł")
    parts += [f"{state} {states[state]}" for state in ("failed", "unsure", "lost")]
    return ", ".join(parts) + f" {_plot(found)}".rstrip()


def _plot(found: Month) -> str:
    """Return a sign for each day up to the last with a message, its height the day's share of the busiest."""
    counts = {day: row.messages for day, row in sums_of(found).days.items() if day.startswith(found.statement.month)}
    highest = max(counts.values(), default=0)
    last = max((int(day[-2:]) for day in counts), default=0)
    days = (counts.get(f"{found.statement.month}-{day:02d}", 0) for day in range(1, last + 1))
    return "".join(STEPS[-(-count * (len(STEPS) - 1) // highest)] for count in days)


def _log(found: Month) -> list[str]:
    zone = found.offer.clinic.zone
    return [
        f"{one.message.created_at.astimezone(zone):%Y-%m-%d %H:%M}  {masked(one.message.phone) if one.message.phone else '–'}  "
        f"{one.message.kind}  {one.message.delivery or one.message.status}  {one.purse}  {one.grosze} gr"
        for one in found.messages
    ]
