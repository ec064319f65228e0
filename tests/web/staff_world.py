"""A clinic with its people and a few appointments, as the staff's pages meet them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from okienko_server.domain.appointment import Appointment, Person, Status
from okienko_server.domain.offer import Offer, ServiceKind
from okienko_server.domain.plan import OpenedClinic
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import open_clinic
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.diary import DiaryStore, Entry
from tests.plans import PASSWORD, clinic

ZOFIA, MICHAL, HANNA = "Zofia Wróblewska", "Michał Kot", "Hanna Bąk"
THERAPIST, OWNER = "zofia@kazimierz.test", "owner@kazimierz.test"
ANOTHER_THERAPIST, CONSULTANT = "michal@kazimierz.test", "consultant@kazimierz.test"
ADMINISTRATOR, RECEPTIONIST = "administrator@kazimierz.test", "receptionist@kazimierz.test"
ACCOUNTS = {
    "owner": OWNER,
    "administrator": ADMINISTRATOR,
    "consultant": CONSULTANT,
    "therapist": THERAPIST,
    "receptionist": RECEPTIONIST,
}
"""Role -> the account of that role; the therapist and the consultant are Zofia."""
TUESDAY_NINE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@dataclass
class StaffWorld:
    """One running clinic and one browser."""

    opened: OpenedClinic
    desk: Desk
    client: FlaskClient

    @classmethod
    def of(cls, app: Flask, **plan: Any) -> StaffWorld:
        desk: Desk = app.extensions["okienko"].desk
        return cls(open_clinic(replace(clinic(), **plan), desk=desk), desk, app.test_client())

    @property
    def scope(self) -> Scope:
        return Scope(ScopeKind.STAFF, self.opened.id, source=Source.STAFF, role="owner")

    def offer(self) -> Offer:
        return self.desk.database.read(lambda connection: self.desk.offer(connection, self.scope))

    def add(
        self, appointment_id: str, who: str = ZOFIA, at: datetime = TUESDAY_NINE, place: str = "Główna", **changes: Any
    ) -> Appointment:
        """Write an online reservation that waits since five minutes before 8:00 on Monday."""
        made_at = datetime(2026, 11, 23, 6, 55, tzinfo=UTC)
        values: dict[str, Any] = {
            "status": Status.PENDING, "source": Source.IFRAME, "kind": ServiceKind.CONSULTATION,
            "category": ProblemCategory.SPINE, "age": ADULT, "patient": Person("Łucja", "Żółkiewska"),
            "phone": "+48601234567", "created_at": made_at, "pending_at": made_at, "comment": "", "held_until": None,
        } | changes  # fmt: skip
        appointment = Appointment(
            id=appointment_id, clinic_id=self.opened.id, practitioner_id=self.opened.practitioners[who],
            location_id=self.opened.locations[place], service_id=self.opened.services["Konsultacja"],
            session_id="visitor", any_practitioner=False, starts_at=at, ends_at=at + timedelta(hours=1),
            **values,
        )  # fmt: skip
        offer = self.offer()
        cells = appointment.occupied
        self.desk.database.write(
            lambda connection: DiaryStore(connection, self.scope).fill([Entry(appointment, cells)], offer.clinic.zone)
        )
        return appointment

    def get(self, appointment_id: str) -> Appointment:
        return self.desk.database.read(lambda connection: AppointmentStore(connection, self.scope).get(appointment_id))

    def sign_in(self, email: str = THERAPIST, password: str = PASSWORD) -> TestResponse:
        return self.client.post("/staff/sign-in", data={"email": email, "password": password})

    def page(self, query: str = "") -> str:
        answer = self.client.get(f"/staff/{query}")
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.page())
        assert found
        return found[1]

    def answer(self, appointment_id: str, what: str, **fields: str) -> TestResponse:
        fields = {"csrf": self.csrf(), "view": "week", "day": "2026-11-24"} | fields
        return self.client.post(f"/staff/appointments/{appointment_id}/{what}", data=fields, follow_redirects=True)
