"""A patient's page: who it is, the problems treated, and what happened in each; and the corrections of what is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Person
from okienko_server.domain.audit import Act
from okienko_server.domain.cells import local_day
from okienko_server.domain.details import printable
from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused, NotAllowed
from okienko_server.domain.offer import Offer
from okienko_server.domain.patient import MAX_TITLE, Episode, Patient, checked_person, surname_key
from okienko_server.domain.phone import any_polish
from okienko_server.domain.roles import Reach, Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.documents import DocumentStore, Version
from okienko_server.storage.patients import EpisodeStore, PatientStore

FOUND = 50
RECENT = 12


@dataclass(frozen=True, slots=True)
class Visit:
    """One appointment of an episode, with its newest signed version where there is one and the asker may read it."""

    appointment: Appointment
    newest: Version | None


@dataclass(frozen=True, slots=True)
class Treated:
    """An episode and its visits in time order."""

    episode: Episode
    visits: tuple[Visit, ...]


@dataclass(frozen=True, slots=True)
class PatientView:
    """A patient with the episodes; visits come without documents for whoever may not read them."""

    patient: Patient
    offer: Offer
    episodes: tuple[Treated, ...]
    may_read: bool
    may_change: bool
    """Whether an episode shown alone is the asker's to name, hand on and close."""
    today: date


def find_patients(surname: str, phone: str, *, scope: Scope, desk: Desk) -> list[Patient]:
    """Return patients within reach by the beginning of a surname (accents do not matter) or a whole telephone; nothing asked: the latest.

    Raises NotAllowed, FieldRefused for a telephone that is none.
    """
    number = any_polish(phone) if phone.strip() else ""
    asked = surname.strip()

    def work(connection: Connection) -> list[Patient]:
        store = PatientStore(connection, scope)
        if not number and not asked:
            return store.recent(RECENT)
        if not number and not surname_key(asked):
            return []  # signs that stand in nobody's name
        return store.search(asked, number, FOUND)

    return desk.database.read(work)


def see_patient(patient_id: str, *, scope: Scope, desk: Desk, now: datetime) -> PatientView:
    """Return a patient within reach; when documents are shown, the reading is in the audit trail first. Raises NotAllowed, NotFound."""

    def work(connection: Connection) -> PatientView:
        patient = PatientStore(connection, scope).get(patient_id)
        may_read = scope.reach(Right.READ_RECORDS) is not Reach.NONE
        view = _view(
            connection, patient, EpisodeStore(connection, scope).of_patients([patient_id]), may_read, scope, desk, now
        )
        desk.note_act(connection, scope, Act.READ_PATIENT, "patient", patient_id, now)
        return view

    return desk.database.write(work)


def see_episode(episode_id: str, *, scope: Scope, desk: Desk, now: datetime) -> PatientView:
    """Return one episode of a patient with all its documents. Raises NotAllowed, NotFound."""

    def work(connection: Connection) -> PatientView:
        episode = EpisodeStore(connection, scope).get(episode_id)
        patient = PatientStore(connection, scope).get(episode.patient_id, Right.READ_RECORDS)
        view = _view(connection, patient, [episode], True, scope, desk, now)
        desk.note_act(connection, scope, Act.READ_DOCUMENT, "episode", episode_id, now)
        return view

    return desk.database.write(work)


def _view(
    connection: Connection,
    patient: Patient,
    episodes: list[Episode],
    may_read: bool,
    scope: Scope,
    desk: Desk,
    now: datetime,
) -> PatientView:
    offer = desk.current_offer(connection, scope)
    ties = EpisodeStore(connection, scope).encounters(patient_id=patient.id)
    ids = [one.appointment_id for one in ties]
    appointments = {one.id: one for one in AppointmentStore(connection, scope).of(ids)}
    newest = {}
    if may_read:
        newest = {one.appointment_id: one for one in DocumentStore(connection, scope).versions(ids)}
    treated = []
    for episode in episodes:
        mine = [appointments[one.appointment_id] for one in ties if one.episode_id == episode.id]
        visits = [Visit(one, newest.get(one.id)) for one in sorted(mine, key=lambda one: one.starts_at)]
        treated.append(Treated(episode, tuple(visits)))
    may_change = len(episodes) == 1 and _leads(scope, episodes[0])
    return PatientView(patient, offer, tuple(treated), may_read, may_change, local_day(now, offer.clinic.zone))


def _leads(scope: Scope, episode: Episode) -> bool:
    reach = scope.reach(Right.WRITE_RECORDS)
    return reach is Reach.ALL or (reach is Reach.OWN and episode.practitioner_id == scope.practitioner_id)


@dataclass(frozen=True, slots=True)
class PatientTyped:
    """What a form says of a patient; `version` is the one its writer read."""

    first_name: str
    last_name: str
    birth_date: str
    phone: str
    guardian_first_name: str
    guardian_last_name: str
    version: int


def change_patient(patient_id: str, typed: PatientTyped, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Correct what is known of a patient. Raises FieldsRefused, EditConflict when somebody did meanwhile, NotAllowed, NotFound."""
    errors: dict[str, str] = {}
    phone = ""
    try:
        phone = any_polish(typed.phone) if typed.phone.strip() else ""
    except FieldRefused as refused:
        errors["phone"] = refused.code
    guardian = Person(" ".join(typed.guardian_first_name.split()), " ".join(typed.guardian_last_name.split()))
    for field, value in (("guardian_first_name", guardian.first_name), ("guardian_last_name", guardian.last_name)):
        if len(value) > MAX_TITLE or not printable(value):
            errors[field] = "name_too_long" if len(value) > MAX_TITLE else "bad_request"

    def work(connection: Connection) -> None:
        store = PatientStore(connection, scope)
        patient = store.get(patient_id, Right.CHANGE_PATIENTS)
        today = local_day(now, desk.current_offer(connection, scope).clinic.zone)
        try:
            person, born = checked_person(typed.first_name, typed.last_name, typed.birth_date, today)
        except FieldsRefused as refused:
            raise FieldsRefused(errors | refused.errors) from None
        if errors:
            raise FieldsRefused(errors)
        store.change(replace(patient, version=typed.version), person, phone, guardian, born, now)
        desk.note_act(connection, scope, Act.CHANGE_PATIENT, "patient", patient_id, now)

    desk.database.write(work)


@dataclass(frozen=True, slots=True)
class EpisodeTyped:
    """What a form says of an episode."""

    title: str
    practitioner_id: str
    closed: bool
    version: int


def change_episode(episode_id: str, typed: EpisodeTyped, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Name an episode, say who leads it, close or reopen it; a therapist only one of the own. Raises FieldsRefused, EditConflict,
    NotAllowed, NotFound.
    """
    title = " ".join(typed.title.split())
    if len(title) > MAX_TITLE or not printable(title):
        raise FieldsRefused({"title": "title_too_long" if len(title) > MAX_TITLE else "bad_request"})
    if scope.reach(Right.WRITE_RECORDS) is Reach.NONE:
        raise NotAllowed

    def work(connection: Connection) -> None:
        store = EpisodeStore(connection, scope)
        episode = store.get(episode_id)
        PatientStore(connection, scope).get(episode.patient_id, Right.WRITE_RECORDS)
        if not _leads(scope, episode):
            raise NotAllowed
        desk.current_offer(connection, scope).practitioner(typed.practitioner_id)
        if typed.version != episode.version:
            raise EditConflict
        closed_at = (episode.closed_at or now) if typed.closed else None
        store.change(episode, title=title, practitioner_id=typed.practitioner_id, closed_at=closed_at)
        if (title, typed.practitioner_id) != (episode.title, episode.practitioner_id):
            desk.note_act(connection, scope, Act.CHANGE_EPISODE, "episode", episode_id, now)
        if typed.closed == episode.open:
            act = Act.CLOSE_EPISODE if typed.closed else Act.OPEN_EPISODE
            desk.note_act(connection, scope, act, "episode", episode_id, now)

    desk.database.write(work)
