"""Patients, episodes and encounters of one clinic; under a right that reaches the own only, nobody else's exist."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, update

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.errors import EditConflict, NotFound
from okienko_server.domain.patient import Encounter, Episode, Patient, surname_key
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.roles import Right
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import AppointmentRow, EncounterRow, EpisodeRow, PatientRow

_P, _E, _N, _A = PatientRow, EpisodeRow, EncounterRow, AppointmentRow


class PatientStore(ClinicStore):
    """Patients of the scope's clinic. A patient is one's own after an encounter with one, or an episode one leads."""

    def get(self, patient_id: str, right: Right = Right.SEE_PATIENTS) -> Patient:
        """Return one patient within the reach of a right; raises NotAllowed, NotFound."""
        statement = select(_P.__table__).where(_P.clinic_id == self.clinic_id, _P.id == patient_id, self._within(right))
        row = self.connection.execute(statement).first()
        if row is None:
            raise NotFound
        return _patient(row)

    def search(self, surname: str, phone: str, limit: int) -> list[Patient]:
        """Return patients within reach whose surname begins so, or who have that telephone (E.164); by surname."""
        statement = select(_P.__table__).where(_P.clinic_id == self.clinic_id, self._within(Right.SEE_PATIENTS))
        if phone:
            statement = statement.where(_P.phone == phone)
        elif key := surname_key(surname):
            # A half-open span instead of LIKE: the same on both engines, and it uses the index.
            statement = statement.where(_P.surname_key >= key, _P.surname_key < key + "\U0010ffff")
        statement = statement.order_by(_P.surname_key, _P.first_name, _P.id).limit(limit)
        return [_patient(row) for row in self.connection.execute(statement)]

    def recent(self, limit: int) -> list[Patient]:
        """Return the patients within reach met last, the latest first."""
        own = self.scope.own_only(Right.SEE_PATIENTS)
        met = select(_N.patient_id, func.max(_N.made_at).label("at")).where(_N.clinic_id == self.clinic_id)
        if own:
            met = met.where(_N.practitioner_id == own)
        latest = met.group_by(_N.patient_id).order_by(func.max(_N.made_at).desc()).limit(limit).subquery()
        statement = (
            select(_P.__table__)
            .join(latest, latest.c.patient_id == _P.id)
            .where(_P.clinic_id == self.clinic_id)
            .order_by(latest.c.at.desc(), _P.id)
        )
        return [_patient(row) for row in self.connection.execute(statement)]

    def candidates(self, surname: str, phone: str, limit: int = 20) -> list[Patient]:
        """Return the clinic's patients under a telephone or a surname, whoever treats them.

        Wider than one's own on purpose: a patient known to a colleague would otherwise be added a second time.
        """
        self.scope.own_only(Right.CHANGE_PATIENTS)
        alike: list[ColumnElement[bool]] = [_P.surname_key == surname_key(surname)]
        if phone:
            alike.append(_P.phone == phone)
        statement = select(_P.__table__).where(_P.clinic_id == self.clinic_id, or_(*alike)).order_by(_P.id).limit(limit)
        return [_patient(row) for row in self.connection.execute(statement)]

    def candidate(self, patient_id: str) -> Patient:
        """Return one patient of the clinic, whoever treats them, for tying a reservation to; raises NotFound."""
        self.scope.own_only(Right.CHANGE_PATIENTS)
        statement = select(_P.__table__).where(_P.clinic_id == self.clinic_id, _P.id == patient_id)
        row = self.connection.execute(statement).first()
        if row is None:
            raise NotFound
        return _patient(row)

    def add(
        self, patient_id: str, person: Person, phone: str, guardian: Person, birth_date: date | None, now: datetime
    ) -> Patient:
        """Write a new patient."""
        self.scope.own_only(Right.CHANGE_PATIENTS)
        self.connection.execute(
            insert(_P),
            {
                "clinic_id": self.clinic_id, "id": patient_id, "created_at": now, "version": 1,
                **_values(person, phone, guardian, birth_date, now),
            },
        )  # fmt: skip
        return Patient(patient_id, person, phone, guardian, birth_date, 1)

    def change(
        self, patient: Patient, person: Person, phone: str, guardian: Person, birth_date: date | None, now: datetime
    ) -> None:
        """Correct what is known of a patient; raises EditConflict when somebody did meanwhile."""
        self.scope.own_only(Right.CHANGE_PATIENTS)
        statement = (
            update(_P)
            .where(_P.clinic_id == self.clinic_id, _P.id == patient.id, _P.version == patient.version)
            .values(version=_P.version + 1, **_values(person, phone, guardian, birth_date, now))
        )
        if self.connection.execute(statement).rowcount != 1:
            raise EditConflict

    def _within(self, right: Right) -> ColumnElement[bool]:
        own = self.scope.own_only(right)
        if not own:
            return _P.clinic_id == self.clinic_id
        # A visit that was called off made nobody one's patient.
        met = (
            select(_N.patient_id)
            .join(_A, (_A.clinic_id == _N.clinic_id) & (_A.id == _N.appointment_id))
            .where(_N.clinic_id == self.clinic_id, _N.practitioner_id == own, _A.status != Status.CANCELLED.value)
        )
        # The same of a problem that was opened for it alone.
        of_problem = (_N.clinic_id == _E.clinic_id) & (_N.episode_id == _E.id)
        held = select(_N.appointment_id).join(_A, (_A.clinic_id == _N.clinic_id) & (_A.id == _N.appointment_id))
        led = select(_E.patient_id).where(
            _E.clinic_id == self.clinic_id,
            _E.practitioner_id == own,
            or_(
                held.where(of_problem, _A.status != Status.CANCELLED.value).correlate(_E).exists(),
                ~select(_N.appointment_id).where(of_problem).correlate(_E).exists(),
            ),
        )
        return or_(_P.id.in_(met), _P.id.in_(led))


class EpisodeStore(ClinicStore):
    """Episodes and encounters of the scope's clinic. Whose they are is asked of the patient (`PatientStore.get`)."""

    def get(self, episode_id: str) -> Episode:
        """Raises NotFound."""
        statement = select(_E.__table__).where(_E.clinic_id == self.clinic_id, _E.id == episode_id)
        row = self.connection.execute(statement).first()
        if row is None:
            raise NotFound
        return _episode(row)

    def of_patients(self, patient_ids: list[str]) -> list[Episode]:
        """Return the episodes of some patients, open ones first, the newest first."""
        statement = select(_E.__table__).where(_E.clinic_id == self.clinic_id, _E.patient_id.in_(patient_ids))
        found = [_episode(row) for row in self.connection.execute(statement.order_by(_E.opened_at.desc(), _E.id))]
        return sorted(found, key=lambda one: not one.open)

    def add(self, episode: Episode) -> None:
        """Write a new episode."""
        self.connection.execute(
            insert(_E),
            {
                "clinic_id": self.clinic_id, "id": episode.id, "patient_id": episode.patient_id, "category": episode.category.value,
                "title": episode.title, "practitioner_id": episode.practitioner_id, "opened_at": episode.opened_at,
                "closed_at": episode.closed_at, "version": 1,
            },
        )  # fmt: skip

    def change(self, episode: Episode, **values: Any) -> None:
        """Change `title`, `practitioner_id` or `closed_at`; raises EditConflict when somebody changed it meanwhile."""
        statement = (
            update(_E)
            .where(_E.clinic_id == self.clinic_id, _E.id == episode.id, _E.version == episode.version)
            .values(version=_E.version + 1, **values)
        )
        if self.connection.execute(statement).rowcount != 1:
            raise EditConflict

    def tie(self, encounter: Encounter) -> bool:
        """Tie an appointment to its patient and episode; False when it is tied already."""
        row = {
            "clinic_id": self.clinic_id, "appointment_id": encounter.appointment_id, "patient_id": encounter.patient_id,
            "episode_id": encounter.episode_id, "practitioner_id": encounter.practitioner_id, "made_at": encounter.made_at,
            "made_by": encounter.made_by,
        }  # fmt: skip
        return self.connection.execute(_TIE[self.dialect], row).first() is not None

    def follow(self, appointment_id: str, practitioner_id: str) -> None:
        """Let the encounter of a moved appointment, if there is one, be with its new therapist."""
        self.connection.execute(
            update(_N)
            .where(_N.clinic_id == self.clinic_id, _N.appointment_id == appointment_id)
            .values(practitioner_id=practitioner_id)
        )

    def encounter(self, appointment_id: str) -> Encounter | None:
        """Return what an appointment is tied to, None while it is not."""
        statement = select(_N.__table__).where(_N.clinic_id == self.clinic_id, _N.appointment_id == appointment_id)
        row = self.connection.execute(statement).first()
        return _encounter(row) if row else None

    def encounters(self, *, patient_id: str = "", episode_id: str = "") -> list[Encounter]:
        """Return the encounters of a patient or of an episode."""
        statement = select(_N.__table__).where(_N.clinic_id == self.clinic_id)
        if patient_id:
            statement = statement.where(_N.patient_id == patient_id)
        if episode_id:
            statement = statement.where(_N.episode_id == episode_id)
        return [_encounter(row) for row in self.connection.execute(statement.order_by(_N.made_at, _N.appointment_id))]

    def encounters_at(self, appointment_ids: list[str]) -> dict[str, Encounter]:
        """Return the encounters of some appointments by appointment id."""
        if not appointment_ids:
            return {}
        statement = select(_N.__table__).where(_N.clinic_id == self.clinic_id, _N.appointment_id.in_(appointment_ids))
        return {row.appointment_id: _encounter(row) for row in self.connection.execute(statement)}


_TIE = on_both(lambda insert: insert(EncounterRow).on_conflict_do_nothing().returning(EncounterRow.appointment_id))


def _values(person: Person, phone: str, guardian: Person, birth_date: date | None, now: datetime) -> dict[str, object]:
    return {
        "first_name": person.first_name, "last_name": person.last_name, "surname_key": surname_key(person.last_name),
        "phone": phone, "guardian_first_name": guardian.first_name, "guardian_last_name": guardian.last_name,
        "birth_date": birth_date, "changed_at": now,
    }  # fmt: skip


def _patient(r: Row[Any]) -> Patient:
    guardian = Person(r.guardian_first_name, r.guardian_last_name)
    return Patient(r.id, Person(r.first_name, r.last_name), r.phone, guardian, r.birth_date, r.version)


def _episode(r: Row[Any]) -> Episode:
    return Episode(
        r.id, r.patient_id, ProblemCategory(r.category), r.title, r.practitioner_id, r.opened_at, r.closed_at, r.version
    )


def _encounter(r: Row[Any]) -> Encounter:
    return Encounter(r.appointment_id, r.patient_id, r.episode_id, r.practitioner_id, r.made_at, r.made_by)
