"""A clinic joins in one sitting: from the operator's form to the first appointment on its own page, the checklist true at every step."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Frame, Page, expect
from waitress import create_server

from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.operations.operators import invite_operator
from okienko_server.operations.send_sms import send_due
from okienko_server.storage.migrations import upgrade
from okienko_server.web.house import House
from okienko_server.web.pages import help as help_page
from tests.conftest import KEYS, PEPPER
from tests.gates.sites import Host
from tests.journeys.demo import PICTURES
from tests.journeys.roles import follow
from tests.journeys.test_staff_accessible import RULES

pytestmark = pytest.mark.journey
OF_HELP = Path(help_page.__file__).parents[1] / "static" / "help"
HELP, SHOWN = help_page.PICTURES, set[str]()
KEEP = os.environ.get("OKIENKO_PICTURES") == "1"
"""Take the pictures of the help anew."""
PASSWORD = "bardzo długie hasło"
STREET, CITY = "ul. Krupówki 12", "Zakopane"


@dataclass
class Place:
    """The server, empty, and the clinic's own website beside it."""

    app: Flask
    url: str
    site: Host

    @property
    def house(self) -> House:
        found: House = self.app.extensions["okienko"]
        return found

    def code(self, phone: str) -> str:
        """Return the code that came to a number."""
        while send_due(self.house.gateway, desk=self.house.desk, now=self.house.clock()):
            pass
        texts = [one.body for one in self.house.gateway.messages() if one.phone.endswith(phone)]  # type: ignore[attr-defined]
        found = re.search(r"kod (\d{6})", texts[0])
        assert found
        return found[1]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    settings = Settings(
        "development", f"sqlite:///{tmp_path / 'okienko.db'}", KEYS, PEPPER, "inbox", operator_phone="22 300 40 50"
    )
    app = create_app(settings)
    upgrade(app.extensions["okienko"].desk.database)
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    site = Host()
    yield Place(app, f"http://127.0.0.1:{server.effective_port}", site)
    server.close()
    site.close()
    app.extensions["okienko"].desk.database.dispose()


@dataclass
class Sitting:
    """One browser window, with a picture of every step."""

    page: Page
    base: str
    name: str
    taken: int = 0

    def picture(self, step: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.taken += 1
        self.page.screenshot(path=PICTURES / f"joining-{self.name}-{self.taken:02d}-{step}.png", full_page=True)
        SHOWN.add(step)
        if KEEP and step in HELP:
            self.page.screenshot(path=OF_HELP / f"{step}.jpg", type="jpeg", quality=72)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.fill(f"[name='{name}']", value)

    def lacks(self) -> list[str]:
        """Return the lines of the checklist, each leading to where it is put right."""
        self.go("/staff/settings")
        lines = self.page.locator(".s-lacks li")
        assert lines.locator("a").count() == lines.count()
        return [words.replace("\u00a0", " ") for words in lines.locator("a").all_text_contents()]

    def state(self) -> str:
        self.go("/staff/settings")
        return (self.page.locator("#standing").text_content() or "").replace("\u00a0", " ")


@contextlib.contextmanager
def sitting(browser: Browser, place: Place, name: str, width: int = 1280, **more: Any) -> Iterator[Sitting]:
    context = browser.new_context(viewport={"width": width, "height": 900}, **more)
    yield Sitting(context.new_page(), place.url, name)
    context.close()


def operator_in(one: Sitting, place: Place) -> None:
    """Take the invitation, and come in with the next code of the telephone."""
    token = invite_operator("ada@okienko.test", "Ada Lis", desk=place.house.desk, now=place.house.clock())
    one.go(f"/operator/link/{token}")
    secret = pyotp.TOTP(one.page.text_content(".s-secret") or "")
    now = datetime.now(UTC)
    # The clock of a telephone may be a step behind: that one takes the link, the present one comes in.
    one.fill(password=PASSWORD, again=PASSWORD, code=secret.at(now - timedelta(seconds=30)))
    follow(one.page, one.page.locator("button.s-go"))
    one.fill(email="ada@okienko.test", password=PASSWORD, code=secret.at(now))
    one.picture("sign-in")
    follow(one.page, one.page.locator("button.s-go"))


def new_clinic(one: Sitting) -> str:
    """Fill in what the contract says and return the owner's link."""
    follow(one.page, one.page.get_by_role("link", name="Nowa placówka"))
    one.fill(
        name="Fizjoterapia pod Giewontem", phone="18 200 30 40", street=STREET, postcode="34500", city=CITY, owner="Halina Gąsienica",
        email="halina@giewont.test", nip="526-025-02-74",
    )  # fmt: skip
    one.picture("new-clinic")
    follow(one.page, one.page.locator("button.s-go"))
    one.picture("owners-link")
    return one.page.input_value("#link")


def owner_in(one: Sitting, link: str) -> None:
    one.page.goto(link)
    one.fill(password=PASSWORD, again=PASSWORD)
    follow(one.page, one.page.locator("button.s-go"))
    one.fill(email="halina@giewont.test", password=PASSWORD)
    follow(one.page, one.page.locator("button.s-go"))


def add_address(one: Sitting) -> None:
    one.go("/staff/settings/places/new")
    assert one.page.input_value("#street") == STREET
    assert one.page.input_value("#latitude").startswith("49.2")
    one.picture("address")
    # First as somebody in a hurry leaves it: no hours, no place on the map.
    one.fill(latitude="", longitude="", **{f"day-{n}": "" for n in range(5)})
    follow(one.page, one.page.locator("button.s-go"))


def complete_address(one: Sitting, step: str) -> None:
    """Put right what the hurry left out: the hours, or the place by the town's name."""
    one.go("/staff/settings/places")
    if step == "hours":
        set_hours(one)
        return
    follow(one.page, one.page.get_by_role("link", name=re.compile("^Zmień")))
    follow(one.page, one.page.get_by_role("button", name="Znajdź miejscowość na mapie"))
    one.picture("on-the-map")
    follow(one.page, one.page.locator("button.s-go"))


def add_service(one: Sitting, like: str, price: str) -> None:
    one.go(f"/staff/settings/services/new?like={like}")
    one.fill(price=price)
    one.picture(f"service-{like}")
    follow(one.page, one.page.locator("button.s-go"))


def add_therapist(one: Sitting) -> None:
    one.go("/staff/settings/therapists/new")
    one.fill(title="mgr", first_name="Stanisław", last_name="Byrcyn", pwz="PWZFz 4711")
    one.page.select_option("#c-spine", "all")
    one.picture("therapist")
    one.fill(pwz="")
    one.page.select_option("#c-spine", "none")
    follow(one.page, one.page.locator("button.s-go"))


def complete_therapist(one: Sitting, **fields: str) -> None:
    one.go("/staff/settings/therapists")
    follow(one.page, one.page.get_by_role("link", name=re.compile("^Zmień")))
    for name, value in fields.items():
        if name == "spine":
            one.page.select_option("#c-spine", value)
        else:
            one.fill(**{name: value})
    follow(one.page, one.page.locator("button.s-go"))


def declare(one: Sitting, *categories: str) -> None:
    """Tick exactly these problems as treated here."""
    one.go("/staff/settings/therapists")
    for box in one.page.locator("input[name=categories]").all():
        box.set_checked(box.get_attribute("value") in categories)
    follow(one.page, one.page.locator("form[action$=declared] button"))


def set_hours(one: Sitting) -> None:
    follow(one.page, one.page.get_by_role("link", name=re.compile("Ustaw godziny")))
    for day in range(5):
        one.page.fill(f"#day-{day}", "8-18")
    one.picture("hours")
    follow(one.page, one.page.locator("button.s-go"))


def book(where: Page | Frame, code: Any, phone: str) -> None:
    where.click("button[value=spine]")
    where.wait_for_selector(".o-soonest button")
    where.click(".o-soonest button")
    where.wait_for_selector("input[name=phone]")
    for name, value in (("first_name", "Łucja"), ("last_name", "Próbna"), ("phone", phone)):
        where.fill(f"input[name={name}]", value)
    where.check("input[name=consent]")
    where.click(".o-main-button")
    where.wait_for_selector("input[name=code]")
    where.fill("input[name=code]", code())
    with contextlib.suppress(Exception):
        where.wait_for_selector(".o-done", timeout=1500)
    if not where.query_selector(".o-done"):
        where.click(".o-main-button")
    where.wait_for_selector(".o-done")


def see_console(one: Sitting) -> None:
    """Every page of the console by day and by night, on a telephone and on a desk: axe finds nothing, nothing scrolls sideways."""
    wrong: list[str] = []
    here = one.page.url.removeprefix(one.base)
    for width, scheme in ((360, "dark"), (1280, "light")):
        one.page.set_viewport_size({"width": width, "height": 900})
        one.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for path in (
            "/operator",
            "/operator/clinics/new",
            here,
            "/operator/portals",
            "/operator/prices",
            "/operator/state",
        ):
            one.go(path)
            one.picture(f"console-{path.strip('/').replace('/', '-')[:24]}-{width}")
            if not one.page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                wrong.append(f"{path} scrolls sideways")
            found = Axe().run(one.page, options=RULES)
            wrong += [f"{path}: {it['id']} {it['nodes'][0]['html'][:120]}" for it in found.response["violations"]]
    assert wrong == []


def see_help(one: Sitting) -> None:
    """Read every article: each picture arrives, and nothing scrolls sideways on a telephone."""
    one.page.set_viewport_size({"width": 360, "height": 800})
    for name in help_page.ARTICLES:
        one.go(f"/pomoc/{name}")
        one.page.evaluate("document.querySelectorAll('img').forEach(one => { one.loading = 'eager'; })")
        one.page.wait_for_load_state("networkidle")
        assert one.page.evaluate("[...document.images].every(one => one.naturalWidth >= 1000)"), name
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        one.picture(f"help-{name}")


def test_from_the_contract_to_the_first_appointment_on_its_own_page(browser: Browser, place: Place) -> None:
    with sitting(browser, place, "operator") as operator, sitting(browser, place, "owner") as owner:
        operator_in(operator, place)
        owner_in(owner, new_clinic(operator))

        assert owner.state() == "Rejestracja online nie jest jeszcze dostępna"
        expect(owner.page.get_by_role("link", name="Zadzwoń: 22 300 40 50")).to_be_visible()
        website = "Nie podano strony internetowej, na której stanie okienko"
        nothing = ["Nie ma żadnego adresu", "Nie ma żadnej usługi", "Nie ma żadnego fizjoterapeuty", website]
        assert owner.lacks() == nothing
        owner.picture("nothing-yet")

        add_address(owner)
        unmapped = "Adres nie jest zaznaczony na mapie: Zakopane"
        assert owner.lacks() == ["Nie ma godzin przyjęć", *nothing[1:3], unmapped, website]
        complete_address(owner, "hours")
        assert owner.lacks() == [*nothing[1:3], unmapped, website]
        complete_address(owner, "map")
        assert owner.lacks() == nothing[1:]
        add_service(owner, "first", "220")
        no_follow_up = "Nie ma wizyty kontynuacyjnej, więc stali pacjenci się nie zapiszą"
        assert owner.lacks() == [nothing[2], no_follow_up, website]
        add_service(owner, "next", "180,50")
        assert owner.lacks() == [nothing[2], website]
        add_therapist(owner)
        idle = "Pacjenci nie zapiszą się do tej osoby: mgr Stanisław Byrcyn. Sprawdź usługi, kompetencje i godziny"
        assert owner.lacks() == [
            "Żaden fizjoterapeuta nie wykonuje usługi, w której ma kompetencje", idle,
            "Brakuje numeru prawa wykonywania zawodu: mgr Stanisław Byrcyn", website,
        ]  # fmt: skip
        owner.picture("nobody-treats")
        complete_therapist(owner, pwz="PWZFz 4711")
        assert len(owner.lacks()) == 3
        declare(owner, "spine", "jaw_head")
        assert "Nikt nie zajmuje się tym, co deklaruje placówka: Kręgosłup, Szczęka i głowa" in owner.lacks()
        complete_therapist(owner, spine="all")
        assert "Nikt nie zajmuje się tym, co deklaruje placówka: Szczęka i głowa" in owner.lacks()
        declare(owner, "spine")
        assert [line.partition(":")[0] for line in owner.lacks()] == [
            "Nikt nie pracuje w godzinach, w których placówka przyjmuje", "Pacjenci nie zapiszą się do tej osoby", website,
        ]  # fmt: skip
        owner.picture("nobody-is-in")
        owner.go("/staff/settings/therapists")
        set_hours(owner)
        assert owner.lacks() == [website]

        follow(owner.page, owner.page.get_by_role("link", name="Wypróbuj na niby"))
        owner.picture("rehearsal")
        told = re.compile(r"Kod to\W+(\d{6})")
        book(owner.page, lambda: told.search(owner.page.text_content("#h-code") or "")[1], "601 234 567")  # type: ignore[index]
        owner.picture("rehearsed")
        owner.go("/staff/settings")
        follow(owner.page, owner.page.get_by_role("button", name="Usuń próby z grafiku"))

        follow(operator.page, operator.page.get_by_role("link", name="Placówki", exact=True).last)
        follow(operator.page, operator.page.get_by_role("link", name="Fizjoterapia pod Giewontem"))
        operator.page.select_option("#status", "active")
        operator.fill(signed_on=datetime.now(UTC).date().isoformat())
        operator.picture("contract")
        follow(operator.page, operator.page.get_by_role("button", name="Zapisz", exact=True))
        see_console(operator)

        assert owner.state() == "Rejestracja online jest wyłączona"
        follow(owner.page, owner.page.get_by_role("button", name="Włącz rejestrację online"))
        assert owner.state() == "Rejestracja online jest włączona"

        owner.go("/staff/settings/website")
        owner.fill(sites=place.site.url)
        follow(owner.page, owner.page.get_by_role("button", name="Zapisz", exact=True))
        snippet = owner.page.input_value("#snippet-element")
        owner.picture("website")
        assert owner.lacks() == []
        owner.picture("ready")
        owner.go("/staff/settings/sms")
        owner.picture("sms")

        page = place.site.put("/wizyta", f"<h1>Fizjoterapia pod Giewontem</h1>{snippet}")
        with sitting(browser, place, "patient", 1000) as patient:
            patient.page.goto(page)
            element = patient.page.locator("okienko-booking iframe")
            element.wait_for()
            handle = element.element_handle()
            assert handle is not None
            frame = handle.content_frame()
            assert frame is not None
            frame.wait_for_selector("button[value=spine]")
            book(frame, lambda: place.code("602345678"), "602 345 678")
            patient.picture("done-on-the-clinics-own-page")
        owner.go("/staff/")
        expect(owner.page.get_by_role("article", name=re.compile("Próbna"))).to_be_visible()
        owner.picture("schedule")
        assert HELP <= SHOWN, "each picture of the help is one of these screens"
        see_help(owner)
