"""A clinic with patients, episodes and encounters, as the record's pages meet them."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from okienko_server.domain.appointment import Person
from okienko_server.domain.patient import Encounter, Episode
from okienko_server.domain.problem import ProblemCategory
from okienko_server.storage.hours import HoursStore
from okienko_server.storage.patients import EpisodeStore, PatientStore
from okienko_server.storage.staff import MemberStore
from tests.web.staff_world import ZOFIA, StaffWorld

LONG_AGO = datetime(2026, 9, 3, 8, 0, tzinfo=UTC)


class Records(StaffWorld):
    """A clinic with patients."""

    def patient(self, key: str, first: str, last: str, phone: str = "+48601234567", **more: Any) -> None:
        born, guardian = more.get("born"), more.get("guardian", Person())
        self.desk.database.write(
            lambda connection: PatientStore(connection, self.scope).add(
                key, Person(first, last), phone, guardian, born, LONG_AGO
            )
        )

    def episode(self, key: str, patient: str, who: str = ZOFIA, **more: Any) -> None:
        values = {"category": ProblemCategory.SPINE, "title": "", "closed_at": None} | more
        made = Episode(
            id=key, patient_id=patient, practitioner_id=self.opened.practitioners[who], opened_at=LONG_AGO, version=1, **values
        )  # fmt: skip
        self.desk.database.write(lambda connection: EpisodeStore(connection, self.scope).add(made))

    def tie(self, appointment_id: str, patient: str, episode: str, who: str = ZOFIA) -> None:
        """Write that an appointment belongs to a patient's episode."""
        made = Encounter(appointment_id, patient, episode, self.opened.practitioners[who], LONG_AGO, "")
        assert self.desk.database.write(lambda connection: EpisodeStore(connection, self.scope).tie(made))

    def away(self, who: str, reason: str) -> str:
        """Write an absence next month and return its id."""
        key, start = self.opened.practitioners[who], datetime(2026, 12, 14, 7, 0, tzinfo=UTC)
        self.desk.database.write(
            lambda connection: HoursStore(connection, self.scope).add_absence(
                key, start, start.replace(hour=15), reason
            )
        )
        kept = self.desk.database.read(lambda connection: HoursStore(connection, self.scope).absences(LONG_AGO))
        return next(one.id for one in kept if one.practitioner_id == key)

    def account(self, who: str) -> str:
        """Write an account that belongs to a therapist and return its id."""
        key = f"staff{self.opened.practitioners[who][:6]}"
        self.desk.database.write(
            lambda connection: MemberStore(connection, self.scope).add(
                key, f"{key}@example.test", "Nikt Ważny", "therapist", ""
            )
        )
        return key

    def dialog(self, appointment_id: str = "a1") -> str:
        answer = self.client.get(f"/staff/appointments/{appointment_id}/convert")
        assert answer.status_code == 200
        return html.unescape(answer.get_data(as_text=True))

    def send(self, appointment_id: str = "a1", **fields: str) -> TestResponse:
        filled = {"csrf": self.csrf(), "kind": "consultation", "category": "spine"} | fields
        return self.client.post(f"/staff/appointments/{appointment_id}/convert", data=filled)

    def count(self, table: Any) -> int:
        with self.desk.database.reading() as connection:
            return len(connection.execute(select(table.__table__).where(table.clinic_id == self.opened.id)).all())

    def encounter(self, appointment_id: str = "a1") -> Encounter:
        found = self.desk.database.read(
            lambda connection: EpisodeStore(connection, self.scope).encounter(appointment_id)
        )
        assert found
        return found
