"""`okienko close-month`: a statement for each clinic, as a file that adds up to the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.money import month_of
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.onboard_clinic import clinics
from okienko_server.operations.statement import as_csv, see_month


@click.command("close-month")
@click.option("--month", required=True, help="Like 2026-11; it must be over.")
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the files go."
)
def close_month(month: str, folder: Path) -> None:
    """Write each clinic's CSV and printable page, print what it owes; exit status 1 when messages still wait for an outcome."""
    from okienko_server.web.house import wall_clock
    from okienko_server.web.pages.staff.alone import standing_alone

    desk, now, waiting = open_desk(Settings.from_environment()), wall_clock(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for clinic_id, slug in clinics(desk=desk):
            found = see_month(month, scope=operator_scope().at(clinic_id), desk=desk, now=now)
            if found.statement.month >= month_of(now, found.offer.clinic.zone):
                raise Refused(f"{month} is not over yet.")
            (folder / f"{found.statement.month}-{slug}.csv").write_text(as_csv(found), encoding="utf-8")
            (folder / f"{found.statement.month}-{slug}.html").write_text(standing_alone(found), encoding="utf-8")
            waiting += found.statement.reserved
            sums = found.statement
            click.echo(
                f"{slug}: {len(found.messages)} messages, pool {sums.from_pool}, bill {sums.from_bill}, house {sums.from_house}, "
                f"reserved {sums.reserved}, owed {sums.owed} gr"
            )
    except FieldRefused:
        raise Refused("--month must be like 2026-11.") from None
    finally:
        desk.database.dispose()
    if waiting:
        click.echo(f"{waiting} gr still wait for the outcome of their messages: close the month again later.", err=True)
        raise SystemExit(1)
