"""The staff's pages over HTTP: who gets in, what the schedule shows, what an answer does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.problem import age_in_months
from okienko_server.operations.send_sms import send_due
from okienko_server.sms.gateway import GatewayRefused, OfThisProcess, Taken
from tests.conftest import Clock
from tests.web.staff_world import CONSULTANT, HANNA, MICHAL, OWNER, TUESDAY_NINE, StaffWorld


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    return StaffWorld.of(app)


def test_nobody_sees_the_schedule_without_signing_in(world: StaffWorld) -> None:
    for path in ("/staff/", "/staff/changes"):
        answer = world.client.get(path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/staff/sign-in")
    assert world.client.post("/staff/appointments/a1/confirm").status_code == 401


def test_signing_in_sets_a_cookie_scripts_and_other_sites_cannot_use(world: StaffWorld) -> None:
    answer = world.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/")
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert world.client.get("/staff/sign-in").headers["Location"] == "/staff/"


@pytest.mark.parametrize(
    ("email", "password"), [("zofia@kazimierz.test", "zle"), ("nikt@kazimierz.test", "zle"), ("\0", "\0"), ("", "")]
)
def test_a_wrong_sign_in_keeps_the_address_and_says_so_beside_the_field(
    world: StaffWorld, email: str, password: str
) -> None:
    answer = world.sign_in(email, password)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 401 and "Set-Cookie" not in answer.headers
    assert 'aria-describedby="refused"' in text and "nie zgadza" in text
    assert not email.strip("\0") or f'value="{email}"' in text


def test_every_sign_in_is_a_new_session_and_ends_the_one_before(world: StaffWorld, app: Flask) -> None:
    first = world.sign_in().headers["Set-Cookie"].split(";")[0]
    second = world.sign_in().headers["Set-Cookie"].split(";")[0]
    assert first != second
    old = app.test_client(use_cookies=False).get("/staff/", headers={"Cookie": first})
    assert old.headers["Location"] == "/staff/sign-in"


def test_signing_out_ends_the_session_on_the_server(world: StaffWorld, app: Flask) -> None:
    cookie = world.sign_in().headers["Set-Cookie"].split(";")[0]
    answer = world.client.post("/staff/sign-out", data={"csrf": world.csrf()})
    assert answer.headers["Location"] == "/staff/sign-in"
    assert app.test_client(use_cookies=False).get("/staff/", headers={"Cookie": cookie}).status_code == 302


@pytest.mark.parametrize(
    "path", ["/staff/sign-out", "/staff/appointments/a1/confirm", "/staff/appointments/a1/decline"]
)
def test_a_write_without_the_sessions_own_token_is_refused(world: StaffWorld, path: str) -> None:
    world.add("a1")
    world.sign_in()
    assert world.client.post(path, data={"csrf": "guessed"}).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert world.client.post(path, data={"csrf": world.csrf()}, headers=foreign).status_code == 403
    assert world.get("a1").status is Status.PENDING


def test_another_site_cannot_sign_anybody_in(world: StaffWorld) -> None:
    answer = world.client.post("/staff/sign-in", data={}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403


def test_a_reservation_stands_out_in_words_and_shows_what_a_therapist_needs(world: StaffWorld) -> None:
    world.add("a1", comment="Ból <b>pleców</b>")
    world.sign_in()
    page = world.page()
    for words in (
        "(1) Grafik – Rehabilitacja Kazimierz", "rezerwacja online", "Łucja Żółkiewska", "jutro, wt. 24 listopada, 9:00–10:00",
        "pierwsza wizyta · Kręgosłup · 60\u00a0min", "5 min temu, ze strony placówki", 'href="tel:+48601234567"',
        "601 234 567", "Ból &lt;b&gt;pleców&lt;/b&gt;", "s-pending s-tall r12 h12",
    ):  # fmt: skip
        assert words in page
    assert "style=" not in page and "<script>" not in page


def test_a_child_comes_with_its_age_and_its_guardian(world: StaffWorld) -> None:
    world.add("a1", HANNA, age=age_in_months(5), patient=Person("Antoni", "Wójcik"), booker=Person("Anna", "Wójcik"))
    world.sign_in(OWNER)
    page = world.page("?day=2026-11-24")
    assert "Antoni Wójcik, 5 mies." in page and "rezerwuje: Anna Wójcik" in page


def test_what_waits_is_shown_whoever_the_grid_is_about_and_the_own_first(world: StaffWorld) -> None:
    world.add("a1", MICHAL, patient=Person("Jan", "Ćwiąkalski"))
    world.add("a2", at=TUESDAY_NINE + timedelta(days=2))
    world.sign_in(CONSULTANT)
    page = world.page("?view=week")
    assert (
        page.index("Do Ciebie") < page.index('id="a-a2"') < page.index("Do innych terapeutów") < page.index('id="a-a1"')
    )
    assert 'id="b-a1"' not in page and 'id="b-a2"' in page


def test_nothing_waiting_is_said_calmly(world: StaffWorld) -> None:
    world.sign_in()
    page = world.page()
    assert "Nic nie czeka na potwierdzenie" in page and "W tym tygodniu nie ma jeszcze żadnej wizyty." in page


def test_a_therapist_begins_with_the_own_week_and_an_owner_with_everybodys_day(world: StaffWorld) -> None:
    world.sign_in()
    assert world.page().count('<section class="s-day') == 5
    world.sign_in(OWNER)
    page = world.page()
    assert page.count('<section class="s-day') == 3 and "poniedziałek, 23 listopada" in page


def test_a_weekend_is_a_column_only_when_something_is_on(world: StaffWorld) -> None:
    world.add("a1", at=datetime(2026, 11, 28, 8, 0, tzinfo=UTC), status=Status.BOOKED)
    world.sign_in()
    page = world.page()
    assert page.count('<section class="s-day') == 6 and "23–28 listopada" in page and "nieczynne" in page


def test_everybodys_week_is_a_table_that_leads_to_each_day(world: StaffWorld) -> None:
    world.add("a1")
    world.add("a2", MICHAL, status=Status.BOOKED, at=TUESDAY_NINE + timedelta(days=1, hours=2))
    world.sign_in(OWNER)
    page = world.page("?view=week&practitioner=all&day=2026-11-24")
    assert "s-grid" not in page and page.count('<th scope="row"') == 3 and page.count('<th scope="col"') == 5
    for words in (
        'href="/staff/?day=2026-11-24&amp;view=day&amp;practitioner=all#b-a1"', "s-brief s-pending", "<b>9:00</b>", ">Żółkiewska Ł.<",
        '#b-a2"', "s-brief s-booked", "<b>11:00</b>", "Brak wizyt", "rezerwacja online",
    ):  # fmt: skip
        assert words in page
    assert 'id="b-a1"' in world.page("?day=2026-11-24&view=day&practitioner=all")
    assert "święto" in world.page("?day=2026-12-30&view=week&practitioner=all")
    world.sign_in()
    assert "s-team" not in world.page("?view=week&practitioner=all"), "a therapist sees the own week only"


def test_a_public_holiday_is_named(world: StaffWorld) -> None:
    world.sign_in()
    page = world.page("?day=2026-12-30&view=week")
    assert "28 grudnia – 1 stycznia 2027" in page and "święto" in page


@pytest.mark.parametrize(
    "query",
    ["?day=0001-01-01", "?day=9999-12-31&view=week", "?day=x&view=y&practitioner=z", "?day=2026-02-30",
     "?practitioner=%00", "?did=declined&about=nobody", "?did=late&about=%00", "?did=%00&about=a1"],
)  # fmt: skip
def test_bad_parameters_become_the_nearest_that_make_sense(world: StaffWorld, query: str) -> None:
    world.add("a1")
    world.sign_in(OWNER)
    assert "s-grid" in world.page(query)
    assert world.client.get(f"/staff/changes{query}").status_code == 200


def test_the_fingerprint_changes_with_the_schedule_and_only_then(world: StaffWorld, clock: Clock) -> None:
    world.sign_in()
    seen, poll = marks(world)
    assert world.client.get(poll).json == {"fingerprint": seen}
    world.add("a1", MICHAL, pending_at=clock.now, created_at=clock.now)
    assert world.client.get(poll).json == {"fingerprint": seen}, "somebody else's is not on a therapist's screen"
    world.add("a2", pending_at=clock.now, created_at=clock.now)
    assert world.client.get(poll).json != {"fingerprint": seen}
    seen, poll = marks(world)
    world.answer("a2", "confirm")
    assert world.client.get(poll).json != {"fingerprint": seen}


def marks(world: StaffWorld) -> tuple[str, str]:
    """Return what the page was drawn with, and where it asks for changes."""
    found = re.search(r'data-poll="([^"]+)" data-seen="([^"]*)"', world.page())
    assert found
    return found[2], found[1]


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 30, "%00", "1e9", "99999999999"])
def test_a_mark_that_makes_no_sense_is_no_fault(world: StaffWorld, since: str) -> None:
    world.sign_in()
    assert world.client.get(f"/staff/changes?since={since}").status_code == 200


def test_confirming_makes_a_planned_visit_and_says_so(world: StaffWorld) -> None:
    world.add("a1")
    world.sign_in()
    answer = world.answer("a1", "confirm")
    assert world.get("a1").status is Status.BOOKED
    assert "Potwierdzono: Łucja Żółkiewska, jutro, wt. 24 listopada, 9:00–10:00." in answer.get_data(as_text=True)
    assert "day=2026-11-24&view=week" in answer.request.url


def test_declining_keeps_the_reason_and_tells_the_patient(world: StaffWorld, app: Flask, clock: Clock) -> None:
    world.add("a1")
    world.sign_in()
    answer = world.answer("a1", "decline", reason="Potrzebny inny terapeuta")
    page = answer.get_data(as_text=True)
    assert (world.get("a1").status, world.get("a1").decline_reason) == (Status.CANCELLED, "Potrzebny inny terapeuta")
    assert "SMS do pacjenta jest w\u00a0drodze." in page
    assert "601" not in answer.request.url and 'id="b-a1"' not in page
    send_due(app.extensions["okienko"].gateway, desk=world.desk, now=clock.now)
    (told,) = app.extensions["okienko"].gateway.messages()
    assert (told.phone, "wt. 24.11, 9:00" in told.body, "terapeuta" in told.body) == ("+48601234567", True, False)
    assert "SMS do pacjenta został wysłany." in world.page("?did=declined&about=a1")


def test_a_patient_the_message_never_reached_is_called(world: StaffWorld, clock: Clock) -> None:
    world.add("a1")
    world.sign_in()
    assert world.answer("a1", "decline").status_code == 200
    for _ in range(15):
        send_due(Refusing(), desk=world.desk, now=clock.now)
        clock.forward(hours=2)
    world.sign_in()
    page = world.page("?did=declined&about=a1")
    assert "SMS do pacjenta nie doszedł – zadzwoń:" in page and 'href="tel:+48601234567">601 234 567' in page


class Refusing(OfThisProcess):
    """A gateway that takes nothing."""

    name = "refusing"

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        raise GatewayRefused("down")


@pytest.mark.parametrize(
    ("status", "words"),
    [(Status.BOOKED, "jest już potwierdzona"), (Status.CANCELLED, "była już odrzucona albo odwołana")],
)
def test_an_answer_that_comes_too_late_is_told_so(world: StaffWorld, status: Status, words: str) -> None:
    world.add("a1", status=status)
    world.sign_in()
    assert words in world.answer("a1", "decline").get_data(as_text=True)
    assert world.get("a1").status is status


def test_a_day_that_is_past_cannot_be_confirmed(world: StaffWorld) -> None:
    world.add("a1", at=TUESDAY_NINE - timedelta(days=3))
    world.sign_in()
    assert "Dzień tej wizyty już minął" in world.answer("a1", "confirm").get_data(as_text=True)
    assert world.get("a1").status is Status.PENDING


def test_a_reason_that_is_too_long_changes_nothing(world: StaffWorld) -> None:
    world.add("a1")
    world.sign_in()
    again = world.answer("a1", "decline", reason="x" * 301)
    page = again.get_data(as_text=True).replace("\u00a0", " ")
    assert again.status_code == 422 and "Zmieści się 300 znaków" in page and "x" * 301 in page, "nothing typed is lost"
    assert world.get("a1").status is Status.PENDING


@pytest.mark.parametrize("appointment_id", ["nobody", "a%00", "a.b", "ą"])
def test_an_unknown_appointment_is_not_found(world: StaffWorld, appointment_id: str) -> None:
    world.sign_in()
    assert world.answer(appointment_id, "confirm").status_code == 404


def test_another_clinics_appointment_does_not_exist(world: StaffWorld, app: Flask) -> None:
    other = StaffWorld.of(app, slug="inna", staff=())
    other.add("a1")
    world.sign_in()
    assert world.answer("a1", "confirm").status_code == 404
    assert other.get("a1").status is Status.PENDING and "Żółkiewska" not in world.page("?day=2026-11-24")


def test_an_idle_session_ends(world: StaffWorld, clock: Clock) -> None:
    world.sign_in()
    clock.forward(minutes=61)
    assert world.client.get("/staff/").headers["Location"] == "/staff/sign-in"


def test_no_session_outlives_twelve_hours_however_busy_it_is(world: StaffWorld, clock: Clock) -> None:
    world.sign_in()
    for _ in range(23):
        clock.forward(minutes=31)
        assert world.client.get("/staff/").status_code == 200
    clock.forward(minutes=8)
    assert world.client.get("/staff/").headers["Location"] == "/staff/sign-in"


def test_the_style_and_the_script_are_kept_for_ever_under_the_name_of_their_content(world: StaffWorld) -> None:
    world.sign_in()
    for name in ("staff.css", "staff.js"):
        address = next(part for part in world.page().split('"') if part.startswith(f"/static/{name}?v="))
        assert "immutable" in world.client.get(address).headers["Cache-Control"]
        assert world.client.get(f"/static/{name}?v=old").headers["Cache-Control"] == "no-cache"
    assert world.client.get("/static/nothing.css").status_code == 404


def test_the_telephone_shows_each_message_with_its_code(app: Flask) -> None:
    client = app.test_client()
    assert "Jeszcze cisza" in client.get("/dev/sms").get_data(as_text=True)
    app.extensions["okienko"].gateway.send("m1", "+48601234567", "Kazimierz: kod 482913 potwierdza <wizyte>.")
    page = client.get("/dev/sms").get_data(as_text=True)
    assert "<b>482913</b>" in page and "601 234 567" in page and "&lt;wizyte&gt;" in page
