"""The life of an appointment as one table of allowed steps (statuses: HL7 FHIR R4 Appointment, plus proposed -> expired)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from okienko_server.domain.agreement import NOTHING_KEPT, Agreement, Terms, terms
from okienko_server.domain.cells import Length, local_day
from okienko_server.domain.errors import StepNotAllowed
from okienko_server.domain.offer import Offer, ServiceKind
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.scope import Source

HOLD_MINUTES = 10
MAX_HOLD_MINUTES = 40
"""A hold may be extended, but not for ever: from its making to its last possible minute."""

UNCONFIRMED = timedelta(days=90)
"""This long after it was made an unconfirmed reservation leaves the schedule; the archive keeps it."""


class Status(StrEnum):
    """Where an appointment stands; the comment is what staff call it."""

    PROPOSED = "proposed"  # termin wstępny, held while the patient types
    PENDING = "pending"  # rezerwacja online, the code was right
    BOOKED = "booked"  # wizyta zaplanowana, the therapist confirmed
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    EXPIRED = "expired"  # a hold nobody finished, or a reservation nobody answered


class Step(StrEnum):
    """What may happen to an appointment."""

    VERIFY = "verify"
    EXPIRE = "expire"
    RELEASE = "release"
    CONFIRM = "confirm"
    DECLINE = "decline"
    LAPSE = "lapse"
    CANCEL = "cancel"
    FULFIL = "fulfil"
    MISS = "miss"


STEPS: dict[tuple[Status, Step], Status] = {
    (Status.PROPOSED, Step.VERIFY): Status.PENDING,
    (Status.PROPOSED, Step.EXPIRE): Status.EXPIRED,
    (Status.PROPOSED, Step.RELEASE): Status.CANCELLED,
    (Status.PENDING, Step.CONFIRM): Status.BOOKED,
    (Status.PENDING, Step.DECLINE): Status.CANCELLED,
    (Status.PENDING, Step.CANCEL): Status.CANCELLED,
    (Status.PENDING, Step.LAPSE): Status.EXPIRED,
    (Status.BOOKED, Step.CANCEL): Status.CANCELLED,
    (Status.BOOKED, Step.FULFIL): Status.FULFILLED,
    (Status.BOOKED, Step.MISS): Status.NOSHOW,
}

MOVABLE = frozenset({Status.PENDING, Status.BOOKED})
"""Statuses in which an appointment may be moved to another time or therapist; its status stays."""
FARTHEST = timedelta(days=2 * 366)
"""How far ahead staff may put in or move an appointment; patients only see the clinic's horizon."""
OCCUPYING = frozenset({Status.PROPOSED, Status.PENDING, Status.BOOKED, Status.FULFILLED, Status.NOSHOW})
"""Statuses whose cells stay taken."""


def after(status: Status, step: Step) -> Status:
    """Return the status a step leads to; raises StepNotAllowed."""
    try:
        return STEPS[status, step]
    except KeyError:
        raise StepNotAllowed from None


def starting_points(step: Step) -> frozenset[Status]:
    """Return the statuses a step may begin from: the guard of its compare-and-swap update."""
    return frozenset(status for status, allowed in STEPS if allowed is step)


def leaves_at(asked_at: datetime) -> datetime:
    """Return when a reservation made then leaves the schedule unless somebody answers it."""
    return asked_at + UNCONFIRMED


def left_schedule(status: str, asked_at: datetime | None, now: datetime) -> bool:
    """Return whether a reservation made then waited so long without an answer that it left the schedule."""
    return status == Status.PENDING and asked_at is not None and now - asked_at >= UNCONFIRMED


@dataclass(frozen=True, slots=True)
class Person:
    """A name as typed."""

    first_name: str = ""
    last_name: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment; instants are aware UTC. Personal fields stay empty until the patient gave them."""

    id: str
    clinic_id: str
    practitioner_id: str
    location_id: str
    service_id: str
    status: Status
    source: Source
    session_id: str
    kind: ServiceKind
    category: ProblemCategory
    age: AgeRange
    any_practitioner: bool
    """True when the patient asked for nobody in particular."""
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    held_until: datetime | None
    pending_at: datetime | None = None
    patient: Person = Person()
    booker: Person = Person()
    """The guardian of a child; empty when the patient booked."""
    phone: str = ""
    comment: str = ""
    decline_reason: str = ""
    agreement: Agreement = NOTHING_KEPT

    def hold_ends(self, now: datetime) -> datetime:
        """Return until when the hold may be kept when it is extended at `now`."""
        return min(now + timedelta(minutes=HOLD_MINUTES), self.created_at + timedelta(minutes=MAX_HOLD_MINUTES))

    @property
    def told_by_sms(self) -> bool:
        """True when its patient may get messages: there is a number, and nobody was only trying the window out."""
        return bool(self.phone) and self.source is not Source.REHEARSAL

    @property
    def asked_at(self) -> datetime:
        """When the reservation was made: the right code, or the making where staff put it in."""
        return self.pending_at or self.created_at

    def lapsed(self, now: datetime) -> bool:
        """Return whether it waited so long without an answer that it left the schedule."""
        return left_schedule(self.status.value, self.asked_at, now)

    def stands(self, now: datetime) -> bool:
        """Return whether its time is somebody's still to come: pending, planned, or held and not lapsed."""
        held = self.status is Status.PROPOSED and self.held_until is not None and self.held_until > now
        return held or self.status in MOVABLE

    def too_late(self, zone: ZoneInfo, now: datetime) -> bool:
        """Return whether nobody answered until its day was over: it can be confirmed no more."""
        return self.status is Status.PENDING and local_day(self.starts_at, zone) < local_day(now, zone)

    def overdue(self, answer_minutes: int, now: datetime) -> bool:
        """Return whether it waits for an answer longer than the clinic means to let anybody wait."""
        return self.status is Status.PENDING and now - self.asked_at >= timedelta(minutes=answer_minutes)

    @property
    def length(self) -> Length:
        """How long it takes by its own times and buffers, whatever its service takes by now."""
        minutes = int((self.ends_at - self.starts_at).total_seconds()) // 60
        return Length(minutes, self.agreement.buffer_before, self.agreement.buffer_after)

    @property
    def occupied(self) -> range:
        """The cells it takes, buffers included."""
        return self.length.cells(self.starts_at)

    def terms(self, offer: Offer) -> Terms:
        """Return what was agreed, to be shown; what was not kept is the present offer's."""
        return terms(self.agreement, self.service_id, self.location_id, offer)
