"""Part-filled diaries: from a little over half today to a little under half in three weeks, therapist by therapist."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from okienko_server.domain.agreement import agreed
from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.cells import cells_of, day_grid, days_from, instant_of, ones
from okienko_server.domain.offer import HealthcareService, Offer, Practitioner, ServiceKind
from okienko_server.domain.problem import Competence
from okienko_server.domain.scope import Source
from okienko_server.operations.seed.patients import invent
from okienko_server.storage.diary import Entry
from okienko_server.storage.onboarding import Ids
from okienko_widget import load

TEXTS_VERSION = load()("consent.processing.version")
DAYS_BACK, DAYS_AHEAD = 4, 21
FULLEST, EMPTIEST = 0.74, 0.5
"""Share of a diary's chances that are taken, on the first and on the last day."""


@dataclass(frozen=True)
class DiaryMaker:
    """Invents the appointments of one clinic as they stand on the morning of `today`."""

    offer: Offer
    today: date
    chance: random.Random
    ids: Ids

    def entries(self) -> list[Entry]:
        """Return appointments from a few days ago to three weeks ahead, none overlapping, all within open hours."""
        days = days_from(self.today - timedelta(days=DAYS_BACK), DAYS_BACK + DAYS_AHEAD)
        return [
            entry
            for person in self.offer.practitioners.values()
            for day in days
            for location_id in sorted({hours.location_id for hours in person.hours})
            for entry in self._day(person, location_id, day)
        ]

    def _day(self, person: Practitioner, location_id: str, day: date) -> Iterator[Entry]:
        ahead = max((day - self.today).days, 0)
        load = FULLEST - (FULLEST - EMPTIEST) * ahead / DAYS_AHEAD + self.chance.uniform(-0.12, 0.12)
        grid = day_grid(self.offer.clinic.zone, day)
        step = grid.every(self.offer.clinic.slot_step_minutes)
        opened = self.offer.open_mask(person.id, location_id, day)
        at = 0
        while opened >> at:
            competence, service = self._wanted(person)
            start, body = at + cells_of(service.buffer_before), cells_of(service.minutes)
            if not step >> start & 1 or (opened >> start) & ones(body) != ones(body):
                at += 1
                continue
            if self.chance.random() < load:
                yield self._entry(person, location_id, service, competence, instant_of(grid.first + start))
                body += cells_of(service.buffer_after)
            at = start + body

    def _wanted(self, person: Practitioner) -> tuple[Competence, HealthcareService]:
        competence = self.chance.choice(person.competences)
        kind = ServiceKind.CONSULTATION if self.chance.random() < 0.25 else ServiceKind.VISIT
        given = [s for s in self.offer.services_for(kind, competence.category) if s.id in person.services]
        return competence, self.chance.choice(given)

    def _entry(
        self,
        person: Practitioner,
        location_id: str,
        service: HealthcareService,
        competence: Competence,
        start: datetime,
    ) -> Entry:
        patient = invent(self.chance, competence)
        morning = instant_of(day_grid(self.offer.clinic.zone, self.today).first)
        made_at = min(start, morning) - timedelta(minutes=self.chance.randrange(60, 20 * 24 * 60))
        appointment = Appointment(
            id=self.ids(20), clinic_id=self.offer.clinic.id, practitioner_id=person.id, location_id=location_id,
            service_id=service.id, status=Status.FULFILLED if start < morning else Status.BOOKED, source=Source.STAFF,
            session_id="", kind=service.kind, category=competence.category, age=patient.age, any_practitioner=False,
            starts_at=start, ends_at=start + service.length.treatment, created_at=made_at, held_until=None,
            patient=patient.person, booker=patient.booker, phone=patient.phone,
            agreement=agreed(service, self.offer.location(location_id), self.offer.clinic, TEXTS_VERSION),
        )  # fmt: skip
        return Entry(appointment, appointment.occupied)
