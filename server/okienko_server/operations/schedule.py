"""The schedule (grafik) of a clinic as its staff see it, and the archive of what left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.cells import day_grid, instant_of, local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.patient import Encounter
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.patients import EpisodeStore

SHOWN = frozenset({Status.PENDING, Status.BOOKED, Status.FULFILLED, Status.NOSHOW})
OVERLAP = timedelta(minutes=2)
"""A change may be committed this much later than the moment it is stamped with: another process's clock, a slow transaction."""
ARCHIVE_PAGE = 50


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """Some days of one clinic within the asker's reach: appointments in time order, and everything still waiting for an answer."""

    offer: Offer
    first: date
    days: int
    appointments: tuple[Appointment, ...]
    to_confirm: tuple[Appointment, ...]
    encounters: dict[str, Encounter]
    """What of it is tied to a patient already: appointment id -> encounter."""
    since: datetime
    """From when changes have to be looked for after this view was drawn."""
    fingerprint: str
    """Differs as soon as anything changed after `since`."""


def see_schedule(
    first: date, days: int, practitioner_id: str, *, scope: Scope, desk: Desk, now: datetime
) -> ScheduleView:
    """Return `days` days (1-14) of the schedule from a local day; an empty practitioner id means everybody within reach.

    Raises NotAllowed.
    """
    own = scope.own_only(Right.SEE_SCHEDULE)
    shown, since = own or practitioner_id, (now - OVERLAP).replace(microsecond=0)

    def work(connection: Connection) -> ScheduleView:
        offer = desk.current_offer(connection, scope)
        start, end = _span(offer, first, days)
        store = AppointmentStore(connection, scope)
        # Asked before the rows are read: what is committed in between is then shown twice rather than never.
        fingerprint = store.changes(since, own)
        today, horizon = _today(offer, now), now + timedelta(days=offer.clinic.horizon_days + 2)
        waiting = store.between(today, horizon, frozenset({Status.PENDING}), shown)
        appointments = tuple(a for a in store.between(start, end, SHOWN, shown) if not a.lapsed(now))
        return ScheduleView(
            offer,
            first,
            days,
            appointments,
            tuple(a for a in waiting if not a.lapsed(now)),
            EpisodeStore(connection, scope).encounters_at([one.id for one in appointments]),
            since,
            fingerprint,
        )

    return desk.database.read(work)


def schedule_changes(since: datetime, *, scope: Scope, desk: Desk) -> str:
    """Return the fingerprint as it is now of everything changed after `since`: one statement, asked by every open screen."""
    own = scope.own_only(Right.SEE_SCHEDULE)
    return desk.database.read(lambda connection: AppointmentStore(connection, scope).changes(since, own))


def see_archive(before: datetime, *, scope: Scope, desk: Desk) -> tuple[Offer, list[Appointment]]:
    """Return up to fifty reservations that came to nothing and begin before an instant, the latest first; raises NotAllowed."""
    own = scope.own_only(Right.SEE_SCHEDULE)
    return desk.database.read(
        lambda connection: (
            desk.current_offer(connection, scope),
            AppointmentStore(connection, scope).answered_no(before, ARCHIVE_PAGE, own),
        )
    )


def overdue(*, scope: Scope, desk: Desk, now: datetime) -> int:
    """Return how many reservations within reach wait longer for an answer than the clinic means to let anybody wait."""
    own = scope.own_only(Right.SEE_SCHEDULE)

    def work(connection: Connection) -> int:
        offer = desk.shelf.get(scope.clinic_id) or desk.offer(connection, scope)
        late = now - timedelta(minutes=offer.clinic.answer_minutes)
        return sum(made <= late for made in AppointmentStore(connection, scope).waiting_since(_today(offer, now), own))

    return desk.database.read(work)


def _span(offer: Offer, first: date, days: int) -> tuple[datetime, datetime]:
    zone = offer.clinic.zone
    return instant_of(day_grid(zone, first).first), instant_of(day_grid(zone, first + timedelta(days=days)).first)


def _today(offer: Offer, now: datetime) -> datetime:
    zone = offer.clinic.zone
    return instant_of(day_grid(zone, local_day(now.astimezone(UTC), zone)).first)
