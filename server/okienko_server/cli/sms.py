"""`okienko sms`: what a clinic's messages may cost and whom they reach."""

from __future__ import annotations

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.errors import FieldRefused, NotFound
from okienko_server.domain.reminder import LEADS
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.onboard_clinic import clinic_under
from okienko_server.operations.sms_settings import SmsSettings, set_sms

WRONG = {
    "countries": "--countries must be like PL or PL,DE,UA.",
    "day_budget": "--day-budget must be between 0 and 1000000 grosze.",
    "reminder": f"--reminder must be one of {', '.join(str(minutes // 60) for minutes in LEADS)} hours.",
}


@click.command()
@click.option("--clinic", required=True, help="Short name of the clinic.")
@click.option("--notifications/--no-notifications", default=None, help="Paid notifications give the month's pool.")
@click.option("--countries", default=None, help="Whose mobile numbers get codes: PL, or PL,DE,UA.")
@click.option("--day-budget", default=None, type=int, help="Grosze a day for codes and the confirmations they promise.")
@click.option("--reminder", default=None, type=int, help="Hours before a visit its patient is reminded; 0: never.")
def sms(
    clinic: str, notifications: bool | None, countries: str | None, day_budget: int | None, reminder: int | None
) -> None:
    """Change how a clinic's messages are paid and whom they reach; without options, print it."""
    from okienko_server.web.house import wall_clock

    desk = open_desk(Settings.from_environment())
    listed = None if countries is None else tuple(one.strip() for one in countries.split(","))
    try:
        scope = operator_scope().at(clinic_under(clinic, desk=desk))
        asked = SmsSettings(notifications, listed, day_budget, None if reminder is None else reminder * 60)
        click.echo(_said(set_sms(asked, scope=scope, desk=desk, now=wall_clock())))
    except NotFound:
        raise Refused(f"There is no clinic {clinic!r}.") from None
    except FieldRefused as refused:
        raise Refused(WRONG[refused.field]) from None
    finally:
        desk.database.dispose()


def _said(clinic: Clinic) -> str:
    pool = "on" if clinic.sms_notifications else "off (no pool: every message is on the bill)"
    reminder = f"reminders {clinic.reminder_minutes // 60} h before" if clinic.reminder_minutes else "no reminders"
    countries = ",".join(clinic.sms_countries)
    return f"notifications {pool}, countries {countries}, {clinic.sms_day_budget} gr a day, {reminder}"
