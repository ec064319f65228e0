"""Reminders: written at their time by the worker, one for a visit, taken back with it; and what they would cost a clinic."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.money import month_of
from okienko_server.domain.phone import mobile
from okienko_server.domain.reminder import LATEST, LEADS, moment, reach, wanted
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.domain.tariff import Tariff, tariff_of
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import Post, take_back
from okienko_server.operations.sms_wording import REMINDER, reminder_text
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.outbox import OutboxStore
from okienko_server.storage.reminders import Coming, Held, ReminderStore, ReminderWorkerStore
from okienko_server.storage.tariffs import TariffStore

BATCH = 200
LOOKED_BACK = timedelta(days=30)
log = logging.getLogger("okienko.worker")


def remind_due(*, desk: Desk, now: datetime) -> int:
    """Write the reminders that are due and return how many; outside the quiet hours, and at least half an hour before the visit."""
    leads = desk.database.read(lambda c: ReminderWorkerStore(c, operator_scope()).leads(now))
    return sum(_remind_all(ZoneInfo(zone), lead, desk, now) for zone, lead in leads)


def _remind_all(zone: ZoneInfo, lead: int, desk: Desk, now: datetime) -> int:
    end, written = reach(now, lead, zone), 0
    while end is not None:
        found = desk.database.read(
            lambda c: ReminderWorkerStore(c, operator_scope()).coming(zone.key, lead, now + LATEST, end, now, BATCH)
        )
        done = [_remind(one, desk, now) for one in found]
        written += done.count(True)
        # Whatever is found is settled; where some could not be, the next look tries them again.
        if len(found) < BATCH or None in done:
            break
    return written


def _remind(coming: Coming, desk: Desk, now: datetime) -> bool | None:
    """Return whether a reminder was written; None when something failed. One visit's failure does not cost the others theirs."""
    scope = operator_scope().at(coming.clinic_id)

    def work(connection: Connection) -> bool:
        if not ReminderStore(connection, scope).settle(coming.appointment_id, coming.starts_at, now):
            return False
        clinic = desk.current_offer(connection, scope).clinic
        visit = AppointmentStore(connection, scope).get(coming.appointment_id)
        if not (
            visit.told_by_sms
            and wanted(visit.starts_at, visit.created_at, clinic.reminder_minutes, clinic.zone)
            and _reached(visit.phone, clinic)
        ):
            return False
        offer = desk.current_offer(connection, scope)
        address = visit.terms(offer).address if len(offer.locations) > 1 else None
        text = reminder_text(desk.texts, clinic, visit.starts_at, address)
        Post(connection, scope, desk, clinic, now).send(
            visit.id, REMINDER, visit.phone, text, useful_until=visit.starts_at - LATEST
        )
        return True

    try:
        return desk.database.write(work)
    except Exception as error:  # noqa: BLE001 - see above
        log.warning("a reminder met %s; it is tried again", type(error).__name__)
        return None


def _reached(phone: str, clinic: Clinic) -> bool:
    """Return whether an SMS to this number is one the clinic pays for: a mobile of its countries."""
    try:
        return bool(mobile(phone, clinic.sms_countries))
    except FieldRefused:
        return False


def drop_reminder(connection: Connection, scope: Scope, appointment_id: str, now: datetime) -> None:
    """Take back the reminder of a visit that is off, if it has not left."""
    take_back(connection, scope, REMINDER, now, appointment_id)


def redate_reminder(
    connection: Connection, scope: Scope, before: Appointment, after: Appointment, clinic: Clinic, now: datetime
) -> None:
    """Let the reminder follow a visit to its new time or address: one that has not left is taken back and written anew at its time.

    Whoever was reminded once is not reminded again, and nobody is of a new time told within the lead.
    """
    if (before.starts_at, before.location_id) == (after.starts_at, after.location_id):
        return
    take_back(connection, scope, REMINDER, now, after.id)
    if OutboxStore(connection, scope).may_have_left(after.id, REMINDER):
        return
    lead = clinic.reminder_minutes
    told_now = lead and not wanted(after.starts_at, now, lead, clinic.zone)
    ReminderStore(connection, scope).reset(after.id, now if told_now else None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What reminders with one lead would cost in thirty days, by the visits of the last thirty: messages from the pool, and on the bill."""

    lead: int
    from_pool: int
    on_bill: int
    grosze: int
    """Gross, on the bill: each message at the price of the month it would leave in."""

    @property
    def messages(self) -> int:
        return self.from_pool + self.on_bill


@dataclass(frozen=True, slots=True)
class Estimate:
    """The clinic, what each choice would cost it, and the tariffs that was worked out with."""

    clinic: Clinic
    costs: tuple[Cost, ...]
    tariffs: tuple[Tariff, ...]


def reminder_costs(*, scope: Scope, desk: Desk, now: datetime) -> Estimate:
    """Return what each choice would cost the clinic; of the pool, what the last thirty days' messages would have left.

    The visits of the last thirty days are taken to come again in the next thirty, so that a tariff which begins meanwhile counts for what
    leaves under it; the pool is that of the month most of these days fall into. Raises NotAllowed.
    """
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> Estimate:
        clinic = desk.current_offer(connection, scope).clinic
        visits = [
            one for one in ReminderStore(connection, scope).held(now - LOOKED_BACK, now) if _reached(one.phone, clinic)
        ]
        used = OutboxStore(connection, scope).paid_since(now - LOOKED_BACK, REMINDER)
        tariffs = TariffStore(connection, operator_scope()).listed()
        mostly = tariff_of(tariffs, month_of(now + LOOKED_BACK / 2, clinic.zone))
        left = max(LedgerStore(connection, scope).people() * mostly.pool_messages - used, 0)
        return Estimate(clinic, tuple(_cost(lead, visits, left, clinic, tariffs) for lead in LEADS), tariffs)

    return desk.database.read(work)


def _cost(lead: int, visits: list[Held], left: int, clinic: Clinic, tariffs: tuple[Tariff, ...]) -> Cost:
    """Return what one lead would cost; the first messages are the pool's."""
    leaving = sorted(
        moment(one.starts_at, lead, clinic.zone) + LOOKED_BACK
        for one in visits
        if wanted(one.starts_at, one.created_at, lead, clinic.zone)
    )
    prices = [tariff_of(tariffs, month_of(at, clinic.zone)).price for at in leaving]
    return Cost(lead, len(prices[:left]), len(prices[left:]), sum(prices[left:]))
