"""The invented clinics: what the demonstration promises about them, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from okienko_server.domain.access import Access, Language
from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.cells import day_grid, local_day
from okienko_server.domain.contract import Use
from okienko_server.domain.offer import Offer, ServiceKind
from okienko_server.domain.phone import polish_mobile
from okienko_server.domain.plan import PlanRefused
from okienko_server.domain.problem import ADULT, ProblemCategory, age_in_months
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question
from okienko_server.operations.portal_search import Search
from okienko_server.operations.search_clinics import search_clinics
from okienko_server.operations.seed import DEMO_CLINIC, DEMO_OWNER, DEMO_PASSWORD, ZONE, SeedReport, seed, seeded
from okienko_server.operations.sign_in import sign_in
from okienko_server.storage.appointments import appointment_of
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.session import Database
from okienko_server.storage.tables import (
    AppointmentRow,
    DayOccupancyRow,
    DocumentVersionRow,
    EncounterRow,
    PatientRow,
)
from okienko_widget import load
from tests.conftest import ENGINES, MONDAY, PEPPER, visitor
from tests.storage.rows import differences

TODAY = local_day(MONDAY, ZONE)
DAYS = [TODAY + timedelta(days=n) for n in range(21)]


@pytest.fixture(scope="module", params=ENGINES)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An own database for this file: sown once, then only read."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('seed') / 'okienko.db'}"
    else:
        url = request.getfixturevalue("postgres_server").create_database("okienko_seed")
    made = new_desk(url)
    yield made
    made.database.dispose()


def new_desk(url: str) -> Desk:
    database = Database(url)
    upgrade(database)
    return Desk(database, PEPPER, load())


@pytest.fixture(scope="module")
def report(desk: Desk) -> SeedReport:
    return seed(desk, TODAY)


def offers(desk: Desk, report: SeedReport) -> list[Offer]:
    with desk.database.reading() as connection:
        return [OfferStore(connection, operator_scope().at(clinic.id)).load() for clinic in report.clinics]


def test_clinics_say_what_makes_coming_easier_and_their_people_what_they_speak(desk: Desk, report: SeedReport) -> None:
    visible = [offer for offer in offers(desk, report) if offer.clinic.opens(Use.PORTAL, MONDAY)]
    people = [person for offer in visible for person in offer.practitioners.values()]
    for word in Access:
        places = [word in place.access for offer in visible for place in offer.locations.values()]
        assert any(places) and not all(places), "a filter that narrows to some"
    assert {word for person in people for word in person.languages} == set(Language)
    assert any(not person.languages for person in people)


def appointments(desk: Desk) -> list[Appointment]:
    with desk.database.reading() as connection:
        return [appointment_of(row) for row in connection.execute(select(AppointmentRow.__table__))]


def test_eight_clinics_in_five_cities_with_thirty_therapists(desk: Desk, report: SeedReport) -> None:
    visible = [offer for offer in offers(desk, report) if offer.clinic.opens(Use.PORTAL, MONDAY)]
    assert len(visible) >= 8
    assert len({place.city for offer in visible for place in offer.locations.values()}) >= 5
    assert sum(len(offer.practitioners) for offer in visible) >= 30
    assert any(len(offer.locations) == 2 for offer in visible)
    assert {category for offer in visible for category in offer.categories()} == set(ProblemCategory)


def test_the_trial_clinic_is_found_by_nobody(desk: Desk, report: SeedReport) -> None:
    (trial,) = [offer for offer in offers(desk, report) if not offer.clinic.opens(Use.PORTAL, MONDAY)]
    for category in trial.categories():
        for age in (ADULT, age_in_months(5)):
            found = search_clinics(
                Search(Question(category, age, ServiceKind.VISIT)), scope=visitor(), desk=desk, now=MONDAY
            )
            assert trial.clinic.id not in {one.clinic_id for one in found.clinics}


def test_a_baby_is_offered_only_clinics_that_treat_babies(desk: Desk, report: SeedReport) -> None:
    question = Question(ProblemCategory.PAEDIATRICS, age_in_months(5), ServiceKind.CONSULTATION)
    found = search_clinics(Search(question), scope=visitor(), desk=desk, now=MONDAY)
    assert {one.slug for one in found.clinics} == {DEMO_CLINIC, "mokotow-w-ruchu", "maly-krok"}
    assert all(one.starts for one in found.clinics)


def test_somebody_has_a_free_time_for_every_problem(desk: Desk, report: SeedReport) -> None:
    for category in ProblemCategory:
        age = age_in_months(60) if category is ProblemCategory.PAEDIATRICS else age_in_months(70 * 12)
        question = Question(category, age, ServiceKind.CONSULTATION)
        found = search_clinics(Search(question), scope=visitor(), desk=desk, now=MONDAY)
        assert any(one.starts for one in found.clinics), category


def test_day_masks_equal_the_cell_rows(desk: Desk, report: SeedReport) -> None:
    with desk.database.reading() as connection:
        assert differences(connection) == {}


def test_diaries_are_forty_to_seventy_per_cent_full(desk: Desk, report: SeedReport) -> None:
    for offer in offers(desk, report):
        opened = taken = 0
        with desk.database.reading() as connection:
            rows = connection.execute(
                select(DayOccupancyRow.__table__).where(
                    DayOccupancyRow.clinic_id == offer.clinic.id, DayOccupancyRow.day.between(DAYS[0], DAYS[-1])
                )
            )
            taken = sum(word.bit_count() for row in rows for word in (row.w0, row.w1, row.w2, row.w3, row.w4))
        for person in offer.practitioners.values():
            for place in {hours.location_id for hours in person.hours}:
                opened += sum(offer.open_mask(person.id, place, day).bit_count() for day in DAYS)
        assert 0.4 <= taken / opened <= 0.7, offer.clinic.slug


def test_every_appointment_could_have_been_made(desk: Desk, report: SeedReport) -> None:
    known = {offer.clinic.id: offer for offer in offers(desk, report)}
    made = appointments(desk)
    assert len(made) == report.appointments
    for one in made:
        offer = known[one.clinic_id]
        person, service = offer.practitioner(one.practitioner_id), offer.service(one.service_id)
        assert person.qualified(one.category, one.age)
        assert service.suits(one.kind, one.category)
        assert one.service_id in person.services
        grid = day_grid(ZONE, local_day(one.starts_at, ZONE))
        body = grid.clip(int(one.starts_at.timestamp()) // 300, int(one.ends_at.timestamp()) // 300)
        assert body & ~offer.open_mask(person.id, one.location_id, grid.day) == 0
        assert bool(one.booker.name) == one.age.is_child
        assert polish_mobile(one.phone) == one.phone


def test_what_waits_is_in_the_first_clinic_on_days_to_come(desk: Desk, report: SeedReport) -> None:
    made = appointments(desk)
    waiting = [one for one in made if one.status is Status.PENDING]
    assert len(waiting) == report.pending == 3
    assert {one.clinic_id for one in waiting} == {report.clinics[0].id}
    assert len({one.source for one in waiting}) == len({one.practitioner_id for one in waiting}) == 3
    assert all(local_day(one.starts_at, ZONE) > TODAY and one.pending_at and one.pending_at < MONDAY for one in waiting)
    before = {one.status for one in made if local_day(one.starts_at, ZONE) < TODAY}
    assert before == {Status.FULFILLED}


def test_sowing_twice_is_refused_and_ids_depend_on_the_seed_alone(desk: Desk, report: SeedReport) -> None:
    assert seeded(desk)
    with pytest.raises(PlanRefused):
        seed(desk, TODAY)
    assert report.clinics[0].id == "wk74hf4jnj7d"


@pytest.mark.parametrize("today", [date(2026, 3, 27), date(2026, 10, 23), date(2026, 12, 23), date(2027, 5, 1)])
def test_any_day_will_do(tmp_path: Path, today: date) -> None:
    """Before both clock changes, before Christmas, on a holiday."""
    desk = new_desk(f"sqlite:///{tmp_path / 'okienko.db'}")
    assert seed(desk, today).pending == 3
    with desk.database.reading() as connection:
        assert differences(connection) == {}
    desk.database.dispose()


def test_treatments_are_on_file_and_one_of_the_patients_waits_for_an_answer(desk: Desk, report: SeedReport) -> None:
    first = report.clinics[0]
    with desk.database.reading() as connection:
        signed = connection.execute(select(DocumentVersionRow.__table__)).all()
        encounters = connection.execute(select(EncounterRow.__table__)).all()
        patients = {row.phone: row for row in connection.execute(select(PatientRow.__table__))}
    assert {row.clinic_id for row in (*signed, *encounters)} == {first.id}
    assert len(signed) == len(encounters) == 9 and len(patients) == 2
    made = {one.id: one for one in appointments(desk)}
    assert all(made[row.appointment_id].status is Status.FULFILLED for row in encounters)
    waiting = [one for one in made.values() if one.status is Status.PENDING and one.phone in patients]
    assert [patients[one.phone].last_name for one in waiting] == [waiting[0].patient.last_name]


def test_owner_signs_in_with_the_password_the_demo_prints(desk: Desk, report: SeedReport) -> None:
    entered = sign_in(DEMO_OWNER, DEMO_PASSWORD, desk=desk, now=MONDAY)
    assert entered.cookie.startswith(report.clinics[0].id + ".")
