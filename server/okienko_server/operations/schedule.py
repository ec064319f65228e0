"""The schedule (grafik) of a clinic as its staff see it, and the archive of what left it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.appointment import FARTHEST, Appointment, Status, left_schedule
from okienko_server.domain.cells import day_grid, instant_of, local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.patient import Encounter
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore, Glance
from okienko_server.storage.patients import EpisodeStore

SHOWN = frozenset({Status.PENDING, Status.BOOKED, Status.FULFILLED, Status.NOSHOW})
OVERLAP = timedelta(minutes=2)
"""A change may be committed this much later than the moment it is stamped with: another process's clock, a slow transaction."""
ARCHIVE_PAGE = 50
NEAR = timedelta(hours=4)
WITH_NEIGHBOURS = 12
"""How many of those that wait are shown with their neighbours: a list longer than this is worked off from the top."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The visit before and the visit after, None where nothing stands within four hours."""

    before: Glance | None
    after: Glance | None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """Some days of one clinic within the asker's reach: appointments in time order, and everything still waiting for an answer."""

    offer: Offer
    first: date
    days: int
    appointments: tuple[Appointment, ...]
    to_confirm: tuple[Appointment, ...]
    glances: tuple[Glance, ...] | None
    """The same days of everybody, when only a glance was asked for (`appointments` is empty then); None when the asker knows that state."""
    state: str
    """Of the glances, the offer included: the same as long as they are; "" without."""
    neighbours: dict[str, Neighbours]
    """Of the first that wait: appointment id -> what stands before and after with the same therapist that day."""
    encounters: dict[str, Encounter]
    """What of it is tied to a patient already: appointment id -> encounter."""
    since: datetime
    """From when changes have to be looked for after this view was drawn."""
    fingerprint: str
    """Differs as soon as anything changed after `since`."""


def see_schedule(
    first: date,
    days: int,
    practitioner_id: str,
    *,
    glance: bool = False,
    known: Container[str] = (),
    scope: Scope,
    desk: Desk,
    now: datetime,
) -> ScheduleView:
    """Return `days` days (1-14) of the schedule from a local day; an empty practitioner id means everybody within reach.

    `glance` asks for everybody's days in a few words each, which only somebody may ask who sees the whole clinic; the glances of a
    `known` state are not read again.

    Raises NotAllowed.
    """
    own = scope.own_only(Right.SEE_SCHEDULE)
    quick = glance and not own
    shown, since = own or practitioner_id, seen_since(now)

    def work(connection: Connection) -> ScheduleView:
        store = AppointmentStore(connection, scope)
        # Asked before the rows are read: what is committed in between is then shown twice rather than never.
        changes = store.changes(since, own)
        offer = desk.offer_at(connection, scope, changes.revision)
        start, end = _span(offer, first, days)
        # Staff may have moved a reservation beyond the horizon patients see; it waits for an answer all the same.
        pending = store.between(_today(offer, now), now + FARTHEST, frozenset({Status.PENDING}), shown)
        waiting = [one for one in pending if not one.lapsed(now)]
        # What is lapsed but not yet swept up is shown by neither.
        listed = () if quick else store.between(start, end, SHOWN, shown)
        appointments = tuple(one for one in listed if not one.lapsed(now))
        state = f"{offer.revision}.{store.state(start, end, SHOWN)}" if quick else ""
        seen_at_once = store.glances(start, end, SHOWN) if quick and state not in known else []
        return ScheduleView(
            offer,
            first,
            days,
            appointments,
            tuple(waiting),
            None
            if quick and state in known
            else tuple(one for one in seen_at_once if not left_schedule(one.status, one.pending_at, now)),
            state,
            _neighbours(waiting[:WITH_NEIGHBOURS], store),
            EpisodeStore(connection, scope).encounters_at([one.id for one in appointments]),
            since,
            str(changes),
        )

    return desk.database.read(work)


def _neighbours(waiting: list[Appointment], store: AppointmentStore) -> dict[str, Neighbours]:
    beside = store.beside(waiting, NEAR, SHOWN)
    found: dict[str, Neighbours] = {}
    for one in waiting:
        near = [other for other in beside if other.practitioner_id == one.practitioner_id and other.id != one.id]
        before = [other for other in near if one.starts_at - NEAR <= other.starts_at < one.starts_at]
        after = [other for other in near if one.ends_at <= other.starts_at < one.ends_at + NEAR]
        found[one.id] = Neighbours(before[-1] if before else None, after[0] if after else None)
    return found


def seen_since(now: datetime) -> datetime:
    """Return from when changes count for a view drawn now: a whole second, so that many who ask at once ask the same."""
    return (now - OVERLAP).replace(microsecond=0)


def schedule_changes(since: datetime, *, scope: Scope, desk: Desk) -> str:
    """Return the fingerprint as it is now of everything changed after `since`: one statement, asked by every open screen."""
    own = scope.own_only(Right.SEE_SCHEDULE)
    return desk.database.read(lambda connection: str(AppointmentStore(connection, scope).changes(since, own)))


def see_archive(before: datetime, after_id: str = "", *, scope: Scope, desk: Desk) -> tuple[Offer, list[Appointment]]:
    """Return up to fifty reservations that came to nothing and begin before an instant (or at it, after an id), the latest first.

    Raises NotAllowed.
    """
    own = scope.own_only(Right.SEE_SCHEDULE)
    return desk.database.read(
        lambda connection: (
            desk.current_offer(connection, scope),
            AppointmentStore(connection, scope).answered_no(before, ARCHIVE_PAGE, own, after_id),
        )
    )


def _span(offer: Offer, first: date, days: int) -> tuple[datetime, datetime]:
    zone = offer.clinic.zone
    return instant_of(day_grid(zone, first).first), instant_of(day_grid(zone, first + timedelta(days=days)).first)


def _today(offer: Offer, now: datetime) -> datetime:
    zone = offer.clinic.zone
    return instant_of(day_grid(zone, local_day(now.astimezone(UTC), zone)).first)
