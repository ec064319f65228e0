"""The schedule (grafik) of a clinic as its staff see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.cells import day_grid, instant_of, local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore

SHOWN = frozenset({Status.PENDING, Status.BOOKED, Status.FULFILLED, Status.NOSHOW})
UNCONFIRMED_DAYS = 90
"""An unconfirmed reservation leaves the schedule this many days after it was made."""


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """Some days of one clinic: appointments in time order, and everything still waiting for an answer."""

    offer: Offer
    first: date
    days: int
    appointments: tuple[Appointment, ...]
    to_confirm: tuple[Appointment, ...]
    fingerprint: str
    """Differs as soon as anything shown changed."""


def see_schedule(
    first: date, days: int, practitioner_id: str, *, scope: Scope, desk: Desk, now: datetime
) -> ScheduleView:
    """Return `days` days (1-14) of the schedule from a local day; an empty practitioner id means everybody."""

    def work(connection: Connection) -> ScheduleView:
        offer = desk.current_offer(connection, scope)
        start, end = _span(offer, first, days)
        store = AppointmentStore(connection, scope)
        today, horizon = _today(offer, now), now + timedelta(days=offer.clinic.horizon_days + 2)
        waiting = store.between(today, horizon, frozenset({Status.PENDING}), practitioner_id)
        made_after = now - timedelta(days=UNCONFIRMED_DAYS)
        return ScheduleView(
            offer,
            first,
            days,
            tuple(store.between(start, end, SHOWN, practitioner_id)),
            tuple(a for a in waiting if (a.pending_at or a.created_at) > made_after),
            store.fingerprint(today, horizon) + "." + store.fingerprint(start, end),
        )

    return desk.database.read(work)


def schedule_fingerprint(first: date, days: int, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Return only the fingerprint `see_schedule` would carry; cheap enough to be asked every second."""

    def work(connection: Connection) -> str:
        offer = desk.shelf.get(scope.clinic_id) or desk.offer(connection, scope)
        store = AppointmentStore(connection, scope)
        start, end = _span(offer, first, days)
        today, horizon = _today(offer, now), now + timedelta(days=offer.clinic.horizon_days + 2)
        return store.fingerprint(today, horizon) + "." + store.fingerprint(start, end)

    return desk.database.read(work)


def _span(offer: Offer, first: date, days: int) -> tuple[datetime, datetime]:
    zone = offer.clinic.zone
    return instant_of(day_grid(zone, first).first), instant_of(day_grid(zone, first + timedelta(days=days)).first)


def _today(offer: Offer, now: datetime) -> datetime:
    zone = offer.clinic.zone
    return instant_of(day_grid(zone, local_day(now.astimezone(UTC), zone)).first)
