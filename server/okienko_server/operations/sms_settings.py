"""What a clinic's messages may cost and whom they reach: notifications (and so the pool), countries, the day's budget, reminders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.phone import known_country
from okienko_server.domain.reminder import LEADS
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import take_back
from okienko_server.operations.sms_wording import REMINDER
from okienko_server.storage.sms_settings import SmsSettingsStore

HIGHEST_BUDGET = 1_000_000
"""Grosze a day: what is more is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """What is to change; None leaves as it is. `countries` are ISO 3166 codes, `day_budget` grosze, `reminder` minutes before a visit."""

    notifications: bool | None = None
    countries: tuple[str, ...] | None = None
    day_budget: int | None = None
    reminder: int | None = None


def set_sms(asked: SmsSettings, *, scope: Scope, desk: Desk, now: datetime) -> Clinic:
    """Write what changed and return the clinic as it is now; a pool once granted for the month stays.

    Raises NotAllowed, FieldRefused (countries, day_budget, reminder).
    """
    scope.own_only(Right.CHANGE_SETTINGS)
    countries = None if asked.countries is None else tuple(dict.fromkeys(one.upper() for one in asked.countries))
    if countries is not None and not (countries and all(known_country(one) for one in countries)):
        raise FieldRefused("bad_request", field="countries")
    if asked.day_budget is not None and not 0 <= asked.day_budget <= HIGHEST_BUDGET:
        raise FieldRefused("price_invalid", field="day_budget")
    if asked.reminder is not None and asked.reminder not in LEADS:
        raise FieldRefused("bad_request", field="reminder")

    def work(connection: Connection) -> Clinic:
        if SmsSettingsStore(connection, scope).set(asked.notifications, countries, asked.day_budget, asked.reminder):
            if asked.reminder == 0:
                take_back(connection, scope, REMINDER, now)
            desk.note_act(connection, scope, Act.CHANGE_SETTINGS, "clinic", scope.clinic_id, now)
        return desk.offer(connection, scope).clinic

    return desk.database.write(work)
