"""Appointments of one clinic, with the consents given for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Row, Text, and_, bindparam, cast, delete, func, insert, literal, or_, select, update

from okienko_server.domain.agreement import Agreement
from okienko_server.domain.appointment import MOVABLE, Appointment, Person, Status, Step, after
from okienko_server.domain.clinic import Address
from okienko_server.domain.details import Details
from okienko_server.domain.errors import NotFound, StepNotAllowed
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.scope import Source
from okienko_server.domain.verification import Challenge
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import AppointmentRow, ChallengeRow, ClinicRow, ConsentRow

_A = AppointmentRow
_FORGOTTEN = {
    "first_name": "",
    "last_name": "",
    "booker_first_name": "",
    "booker_last_name": "",
    "phone": "",
    "comment": "",
}


_ID = (_A.clinic_id == bindparam("clinic"), _A.id == bindparam("appointment"))
_ADD = insert(_A)
_GET = select(_A.__table__).where(*_ID)
_LOCK = _GET.with_for_update()
_C = ChallengeRow
_WHOLE = (
    select(
        _A.__table__,
        ClinicRow.revision,
        _C.digest,
        _C.expires_at.label("code_expires_at"),
        _C.tries,
        _C.sends,
        _C.sent_at,
        _C.used,
    )
    .join(ClinicRow, ClinicRow.clinic_id == _A.clinic_id)
    .outerjoin(_C, (_C.clinic_id == _A.clinic_id) & (_C.appointment_id == _A.id))
    .where(*_ID)
)
_HELD_BY_SESSION = (
    select(_A.__table__)
    .where(
        _A.clinic_id == bindparam("clinic"), _A.session_id == bindparam("session"), _A.status == Status.PROPOSED.value
    )
    .order_by(_A.id)
)
_GLANCE = select(
    _A.id, _A.practitioner_id, _A.location_id, _A.status, _A.starts_at, _A.ends_at, _A.pending_at, _A.first_name,
    _A.last_name,
)  # fmt: skip
_WITHIN = (
    _A.clinic_id == bindparam("clinic"),
    _A.starts_at >= bindparam("first"),
    _A.starts_at < bindparam("end"),
    _A.status.in_(bindparam("statuses", expanding=True)),
)
_GLANCES = _GLANCE.where(*_WITHIN).order_by(_A.starts_at, _A.id)
# In whatever order they come: another order is another text, and only drawn once more.
_STATE = select(func.aggregate_strings(_A.id + literal(".") + cast(_A.version, Text), " ")).where(*_WITHIN)
_CHANGES = select(
    func.count(),
    func.coalesce(func.sum(_A.version), 0),
    select(ClinicRow.revision).where(ClinicRow.clinic_id == bindparam("clinic")).scalar_subquery(),
).where(_A.clinic_id == bindparam("clinic"), _A.changed_at >= bindparam("since"))
_OWN_CHANGES = _CHANGES.where(_A.practitioner_id == bindparam("practitioner"))


@dataclass(frozen=True, slots=True)
class Whole:
    """An appointment, the challenge of its code (None while none was sent), and the revision its clinic's offer stands at."""

    appointment: Appointment
    challenge: Challenge | None
    revision: int


class Changes(NamedTuple):
    """How many appointments changed, the sum of their versions, and the revision of the offer."""

    changed: int
    versions: int
    revision: int

    def __str__(self) -> str:
        return f"{self.changed}.{self.versions}.{self.revision}"


class Glance(NamedTuple):
    """The few facts of an appointment that everybody's week shows."""

    id: str
    practitioner_id: str
    location_id: str
    status: str
    starts_at: datetime
    ends_at: datetime
    pending_at: datetime | None
    first_name: str
    last_name: str


@cache
def _changing(names: tuple[str, ...]) -> Any:
    """The compare-and-swap update of some columns, made once for each set of columns."""
    values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in names}
    statement = update(_A).where(*_ID, _A.status == bindparam("was"))
    return statement.values(changed_at=bindparam("to_changed_at"), version=_A.version + 1, **values)


class AppointmentStore(ClinicStore):
    """Appointments of the scope's clinic."""

    def add(self, made: Appointment) -> None:
        """Write a new appointment."""
        self.connection.execute(
            _ADD,
            {
                "clinic_id": self.clinic_id, "id": made.id, "practitioner_id": made.practitioner_id,
                "location_id": made.location_id, "service_id": made.service_id, "status": made.status.value,
                "source": made.source.value, "session_id": made.session_id, "kind": made.kind.value,
                "category": made.category.value, "age_lowest": made.age.lowest, "age_highest": made.age.highest,
                "any_practitioner": made.any_practitioner, "starts_at": made.starts_at, "ends_at": made.ends_at,
                "created_at": made.created_at, "changed_at": made.created_at, "version": 1, "held_until": made.held_until,
                "pending_at": made.pending_at, "first_name": made.patient.first_name, "last_name": made.patient.last_name,
                "booker_first_name": made.booker.first_name, "booker_last_name": made.booker.last_name,
                "phone": made.phone, "comment": made.comment, "decline_reason": "",
                **_columns_of(made.agreement),
            },
        )  # fmt: skip

    def get(self, appointment_id: str, *, lock: bool = False) -> Appointment:
        """Return one appointment, locked until the transaction ends when asked; raises NotFound."""
        asked = {"clinic": self.clinic_id, "appointment": appointment_id}
        row = self.connection.execute(_LOCK if lock else _GET, asked).first()
        if row is None:
            raise NotFound
        return appointment_of(row)

    def own(self, appointment_id: str) -> Whole:
        """Return an appointment made by this very visitor session, with its code's state; raises NotFound for anybody else's."""
        asked = {"clinic": self.clinic_id, "appointment": appointment_id}
        row = self.connection.execute(_WHOLE, asked).first()
        if row is None or not self.scope.session_id or row.session_id != self.scope.session_id:
            raise NotFound
        challenge = None
        if row.digest is not None:
            challenge = Challenge(row.digest, row.code_expires_at, row.tries, row.sends, row.sent_at, row.used)
        return Whole(appointment_of(row), challenge, row.revision)

    def lock_own(self, appointment_id: str) -> Appointment:
        """The same locked until the transaction ends, alone: what was joined would be as old as the wait for the lock was long."""
        found = self.get(appointment_id, lock=True)
        if not self.scope.session_id or found.session_id != self.scope.session_id:
            raise NotFound
        return found

    def held_by_session(self) -> list[Appointment]:
        """Return the times this visitor session holds now, in the order of their ids."""
        rows = self.connection.execute(_HELD_BY_SESSION, {"clinic": self.clinic_id, "session": self.scope.session_id})
        return [appointment_of(row) for row in rows]

    def step(self, appointment: Appointment, step: Step, now: datetime, **values: Any) -> Appointment:
        """Take a step of the life cycle from the status the appointment was read in, and return it as it now stands.

        Raises StepNotAllowed when the life cycle has no such step, or somebody was faster.
        """
        status = after(appointment.status, step)
        if step in (Step.EXPIRE, Step.RELEASE):
            values |= _FORGOTTEN
            self.forget_consents(appointment.id)
        self._change(appointment, now, status=status.value, held_until=None, **values)
        kept = {name: value for name, value in values.items() if name in ("pending_at", "decline_reason")}
        return replace(appointment, status=status, held_until=None, **kept)

    def give_details(
        self, appointment: Appointment, details: Details, held_until: datetime, now: datetime
    ) -> Appointment:
        """Write what the patient typed into a held appointment; raises StepNotAllowed when it is no longer held."""
        patient, booker = details.patient, details.booker
        self._change(
            appointment, now, first_name=patient.first_name, last_name=patient.last_name,
            booker_first_name=booker.first_name, booker_last_name=booker.last_name, phone=details.phone,
            comment=details.comment, held_until=held_until,
        )  # fmt: skip
        return replace(
            appointment,
            patient=patient,
            booker=booker,
            phone=details.phone,
            comment=details.comment,
            held_until=held_until,
        )

    def extend(self, appointment: Appointment, held_until: datetime, now: datetime) -> Appointment:
        """Keep a held appointment until later."""
        self._change(appointment, now, held_until=held_until)
        return replace(appointment, held_until=held_until)

    def _change(self, appointment: Appointment, now: datetime, **values: Any) -> None:
        names = tuple(sorted(values))
        asked = {"clinic": self.clinic_id, "appointment": appointment.id, "was": appointment.status.value}
        sets = {f"to_{name}": value for name, value in values.items()}
        if self.connection.execute(_changing(names), asked | sets | {"to_changed_at": now}).rowcount != 1:
            raise StepNotAllowed

    def add_consent(
        self, appointment_id: str, kind: str, version: str, sha256: str, given_by: str, now: datetime
    ) -> None:
        """Keep the evidence of a consent: which wording, by whom, when."""
        self.connection.execute(
            _CONSENT[self.dialect],
            {
                "clinic_id": self.clinic_id, "appointment_id": appointment_id, "kind": kind, "given_at": now,
                "text_version": version, "text_sha256": sha256, "given_by": given_by,
            },
        )  # fmt: skip

    def forget_consents(self, appointment_id: str) -> None:
        """Drop the consents of a hold nobody finished: they name who typed them, and prove nothing any more."""
        self.connection.execute(
            delete(ConsentRow).where(
                ConsentRow.clinic_id == self.clinic_id, ConsentRow.appointment_id == appointment_id
            )
        )

    def between(
        self, start: datetime, end: datetime, statuses: frozenset[Status], practitioner_id: str = ""
    ) -> list[Appointment]:
        """Return appointments that begin in [start, end), in time order."""
        statement = select(_A.__table__).where(
            _A.clinic_id == self.clinic_id, _A.starts_at >= start, _A.starts_at < end, _A.status.in_(sorted(statuses))
        )
        if practitioner_id:
            statement = statement.where(_A.practitioner_id == practitioner_id)
        return [appointment_of(row) for row in self.connection.execute(statement.order_by(_A.starts_at, _A.id))]

    def of(self, appointment_ids: list[str]) -> list[Appointment]:
        """Return some appointments by their ids, in time order."""
        statement = select(_A.__table__).where(_A.clinic_id == self.clinic_id, _A.id.in_(appointment_ids))
        return [appointment_of(row) for row in self.connection.execute(statement.order_by(_A.starts_at, _A.id))]

    def consents(self, appointment_ids: list[str]) -> list[tuple[str, str, str, datetime, str]]:
        """Return (appointment id, kind, version of the wording, when, by whom) of the consents given with some appointments."""
        statement = select(
            ConsentRow.appointment_id,
            ConsentRow.kind,
            ConsentRow.text_version,
            ConsentRow.given_at,
            ConsentRow.given_by,
        ).where(ConsentRow.clinic_id == self.clinic_id, ConsentRow.appointment_id.in_(appointment_ids))
        return [
            (r[0], r[1], r[2], r[3], r[4]) for r in self.connection.execute(statement.order_by(ConsentRow.given_at))
        ]

    def glances(self, start: datetime, end: datetime, statuses: frozenset[Status]) -> list[Glance]:
        """Return what a glance needs of the appointments that begin in [start, end), in time order: a quarter of reading them whole."""
        asked = {"clinic": self.clinic_id, "first": start, "end": end, "statuses": sorted(statuses)}
        return [Glance(*row) for row in self.connection.execute(_GLANCES, asked)]

    def state(self, start: datetime, end: datetime, statuses: frozenset[Status]) -> str:
        """Return a text that is the same as long as nothing about the same appointments changed: each one's id and version."""
        asked = {"clinic": self.clinic_id, "first": start, "end": end, "statuses": sorted(statuses)}
        return sha256((self.connection.execute(_STATE, asked).scalar() or "").encode()).hexdigest()

    def beside(self, some: Sequence[Appointment], within: timedelta, statuses: frozenset[Status]) -> list[Glance]:
        """Return what begins or ends no farther than `within` from any of some appointments, with the same therapist, in time order."""
        spots = [
            and_(
                _A.practitioner_id == one.practitioner_id,
                _A.starts_at >= one.starts_at - within,
                _A.starts_at < one.ends_at + within,
            )
            for one in some
        ]
        if not spots:
            return []
        # The whole span is said once more, because only it lets the index on the start help.
        first = min(one.starts_at for one in some) - within
        end = max(one.ends_at for one in some) + within
        statement = _GLANCE.where(
            _A.clinic_id == self.clinic_id,
            _A.starts_at >= first,
            _A.starts_at < end,
            _A.status.in_(sorted(statuses)),
            or_(*spots),
        )
        return [Glance(*row) for row in self.connection.execute(statement.order_by(_A.starts_at, _A.id))]

    def changes(self, since: datetime, practitioner_id: str = "") -> Changes:
        """Return a value that differs as soon as anything changed after `since`: an appointment, or the clinic's offer.

        With a practitioner, only that one's appointments count. Looks at nothing older than `since`, so it costs the same in a full year.
        """
        asked = {"clinic": self.clinic_id, "since": since}
        if practitioner_id:
            row = self.connection.execute(_OWN_CHANGES, asked | {"practitioner": practitioner_id}).one()
        else:
            row = self.connection.execute(_CHANGES, asked).one()
        return Changes(*row)

    def answered_no(
        self, before: datetime, limit: int, practitioner_id: str = "", after_id: str = ""
    ) -> list[Appointment]:
        """Return reservations that came to nothing (declined, cancelled, never answered) and begin before an instant, the latest first.

        Of those that begin at that very instant, the ones whose id comes after `after_id`, when one is given.
        """
        rest = _A.starts_at < before
        if after_id:
            rest = or_(rest, and_(_A.starts_at == before, _A.id > after_id))
        statement = select(_A.__table__).where(
            _A.clinic_id == self.clinic_id,
            rest,
            _A.status.in_((Status.CANCELLED.value, Status.EXPIRED.value)),
            or_(_A.pending_at.is_not(None), _A.source == Source.STAFF.value),
        )
        if practitioner_id:
            statement = statement.where(_A.practitioner_id == practitioner_id)
        statement = statement.order_by(_A.starts_at.desc(), _A.id).limit(limit)
        return [appointment_of(row) for row in self.connection.execute(statement)]

    def move(self, before: Appointment, after: Appointment, now: datetime) -> None:
        """Write another time, therapist or address; raises StepNotAllowed for what can no longer be moved."""
        if before.status not in MOVABLE:
            raise StepNotAllowed
        self._change(
            before, now, practitioner_id=after.practitioner_id, location_id=after.location_id, starts_at=after.starts_at,
            ends_at=after.ends_at, **_columns_of(after.agreement),
        )  # fmt: skip

    def set_kind(self, appointment_id: str, kind: ServiceKind, now: datetime) -> None:
        """Say what kind of visit it turned out to be; also tells every open schedule that something hangs on it now."""
        statement = update(_A).where(*_ID).values(kind=kind.value, changed_at=now, version=_A.version + 1)
        self.connection.execute(statement, {"clinic": self.clinic_id, "appointment": appointment_id})


_CONSENT = on_both(lambda insert: insert(ConsentRow).on_conflict_do_nothing())


def appointment_of(r: Row[Any]) -> Appointment:
    """Return the domain value of a row of the appointment table."""
    return Appointment(
        id=r.id, clinic_id=r.clinic_id, practitioner_id=r.practitioner_id, location_id=r.location_id, service_id=r.service_id,
        status=Status(r.status), source=Source(r.source), session_id=r.session_id, kind=ServiceKind(r.kind),
        category=ProblemCategory(r.category), age=AgeRange(r.age_lowest, r.age_highest), any_practitioner=r.any_practitioner,
        starts_at=r.starts_at, ends_at=r.ends_at, created_at=r.created_at, held_until=r.held_until, pending_at=r.pending_at,
        patient=Person(r.first_name, r.last_name), booker=Person(r.booker_first_name, r.booker_last_name), phone=r.phone,
        comment=r.comment, decline_reason=r.decline_reason, agreement=_agreement_of(r),
    )  # fmt: skip


def _agreement_of(r: Row[Any]) -> Agreement:
    address = None if r.agreed_street is None else Address(r.agreed_street, r.agreed_postcode, r.agreed_city)
    return Agreement(
        r.agreed_service, r.agreed_price, r.agreed_location, address, r.agreed_cancel_minutes, r.agreed_texts,
        r.buffer_before or 0, r.buffer_after or 0,
    )  # fmt: skip


def _columns_of(agreement: Agreement) -> dict[str, Any]:
    address = agreement.address
    return {
        "agreed_service": agreement.service, "agreed_price": agreement.price, "agreed_location": agreement.location,
        "agreed_street": address and address.street, "agreed_postcode": address and address.postcode,
        "agreed_city": address and address.city, "agreed_cancel_minutes": agreement.cancel_minutes,
        "agreed_texts": agreement.texts, "buffer_before": agreement.buffer_before, "buffer_after": agreement.buffer_after,
    }  # fmt: skip
