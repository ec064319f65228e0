"""Appointments of one clinic with what hangs on them: consents, the SMS challenge, kept answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from okienko_server.domain.appointment import Appointment, Person, Status, Step, after, starting_points
from okienko_server.domain.errors import NotFound, StepNotAllowed
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.scope import Source
from okienko_server.domain.verification import Challenge
from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import AppointmentRow, ChallengeRow, ConsentRow, IdempotencyRow

_A = AppointmentRow
_FORGOTTEN = {
    "first_name": "",
    "last_name": "",
    "booker_first_name": "",
    "booker_last_name": "",
    "phone": "",
    "comment": "",
}


class AppointmentStore(ClinicStore):
    """Appointments of the scope's clinic."""

    def add(self, made: Appointment) -> None:
        """Write a new appointment."""
        self.connection.execute(
            insert(_A),
            {
                "clinic_id": self.clinic_id, "id": made.id, "practitioner_id": made.practitioner_id,
                "location_id": made.location_id, "service_id": made.service_id, "status": made.status, "source": made.source,
                "session_id": made.session_id, "kind": made.kind, "category": made.category, "age_lowest": made.age.lowest,
                "age_highest": made.age.highest, "any_practitioner": made.any_practitioner, "starts_at": made.starts_at,
                "ends_at": made.ends_at, "created_at": made.created_at, "changed_at": made.created_at, "version": 1,
                "held_until": made.held_until, "pending_at": made.pending_at, "first_name": made.patient.first_name,
                "last_name": made.patient.last_name, "booker_first_name": made.booker.first_name,
                "booker_last_name": made.booker.last_name, "phone": made.phone, "comment": made.comment, "decline_reason": "",
            },
        )  # fmt: skip

    def get(self, appointment_id: str, *, lock: bool = False) -> Appointment:
        """Return one appointment, locked until the transaction ends when asked; raises NotFound."""
        statement = select(_A.__table__).where(_A.clinic_id == self.clinic_id, _A.id == appointment_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        if row is None:
            raise NotFound
        return appointment_of(row)

    def own(self, appointment_id: str, *, lock: bool = False) -> Appointment:
        """Return an appointment made by this very visitor session; raises NotFound for anybody else's."""
        found = self.get(appointment_id, lock=lock)
        if not self.scope.session_id or found.session_id != self.scope.session_id:
            raise NotFound
        return found

    def held_by_session(self) -> list[Appointment]:
        """Return the times this visitor session holds now, in the order of their ids."""
        statement = select(_A.__table__).where(
            _A.clinic_id == self.clinic_id, _A.session_id == self.scope.session_id, _A.status == Status.PROPOSED
        )
        return [appointment_of(row) for row in self.connection.execute(statement.order_by(_A.id))]

    def step(self, appointment: Appointment, step: Step, now: datetime, **values: Any) -> Status:
        """Take a step of the life cycle, only from a status that allows it; raises StepNotAllowed when somebody was faster."""
        status = after(appointment.status, step)
        if step in (Step.EXPIRE, Step.RELEASE):
            values |= _FORGOTTEN
        changed = self._change(appointment.id, now, starting_points(step), status=status, held_until=None, **values)
        if not changed:
            raise StepNotAllowed
        return status

    def give_details(
        self,
        appointment: Appointment,
        patient: Person,
        booker: Person,
        phone: str,
        comment: str,
        held_until: datetime,
        now: datetime,
    ) -> None:
        """Write what the patient typed into a held appointment; raises StepNotAllowed when it is no longer held."""
        changed = self._change(
            appointment.id, now, frozenset({Status.PROPOSED}), first_name=patient.first_name, last_name=patient.last_name,
            booker_first_name=booker.first_name, booker_last_name=booker.last_name, phone=phone, comment=comment,
            held_until=held_until,
        )  # fmt: skip
        if not changed:
            raise StepNotAllowed

    def extend(self, appointment: Appointment, held_until: datetime, now: datetime) -> None:
        """Keep a held appointment until later."""
        self._change(appointment.id, now, frozenset({Status.PROPOSED}), held_until=held_until)

    def _change(self, appointment_id: str, now: datetime, expected: frozenset[Status], **values: Any) -> bool:
        statement = (
            update(_A)
            .where(_A.clinic_id == self.clinic_id, _A.id == appointment_id, _A.status.in_(sorted(expected)))
            .values(changed_at=now, version=_A.version + 1, **values)
        )
        return self.connection.execute(statement).rowcount == 1

    def add_consent(
        self, appointment_id: str, kind: str, version: str, sha256: str, given_by: str, now: datetime
    ) -> None:
        """Keep the evidence of a consent: which wording, by whom, when."""
        statement = self.insert_into(ConsentRow).values(
            clinic_id=self.clinic_id, appointment_id=appointment_id, kind=kind, given_at=now, text_version=version,
            text_sha256=sha256, given_by=given_by,
        )  # fmt: skip
        self.connection.execute(statement.on_conflict_do_nothing())

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

    def fingerprint(self, start: datetime, end: datetime) -> str:
        """Return a text that differs as soon as any appointment beginning in [start, end) changed."""
        statement = select(func.count(), func.coalesce(func.sum(_A.version), 0)).where(
            _A.clinic_id == self.clinic_id, _A.starts_at >= start, _A.starts_at < end
        )
        count, versions = self.connection.execute(statement).one()
        return f"{count}.{versions}"


class ChallengeStore(ClinicStore):
    """SMS codes of the scope's clinic."""

    def get(self, appointment_id: str) -> Challenge | None:
        statement = select(ChallengeRow.__table__).where(
            ChallengeRow.clinic_id == self.clinic_id, ChallengeRow.appointment_id == appointment_id
        )
        row = self.connection.execute(statement).first()
        return _challenge(row) if row else None

    def put(self, appointment_id: str, challenge: Challenge) -> None:
        """Write the current code; tries survive, because a resend must not reset them."""
        values = {
            "digest": challenge.digest, "expires_at": challenge.expires_at, "sends": challenge.sends,
            "sent_at": challenge.sent_at, "used": challenge.used,
        }  # fmt: skip
        statement = self.insert_into(ChallengeRow).values(
            clinic_id=self.clinic_id, appointment_id=appointment_id, tries=challenge.tries, **values
        )
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["clinic_id", "appointment_id"], set_=values)
        )

    def take_try(self, appointment_id: str) -> Challenge:
        """Count one try and return the challenge with it counted; the row stays locked. Raises NotFound when no code was sent."""
        statement = (
            update(ChallengeRow)
            .where(ChallengeRow.clinic_id == self.clinic_id, ChallengeRow.appointment_id == appointment_id)
            .values(tries=ChallengeRow.tries + 1)
            .returning(ChallengeRow.__table__)
        )
        row = self.connection.execute(statement).first()
        if row is None:
            raise NotFound
        return _challenge(row)

    def mark_used(self, appointment_id: str) -> None:
        self.connection.execute(
            update(ChallengeRow)
            .where(ChallengeRow.clinic_id == self.clinic_id, ChallengeRow.appointment_id == appointment_id)
            .values(used=True)
        )


class AnswerStore(ClinicStore):
    """Answers kept under idempotency keys."""

    def keep(self, key: str, request_sha256: str, answer: str, now: datetime) -> bool:
        """Keep an answer in the transaction that made it; False when the key already has one."""
        statement = self.insert_into(IdempotencyRow).values(
            clinic_id=self.clinic_id, key=key, request_sha256=request_sha256, answer=answer, created_at=now
        )
        statement = statement.on_conflict_do_nothing().returning(IdempotencyRow.key)
        return self.connection.execute(statement).first() is not None

    def find(self, key: str) -> tuple[str, str] | None:
        """Return (request sha256, answer) kept under the key, or None."""
        statement = select(IdempotencyRow.request_sha256, IdempotencyRow.answer).where(
            IdempotencyRow.clinic_id == self.clinic_id, IdempotencyRow.key == key
        )
        row = self.connection.execute(statement).first()
        return (row[0], row[1]) if row else None


def appointment_of(r: Row[Any]) -> Appointment:
    """Return the domain value of a row of the appointment table."""
    return Appointment(
        id=r.id, clinic_id=r.clinic_id, practitioner_id=r.practitioner_id, location_id=r.location_id, service_id=r.service_id,
        status=Status(r.status), source=Source(r.source), session_id=r.session_id, kind=ServiceKind(r.kind),
        category=ProblemCategory(r.category), age=AgeRange(r.age_lowest, r.age_highest), any_practitioner=r.any_practitioner,
        starts_at=r.starts_at, ends_at=r.ends_at, created_at=r.created_at, held_until=r.held_until, pending_at=r.pending_at,
        patient=Person(r.first_name, r.last_name), booker=Person(r.booker_first_name, r.booker_last_name), phone=r.phone,
        comment=r.comment, decline_reason=r.decline_reason,
    )  # fmt: skip


def _challenge(r: Row[Any]) -> Challenge:
    return Challenge(r.digest, r.expires_at, r.tries, r.sends, r.sent_at, r.used)
