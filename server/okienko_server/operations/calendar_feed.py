"""A therapist's private calendar address: made, shown once, revoked at once; it tells initials and times, nothing else."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.audit import Act
from okienko_server.domain.offer import Offer, Practitioner
from okienko_server.domain.roles import Right, Role
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.feeds import FeedStore

SHOWN = frozenset({Status.PENDING, Status.BOOKED, Status.FULFILLED})
PAST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Feed:
    """A therapist, and since when there is a living calendar address (None: there is none)."""

    practitioner: Practitioner
    since: datetime | None


def feeds(*, scope: Scope, desk: Desk) -> tuple[Offer, list[Feed]]:
    """Return the therapists within reach with their calendar addresses' state; raises NotAllowed."""
    own = scope.own_only(Right.SEE_SCHEDULE)

    def work(connection: Connection) -> tuple[Offer, list[Feed]]:
        offer, since = desk.current_offer(connection, scope), FeedStore(connection, scope).since()
        people = [person for person in offer.practitioners.values() if own in ("", person.id)]
        return offer, [Feed(person, since.get(person.id)) for person in people]

    return desk.database.read(work)


def open_feed(practitioner_id: str, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Return the secret part of a new calendar address; the one before stops at once. Raises NotAllowed, NotFound."""
    scope.check_own(Right.SEE_SCHEDULE, practitioner_id)
    token = secrets.token_urlsafe(24)

    def work(connection: Connection) -> None:
        desk.current_offer(connection, scope).practitioner(practitioner_id)
        store = FeedStore(connection, scope)
        store.close(practitioner_id)
        store.open(_digest(token), practitioner_id, now)
        desk.note_act(connection, scope, Act.OPEN_FEED, "practitioner", practitioner_id, now)

    desk.database.write(work)
    return token


def close_feed(practitioner_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Revoke a therapist's calendar address at once. Raises NotAllowed, NotFound."""
    scope.check_own(Right.SEE_SCHEDULE, practitioner_id)

    def work(connection: Connection) -> None:
        desk.current_offer(connection, scope).practitioner(practitioner_id)
        if FeedStore(connection, scope).close(practitioner_id):
            desk.note_act(connection, scope, Act.CLOSE_FEED, "practitioner", practitioner_id, now)

    desk.database.write(work)


def feed_scope(clinic_id: str, token: str, *, desk: Desk) -> Scope | None:
    """Return the scope of the therapist a calendar address belongs to, None when it opens nothing (any more)."""
    anybody = Scope(ScopeKind.STAFF, clinic_id, source=Source.STAFF)
    found = desk.database.read(lambda connection: FeedStore(connection, anybody).practitioner_of(_digest(token)))
    if not found:
        return None
    return Scope(ScopeKind.STAFF, clinic_id, source=Source.STAFF, role=Role.THERAPIST.value, practitioner_id=found)


def read_feed(*, scope: Scope, desk: Desk, now: datetime) -> tuple[Offer, list[Appointment]]:
    """Return the scope's therapist's appointments from thirty days ago to the clinic's horizon; raises NotAllowed."""
    own = scope.own_only(Right.SEE_SCHEDULE)

    def work(connection: Connection) -> tuple[Offer, list[Appointment]]:
        offer = desk.current_offer(connection, scope)
        end = now + timedelta(days=max(offer.clinic.horizon_days, 60) + 2)
        return offer, AppointmentStore(connection, scope).between(now - PAST, end, SHOWN, own)

    return desk.database.read(work)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
