"""What gateways report of messages they took: pushed to us, or asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.money import Event
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import book
from okienko_server.sms.gateway import Delivery, Gateway, GatewayUnsure, Report, goes_on
from okienko_server.storage.outbox_worker import OutboxWorkerStore

KEEP_ASKING = timedelta(hours=48)
MOST_ASKED = 200


def take_reports(reports: Sequence[Report], *, desk: Desk, now: datetime) -> int:
    """Write what a gateway reports and return how many messages changed; a report goes only forward, and one twice changes nothing.

    A report about a message of unknown outcome ends the doubt. Reports about messages nobody knows are passed over.
    """
    return sum(desk.database.write(lambda c, one=one: take_report(c, one, now)) for one in reports)  # type: ignore[misc]


def ask_reports(gateway: Gateway, *, desk: Desk, now: datetime) -> int:
    """Ask a gateway that does not report by itself about messages of the last two days; returns how many changed."""
    scope = operator_scope()
    open_ones = desk.database.read(
        lambda connection: OutboxWorkerStore(connection, scope).without_end(now - KEEP_ASKING, MOST_ASKED)
    )
    if not open_ones:
        return 0
    try:
        return take_reports(gateway.ask_reports(open_ones), desk=desk, now=now)
    except GatewayUnsure:
        return 0


_MONEY = {
    ("sending", "sent"): Event.SPEND, ("unsure", "sent"): Event.SPEND, ("lost", "sent"): Event.SPEND,
    ("sending", "failed"): Event.RELEASE, ("unsure", "failed"): Event.RELEASE, ("lost", "failed"): Event.RELEASE,
    ("sent", "failed"): Event.REFUND, ("failed", "sent"): Event.TAKEN, ("dropped", "sent"): Event.TAKEN, ("queued", "sent"): Event.SPEND,
    ("queued", "failed"): Event.RELEASE,
}  # fmt: skip
"""(status before a report, after it) -> what it means for the money."""


def take_report(connection: Connection, report: Report, now: datetime) -> bool:
    """Write one report and its money in the caller's transaction; False (and no change) for one that tells nothing new."""
    store = OutboxWorkerStore(connection, operator_scope())
    found = store.reported(report.message_id, report.gateway_id)
    if found is None or not found.tries or not goes_on(found.delivery, report.delivery):
        return False
    status = "failed" if report.delivery is Delivery.UNDELIVERED else "sent"
    store.deliver(found, status, report.delivery.value, report.gateway_id, now)
    if event := _MONEY.get((found.status, status)):
        book(connection, [found.paid], event, now)
    return True
