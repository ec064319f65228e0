"""Documentation of a visit: drafts that nothing overwrites, signed versions that nobody changes, corrections with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status, Step
from okienko_server.domain.audit import Act
from okienko_server.domain.errors import EditConflict, NotFound, StepNotAllowed
from okienko_server.domain.offer import Offer
from okienko_server.domain.patient import Encounter, Episode, Patient
from okienko_server.domain.record import (
    DocumentKind,
    as_typed,
    check_sizes,
    checked_content,
    checked_reason,
    kind_for,
)
from okienko_server.domain.roles import Reach, Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.documents import DocumentStore, Draft, Version
from okienko_server.storage.patients import EpisodeStore, PatientStore

DOCUMENTED = frozenset({Status.BOOKED, Status.FULFILLED})
"""Statuses of a visit whose document may be signed for the first time: one that was cancelled or missed has nothing to document."""


@dataclass(frozen=True, slots=True)
class Documented:
    """A visit and its document: signed versions by number, the asker's own draft, and who else is writing it."""

    appointment: Appointment
    offer: Offer
    patient: Patient
    episode: Episode
    kind: DocumentKind
    versions: tuple[Version, ...]
    draft: Draft | None
    others: tuple[Draft, ...]
    may_write: bool

    @property
    def head(self) -> int:
        """Number of the newest signed version, 0 for none."""
        return self.versions[-1].number if self.versions else 0


@dataclass(frozen=True, slots=True)
class Written:
    """A document as a form brings it: `based_on` and `revision` say what its writer saw."""

    typed: Mapping[str, str]
    based_on: int
    revision: int = 0
    reason: str = ""


def see_document(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Documented:
    """Return a visit's documentation; the reading stands in the audit trail before anything is shown.

    Raises NotAllowed; NotFound outside one's patients, and for an appointment not tied to a patient yet.
    """

    def work(connection: Connection) -> Documented:
        found = _documented(connection, appointment_id, scope, desk)
        desk.note_act(connection, scope, Act.READ_DOCUMENT, "appointment", appointment_id, now)
        return found

    return desk.database.write(work)


def _documented(connection: Connection, appointment_id: str, scope: Scope, desk: Desk) -> Documented:
    encounter, patient = _reach(connection, appointment_id, scope)
    appointment = AppointmentStore(connection, scope).get(appointment_id)
    documents = DocumentStore(connection, scope)
    return Documented(
        appointment,
        desk.current_offer(connection, scope),
        patient,
        EpisodeStore(connection, scope).get(encounter.episode_id),
        kind_for(appointment.kind),
        tuple(documents.versions([appointment_id])),
        documents.draft(appointment_id),
        tuple(documents.others_drafts(appointment_id)),
        _may_write(scope, encounter),
    )


def _reach(connection: Connection, appointment_id: str, scope: Scope) -> tuple[Encounter, Patient]:
    scope.own_only(Right.READ_RECORDS)
    encounter = EpisodeStore(connection, scope).encounter(appointment_id)
    if encounter is None:
        raise NotFound
    return encounter, PatientStore(connection, scope).get(encounter.patient_id, Right.READ_RECORDS)


def _may_write(scope: Scope, encounter: Encounter) -> bool:
    reach = scope.reach(Right.WRITE_RECORDS)
    return reach is Reach.ALL or (reach is Reach.OWN and encounter.practitioner_id == scope.practitioner_id)


def save_draft(appointment_id: str, written: Written, *, scope: Scope, desk: Desk, now: datetime) -> int:
    """Keep what is being written and return the draft's new revision; nothing but sizes is checked.

    Raises FieldsRefused for text no draft can hold, EditConflict when another tab of the same person saved meanwhile, NotAllowed, NotFound.
    """

    def work(connection: Connection) -> int:
        encounter, _ = _reach(connection, appointment_id, scope)
        scope.check_own(Right.WRITE_RECORDS, encounter.practitioner_id)
        kind = kind_for(AppointmentStore(connection, scope).get(appointment_id).kind)
        content = as_typed(kind, written.typed)
        check_sizes(content)
        documents = DocumentStore(connection, scope)
        revision = documents.save_draft(appointment_id, content, written.based_on, written.revision, now)
        if revision == 1:
            desk.note_act(connection, scope, Act.BEGIN_DRAFT, "appointment", appointment_id, now)
        return revision

    return desk.database.write(work)


def sign_document(appointment_id: str, written: Written, *, scope: Scope, desk: Desk, now: datetime) -> int:
    """Sign what was written as the next version and return its number; a planned visit counts as held from then on.

    The same content on the same base again is the version that is there. A draft that says something else (another tab's) stays. Raises
    FieldsRefused (a correction needs a reason), EditConflict when somebody signed since the writer read it, StepNotAllowed for a visit
    that was cancelled or missed, NotAllowed, NotFound.
    """

    def work(connection: Connection) -> int:
        encounter, _ = _reach(connection, appointment_id, scope)
        scope.check_own(Right.WRITE_RECORDS, encounter.practitioner_id)
        appointments, documents = AppointmentStore(connection, scope), DocumentStore(connection, scope)
        appointment = appointments.get(appointment_id, lock=True)
        if appointment.status not in DOCUMENTED and not written.based_on:
            raise StepNotAllowed
        kind = kind_for(appointment.kind)
        content = checked_content(kind, written.typed)
        reason = checked_reason(written.reason) if written.based_on else ""
        versions = documents.versions([appointment_id])
        head = versions[-1] if versions else None
        if (
            head
            and head.number == written.based_on + 1
            and head.author_id == scope.staff_id
            and head.content == content
        ):
            return head.number
        if (head.number if head else 0) != written.based_on:
            raise EditConflict
        documents.sign(appointment_id, written.based_on + 1, kind, content, reason, now)
        draft = documents.draft(appointment_id)
        if draft and (draft.revision == written.revision or draft.content == as_typed(kind, written.typed)):
            documents.drop_draft(appointment_id)
        if appointment.status is Status.BOOKED:
            appointments.step(appointment, Step.FULFIL, now)
        act = Act.CORRECT_DOCUMENT if reason else Act.SIGN_DOCUMENT
        desk.note_act(connection, scope, act, "appointment", appointment_id, now, f"version {written.based_on + 1}")
        return written.based_on + 1

    return desk.database.write(work)


def drop_draft(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Throw the own draft away. Raises NotAllowed, NotFound."""

    def work(connection: Connection) -> None:
        _reach(connection, appointment_id, scope)
        if DocumentStore(connection, scope).drop_draft(appointment_id):
            desk.note_act(connection, scope, Act.DROP_DRAFT, "appointment", appointment_id, now)

    desk.database.write(work)
