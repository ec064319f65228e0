"""The command `okienko`; its parts stand in the files beside this one."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from okienko_server.cli.audit import audit
from okienko_server.cli.clinics import clinics
from okienko_server.cli.desk import Refused, open_desk
from okienko_server.cli.doctor import doctor
from okienko_server.cli.messages import messages
from okienko_server.cli.money import close_month
from okienko_server.cli.operator import clinic_group, operator_group
from okienko_server.cli.reconcile import reconcile_day, sms_state
from okienko_server.cli.sms import sms
from okienko_server.cli.staff import staff
from okienko_server.cli.tariff import tariff
from okienko_server.cli.tokens import origins, token
from okienko_server.config import Settings, SettingsRefused
from okienko_server.domain.cells import local_day
from okienko_server.domain.plan import PlanRefused
from okienko_server.operations.nightly import chores_of
from okienko_server.operations.seed import DEMO_PASSWORD, ZONE
from okienko_server.operations.seed import seed as sow
from okienko_server.operations.worker import work
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database


class PlainGroup(click.Group):
    """Turns what an operator can put right into one sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsRefused, PlanRefused) as refused:
            raise Refused(str(refused)) from refused
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            if not isinstance(error, (ArgumentError, NoSuchModuleError)) and "port" not in str(error):
                raise
            raise Refused(
                "OKIENKO_DATABASE_URL must look like sqlite:///file.db or postgresql://user@host/name."
            ) from error
        except DatabaseError as error:
            raise Refused(f"The database does not answer: {str(error.orig).splitlines()[0]}") from error


@click.group(cls=PlainGroup)
@click.version_option(package_name="okienko", prog_name="okienko")
def main() -> None:
    """Okienko: online registration for physiotherapy clinics."""


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    database = Database(Settings.from_environment().database_url)
    upgrade(database)
    database.dispose()
    click.echo("The database stands at the newest schema.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers", default=4, show_default=True, type=click.IntRange(1), help="Processes, one request each at a time."
)
def serve(host: str, port: int, workers: int) -> None:
    """Serve the application; put a proxy with HTTPS in front of it."""
    settings = Settings.from_environment()
    open_desk(settings).database.dispose()
    if settings.development:
        # Secrets made up for this run must be the same in every process of it.
        os.environ.setdefault("OKIENKO_EMBED_KEYS", ",".join(settings.keys.embed))
        os.environ.setdefault("OKIENKO_SESSION_KEYS", ",".join(settings.keys.session))
        os.environ.setdefault("OKIENKO_PEPPER", settings.pepper)
    if importlib.util.find_spec("gunicorn") and os.name == "posix":
        _become_gunicorn(f"{host}:{port}", workers)
    import waitress

    from okienko_server.app import create_app

    waitress.serve(create_app(), host=host, port=port, threads=2 * workers)


def _become_gunicorn(bind: str, workers: int) -> NoReturn:
    # Sync workers: threaded ones answered in two speeds when measured.
    command = [sys.executable, "-m", "gunicorn", "okienko_server.wsgi:app", "--worker-class", "sync"]
    os.execv(sys.executable, [*command, "--bind", bind, "--workers", str(workers)])  # noqa: S606 - no shell is meant


@main.command()
def worker() -> None:
    """Send messages and give back lapsed holds, until stopped."""
    from okienko_server.sms.choose import gateway_of
    from okienko_server.web.house import wall_clock

    settings = Settings.from_environment()
    desk, stop = open_desk(settings), threading.Event()
    _on_stop(stop.set)
    gateway = gateway_of(settings)
    work(gateway, desk=desk, clock=wall_clock, stop=stop, chores=chores_of(gateway, desk))
    desk.database.dispose()


@main.command()
def seed() -> None:
    """Fill an empty development database with invented clinics."""
    from okienko_server.web.house import wall_clock

    settings = Settings.from_environment()
    if not settings.development:
        raise Refused("Invented clinics, whose password everybody knows, are for OKIENKO_ENV=development or demo only.")
    desk = open_desk(settings)
    report = sow(desk, local_day(wall_clock(), ZONE))
    desk.database.dispose()
    click.echo(f"{len(report.clinics)} clinics, {report.appointments} appointments; password {DEMO_PASSWORD}")


main.add_command(audit)
main.add_command(clinic_group)
main.add_command(clinics)
main.add_command(operator_group)
main.add_command(close_month)
main.add_command(messages)
main.add_command(reconcile_day)
main.add_command(sms)
main.add_command(sms_state)
main.add_command(staff)
main.add_command(tariff)
main.add_command(token)
main.add_command(doctor)
main.add_command(origins)


@main.command()
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65534), help="0: any; the website takes the next."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when everything answers.")
@click.option(
    "--keep", type=click.Path(dir_okay=False, path_type=Path), help="Database file that outlives the demonstration."
)
def demo(port: int, as_json: bool, keep: Path | None) -> None:
    """Show everything on this machine, with invented clinics, until stopped."""
    from okienko_server.demo import CannotListen, run

    def announce(addresses: Any) -> None:
        click.echo(json.dumps(asdict(addresses)) if as_json else _table(asdict(addresses)))
        sys.stdout.flush()

    _on_stop(sys.exit)
    try:
        run(port, keep, announce)
    except CannotListen as refused:
        raise Refused(str(refused)) from refused


def _table(found: dict[str, Any]) -> str:
    """Return the addresses as a person reads them."""
    login = found["staff_login"]
    rows = (
        ("Clinic's website", found["clinic_site"], "pinned frame, another site"),
        ("Portal", found["portal"], "every clinic"),
        ("Deep link", found["deep_link"], "one clinic preselected"),
        ("SMS inbox", found["sms_inbox"], "where the codes arrive"),
        ("Schedule", found["staff"], f"password {login['password']}, as one of:"),
        *(("", "", f"{email} ({role})") for role, email in found["staff_accounts"].items()),
        ("API", found["openapi"], "OpenAPI 3.1"),
    )
    lines = [f"  {name:<18}{address:<44}{note}" for name, address, note in rows]
    return "\n".join(["", "Okienko is open. Ctrl+C closes it.", "", *lines, ""])


def _on_stop(end: Callable[[], object]) -> None:
    def handle(_signal: int, _frame: FrameType | None) -> None:
        end()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
