"""The patient's record: patients, episodes, encounters, documents."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from okienko_server.storage.tables.base import OfClinic, OfClinicById, to, to_clinic


class PatientRow(OfClinicById):
    """Somebody treated here. Several patients may share a telephone: a guardian's, a couple's."""

    __tablename__ = "patient"
    first_name: Mapped[str]
    last_name: Mapped[str]
    surname_key: Mapped[str]
    """The surname folded to plain small letters: what a search compares."""
    phone: Mapped[str]
    guardian_first_name: Mapped[str]
    guardian_last_name: Mapped[str]
    birth_date: Mapped[date | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int]
    __table_args__ = (
        to_clinic(),
        Index("ix_patient_phone", "clinic_id", "phone"),
        Index("ix_patient_surname", "clinic_id", "surname_key"),
    )


class EpisodeRow(OfClinicById):
    """One medical problem of one patient: opened by a consultation, continued by visits."""

    __tablename__ = "episode"
    patient_id: Mapped[str]
    category: Mapped[str]
    title: Mapped[str]
    """What staff call it; empty: the category."""
    practitioner_id: Mapped[str]
    """Who leads the treatment."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int]
    __table_args__ = (
        to("patient", "patient_id"),
        to("practitioner", "practitioner_id"),
        Index("ix_episode_patient", "clinic_id", "patient_id"),
    )


class EncounterRow(OfClinic):
    """An appointment tied to its patient and episode (HL7 FHIR R4 Encounter); its key makes a second conversion impossible."""

    __tablename__ = "encounter"
    appointment_id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str]
    episode_id: Mapped[str]
    practitioner_id: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    __table_args__ = (
        to("appointment", "appointment_id"),
        to("patient", "patient_id"),
        to("episode", "episode_id"),
        to("practitioner", "practitioner_id"),
        Index("ix_encounter_patient", "clinic_id", "patient_id"),
        Index("ix_encounter_episode", "clinic_id", "episode_id"),
        Index("ix_encounter_practitioner", "clinic_id", "practitioner_id"),
    )


def _to_encounter() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["clinic_id", "appointment_id"], ["encounter.clinic_id", "encounter.appointment_id"])


class DocumentVersionRow(OfClinic):
    """A signed version of a patient card or a visit note. Never changed: a correction is the next number, with its reason."""

    __tablename__ = "document_version"
    appointment_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    content: Mapped[str]
    """JSON, field by field."""
    author_id: Mapped[str]
    signed_at: Mapped[datetime]
    reason: Mapped[str]
    __table_args__ = (_to_encounter(), to("staff", "author_id"))


class DocumentDraftRow(OfClinic):
    """What somebody is writing and has not signed; everybody has an own one, so that no two overwrite each other."""

    __tablename__ = "document_draft"
    appointment_id: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]
    based_on: Mapped[int]
    """Number of the signed version it began from, 0 for none."""
    revision: Mapped[int]
    saved_at: Mapped[datetime]
    __table_args__ = (_to_encounter(), to("staff", "staff_id"))
