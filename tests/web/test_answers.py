"""Who sees and answers what; the nudge, the archive after 90 days, the private calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.scope import Source
from okienko_server.operations.review import lapse_unanswered
from okienko_server.storage.tables import AuditRow, CellRow, ClinicRow
from tests.conftest import Clock
from tests.web.staff_world import (
    ADMINISTRATOR,
    ANOTHER_THERAPIST,
    CONSULTANT,
    HANNA,
    MICHAL,
    OWNER,
    RECEPTIONIST,
    THERAPIST,
    TUESDAY_NINE,
    ZOFIA,
    StaffWorld,
)


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    return StaffWorld.of(app)


def acts(world: StaffWorld) -> list[tuple[str, str]]:
    with world.desk.database.reading() as connection:
        rows = connection.execute(select(AuditRow.action, AuditRow.object_id).order_by(AuditRow.number)).all()
    return [(act, object_id) for act, object_id in rows if act not in ("sign_in", "sign_out")]


def test_a_therapist_sees_and_answers_the_own_only(world: StaffWorld) -> None:
    world.add("a1", MICHAL, patient=Person("Jan", "Ćwiąkalski"))
    world.add("a2")
    world.sign_in()
    for query in (
        "",
        "?view=day&day=2026-11-24&practitioner=all",
        f"?practitioner={world.opened.practitioners[MICHAL]}",
    ):
        page = world.page(query)
        assert "Ćwiąkalski" not in page and "Żółkiewska" in page and "Michał Kot" not in page
    for what in ("confirm", "decline"):
        assert world.answer("a1", what).status_code == 404
    assert "Ćwiąkalski" not in world.page("?did=confirmed&about=a1")
    assert world.get("a1").status is Status.PENDING
    world.sign_in(ANOTHER_THERAPIST)
    assert world.answer("a1", "confirm").status_code == 200 and world.get("a1").status is Status.BOOKED


@pytest.mark.parametrize("email", [OWNER, ADMINISTRATOR, CONSULTANT, RECEPTIONIST])
def test_everybody_else_sees_and_answers_the_whole_clinics(world: StaffWorld, email: str) -> None:
    world.add("a1", MICHAL)
    world.add("a2", HANNA)
    world.sign_in(email)
    assert {"a1", "a2"} <= set(re.findall(r'data-waiting="(\w+)"', world.page()))
    world.answer("a1", "confirm")
    world.answer("a2", "decline")
    assert (world.get("a1").status, world.get("a2").status) == (Status.BOOKED, Status.CANCELLED)
    assert acts(world) == [("confirm", "a1"), ("decline", "a2")]


def test_an_answer_is_given_with_the_neighbouring_visits_in_view(world: StaffWorld) -> None:
    world.add("a1", at=TUESDAY_NINE + timedelta(hours=2))
    world.sign_in()
    assert "przed wizytą i\u00a0po niej wolne" in world.page()
    world.add("a2", status=Status.BOOKED, patient=Person("Ewa", "Król"))
    world.add("a3", MICHAL, at=TUESDAY_NINE + timedelta(hours=3), status=Status.BOOKED, patient=Person("Jan", "Obcy"))
    world.add("a4", at=TUESDAY_NINE + timedelta(hours=5), status=Status.CANCELLED, patient=Person("Jan", "Odwołany"))
    assert "wcześniej Król E. do 10:00, później wolne" in world.page().replace("\u00a0", " ")
    world.add("a5", at=TUESDAY_NINE + timedelta(hours=6), status=Status.BOOKED, patient=Person("Jan", "Nowak"))
    assert "później Nowak J. od 15:00" in world.page().replace("\u00a0", " ")
    world.add("a6", at=TUESDAY_NINE - timedelta(days=1), status=Status.BOOKED, patient=Person("Adam", "Wczoraj"))
    assert "Wczoraj A. do" not in world.page()


def test_confirming_twice_is_one_act(world: StaffWorld) -> None:
    world.add("a1")
    world.sign_in()
    for _ in range(2):
        assert "Potwierdzono" in world.answer("a1", "confirm").get_data(as_text=True)
    assert acts(world) == [("confirm", "a1")]


def test_a_reservation_nobody_answers_in_time_is_nudged(world: StaffWorld, clock: Clock) -> None:
    world.add("a1", at=TUESDAY_NINE + timedelta(days=3))
    world.sign_in()
    assert "s-nudge" not in world.page()
    for step in (50, 50, 50, 50, 40):
        clock.forward(minutes=step)
        page = world.page()
    assert "1 rezerwacja czeka na odpowiedź dłużej" in page.replace("\u00a0", " ") and "czeka zbyt długo" in page
    world.sign_in(ANOTHER_THERAPIST)
    assert "s-nudge" not in world.page(), "somebody else's"
    world.sign_in(RECEPTIONIST)
    assert "s-nudge" in world.page()
    world.desk.database.write(lambda c: c.execute(update(ClinicRow).values(answer_minutes=24 * 60, revision=9)))
    assert "s-nudge" not in world.page(), "a clinic that gives itself a day is not nudged after four hours"


def cells_of(world: StaffWorld, appointment_id: str) -> int:
    with world.desk.database.reading() as connection:
        return len(connection.execute(select(CellRow.cell).where(CellRow.appointment_id == appointment_id)).all())


def test_ninety_days_after_it_was_made_an_unanswered_reservation_is_in_the_archive_only(
    world: StaffWorld, clock: Clock
) -> None:
    made = clock.now
    world.add("a1", at=TUESDAY_NINE + timedelta(days=91), pending_at=made, comment="Proszę o windę")
    world.add("a2", at=TUESDAY_NINE + timedelta(days=92), pending_at=made + timedelta(minutes=1))
    clock.now = made + timedelta(days=90)
    world.sign_in()
    page = world.page("?day=2027-02-23")
    assert 'id="b-a1"' not in page and 'id="a-a1"' not in page and 'id="b-a2"' in page
    assert lapse_unanswered(desk=world.desk, now=clock.now) == 1
    assert (world.get("a1").status, world.get("a2").status) == (Status.EXPIRED, Status.PENDING)
    assert world.get("a1").patient.name == "Łucja Żółkiewska", "the archive keeps who it was"
    assert (cells_of(world, "a1"), cells_of(world, "a2")) == (0, 12)
    archive = world.client.get("/staff/archive").get_data(as_text=True)
    assert "bez odpowiedzi przez 90 dni" in archive.replace("\u00a0", " ") and "Żółkiewska" in archive
    assert lapse_unanswered(desk=world.desk, now=clock.now) == 0


def test_the_archive_is_the_own_only_for_a_therapist_and_leafs_back(world: StaffWorld) -> None:
    for n in range(60):
        at = TUESDAY_NINE - timedelta(days=7 * n)
        world.add(f"a{n}", status=Status.CANCELLED, at=at, decline_reason=f"powód {n}", pending_at=at, created_at=at)
    world.add("m1", MICHAL, status=Status.CANCELLED, patient=Person("Jan", "Ćwiąkalski"))
    world.add("held", HANNA, status=Status.CANCELLED, pending_at=None, patient=Person("Nikt", "Nieskończony"))
    world.sign_in()
    first = world.client.get("/staff/archive").get_data(as_text=True)
    assert "Ćwiąkalski" not in first and "Nieskończony" not in first and first.count("<li>") == 50
    older = re.search(r'href="(/staff/archive\?before=[^"]+)"', first)
    assert older
    assert world.client.get(older[1].replace("&amp;", "&")).get_data(as_text=True).count("<li>") == 10
    for bad in ("x", "-1", "9" * 40, "%00"):
        assert world.client.get(f"/staff/archive?before={bad}").status_code == 200
    world.sign_in(RECEPTIONIST)
    assert "Ćwiąkalski" in world.client.get("/staff/archive").get_data(as_text=True)


def test_two_of_the_same_hour_at_the_end_of_a_page_are_both_in_the_archive(world: StaffWorld) -> None:
    for n in range(49):
        at = TUESDAY_NINE - timedelta(days=n)
        world.add(f"a{n:02d}", status=Status.CANCELLED, at=at, pending_at=at, created_at=at)
    last = TUESDAY_NINE - timedelta(days=49)
    for who, key in ((ZOFIA, "x1"), (MICHAL, "x2"), (HANNA, "x3")):
        world.add(key, who, status=Status.CANCELLED, at=last, pending_at=last, patient=Person("Iks", f"Osoba{key}"))
    world.sign_in(RECEPTIONIST)
    first = world.client.get("/staff/archive").get_data(as_text=True).replace("\u00a0", " ")
    older = re.search(r'href="(/staff/archive\?before=[^"]+)"', first)
    assert older and first.count("<li>") == 50
    rest = world.client.get(older[1].replace("&amp;", "&")).get_data(as_text=True).replace("\u00a0", " ")
    assert sorted(key for key in ("x1", "x2", "x3") if f"Osoba{key}" in first) == ["x1"]
    assert sorted(key for key in ("x1", "x2", "x3") if f"Osoba{key}" in rest) == ["x2", "x3"]


def feed_of(world: StaffWorld, who: str) -> str:
    answer = world.client.post(f"/staff/calendar/{world.opened.practitioners[who]}", data={"csrf": world.csrf()})
    found = re.search(r'value="http://[^/"]+(/calendar/[^"]+\.ics)"', answer.get_data(as_text=True))
    assert found
    return found[1]


def test_the_private_calendar_tells_initials_and_times_only(world: StaffWorld, app: Flask) -> None:
    world.add("a1", comment="Boli")
    world.add("a2", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=2), patient=Person("Jan", "Nowak"))
    world.add("a3", status=Status.CANCELLED, at=TUESDAY_NINE + timedelta(hours=4))
    world.add("m1", MICHAL)
    world.sign_in()
    answer = app.test_client(use_cookies=False).get(feed_of(world, "Zofia Wróblewska"))
    text = answer.get_data(as_text=True)
    events = {str(one["UID"]): one for one in Calendar.from_ical(text).walk("VEVENT")}
    assert set(events) == {"a1@okienko", "a2@okienko"}
    assert (str(events["a1@okienko"]["SUMMARY"]), str(events["a1@okienko"]["STATUS"])) == (
        "Ł. Ż. – rezerwacja online",
        "TENTATIVE",
    )
    assert str(events["a2@okienko"]["STATUS"]) == "CONFIRMED"
    assert events["a1@okienko"].decoded("DTSTART") == TUESDAY_NINE
    for private in ("Łucja", "Żółkiewska", "601", "Boli", "Kręgosłup", "Nowak"):
        assert private not in text


def test_a_calendar_address_is_shown_once_renewed_and_revoked_at_once(world: StaffWorld, app: Flask) -> None:
    world.sign_in()
    first = feed_of(world, "Zofia Wróblewska")
    page = world.client.get("/staff/calendar").get_data(as_text=True)
    assert ".ics" not in page and "Adres działa od 23 listopada 2026" in page.replace("\u00a0", " ")
    second = feed_of(world, "Zofia Wróblewska")
    stranger = app.test_client(use_cookies=False)
    assert [stranger.get(path).status_code for path in (first, second)] == [404, 200]
    own = world.opened.practitioners["Zofia Wróblewska"]
    world.client.post(f"/staff/calendar/{own}/revoke", data={"csrf": world.csrf()})
    assert stranger.get(second).status_code == 404
    assert acts(world) == [("open_feed", own), ("open_feed", own), ("close_feed", own)]


def test_nobody_makes_a_calendar_for_another_therapist(world: StaffWorld, app: Flask) -> None:
    other = StaffWorld.of(app, slug="inna", staff=())
    world.sign_in()
    for practitioner in (world.opened.practitioners[MICHAL], other.opened.practitioners[MICHAL], "nobody", "a.b"):
        for path in (f"/staff/calendar/{practitioner}", f"/staff/calendar/{practitioner}/revoke"):
            assert world.client.post(path, data={"csrf": world.csrf()}).status_code == 404
    for path in (
        f"/calendar/{world.opened.id}/guessed.ics", f"/calendar/{other.opened.id}/%00.ics", "/calendar/ż/x.ics", "/calendar/%00/x.ics",
    ):  # fmt: skip
        assert world.client.get(path).status_code == 404
    path = feed_of(world, "Zofia Wróblewska").replace(world.opened.id, other.opened.id)
    assert world.client.get(path).status_code == 404


def test_what_staff_put_in_is_no_reservation_that_waits(world: StaffWorld) -> None:
    world.add("a1", status=Status.BOOKED, source=Source.STAFF, pending_at=None)
    world.sign_in()
    page = world.page("?day=2026-11-24")
    assert "data-waiting" not in page and 'id="b-a1"' in page


def test_the_trail_on_screen(world: StaffWorld) -> None:
    world.add("a1")
    world.sign_in()
    world.answer("a1", "confirm")
    assert world.client.get("/staff/audit").status_code == 403
    world.sign_in(OWNER)
    page = world.client.get("/staff/audit").get_data(as_text=True)
    assert "<b>Zofia Wróblewska</b> – potwierdzenie rezerwacji" in page and "wizyta a1" in page
    for bad in ("x", "-1", "0", "9" * 40, "١", "%00"):
        assert world.client.get(f"/staff/audit?before={bad}").status_code == 200
    world.sign_in(THERAPIST)
    assert "/staff/audit" not in world.page()


NINETY_YEARS = datetime(2116, 1, 1, tzinfo=UTC)


def test_a_moment_far_away_is_no_fault(world: StaffWorld) -> None:
    world.sign_in(OWNER)
    assert world.client.get(f"/staff/changes?since={int(NINETY_YEARS.timestamp())}").status_code == 200
