"""Accounts over HTTP: the door and its throttle, the second factor, one-time links, people, and a session that ends in mid-sentence."""

from __future__ import annotations

import html
import re
import threading
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from okienko_server.domain.errors import FieldRefused, NotFound
from okienko_server.domain.password import check_password
from okienko_server.domain.throttle import Bucket, Rule, network_of
from okienko_server.operations import accounts, second_factor, sign_in
from okienko_server.operations.accounts import LastOwner, close_member
from okienko_server.operations.sign_in import count_try
from okienko_server.storage.staff import LinkStore, MemberStore
from okienko_server.storage.tables import OneTimeLinkRow, RateCounterRow, StaffRow
from okienko_server.web.pages.staff import devices
from okienko_server.web.pages.staff.devices import browser_name
from okienko_server.web.pages.staff.kept import local_path
from tests.conftest import Clock
from tests.plans import PASSWORD
from tests.web.records_world import Records
from tests.web.staff_world import ADMINISTRATOR, OWNER, THERAPIST

NEW = "zupełnie nowe hasło 7"


class People(Records):
    """A clinic's people at their computers."""

    def browser(self, network: str = "10.0.0.1", agent: str = "") -> FlaskClient:
        """Return one more browser; its address decides which network it counts with."""
        client: FlaskClient = self.client.application.test_client()
        client.environ_base |= {"REMOTE_ADDR": network, "HTTP_USER_AGENT": agent}
        return client

    def enter(self, client: FlaskClient, email: str = THERAPIST, password: str = PASSWORD, **more: str) -> TestResponse:
        return client.post("/staff/sign-in", data={"email": email, "password": password, **more})

    def post(self, path: str, **fields: Any) -> TestResponse:
        return self.client.post(f"/staff/{path}", data={"csrf": self.csrf(), **fields})

    def id_of(self, email: str) -> str:
        return self.opened.staff[email]

    def row(self, email: str) -> Any:
        with self.desk.database.reading() as connection:
            return connection.execute(select(StaffRow.__table__).where(StaffRow.email == email)).one()

    def switched_on(self, clock: Clock) -> pyotp.TOTP:
        """Switch the signed-in person's second factor on and return the app that makes its codes."""
        page = text_of(self.post("account/second-factor"))
        setup, secret = re.search(r'name="setup" value="([^"]+)"', page), re.search(r"Albo przepisz: (\w+)", page)
        assert setup and secret and "<svg" in page
        app = pyotp.TOTP(secret[1])
        fields = {"setup": setup[1], "totp_password": PASSWORD, "code": app.at(clock.now)}
        assert self.post("account/second-factor/on", **fields).status_code == 303
        return app


def text_of(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True)).replace("\u00a0", " ")


@pytest.fixture
def world(app: Flask) -> People:
    world = People.of(app)
    assert isinstance(world, People)
    return world


# ---- the throttle ----


def attack(world: People, tries: int, network: str = "203.0.113.9") -> list[int]:
    """Guess a therapist's password from one network and return the answers."""
    attacker = world.browser(network)
    return [world.enter(attacker, password=f"guess number {n}").status_code for n in range(tries)]


def test_guessing_is_stopped_and_the_victim_gets_in_all_the_same(world: People) -> None:
    known = world.browser("203.0.113.20")
    assert world.enter(known).status_code == 303, "this browser has been here before, from the attacker's own network"
    answers = attack(world, 40)
    assert answers[:8] == [401] * 8 and set(answers[8:]) == {429}
    assert world.enter(known).status_code == 303
    assert world.enter(world.browser("198.51.100.7")).status_code == 303, "a new browser on another network"
    blocked = world.enter(world.browser("203.0.113.77"))
    assert blocked.status_code == 429 and int(blocked.headers["Retry-After"]) > 60
    assert "Za dużo prób" in text_of(blocked) and f'value="{THERAPIST}"' in text_of(blocked)


def test_without_the_devices_own_counter_the_victim_would_be_out(
    world: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: when a known browser counts like any other, the attacker locks it out."""
    known = world.browser("203.0.113.20")
    assert world.enter(known).status_code == 303
    monkeypatch.setattr(devices, "known", lambda: ("", []))
    attack(world, 12)
    assert world.enter(known).status_code == 429


def test_without_the_count_guessing_would_never_end(world: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the throttle taken away, every guess is looked at."""
    monkeypatch.setattr(sign_in, "count_try", lambda *args, **named: 0)
    assert set(attack(world, 20)) == {401}


def test_one_network_cannot_walk_through_all_addresses(world: People) -> None:
    attacker = world.browser("203.0.113.9")
    answers = [world.enter(attacker, email=f"person{n}@x.test", password="guess").status_code for n in range(64)]
    assert answers[:60] == [401] * 60 and set(answers[60:]) == {429}


def test_the_throttle_lets_go_after_its_window(world: People, clock: Clock) -> None:
    attack(world, 12)
    assert world.enter(world.browser("203.0.113.9")).status_code == 429
    clock.forward(minutes=16)
    assert world.enter(world.browser("203.0.113.9")).status_code == 303


def test_a_device_cookie_somebody_made_up_or_brought_from_elsewhere_is_worth_nothing(world: People) -> None:
    other = world.browser("203.0.113.9")
    assert world.enter(other, OWNER).status_code == 303
    attack(world, 12)
    assert world.enter(other).status_code == 429, "a device known to somebody else's account"
    forged = world.browser("203.0.113.9")
    forged.set_cookie("okienko_device", "WyJ4IixbImEiXV0.AAAA")
    assert world.enter(forged).status_code == 429


def test_counters_name_nobody(world: People) -> None:
    attack(world, 2)
    with world.desk.database.reading() as connection:
        rows = str(connection.execute(select(RateCounterRow.__table__)).all())
    assert "zofia" not in rows and "203.0" not in rows


def test_tries_at_once_are_counted_exactly(world: People, clock: Clock) -> None:
    from datetime import timedelta

    bucket, passed, barrier = Bucket(Rule("t", 5, timedelta(minutes=1)), "v"), list[int](), threading.Barrier(12)

    def one() -> None:
        barrier.wait()
        if not count_try([bucket], desk=world.desk, now=clock.now):
            passed.append(1)

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_addresses_count_with_their_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_only_as_many_proxies_are_believed_as_there_are(app: Flask, world: People) -> None:
    for n in range(9):
        client = world.browser("203.0.113.9")
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"10.9.{n}.1"
        world.enter(client, password="guess")
    assert world.enter(world.browser("203.0.113.9")).status_code == 429


# ---- sessions ----


def test_a_change_of_role_password_or_a_closed_account_ends_the_session_at_the_next_request(world: People) -> None:
    for change in ("role", "close", "link", "password"):
        victim = world.browser()
        assert world.enter(victim).status_code == 303 and victim.get("/staff/").status_code == 200
        world.sign_in(OWNER)
        key = world.id_of(THERAPIST)
        if change == "role":
            assert world.post(f"people/{key}", role="receptionist").status_code == 303
        elif change == "close":
            assert world.post(f"people/{key}/close").status_code == 303
            assert world.enter(world.browser()).status_code == 401, "a closed account opens nothing"
        elif change == "link":
            page = text_of(world.post(f"people/{key}/link"))
            path = re.search(r'value="http://[^/]+(/staff/link/[^"]+)"', page)
            assert path and world.browser().post(path[1], data={"password": NEW, "again": NEW}).status_code == 303
        else:
            other = world.browser()
            assert world.enter(other).status_code == 303
            token = re.search(r'name="csrf" value="([^"]+)"', other.get("/staff/account").text)
            assert token
            fields = {"csrf": token[1], "old": PASSWORD, "password": NEW, "again": NEW}
            assert other.post("/staff/account/password", data=fields).status_code == 303
            assert other.get("/staff/").status_code == 200, "the browser that changed it stays"
        assert victim.get("/staff/").status_code == 302, change
        world.sign_in(OWNER)
        world.post(f"people/{key}/reopen")
        world.post(f"people/{key}", role="therapist", practitioner_id=world.opened.practitioners["Zofia Wróblewska"])
        world.desk.database.write(
            lambda c, key=key: MemberStore(c, world.scope).change(key, password_hash=world.row(OWNER).password_hash)  # type: ignore[misc]
        )


def test_own_browsers_are_listed_and_ended(world: People) -> None:
    agents = (
        "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (iPhone; CPU) Version/18 Safari/605",
    )
    first, second = (world.browser(agent=agent) for agent in agents)
    for client in (first, second):
        assert world.enter(client).status_code == 303
    page = second.get("/staff/account").text
    assert "Firefox, Windows" in page and "Safari, iPhone" in page and page.count("to urządzenie") == 1
    key, token = re.search(r'name="session" value="(\w+)"', page), re.search(r'name="csrf" value="([^"]+)"', page)
    assert key and token
    assert second.post("/staff/account/sessions", data={"csrf": token[1], "session": key[1]}).status_code == 303
    assert first.get("/staff/").status_code == 302 and second.get("/staff/").status_code == 200
    assert second.post("/staff/account/sessions", data={"csrf": token[1], "session": "0" * 64}).status_code == 404


@pytest.mark.parametrize(
    ("agent", "name"),
    [("", ""), ("curl/8", ""), ("Mozilla/5.0 (X11; Linux) Chrome/140 Safari/537 Edg/140", "Edge, Linux")],
)
def test_a_browsers_own_name_is_said_shortly(agent: str, name: str) -> None:
    assert browser_name(agent) == name


# ---- the second factor ----


def test_with_a_second_factor_the_password_alone_opens_nothing(world: People, clock: Clock) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    browser = world.browser()
    page = text_of(world.enter(browser))
    assert "Kod z aplikacji" in page and browser.get("/staff/").status_code == 302
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)
    assert ticket
    used = {"ticket": ticket[1], "code": app.at(clock.now), "email": THERAPIST}
    assert browser.post("/staff/second-factor", data=used).status_code == 401, "the code that switched it on"
    clock.forward(seconds=30)
    assert browser.post("/staff/second-factor", data=used | {"code": app.at(clock.now)}).status_code == 303
    assert browser.get("/staff/").status_code == 200
    again = world.browser()
    ticket = re.search(r'name="ticket" value="([^"]+)"', text_of(world.enter(again)))
    assert ticket
    assert (
        again.post("/staff/second-factor", data=used | {"ticket": ticket[1], "code": app.at(clock.now)}).status_code
        == 401
    )


def test_a_ticket_is_good_for_five_codes_five_minutes_and_one_password(world: People, clock: Clock) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    clock.forward(seconds=60)
    browser = world.browser()
    ticket = re.search(r'name="ticket" value="([^"]+)"', text_of(world.enter(browser)))
    assert ticket
    wrong = {"ticket": ticket[1], "code": "000000"}
    assert [browser.post("/staff/second-factor", data=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    assert browser.post("/staff/second-factor", data=wrong | {"code": app.at(clock.now)}).status_code == 429
    for bad in ("", "x", ticket[1][:-2] + "AA"):
        assert browser.post("/staff/second-factor", data={"ticket": bad, "code": app.at(clock.now)}).status_code == 401
    fresh = re.search(r'name="ticket" value="([^"]+)"', text_of(world.enter(browser)))
    assert fresh
    world.sign_in(OWNER)
    world.post(f"people/{world.id_of(THERAPIST)}/second-factor")
    assert browser.post("/staff/second-factor", data={"ticket": fresh[1], "code": app.at(clock.now)}).status_code == 401
    assert world.enter(browser).status_code == 303, "the owner switched it off: the telephone is lost"


def test_one_code_at_the_same_moment_works_once(world: People, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    clock.forward(seconds=60)

    def at_once() -> int:
        passed, barrier = list[bool](), threading.Barrier(4)
        row = world.row(THERAPIST)
        secret = second_factor.secret_of(world.desk.pepper, row.clinic_id, row.id, row.totp_nonce)

        def one() -> None:
            barrier.wait()
            passed.append(
                world.desk.database.write(
                    lambda c: second_factor.take_code(c, world.scope, row.id, secret, app.at(clock.now), clock.now)
                )
            )

        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(passed)

    assert at_once() == 1
    monkeypatch.setattr(MemberStore, "take_step", lambda self, staff_id, step: True)
    assert at_once() == 4, "the control: without the step taken, one code opens four doors"


def test_a_stolen_database_tells_no_secret(world: People, clock: Clock) -> None:
    world.sign_in()
    app = world.switched_on(clock)
    assert app.secret not in str(world.row(THERAPIST)) and world.row(THERAPIST).totp_nonce
    assert (
        second_factor.secret_of(
            "another pepper", world.opened.id, world.id_of(THERAPIST), world.row(THERAPIST).totp_nonce
        )
        != app.secret
    )


@pytest.mark.parametrize("fields", [{"totp_password": "zle"}, {"code": "000000"}, {"setup": "x"}, {"code": "١٢٣٤٥٦"}])
def test_nothing_is_switched_on_without_password_and_code(world: People, clock: Clock, fields: dict[str, str]) -> None:
    world.sign_in()
    page = text_of(world.post("account/second-factor"))
    setup, secret = re.search(r'name="setup" value="([^"]+)"', page), re.search(r"Albo przepisz: (\w+)", page)
    assert setup and secret
    good = {"setup": setup[1], "totp_password": PASSWORD, "code": pyotp.TOTP(secret[1]).at(clock.now)}
    assert world.post("account/second-factor/on", **good | fields).status_code == 422
    assert world.row(THERAPIST).totp_nonce is None


# ---- links and people ----


def invited(world: People, **more: str) -> str:
    """Invite somebody as the owner and return the path of the link."""
    world.sign_in(OWNER)
    fields = {"name": "Nowa Osoba", "email": "nowa@kazimierz.test", "role": "receptionist"} | more
    page = text_of(world.post("people", **fields))
    found = re.search(r'value="http://[^/]+(/staff/link/[^"]+)"', page)
    assert found, page
    return found[1]


def test_an_invitation_is_taken_once_and_looking_takes_nothing(world: People, clock: Clock) -> None:
    path, browser = invited(world), world.browser()
    for _ in range(3):
        looked = browser.get(path)
        assert looked.status_code == 200 and looked.headers["Referrer-Policy"] == "no-referrer"
    short = browser.post(path, data={"password": "krótkie", "again": "krótkie"})
    assert short.status_code == 422 and "co najmniej 12" in text_of(short)
    assert "Wpisz dwa razy" in text_of(browser.post(path, data={"password": NEW, "again": NEW + "x"}))
    assert browser.post(path, data={"password": NEW, "again": NEW}).status_code == 303
    assert world.enter(browser, "nowa@kazimierz.test", NEW).status_code == 303
    over = browser.post(path, data={"password": NEW, "again": NEW})
    assert over.status_code == 404 and "już nie działa" in text_of(over)
    with world.desk.database.reading() as connection:
        assert path.rpartition(".")[2] not in str(connection.execute(select(OneTimeLinkRow.__table__)).all())


def test_a_link_ends_with_its_time_and_with_a_newer_one(world: People, clock: Clock) -> None:
    first = invited(world)
    staff_id = world.row("nowa@kazimierz.test").id
    found = re.search(r'value="http://[^/]+(/staff/link/[^"]+)"', text_of(world.post(f"people/{staff_id}/link")))
    assert found and world.browser().get(first).status_code == 404 and world.browser().get(found[1]).status_code == 200
    clock.forward(hours=73)
    assert world.browser().get(found[1]).status_code == 404
    for bad in ("/staff/link/x.y", f"/staff/link/{world.opened.id}.ż", "/staff/link/%00.%00"):
        assert world.browser().get(bad).status_code == 404


def test_a_link_works_whatever_the_throttle_says(world: People) -> None:
    path = invited(world, email="victim@kazimierz.test")
    attacker = world.browser("203.0.113.9")
    for n in range(12):
        world.enter(attacker, "victim@kazimierz.test", f"guess {n}")
    assert attacker.post(path, data={"password": NEW, "again": NEW}).status_code == 303


def test_of_two_who_take_a_link_at_once_one_gets_it(
    world: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(path: str) -> int:
        clinic_id, _, token = path.rpartition("/")[2].partition(".")
        taken, barrier = list[str](), threading.Barrier(3)

        def one(n: int) -> None:
            barrier.wait()
            try:
                accounts.take_link(clinic_id, token, f"{NEW} {n}", f"{NEW} {n}", desk=world.desk, now=clock.now)
                taken.append("taken")
            except NotFound:
                return

        threads = [threading.Thread(target=one, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(taken)

    assert at_once(invited(world)) == 1
    monkeypatch.setattr(LinkStore, "use", lambda self, token, now: "")
    assert at_once(invited(world, email="druga@kazimierz.test")) == 3, "the control"


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"email": OWNER}, "już konto"), ({"email": "bez małpy"}, "adres e-mail"),
     ({"name": ""}, "Uzupełnij"), ({"role": "boss"}, "nie możesz"),
     ({"name": "x" * 81}, "Za długie"), ({"email": "a@b"}, "adres e-mail"), ({"email": "a\0@b.pl"}, "adres e-mail")],
)  # fmt: skip
def test_a_bad_invitation_is_told_beside_its_field(world: People, fields: dict[str, str], words: str) -> None:
    world.sign_in(OWNER)
    good = {"name": "Nowa Osoba", "email": "nowa@kazimierz.test", "role": "receptionist"}
    answer = world.post("people", **good | fields)
    assert answer.status_code == 422 and words in text_of(answer) and "/staff/link/" not in text_of(answer)


def test_an_administrator_reaches_no_owner_and_makes_none(world: People) -> None:
    world.sign_in(ADMINISTRATOR)
    owner = world.id_of(OWNER)
    for path in (f"people/{owner}/link", f"people/{owner}/close", f"people/{owner}/second-factor"):
        assert world.post(path).status_code == 403
    assert world.post(f"people/{owner}", role="therapist").status_code == 403
    assert world.post(f"people/{world.id_of(THERAPIST)}", role="owner").status_code == 422
    assert world.row(OWNER).role == "owner" and world.row(THERAPIST).role == "therapist"
    assert world.post(f"people/{world.id_of(ADMINISTRATOR)}/close").status_code == 403, "oneself"


def test_the_last_owner_stays(world: People) -> None:
    world.sign_in(OWNER)
    owner = world.id_of(OWNER)
    assert world.post(f"people/{owner}/close").status_code == 409
    assert "jedyny właściciel" in text_of(world.post(f"people/{owner}", role="receptionist"))
    assert world.row(OWNER).role == "owner" and world.row(OWNER).closed_at is None


def test_two_owners_who_close_each_other_leave_one(
    world: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    def at_once() -> int:
        for key in both:
            world.desk.database.write(
                lambda c, key=key: MemberStore(c, world.scope).change(key, role="owner", closed_at=None)  # type: ignore[misc]
            )
        barrier = threading.Barrier(2)

        def one(me: str, other: str) -> None:
            barrier.wait()
            try:
                close_member(other, scope=replace(world.scope, staff_id=me), desk=world.desk, now=clock.now)
            except LastOwner:
                return

        threads = [threading.Thread(target=one, args=pair) for pair in (both, both[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(world.row(email).closed_at is None for email in (OWNER, ADMINISTRATOR))

    both = (world.id_of(OWNER), world.id_of(ADMINISTRATOR))
    assert all(at_once() == 1 for _ in range(5))
    monkeypatch.setattr(MemberStore, "lock_owners", lambda self: ["somebody", "else"])
    assert at_once() == 0, "the control"


@pytest.mark.parametrize(
    ("password", "code"),
    [("za krótkie", "password_short"), ("x" * 201, "password_long"), ("aaaaaaaaaaaaaa", "password_common"),
     ("Rehabilitacja", "password_common"),
     ("zofia.wroblewska1", "password_personal"), ("hasło z nulem\0", "password_long")],
)  # fmt: skip
def test_passwords_everybody_would_try_are_refused(password: str, code: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        check_password(password, "zofia@kazimierz.test", "Zofia Wróblewska")
    assert refused.value.code == code


def test_the_own_password_is_not_guessed_from_an_open_screen(world: People) -> None:
    world.sign_in()
    answers = [world.post("account/password", old=f"guess {n}", password=NEW, again=NEW).status_code for n in range(10)]
    assert answers == [422] * 8 + [429] * 2


# ---- a session that ends ----


def test_what_was_typed_when_the_session_ended_is_sent_again_on_one_click(world: People, clock: Clock) -> None:
    world.patient("p1", "Łucja", "Żółkiewska")
    world.episode("e1", "p1")
    world.add("a1")
    world.tie("a1", "p1", "e1")
    world.sign_in()
    world.answer("a1", "confirm")
    token = world.csrf()
    clock.forward(minutes=61)
    long = "Długi opis ł <b> „cytat” " * 300
    page = world.client.post("/staff/appointments/a1/record", data={"csrf": token, "based_on": "0", "history": long})
    assert page.status_code == 401 and "nie zginęło" in text_of(page)
    hidden = dict(re.findall(r'name="(next|kept)" value="([^"]*)"', page.text))
    fields = {name: html.unescape(value) for name, value in hidden.items()}
    assert fields["next"] == "/staff/appointments/a1/record" and token not in fields["kept"]
    wrong = world.enter(world.client, password="zle haslo", **fields)
    assert wrong.status_code == 401 and 'name="kept"' in wrong.text, "a mistyped password loses nothing either"
    resume = world.enter(world.client, **fields)
    assert "Wpisane dane czekają" in text_of(resume)
    again = {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', resume.text)
    }
    assert again["history"] == long
    assert world.client.post("/staff/appointments/a1/record", data=again).status_code == 303
    assert "Długi opis" in world.client.get("/staff/appointments/a1/record").text


def test_a_page_asked_for_comes_after_the_sign_in(world: People) -> None:
    answer = world.client.get("/staff/patients?x=1")
    assert (
        answer.headers["Location"] == "/staff/sign-in?next=/staff/patients?x%3D1"
        or "next=" in answer.headers["Location"]
    )
    assert world.enter(world.client, next="/staff/patients").headers["Location"] == "/staff/patients"


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "\\\\evil.example", "/staff//evil", "/staff/../../evil", "/staff/%2e%2e/%2e%2e/x", "/\\evil",
     "javascript:alert(1)", "/staffx", "/staff/%5cevil", "/staff/\n", "/api/v1", "", "/staff/%252e%252e/%252e%252e/x", "http:/staff/x"],
)  # fmt: skip
def test_the_way_on_never_leads_elsewhere(world: People, path: str) -> None:
    assert local_path(path) == ""
    assert world.enter(world.client, next=path).headers["Location"] == "/staff/"
    assert local_path("/staff/?day=2026-11-24&view=week") != "" and local_path("/staff") == "/staff"


@pytest.mark.parametrize("kept", ["x", "[1]", '{"a": 1}', '[["a"]]', "[[" * 5000, '[["csrf", "x"]]'])
def test_kept_fields_nobody_kept_are_no_fault(world: People, kept: str) -> None:
    assert world.enter(world.client, next="/staff/plan", kept=kept).status_code == 303
