"""The door under attack by somebody who has an account of the own, a right password, or the victim's browser on a foreign page."""

from __future__ import annotations

import html
import re
import statistics
import time
from dataclasses import replace

import pytest
from argon2 import Type
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from okienko_server.operations import sign_in
from okienko_server.operations.accounts import MemberTyped, invite
from okienko_server.operations.onboard_clinic import StaffPlan, open_clinic
from okienko_server.storage.directory import Account
from okienko_server.web import guards
from okienko_server.web.guards import whose
from tests.conftest import REAL_HASHER, Clock
from tests.plans import PASSWORD, clinic
from tests.web.staff_world import ADMINISTRATOR, OWNER, THERAPIST
from tests.web.test_accounts import People, text_of

OTHER = "całkiem inne hasło 9"
FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def world(app: Flask) -> People:
    made = People.of(app)
    assert isinstance(made, People)
    return made


def twin(world: People, email: str, password: str) -> str:
    """Open another clinic that has an account under the same address and another (or the same) password; returns its name."""
    hashed = sign_in.password_hash(password)
    plan = replace(clinic("nowa-huta"), name="Nowa Huta", staff=(StaffPlan(email, "Ktoś Inny", "owner", hashed),))
    open_clinic(plan, desk=world.desk)
    return plan.name


def ticket_of(answer: TestResponse) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', text_of(answer))
    assert found
    return found[1]


def hidden(answer: TestResponse) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.get_data(as_text=True))
    return {name: html.unescape(value) for name, value in found}


# ---- the same address in two clinics ----


def guess(world: People, browser: FlaskClient, tries: int) -> list[int]:
    """Alternate guesses at the owner's account with sign-ins to the own account under the same address."""
    answers = []
    for n in range(tries):
        answers.append(world.enter(browser, OWNER, f"guess number {n}").status_code)
        if n % 2 == 1:
            world.enter(browser, OWNER, OTHER)
    return answers


def test_an_account_of_the_own_under_the_victims_address_buys_no_guesses(world: People) -> None:
    twin(world, OWNER, OTHER)
    attacker = world.browser("203.0.113.9")
    assert 429 in guess(world, attacker, 30)
    assert world.enter(attacker, OWNER, PASSWORD).status_code == 429, "not even the right one is looked at"
    assert world.enter(attacker, OWNER, OTHER).status_code == 303, "the own account is another matter"
    assert world.enter(world.browser("198.51.100.7"), OWNER).status_code == 303


def test_counted_by_address_the_guesses_would_not_end(world: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: one bucket for all accounts of an address is emptied by any of them."""
    twin(world, OWNER, OTHER)
    monkeypatch.setattr(Account, "key", property(lambda account: "everybody"))
    attacker = world.browser("203.0.113.9")
    guess(world, attacker, 30)
    assert world.enter(attacker, OWNER, PASSWORD).status_code == 303


def test_one_password_for_two_clinics_asks_which(world: People) -> None:
    name = twin(world, OWNER, PASSWORD)
    page = world.enter(world.client, OWNER, next="/staff/patients")
    tickets = re.findall(r'name="ticket" value="([^"]+)">([^<]+)<', text_of(page))
    assert {one for _, one in tickets} == {name, "Rehabilitacja Kazimierz"}
    for ticket, one in tickets:
        browser = world.browser()
        entered = browser.post("/staff/clinic", data={"ticket": ticket, "next": "/staff/patients"})
        assert entered.headers["Location"] == "/staff/patients" and one in text_of(browser.get("/staff/"))
    assert world.browser().post("/staff/clinic", data={"ticket": "x"}).status_code == 401


def test_the_choice_of_a_clinic_leaves_out_no_second_factor(world: People, clock: Clock) -> None:
    world.sign_in(OWNER)
    world.switched_on(clock)
    twin(world, OWNER, PASSWORD)
    page = text_of(world.enter(world.browser(), OWNER))
    tickets = dict(map(reversed, re.findall(r'name="ticket" value="([^"]+)">([^<]+)<', page)))
    browser = world.browser()
    answer = browser.post("/staff/clinic", data={"ticket": tickets["Rehabilitacja Kazimierz"]})
    assert "Kod z aplikacji" in text_of(answer) and browser.get("/staff/").status_code == 302
    crossed = browser.post(
        "/staff/second-factor", data={"ticket": tickets["Rehabilitacja Kazimierz"], "code": "000000"}
    )
    assert crossed.status_code == 401 and "Kod z aplikacji" not in text_of(crossed), (
        "each step has tickets of its own kind"
    )


# ---- codes ----


def test_codes_are_counted_by_account_however_the_ticket_is_written(world: People, clock: Clock) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    clock.forward(seconds=60)
    browser = world.browser()
    ticket = ticket_of(world.enter(browser))
    tries = [
        browser.post("/staff/second-factor", data={"ticket": ticket + "!!!!" * n, "code": "000000"}).status_code
        for n in range(8)
    ]
    assert tries == [401] * 5 + [429] * 3
    fresh = ticket_of(world.enter(browser))
    right = {"ticket": fresh, "code": app.at(clock.now)}
    assert browser.post("/staff/second-factor", data=right).status_code == 429, "a fresh ticket counts on"


def test_codes_from_many_networks_end_after_fifty_a_day_but_not_for_the_browser_that_is_known(
    world: People, clock: Clock
) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    clock.forward(seconds=60)
    known = world.browser("198.51.100.1")
    first = {"ticket": ticket_of(world.enter(known)), "code": app.at(clock.now)}
    assert known.post("/staff/second-factor", data=first).status_code == 303
    answers = []
    for n in range(12):
        clock.forward(minutes=1)
        attacker = world.browser(f"203.0.{n}.9")
        ticket = ticket_of(world.enter(attacker))
        answers += [
            attacker.post("/staff/second-factor", data={"ticket": ticket, "code": "000000"}).status_code
            for _ in range(5)
        ]
    assert answers == [401] * 50 + [429] * 10
    known.delete_cookie("okienko_staff")
    again = {"ticket": ticket_of(world.enter(known)), "code": app.at(clock.now)}
    assert known.post("/staff/second-factor", data=again).status_code == 303


def test_a_ticket_opens_one_session(world: People, clock: Clock) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    clock.forward(seconds=60)
    browser = world.browser()
    ticket = ticket_of(world.enter(browser))
    assert browser.post("/staff/second-factor", data={"ticket": ticket, "code": app.at(clock.now)}).status_code == 303
    clock.forward(seconds=60)
    again = {"ticket": ticket, "code": app.at(clock.now)}
    assert world.browser().post("/staff/second-factor", data=again).status_code == 401


def test_a_code_makes_a_browser_known_to_its_own_account_only(world: People, clock: Clock) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    clock.forward(seconds=60)
    insider = world.browser("203.0.113.9")
    sent = {"ticket": ticket_of(world.enter(insider)), "code": app.at(clock.now), "email": OWNER}
    assert insider.post("/staff/second-factor", data=sent).status_code == 303
    assert [world.enter(insider, OWNER, f"guess {n}").status_code for n in range(9)][8] == 429
    assert world.enter(insider, OWNER).status_code == 429, "eight from a network, not ten of a known browser"


def test_passwords_are_kept_as_the_standard_recommends() -> None:
    """RFC 9106 §4, second recommendation: argon2id, three passes over 64 MiB."""
    assert (REAL_HASHER.type, REAL_HASHER.time_cost, REAL_HASHER.memory_cost) == (Type.ID, 3, 64 * 1024)


def test_somebody_only_invited_takes_as_long_as_nobody(
    world: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "HASHER", REAL_HASHER)
    monkeypatch.setattr(sign_in, "NOBODY", REAL_HASHER.hash("nobody"))
    typed = MemberTyped("nowa@kazimierz.test", "Nowa Osoba", "receptionist", "")
    invite(typed, scope=world.scope, desk=world.desk, now=clock.now)

    def median(email: str) -> float:
        times = []
        for n in range(7):
            began = time.perf_counter()
            assert world.enter(world.browser(f"203.0.{n}.9"), email, "guess").status_code == 401
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    assert 0.5 < median("nowa@kazimierz.test") / median("nobody@kazimierz.test") < 2


# ---- a form that comes too late ----


def late_form(world: People, clock: Clock, headers: dict[str, str], **fields: str) -> dict[str, str]:
    """Send a form after the session ended; returns what the sign-in page keeps of it."""
    clock.forward(minutes=61)
    page = world.client.post("/staff/people", data=fields, headers=headers)
    assert page.status_code == 401
    return hidden(page)


EVIL = {"email": "evil@example.test", "name": "Zły", "role": "owner", "practitioner_id": ""}


def test_a_form_of_another_site_is_not_kept(world: People, clock: Clock) -> None:
    world.sign_in(OWNER)
    kept = late_form(world, clock, FOREIGN, **EVIL)
    assert "kept" not in kept and "next" not in kept


def test_a_form_without_the_mark_of_whoever_signs_in_is_never_offered(world: People, clock: Clock) -> None:
    world.sign_in(OWNER)
    kept = late_form(world, clock, {}, **EVIL)
    assert "kept" not in kept, "nobody's form"
    mark = whose(world_csrf(world, ADMINISTRATOR))
    world.client.delete_cookie("okienko_staff")
    kept = late_form(world, clock, {}, csrf=f"x.{mark}", **EVIL)
    assert "evil@" in kept["kept"]
    entered = world.enter(world.client, OWNER, **kept)
    assert entered.status_code == 303 and "evil@" not in text_of(entered), (
        "the administrator's form, and the owner signed in"
    )
    entered = world.enter(world.client, ADMINISTRATOR, **kept)
    assert "Wpisane dane czekają" in text_of(entered)


def test_with_neither_check_a_foreign_form_would_wait_for_the_owners_click(
    world: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(guards, "check_same_site", lambda: None)
    monkeypatch.setattr("okienko_server.web.pages.staff.kept.whose", lambda csrf: "anybody")
    world.sign_in(OWNER)
    kept = late_form(world, clock, FOREIGN, **EVIL)
    resumed = hidden(world.enter(world.client, OWNER, **kept))
    assert resumed["email"] == "evil@example.test" and resumed["csrf"]


def world_csrf(world: People, email: str) -> str:
    world.sign_in(email)
    return world.csrf()


def test_the_own_form_of_an_earlier_session_is_sent_again_on_one_click(world: People) -> None:
    old = world_csrf(world, THERAPIST)
    new = world_csrf(world, THERAPIST)
    fields = {"csrf": old, "practitioner": "", "location": "", "day": "", "time": "", "last_name": "Długie-Nazwisko"}
    page = world.client.post("/staff/plan", data=fields)
    assert page.status_code == 403 and hidden(page) == {**fields, "csrf": new}
    assert world.client.post("/staff/plan", data=fields, headers=FOREIGN).status_code == 403
    assert "Długie" not in text_of(world.client.post("/staff/plan", data=fields, headers=FOREIGN))
    draft = world.client.post("/staff/plan", data=fields, headers={"X-Okienko": "draft"})
    assert draft.status_code == 403 and draft.get_json() == {"csrf": new}


def test_somebody_elses_form_gets_no_token(world: People) -> None:
    old = world_csrf(world, OWNER)
    world_csrf(world, THERAPIST)
    page = world.client.post("/staff/plan", data={"csrf": old, "last_name": "Długie-Nazwisko"})
    assert page.status_code == 403 and "Długie" not in text_of(page) and "csrf" not in hidden(page)


@pytest.mark.parametrize(
    "kept", ['{"by": "x"}', '{"fields": []}', '{"by": "%s", "fields": [["a", "\\ud800"]]}', '{"by": "%s", "fields": 7}']
)
def test_kept_text_somebody_made_up_is_no_fault(world: People, kept: str) -> None:
    kept = kept.replace("%s", whose(world_csrf(world, THERAPIST)))
    assert world.enter(world.client, next="/staff/plan", kept=kept).status_code == 303


# ---- idle ----


def test_a_page_that_redraws_itself_does_not_keep_the_session_alive(world: People, clock: Clock) -> None:
    world.sign_in()
    for _ in range(4):
        clock.forward(minutes=20)
        answer = world.client.get("/staff/", headers={"X-Okienko": "redraw"})
    assert answer.status_code == 302
    world.sign_in()
    for _ in range(4):
        clock.forward(minutes=20)
        assert world.client.get("/staff/").status_code == 200, "whoever looks is there"
