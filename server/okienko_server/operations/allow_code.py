"""Whether one more code may be sent: by telephone, visitor, network, clinic and in all, and within the clinic's day."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.errors import ProofNeeded, ResendRefused
from okienko_server.domain.money import day_of, month_of
from okienko_server.domain.proof import challenge_for, proven
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.domain.throttle import Bucket
from okienko_server.operations.alarms import Reason
from okienko_server.operations.desk import Desk
from okienko_server.storage.counters import CounterStore
from okienko_server.storage.ledger import Day, LedgerStore

SUSPICIOUS = 50
"""Codes of a day after which a clinic's breaker looks how many came back right."""
UNUSUAL = 20
"""Codes of a day after which fewer right ones than a third ask for a little work first."""
RISKY_SHARE = 4
"""So does a quarter of what a network, a clinic or everybody may send."""
FEWEST_RIGHT = 5
"""One of so many codes must come back right, or somebody pumps messages (research: reliability-security S12)."""
log = logging.getLogger("okienko.sms")


def allow_code(
    phone: str, clinic: Clinic, connection: Connection, *, scope: Scope, desk: Desk, now: datetime, first: bool
) -> bool:
    """Count one more code in the caller's transaction; what the transaction takes back was never counted.

    Returns whether so many were sent that a little work should be asked for before the next. Raises ResendRefused: sms_too_many
    (`wait_seconds` says how long), or sms_paused when the clinic's day is used up or looks pumped.
    """
    limits, counters = desk.sms_limits, CounterStore(connection, operator_scope())
    buckets = [
        Bucket(limits.phone_here, f"{phone}|{scope.network}"), Bucket(limits.phone, phone), Bucket(limits.visitor, scope.session_id),
        Bucket(limits.network, scope.network), Bucket(limits.clinic, clinic.id), Bucket(limits.everybody, ""),
    ]  # fmt: skip
    risky = False
    # In the order of their keys, so that two who count the same ones never wait for each other crosswise.
    for key, bucket in sorted((bucket.key(desk.pepper), bucket) for bucket in buckets):
        count, since = counters.count(key, bucket.rule.window, now)
        if count > bucket.rule.limit:
            log.warning("codes refused by the limit %s", bucket.rule.name)
            wait = int((since + bucket.rule.window - now).total_seconds()) + 1
            raise ResendRefused("sms_too_many", wait_seconds=wait)
        shared = bucket.rule in (limits.network, limits.clinic, limits.everybody)
        risky = risky or (shared and count * RISKY_SHARE > bucket.rule.limit)
    price = desk.tariff(connection, month_of(now, clinic.zone), now).budgeted * (2 if first else 1)
    day = LedgerStore(connection, scope).charge_day(day_of(now, clinic.zone), price, clinic.sms_day_budget)
    if day is None or pumped(day):
        log.warning(
            "codes paused for clinic %s: %s",
            clinic.id,
            "the day is used up" if day is None else "too few come back right",
        )
        desk.alarms.raise_once(Reason.BUDGET if day is None else Reason.PUMPED, clinic, now)
        raise ResendRefused("sms_paused")
    return risky or (day.codes > UNUSUAL and day.verified * 3 < day.codes)


def ask_for_proof(appointment_id: str, sent: str, *, desk: Desk, now: datetime) -> None:
    """Raise ProofNeeded unless what came with the form is this hold's challenge, worked on or waited for."""
    if not proven(desk.pepper, appointment_id, sent, now):
        asked = challenge_for(desk.pepper, appointment_id, sent, now)
        raise ProofNeeded(asked.text, asked.bits, asked.wait_seconds)


def pumped(day: Day) -> bool:
    """Return whether so few codes came back right that the clinic's are paused for the day."""
    return day.codes > SUSPICIOUS and day.verified * FEWEST_RIGHT < day.codes
