"""From a reservation to the record: whose it is, which problem it belongs to, what kind of visit it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.audit import Act
from okienko_server.domain.cells import local_day
from okienko_server.domain.details import printable
from okienko_server.domain.errors import EditConflict, FieldRefused, NotFound, StepNotAllowed
from okienko_server.domain.offer import Offer, ServiceKind
from okienko_server.domain.patient import (
    MAX_TITLE,
    Encounter,
    Episode,
    Patient,
    checked_person,
    likeliest_first,
    surname_key,
)
from okienko_server.domain.problem import category_of
from okienko_server.domain.roles import Reach, Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.review import take_confirmation
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.patients import EpisodeStore, PatientStore

CONVERTIBLE = frozenset({Status.PENDING, Status.BOOKED, Status.FULFILLED})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient the reservation may belong to, with the open episodes; `same_phone` tells why the patient is here."""

    patient: Patient
    episodes: tuple[Episode, ...]
    same_phone: bool
    same_name: bool
    same_surname: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the dialog shows: the reservation, candidates (likeliest first), and what it is tied to already, if anything."""

    appointment: Appointment
    offer: Offer
    candidates: tuple[Candidate, ...]
    tied: Encounter | None
    tied_to: Patient | None
    today: date

    @property
    def likeliest(self) -> Candidate | None:
        """The candidate nobody has to think about: the only one of that telephone and name, or of that telephone and surname."""
        phoned = [one for one in self.candidates if one.same_phone]
        for alike in ([one for one in phoned if one.same_name], [one for one in phoned if one.same_surname]):
            if alike:
                return alike[0] if len(alike) == 1 else None
        return None


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """What staff chose: an empty `patient_id` adds the person typed, an empty `episode_id` opens an episode of `category`."""

    patient_id: str
    episode_id: str
    kind: str
    category: str
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    birth_date: str = ""
    known: frozenset[str] | None = None
    """Ids of the candidates the chooser saw; somebody new among them by now is shown first. None: not asked."""


def see_conversion(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Conversion:
    """Return what the conversion of one appointment has to offer; that somebody looked stands in the audit trail.

    Raises NotAllowed, NotFound (also for a time only held: nobody's reservation yet).

    Candidates are looked for in the whole clinic: a colleague's patient would otherwise be added a second time.
    """

    def work(connection: Connection) -> Conversion:
        appointment = AppointmentStore(connection, scope).get(appointment_id)
        scope.check_own(Right.CHANGE_PATIENTS, appointment.practitioner_id)
        if appointment.status is Status.PROPOSED:
            raise NotFound
        offer = desk.current_offer(connection, scope)
        patients, episodes = PatientStore(connection, scope), EpisodeStore(connection, scope)
        tied = episodes.encounter(appointment_id)
        who = appointment.patient
        found = likeliest_first(patients.candidates(who.last_name, appointment.phone), who, appointment.phone)
        theirs = [_shown(one, scope) for one in episodes.of_patients([patient.id for patient in found]) if one.open]
        if found:
            desk.note_act(connection, scope, Act.SEE_CANDIDATES, "appointment", appointment_id, now)
        return Conversion(
            appointment,
            offer,
            tuple(_candidate(patient, theirs, appointment) for patient in found),
            tied,
            patients.candidate(tied.patient_id) if tied else None,
            local_day(now, offer.clinic.zone),
        )

    return desk.database.write(work)


def _shown(episode: Episode, scope: Scope) -> Episode:
    """Return an episode without its own name for whoever may not read its documentation (yet)."""
    reach = scope.reach(Right.READ_RECORDS)
    own = reach is Reach.OWN and episode.practitioner_id == scope.practitioner_id
    return episode if reach is Reach.ALL or own else replace(episode, title="")


def _candidate(patient: Patient, episodes: list[Episode], appointment: Appointment) -> Candidate:
    here, there = patient.person, appointment.patient
    return Candidate(
        patient,
        tuple(one for one in episodes if one.patient_id == patient.id),
        bool(appointment.phone) and patient.phone == appointment.phone,
        surname_key(here.name) == surname_key(there.name),
        surname_key(here.last_name) == surname_key(there.last_name),
    )


def convert(appointment_id: str, request: ConvertRequest, *, scope: Scope, desk: Desk, now: datetime) -> Encounter:
    """Tie an appointment to its patient and episode, confirming it when it was pending; twice gives the same encounter.

    Raises FieldsRefused, FieldRefused, NotAllowed, NotFound, StepNotAllowed for one that was cancelled or is past and unconfirmed, and
    EditConflict when somebody tied it to something else meanwhile.
    """
    title = " ".join(request.title.split())
    if len(title) > MAX_TITLE or not printable(title):
        raise FieldRefused("text_too_long" if len(title) > MAX_TITLE else "bad_request", field="title")
    if request.kind not in list(ServiceKind):
        raise FieldRefused("required", field="kind")
    kind = ServiceKind(request.kind)

    def work(connection: Connection) -> Encounter:
        converting = _Converting(connection, scope, desk, now)
        appointment = converting.locked(appointment_id)
        if tied := converting.episodes.encounter(appointment_id):
            return converting.same_again(tied, replace(request, title=title), appointment)
        if appointment.status not in CONVERTIBLE:
            raise StepNotAllowed
        patient, added = converting.patient(request, appointment)
        episode, opened = converting.episode(request, title, patient, appointment)
        encounter = Encounter(appointment_id, patient.id, episode.id, appointment.practitioner_id, now, scope.staff_id)
        if not converting.episodes.tie(encounter):
            raise EditConflict
        if appointment.status is Status.PENDING:
            take_confirmation(connection, appointment_id, scope=scope, desk=desk, now=now)
        converting.appointments.set_kind(appointment_id, kind, now)
        converting.note(encounter, added=added, opened=opened, confirmed=appointment.status is Status.PENDING)
        return encounter

    return desk.database.write(work)


class _Converting:
    """The stores one conversion works with, on one connection."""

    def __init__(self, connection: Connection, scope: Scope, desk: Desk, now: datetime) -> None:
        self.connection, self.scope, self.desk, self.now = connection, scope, desk, now
        self.appointments = AppointmentStore(connection, scope)
        self.patients = PatientStore(connection, scope)
        self.episodes = EpisodeStore(connection, scope)

    def locked(self, appointment_id: str) -> Appointment:
        """Return the appointment locked until the end of the transaction; raises NotFound outside one's reach."""
        found = self.appointments.get(appointment_id, lock=True)
        self.scope.check_own(Right.CHANGE_PATIENTS, found.practitioner_id)
        return found

    def same_again(self, tied: Encounter, request: ConvertRequest, appointment: Appointment) -> Encounter:
        """Return the encounter that is there when it is all that was asked for; raises EditConflict when anything differs."""
        if request.episode_id:
            episode = tied.episode_id == request.episode_id
        else:
            there = self.episodes.get(tied.episode_id)
            opened_then = there.opened_at == tied.made_at
            episode = opened_then and (there.category.value, there.title) == (request.category, request.title)
        same_person = tied.patient_id == request.patient_id if request.patient_id else self._added_as(tied, request)
        if not (episode and same_person and appointment.kind.value == request.kind):
            raise EditConflict
        return tied

    def _added_as(self, tied: Encounter, request: ConvertRequest) -> bool:
        there = self.patients.candidate(tied.patient_id)
        born = there.birth_date.isoformat() if there.birth_date else ""
        same_name = surname_key(there.person.name) == surname_key(f"{request.first_name} {request.last_name}")
        return same_name and born == request.birth_date.strip()

    def patient(self, request: ConvertRequest, appointment: Appointment) -> tuple[Patient, bool]:
        """Return whose the appointment is, and whether that patient was added now."""
        found = self.patients.candidates(appointment.patient.last_name, appointment.phone)
        if request.patient_id:
            chosen = [one for one in found if one.id == request.patient_id]
            if not chosen and request.patient_id in (request.known or ()):
                # Shown as a candidate a moment ago, and corrected meanwhile: look again rather than "does not exist".
                raise FieldRefused("candidates_changed", field="choice")
            if not chosen:
                raise NotFound
            return chosen[0], False
        if request.known is not None and not {one.id for one in found} <= request.known:
            raise FieldRefused("candidates_changed", field="choice")
        today = local_day(self.now, self.desk.current_offer(self.connection, self.scope).clinic.zone)
        person, born = checked_person(request.first_name, request.last_name, request.birth_date, today)
        return (
            self.patients.add(new_id(), person, appointment.phone, appointment.booker, born, self.now),
            True,
        )

    def episode(
        self, request: ConvertRequest, title: str, patient: Patient, appointment: Appointment
    ) -> tuple[Episode, bool]:
        """Return the patient's episode asked for, or a new one, and whether it was opened now."""
        if request.episode_id:
            found = self.episodes.get(request.episode_id)
            if found.patient_id != patient.id:
                raise NotFound
            if not found.open:
                raise FieldRefused("problem_closed", field="choice")
            return found, False
        made = Episode(
            new_id(), patient.id, category_of(request.category), title, appointment.practitioner_id, self.now, None, 1
        )
        self.episodes.add(made)
        return made, True

    def note(self, encounter: Encounter, *, added: bool, opened: bool, confirmed: bool) -> None:
        """Write into the audit trail what the conversion did."""
        acts = [
            (confirmed, Act.CONFIRM, "appointment", encounter.appointment_id),
            (added, Act.ADD_PATIENT, "patient", encounter.patient_id),
            (opened, Act.OPEN_EPISODE, "episode", encounter.episode_id),
            (True, Act.CONVERT, "appointment", encounter.appointment_id),
        ]
        for done, act, kind, object_id in acts:
            if done:
                self.desk.note_act(self.connection, self.scope, act, kind, object_id, self.now)
