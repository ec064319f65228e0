"""From a reservation to the record over HTTP: whom it finds, what it suggests, what two people at once see."""

from __future__ import annotations

import html
import re
import threading
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.errors import EditConflict
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ProblemCategory, age_in_months
from okienko_server.operations.convert import ConvertRequest, convert
from okienko_server.storage.patients import EpisodeStore
from okienko_server.storage.tables import EncounterRow, EpisodeRow, PatientRow
from tests.conftest import Clock
from tests.web.records_world import LONG_AGO, Records
from tests.web.staff_world import (
    ANOTHER_THERAPIST,
    HANNA,
    MICHAL,
    OWNER,
    RECEPTIONIST,
    TUESDAY_NINE,
    ZOFIA,
)


@pytest.fixture
def world(app: Flask) -> Records:
    world = Records.of(app)
    assert isinstance(world, Records)
    return world


def chosen(page: str, name: str = "choice") -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)" checked', page)


def test_a_known_patient_with_one_open_problem_needs_no_choice_at_all(world: Records) -> None:
    world.add("a1", kind=ServiceKind.VISIT, comment="Jest lepiej")
    world.patient("p1", "Łucja", "Żółkiewska", born=date(1981, 5, 2))
    world.episode("e1", "p1")
    world.sign_in()
    page = world.dialog()
    assert chosen(page) == ["p1.e1"] and chosen(page, "kind") == ["visit"]
    for words in ("ten sam numer telefonu", "45 lat", "Jest lepiej", "od 3 września 2026", "mgr Zofia Wróblewska"):
        assert words in page.replace("\u00a0", " ")
    assert "601 234 567" in page and "Potwierdź i otwórz dokumentację" in page.replace("\u00a0", " ")
    assert world.send(choice="p1.e1", kind="visit").status_code == 303
    assert (world.encounter().patient_id, world.encounter().episode_id) == ("p1", "e1")
    assert (world.get("a1").status, world.get("a1").kind) == (Status.BOOKED, ServiceKind.VISIT)


def test_a_surname_is_found_without_its_accents_when_the_number_is_new(world: Records) -> None:
    world.add("a1", patient=Person("Lucja", "ZOLKIEWSKA"), phone="+48700700700")
    world.patient("p1", "Łucja", "Żółkiewska", "+48601234567")
    world.patient("p2", "Jan", "Żółkiewska", "+48602234567")
    world.patient("p3", "Jan", "Żółkiewski", "+48602234568")
    world.sign_in()
    page = world.dialog()
    assert chosen(page) == [], "a surname alone is not enough to choose for anybody"
    assert page.index("p1.new") < page.index("p2.new") and "p3.new" not in page and "to samo nazwisko" in page


def test_siblings_share_a_number_and_the_first_name_decides(world: Records) -> None:
    guardian = Person("Anna", "Wójcik")
    world.add("a1", HANNA, age=age_in_months(5), patient=Person("Antoni", "Wójcik"), booker=guardian)
    world.patient("p1", "Zuzanna", "Wójcik", guardian=guardian)
    world.patient("p2", "Antoni", "Wójcik", guardian=guardian)
    world.sign_in(OWNER)
    page = world.dialog()
    assert chosen(page) == ["p2.new"] and page.index("p2.new") < page.index("p1.new")
    assert "opiekun: Anna Wójcik" in page.replace("\u00a0", " ")


def test_another_persons_number_chooses_nobody(world: Records) -> None:
    world.add("a1")
    world.patient("p1", "Marek", "Nowak")
    world.sign_in()
    assert chosen(world.dialog()) == []


def test_several_problems_are_left_to_a_person(world: Records) -> None:
    world.add("a1", category=ProblemCategory.SPORTS)
    world.patient("p1", "Łucja", "Żółkiewska")
    world.episode("e1", "p1")
    world.episode("e2", "p1", category=ProblemCategory.JAW_HEAD, title="Szczękościsk po zabiegu")
    world.episode("e3", "p1", closed_at=LONG_AGO)
    world.sign_in()
    page = world.dialog()
    assert chosen(page) == [] and "Szczękościsk po zabiegu" in page and "p1.e3" not in page


def test_nobody_known_is_added_with_what_the_patient_typed(world: Records) -> None:
    world.add("a1")
    world.sign_in()
    page = world.dialog()
    assert chosen(page) == ["new"] and 'value="Łucja"' in page and 'value="Żółkiewska"' in page
    answer = world.send(
        choice="new", first_name=" Łucja ", last_name="Żółkiewska", birth_date="1981-05-02", title="Lędźwie"
    )
    assert answer.status_code == 303
    with world.desk.database.reading() as connection:
        (patient,) = connection.execute(select(PatientRow.__table__)).all()
        (episode,) = connection.execute(select(EpisodeRow.__table__)).all()
    assert (patient.first_name, patient.surname_key, patient.phone) == ("Łucja", "zolkiewska", "+48601234567")
    assert (patient.birth_date, episode.title, episode.category) == (date(1981, 5, 2), "Lędźwie", "spine")


def test_sending_it_twice_gives_one_record(world: Records) -> None:
    world.add("a1")
    world.sign_in()
    for _ in range(2):
        assert world.send(choice="new", first_name="Łucja", last_name="Żółkiewska").status_code == 303
    assert (world.count(PatientRow), world.count(EpisodeRow), world.count(EncounterRow)) == (1, 1, 1)
    assert world.client.get("/staff/appointments/a1/convert").status_code == 302


def test_whoever_comes_second_sees_what_the_first_chose_and_loses_nothing(world: Records) -> None:
    world.add("a1")
    world.patient("p1", "Łucja", "Żółkiewska")
    world.sign_in()
    assert world.send(choice="p1.new").status_code == 303
    answer = world.send(choice="new", first_name="Łucja Maria", last_name="Żółkiewska", title="Bark")
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 409 and "Ktoś przed chwilą przypisał" in page.replace("\u00a0", " ")
    assert 'value="Łucja Maria"' in page and 'value="Bark"' in page and world.count(PatientRow) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"choice": "new"}, {"category": "sports"}),
        ({"choice": "new"}, {"title": "Bark"}),
        ({"choice": "new"}, {"kind": "visit"}),
        ({"choice": "new"}, {"birth_date": "1981-05-02"}),
        ({"choice": "p1.e1"}, {"kind": "visit"}),
        ({"choice": "p1.new"}, {"title": "Bark"}),
    ],
)
def test_whoever_asks_for_something_else_the_second_time_is_told(
    world: Records, first: dict[str, str], second: dict[str, str]
) -> None:
    world.add("a1")
    world.patient("p1", "Łucja", "Żółkiewska")
    world.episode("e1", "p1")
    world.sign_in()
    asked = {"first_name": "Łucja", "last_name": "Żółkiewska"} | first
    assert world.send(**asked).status_code == 303
    assert world.send(**asked).status_code == 303, "the very same is no conflict"
    answer = world.send(**asked | second)
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 409 and "Twój wybór nie został zapisany" in page.replace("\u00a0", " ")
    assert second.get("title", "") in page


def test_a_candidate_whose_name_is_corrected_meanwhile_is_looked_at_again(world: Records) -> None:
    world.add("a1", phone="+48700700700")
    world.patient("p1", "Łucja", "Żółkiewska")
    world.sign_in()
    with world.desk.database.writing() as connection:
        connection.execute(update(PatientRow).values(last_name="Nowak", surname_key="nowak"))
    answer = world.send(choice="p1.new", known="p1", title="Bark od zimy")
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and "zmieniła się lista pacjentów" in page.replace("\u00a0", " ")
    assert 'value="Bark od zimy"' in page and world.count(EncounterRow) == 0


def test_a_reservation_moved_to_a_colleague_meanwhile_gives_back_what_was_typed(world: Records) -> None:
    world.add("a1", MICHAL)
    world.sign_in()
    answer = world.send(choice="new", first_name="Łucja Maria", last_name="Żółkiewska", title="Bark od zimy")
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 404 and "u kogoś innego" in page.replace("\u00a0", " ")
    assert "Łucja Maria" in page and "Bark od zimy" in page and world.count(EncounterRow) == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [({}, "Wskaż pacjenta"), ({"choice": "new", "first_name": "", "last_name": "x"}, "Uzupełnij to pole"),
     ({"choice": "new", "first_name": "a" * 81, "last_name": "x"}, "Za długie"),
     ({"choice": "new", "first_name": "a\u0007", "last_name": "x"}, "Nie udało się odczytać"),
     ({"choice": "new", "first_name": "a", "last_name": "x", "birth_date": "2027-01-01"}, "prawdziwą datę"),
     ({"choice": "new", "first_name": "a", "last_name": "x", "birth_date": "31.12.1980"}, "prawdziwą datę"),
     ({"choice": "new", "first_name": "a", "last_name": "x", "birth_date": "1500-01-01"}, "prawdziwą datę"),
     ({"choice": "new", "first_name": "a", "last_name": "x", "category": "magia"}, "Wybierz"),
     ({"choice": "new", "first_name": "a", "last_name": "x", "title": "t" * 121}, "Za długie"),
     ({"choice": "new", "first_name": "a", "last_name": "x", "kind": "party"}, "Uzupełnij")],
)  # fmt: skip
def test_bad_input_is_told_beside_its_field_and_kept(world: Records, fields: dict[str, str], words: str) -> None:
    world.add("a1")
    world.sign_in()
    answer = world.send(**fields)
    page = html.unescape(answer.get_data(as_text=True)).replace("\u00a0", " ")
    assert answer.status_code == 422 and words in page and "s-wrong" in page
    assert f'value="{fields.get("title", "")}"' in page
    assert (world.count(PatientRow), world.count(EncounterRow), world.get("a1").status) == (0, 0, Status.PENDING)


@pytest.mark.parametrize("choice", ["p9.new", "p1.e9", "p1.e2", "%00.new", "p1.\0", "ż.new", "p1.e1.e1", "'--.new"])
def test_what_is_not_this_patients_does_not_exist(world: Records, choice: str) -> None:
    world.add("a1")
    world.patient("p1", "Łucja", "Żółkiewska")
    world.patient("p2", "Jan", "Nowak", "+48602222222")
    world.episode("e2", "p2")
    world.sign_in()
    assert world.send(choice=choice).status_code == 404
    assert world.count(EncounterRow) == 0


def test_a_therapist_converts_the_own_only_and_reception_everybodys(world: Records) -> None:
    world.add("a1")
    world.sign_in(ANOTHER_THERAPIST)
    assert world.client.get("/staff/appointments/a1/convert").status_code == 404
    assert world.send(choice="new", first_name="a", last_name="b").status_code == 404
    world.sign_in(RECEPTIONIST)
    answer = world.send(choice="new", first_name="a", last_name="b")
    assert answer.status_code == 303 and "did=converted" in answer.headers["Location"]
    assert "Przypisano do pacjenta" in world.page("?did=converted&about=a1")


def test_another_clinics_patient_and_appointment_do_not_exist(world: Records, app: Flask) -> None:
    other = Records.of(app, slug="inna", staff=())
    assert isinstance(other, Records)
    other.add("b1")
    other.patient("q1", "Łucja", "Żółkiewska")
    other.episode("f1", "q1", ZOFIA)
    world.add("a1")
    world.sign_in()
    assert "q1" not in world.dialog()
    assert world.client.get("/staff/appointments/b1/convert").status_code == 404
    for choice in ("q1.new", "q1.f1"):
        assert world.send(choice=choice).status_code == 404
    assert world.send("b1", choice="new", first_name="a", last_name="b").status_code == 404
    assert other.count(EncounterRow) == world.count(EncounterRow) == 0


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.NOSHOW, Status.EXPIRED])
def test_what_came_to_nothing_cannot_be_converted(world: Records, status: Status) -> None:
    world.add("a1", status=status)
    world.sign_in()
    assert world.send(choice="new", first_name="a", last_name="b").status_code == 409
    assert world.count(PatientRow) == 0


def test_an_unconfirmed_reservation_of_a_past_day_stays_unconfirmed(world: Records) -> None:
    world.add("a1", at=TUESDAY_NINE - timedelta(days=4))
    world.sign_in()
    assert world.send(choice="new", first_name="a", last_name="b").status_code == 409
    assert (world.count(PatientRow), world.get("a1").status) == (0, Status.PENDING)


def test_what_can_no_longer_be_confirmed_offers_no_button_that_cannot_work(world: Records) -> None:
    world.add("a1", at=TUESDAY_NINE - timedelta(days=4))
    world.sign_in()
    page = html.unescape(world.page("?view=week&day=2026-11-20")).replace("\u00a0", " ")
    assert "a1/confirm" not in page and "a1/convert" not in page
    assert "a1/decline" in page and "nie można potwierdzić" in page


def test_a_reservation_moved_beyond_what_patients_see_waits_all_the_same(world: Records) -> None:
    beyond = TUESDAY_NINE + timedelta(days=world.offer().clinic.horizon_days + 14)
    world.add("a1", at=beyond)
    world.sign_in()
    assert 'data-waiting="a1"' in world.page()


def test_the_schedule_leads_to_the_dialog_and_then_to_the_record(world: Records) -> None:
    world.add("a1")
    world.sign_in()
    assert 'href="/staff/appointments/a1/convert"' in world.page("?day=2026-11-24")
    world.send(choice="new", first_name="a", last_name="b")
    assert "w kartotece" in world.page("?day=2026-11-24")


REQUESTS = [
    ConvertRequest("", "", "consultation", "spine", first_name=f"Osoba{n}", last_name="Żółkiewska") for n in range(4)
]


def at_once(world: Records, clock: Clock) -> list[str]:
    """Let four people convert one reservation, each to somebody else, at the same moment; return how it ended for each."""
    ended: list[str] = []
    barrier = threading.Barrier(len(REQUESTS))

    def one(asked: ConvertRequest) -> None:
        barrier.wait()
        try:
            convert("a1", asked, scope=world.scope, desk=world.desk, now=clock.now)
            ended.append("done")
        except EditConflict:
            ended.append("conflict")

    threads = [threading.Thread(target=one, args=(asked,)) for asked in REQUESTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


def test_four_people_at_once_make_one_record(world: Records, clock: Clock) -> None:
    world.add("a1")
    assert at_once(world, clock) == ["conflict"] * 3 + ["done"]
    assert (world.count(PatientRow), world.count(EpisodeRow), world.count(EncounterRow)) == (1, 1, 1)
    assert world.get("a1").status is Status.BOOKED


def test_without_the_key_of_the_encounter_and_the_lock_there_would_be_several(
    world: Records, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: blind to what is tied already, everybody adds a patient."""
    world.add("a1")
    monkeypatch.setattr(EpisodeStore, "encounter", lambda self, appointment_id: None)
    monkeypatch.setattr(EpisodeStore, "tie", lambda self, encounter: True)
    assert at_once(world, clock) == ["done"] * 4
    assert world.count(PatientRow) == 4
