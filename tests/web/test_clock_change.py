"""On the Sundays of the clock change every place that names a time names the same one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from okienko_server.domain.sms_text import SEGMENT, fold, septets
from okienko_server.operations.onboard_clinic import LocationPlan, OpenedClinic, weekly
from okienko_server.operations.schedule import see_schedule
from okienko_widget import When, load
from tests.conftest import Clock
from tests.plans import one_therapist
from tests.storage.rows import WARSAW
from tests.web.patients import ApiPatient, FormPatient, house_of, opened, slot_of, staff_scope, written_in

NIGHT = LocationPlan("Nocna", "ul. Józefa 12", "31-056", "Kraków", weekly("sun 0:00-6:00"))
AUTUMN = (date(2026, 10, 25), date(2027, 10, 31))
SPRING = (date(2026, 3, 29), date(2027, 3, 28))
WHEN = When(load(), WARSAW)


@dataclass
class Night:
    """A clinic open in the small hours, seen on the Tuesday before the clock changes."""

    app: Flask
    place: OpenedClinic
    sunday: date

    @classmethod
    def before(cls, app: Flask, clock: Clock, sunday: date) -> Night:
        clock.now = datetime(sunday.year, sunday.month, sunday.day, 9, tzinfo=UTC) - timedelta(days=5)
        plan = replace(one_therapist(), locations=(NIGHT,), slot_step_minutes=30)
        return cls(app, opened(app, plan), sunday)

    def starts(self) -> list[datetime]:
        """Return the free starts of the Sunday as the API names them."""
        patient = ApiPatient(self.app, self.place.id)
        return patient.starts(**{"from": self.sunday.isoformat(), "days": 1})

    def at_times(self) -> FormPatient:
        patient = FormPatient(self.app, f"/g/gabinet?date={self.sunday.isoformat()}")
        patient.problem()
        return patient

    def booked(self, start: datetime) -> FormPatient:
        patient = self.at_times()
        patient.take(start)
        patient.details()
        patient.code(patient.phone.code())
        return patient


def clocks(starts: list[datetime]) -> list[str]:
    return [f"{start.astimezone(WARSAW):%H:%M}" for start in starts]


@pytest.mark.parametrize("sunday", SPRING, ids=str)
def test_no_time_is_offered_in_the_hour_that_does_not_exist(app: Flask, clock: Clock, sunday: date) -> None:
    night = Night.before(app, clock, sunday)
    starts = night.starts()
    assert clocks(starts) == ["00:00", "00:30", "01:00", "01:30", "03:00", "03:30", "04:00", "04:30", "05:00"]
    assert [later - earlier for earlier, later in itertools.pairwise(starts)] == [timedelta(minutes=30)] * 8
    page = night.at_times().page
    assert [value for value in page.slots() if value in {slot_of(start) for start in starts}]
    labels = [button.label for form in page.forms for button in form.buttons if button.name == "slot"]
    assert not [label for label in labels if label.startswith("2:")]


@pytest.mark.parametrize("sunday", SPRING, ids=str)
def test_a_wall_time_that_does_not_exist_is_read_by_its_offset(app: Flask, clock: Clock, sunday: date) -> None:
    night = Night.before(app, clock, sunday)
    patient = ApiPatient(app, night.place.id)
    held = patient.ask(
        "POST", "/appointments", {"category": "spine", "age_group": "adult", "start": f"{sunday}T02:30:00+01:00"}
    )
    assert held.get_json()["start"] == f"{sunday}T03:30:00+02:00"


@pytest.mark.parametrize("sunday", AUTUMN, ids=str)
def test_the_doubled_hour_is_offered_twice_and_told_apart(app: Flask, clock: Clock, sunday: date) -> None:
    night = Night.before(app, clock, sunday)
    starts = night.starts()
    assert len(set(starts)) == 13
    assert clocks(starts).count("02:00") == clocks(starts).count("02:30") == 2
    twice = [start.isoformat() for start in starts if f"{start:%H:%M}" == "02:30"]
    assert twice == [f"{sunday}T02:30:00+02:00", f"{sunday}T02:30:00+01:00"]
    page = night.at_times().page
    labels = [button.label.strip() for form in page.forms for button in form.buttons if button.name == "slot"]
    for label in ("2:00 (czas letni)", "2:30 (czas letni)", "2:00 (czas zimowy)", "2:30 (czas zimowy)"):
        assert labels.count(label) == 1


@pytest.mark.parametrize("sunday", AUTUMN, ids=str)
@pytest.mark.parametrize("season", ["letni", "zimowy"])
def test_page_message_schedule_and_calendar_name_the_same_time(
    app: Flask, clock: Clock, sunday: date, season: str
) -> None:
    night = Night.before(app, clock, sunday)
    offset = "+02:00" if season == "letni" else "+01:00"
    start = datetime.fromisoformat(f"{sunday}T02:30:00{offset}")
    patient = night.booked(start)
    words = f"2:30 (czas {season})"
    assert words in patient.page.text
    assert WHEN.span(start, start + timedelta(hours=1)) in patient.page.text
    confirmation, *_ = patient.phone.messages()
    assert words in confirmation.body and f"{sunday.day}.{sunday.month}" in confirmation.body
    assert fold(confirmation.body) == confirmation.body and septets(confirmation.body) <= SEGMENT
    seen = see_schedule(
        sunday, 1, "", scope=staff_scope(night.place.id), desk=house_of(app).desk, now=house_of(app).clock()
    )
    (made,) = seen.appointments
    assert WHEN.span(made.starts_at, made.ends_at) in patient.page.text
    answer = patient.client.post("/w/calendar", data=patient.page.form("/w/calendar").filled())
    assert written_in(answer.data)[:2] == (start, start + timedelta(hours=1))


@pytest.mark.parametrize("sunday", AUTUMN, ids=str)
def test_the_two_times_of_one_name_are_two_appointments(app: Flask, clock: Clock, sunday: date) -> None:
    night = Night.before(app, clock, sunday)
    both = [datetime.fromisoformat(f"{sunday}T02:00:00{offset}") for offset in ("+02:00", "+01:00")]
    ids = []
    for start in both:
        patient = ApiPatient(app, night.place.id)
        answer = patient.hold(start)
        assert answer.status_code == 201
        ids.append(answer.get_json()["start"])
    assert ids == [start.isoformat() for start in both]


@pytest.mark.parametrize("sunday", SPRING, ids=str)
def test_an_appointment_across_the_missing_hour_lasts_an_hour(app: Flask, clock: Clock, sunday: date) -> None:
    night = Night.before(app, clock, sunday)
    start = datetime.fromisoformat(f"{sunday}T01:30:00+01:00")
    patient = night.booked(start)
    assert "1:30–3:30" in patient.page.text
    confirmation, *_ = patient.phone.messages()
    assert ", 1:30" in confirmation.body
