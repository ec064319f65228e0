"""Treatments on file in the first clinic: past visits, the patient, the problem, and what was signed after each visit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from okienko_server.domain.agreement import agreed
from okienko_server.domain.appointment import Appointment, Person, Status
from okienko_server.domain.cells import day_grid, instant_of
from okienko_server.domain.holidays import is_public_holiday
from okienko_server.domain.offer import Offer, Practitioner, ServiceKind
from okienko_server.domain.patient import Encounter, Episode
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.record import checked_content, kind_for
from okienko_server.domain.scope import Scope, Source
from okienko_server.operations.seed.diaries import TEXTS_VERSION
from okienko_server.storage.diary import Entry
from okienko_server.storage.documents import DocumentStore
from okienko_server.storage.onboarding import Ids
from okienko_server.storage.patients import EpisodeStore, PatientStore

TREATMENTS: tuple[Mapping[str, Any], ...] = tuple(
    tomllib.loads((Path(__file__).with_name("records.toml")).read_text(encoding="utf-8"))["treatment"]
)


@dataclass(frozen=True, slots=True)
class Treatment:
    """One treatment with its visits as diary entries, in time order."""

    told: Mapping[str, Any]
    practitioner: Practitioner
    entries: tuple[Entry, ...]


def treatments(offer: Offer, today: date, ids: Ids) -> list[Treatment]:
    """Return the treatments with visits that lie further back than the invented diaries, so that nothing overlaps."""
    people = {f"{one.first_name} {one.last_name}": one for one in offer.practitioners.values()}
    return [
        Treatment(
            told,
            people[told["practitioner"]],
            tuple(_visit(told, visit, people[told["practitioner"]], offer, today, ids) for visit in told["visit"]),
        )
        for told in TREATMENTS
    ]


def known(entries: list[Entry]) -> list[Entry]:
    """Return the entries with the first reservation from the clinic's own site made by somebody on file."""
    told = next(one for one in TREATMENTS if one.get("waiting"))
    changed, left = list(entries), True
    for place, entry in enumerate(entries):
        made = entry.appointment
        if left and made.status is Status.PENDING and made.source is Source.IFRAME:
            person = Person(told["first_name"], told["last_name"])
            changed[place] = replace(entry, appointment=replace(made, patient=person, phone=told["phone"]))
            left = False
    return changed


def write_records(
    connection: Connection, scope: Scope, found: list[Treatment], staff: Mapping[str, str], ids: Ids
) -> None:
    """Write patients, episodes and signed documents; `staff` gives each therapist's account: practitioner id -> staff id."""
    for one in found:
        own = replace(scope, staff_id=staff[one.practitioner.id])
        first, told = one.entries[0].appointment, one.told
        patient = PatientStore(connection, own).add(
            ids(12), first.patient, told["phone"], Person(), told["birth_date"], first.starts_at
        )
        episode = Episode(
            ids(12),
            patient.id,
            ProblemCategory(told["category"]),
            told["title"],
            one.practitioner.id,
            first.starts_at,
            None,
            1,
        )
        episodes, documents = EpisodeStore(connection, own), DocumentStore(connection, own)
        episodes.add(episode)
        for entry, visit in zip(one.entries, told["visit"], strict=True):
            made = entry.appointment
            episodes.tie(Encounter(made.id, patient.id, episode.id, one.practitioner.id, made.starts_at, own.staff_id))
            kind = kind_for(made.kind)
            documents.sign(made.id, 1, kind, checked_content(kind, visit), "", made.ends_at)


def _visit(
    told: Mapping[str, Any], visit: Mapping[str, Any], person: Practitioner, offer: Offer, today: date, ids: Ids
) -> Entry:
    kind = ServiceKind.VISIT if "procedures" in visit else ServiceKind.CONSULTATION
    category = ProblemCategory(told["category"])
    service = next(one for one in offer.services_for(kind, category) if one.id in person.services)
    start, place = _free_hour(person, today - timedelta(weeks=visit["weeks"]), offer)
    made = Appointment(
        id=ids(20), clinic_id=offer.clinic.id, practitioner_id=person.id, location_id=place, service_id=service.id,
        status=Status.FULFILLED, source=Source.STAFF, session_id="", kind=kind, category=category, age=ADULT,
        any_practitioner=False, starts_at=start, ends_at=start + service.length.treatment,
        created_at=start - timedelta(days=5), held_until=None, patient=Person(told["first_name"], told["last_name"]),
        phone=told["phone"],
        agreement=agreed(service, offer.location(place), offer.clinic, TEXTS_VERSION),
    )  # fmt: skip
    return Entry(made, made.occupied)


def _free_hour(person: Practitioner, near: date, offer: Offer) -> tuple[datetime, str]:
    """Return an hour after the therapist begins to work on that day, or on the first working day before it."""
    days = (near - timedelta(days=back) for back in range(14))
    day, hours = next(
        (day, hours)
        for day in days
        for hours in sorted(person.hours, key=lambda one: one.start)
        if hours.weekday == day.weekday() and not is_public_holiday(day)
    )
    return instant_of(day_grid(offer.clinic.zone, day).first) + timedelta(minutes=hours.start + 60), hours.location_id
