"""One patient's whole record as plain values, for an access request (GDPR article 15): everything kept, nothing of anybody else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from okienko_server.domain.agreement import Agreement
from okienko_server.domain.appointment import Appointment
from okienko_server.domain.audit import Act
from okienko_server.domain.offer import Offer
from okienko_server.domain.patient import Episode, Patient
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.audit import AuditStore, Linked
from okienko_server.storage.documents import DocumentStore, Draft, Version
from okienko_server.storage.patients import EpisodeStore, PatientStore

FORMAT = "okienko-record-1"
Record = dict[str, Any]


def export_record(patient_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Record:
    """Return the record of one patient; instants as ISO 8601 UTC. The export stands in the audit trail, and in the record itself.

    Keys: format, made_at, clinic, patient, episodes [appointments [versions, drafts]], consents, access; an unsigned draft is kept about
    the patient, too. Raises NotAllowed, NotFound.
    """

    def work(connection: Connection) -> Record:
        patient = PatientStore(connection, scope).get(patient_id, Right.EXPORT_RECORDS)
        desk.note_act(connection, scope, Act.EXPORT_RECORD, "patient", patient_id, now)
        episodes = EpisodeStore(connection, scope)
        ties = episodes.encounters(patient_id=patient_id)
        ids = [one.appointment_id for one in ties]
        appointments = AppointmentStore(connection, scope)
        made, offer = {one.id: one for one in appointments.of(ids)}, desk.current_offer(connection, scope)
        documents = DocumentStore(connection, scope)
        versions, drafts = documents.versions(ids), documents.drafts_of(ids)
        theirs = episodes.of_patients([patient_id])
        about = AuditStore(connection, scope).about([patient_id, *ids, *(one.id for one in theirs)])
        return {
            "format": FORMAT,
            "made_at": _at(now),
            "clinic": {"name": offer.clinic.name, "phone": offer.clinic.phone},
            "patient": _patient(patient),
            "episodes": [
                _episode(one, [made[t.appointment_id] for t in ties if t.episode_id == one.id], versions, drafts, offer)
                for one in theirs
            ],
            "consents": [
                {"appointment": key, "kind": kind, "wording": wording, "given_at": _at(at), "given_by": by}
                for key, kind, wording, at, by in appointments.consents(ids)
            ],
            "access": [_access(one) for one in about],
        }

    return desk.database.write(work)


def _patient(patient: Patient) -> Record:
    return {
        "id": patient.id,
        "first_name": patient.person.first_name,
        "last_name": patient.person.last_name,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "phone": patient.phone,
        "guardian": patient.guardian.name,
    }


def _episode(
    episode: Episode,
    appointments: list[Appointment],
    versions: list[Version],
    drafts: dict[str, list[Draft]],
    offer: Offer,
) -> Record:
    return {
        "id": episode.id,
        "category": episode.category.value,
        "title": episode.title,
        "led_by": _name(offer, episode.practitioner_id),
        "opened_at": _at(episode.opened_at),
        "closed_at": _at(episode.closed_at) if episode.closed_at else None,
        "appointments": [
            _appointment(
                one,
                [version for version in versions if version.appointment_id == one.id],
                drafts.get(one.id, []),
                offer,
            )
            for one in sorted(appointments, key=lambda one: one.starts_at)
        ],
    }


def _appointment(appointment: Appointment, versions: list[Version], drafts: list[Draft], offer: Offer) -> Record:
    return {
        "id": appointment.id,
        "kind": appointment.kind.value,
        "status": appointment.status.value,
        "starts_at": _at(appointment.starts_at),
        "ends_at": _at(appointment.ends_at),
        "practitioner": _name(offer, appointment.practitioner_id),
        "agreed": _agreement(appointment.agreement),
        "booked_through": appointment.source.value,
        "booked_by": appointment.booker.name,
        "phone": appointment.phone,
        "comment": appointment.comment,
        "reason_called_off": appointment.decline_reason,
        "versions": [
            {
                "number": one.number,
                "document": one.kind.value,
                "author": one.author,
                "signed_at": _at(one.signed_at),
                "reason": one.reason,
                "content": one.content,
            }
            for one in versions
        ],
        "drafts": [{"author": one.author, "saved_at": _at(one.saved_at), "content": one.content} for one in drafts],
    }


def _agreement(kept: Agreement) -> Record:
    """What was agreed; None: not kept when the appointment was made."""
    address = kept.address
    return {
        "service": kept.service,
        "price_grosze": kept.price,
        "location": kept.location,
        "address": address.full if address else None,
        "cancel_minutes": kept.cancel_minutes,
        "texts": kept.texts,
    }


def _access(one: Linked) -> Record:
    return {"at": _at(one.entry.at), "who": one.who, "act": one.entry.act}


def _name(offer: Offer, practitioner_id: str) -> str:
    person = offer.practitioners.get(practitioner_id)
    return person.name if person else ""


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
