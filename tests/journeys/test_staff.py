"""From a patient's code to a signed note and a second visit of the same problem, in a real browser; and what each role sees."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.demo import PICTURES, Demo, Patient, open_schedule
from tests.journeys.roles import follow

pytestmark = pytest.mark.journey
_numbers = itertools.count(602_000_100)
SURNAME = "Kartotekowa"
PARTS = {
    "owner": ["Grafik", "Pacjenci", "Godziny", "Zespół", "SMS-y", "Ustawienia", "Dziennik", "Konto"],
    "administrator": ["Grafik", "Pacjenci", "Godziny", "Zespół", "SMS-y", "Ustawienia", "Dziennik", "Konto"],
    "consultant": ["Grafik", "Pacjenci", "Konto"],
    "therapist": ["Grafik", "Pacjenci", "Godziny", "Konto"],
    "receptionist": ["Grafik", "Pacjenci", "Konto"],
}


@pytest.fixture
def consultant(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield open_schedule(context, demo, "consultant")
    context.close()


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"staff-{name}.png", full_page=True)


def book(browser: Browser, demo: Demo, phone: str, surname: str, *, again: bool = False) -> None:
    """Let a patient book the soonest time through the clinic's link."""
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(demo.deep_link)
    patient = Patient(page, page, f"staff-{'again' if again else 'first'}", phone, surname)
    if again:
        page.locator("label", has=page.locator("input[value=visit]")).click()
    patient.choose_problem()
    patient.take_soonest()
    patient.give_details()
    patient.type_code(demo)
    context.close()


def test_from_the_patients_code_to_a_second_visit_of_the_same_problem(
    browser: Browser, demo: Demo, consultant: Page
) -> None:
    phone, page = str(next(_numbers)), consultant
    book(browser, demo, phone, SURNAME)
    card = page.get_by_role("article", name=SURNAME)
    card.wait_for(timeout=10_000)
    assert page.evaluate("window.neverReloaded") is True
    picture(page, "1-waiting")

    # Nobody is known under the number: the person is added with what was typed.
    follow(page, card.locator("a", has_text="Przypisz do pacjenta"))
    assert page.input_value("#last_name") == SURNAME and page.is_checked("input[value=new]")
    picture(page, "2-assign-new")
    page.locator(".s-finish button").click()
    expect(page.locator("h1")).to_have_text("Konsultacja – karta pacjenta")

    # A draft keeps itself; signing makes it a document.
    page.fill("#history", "Ból odcinka lędźwiowego od maja")
    expect(page.locator("[data-draft-state]")).to_contain_text("Szkic zapisano o", timeout=10_000)
    page.reload()
    assert page.input_value("#history") == "Ból odcinka lędźwiowego od maja"
    page.fill("#icd10", "m54.5")
    picture(page, "3-card")
    page.locator(".s-finish .s-go").click()
    expect(page.locator(".s-document")).to_contain_text("M54.5")
    picture(page, "4-signed")

    # The same telephone again: one patient, one open problem, everything chosen – three clicks from the schedule to the note.
    book(browser, demo, phone, SURNAME, again=True)
    page.goto(demo.staff)
    card = page.get_by_role("article", name=SURNAME)
    clicks = 0
    card.wait_for(timeout=10_000)
    follow(page, card.locator("a", has_text="Przypisz do pacjenta"))
    clicks += 1
    assert page.locator("input[name=choice]:checked").count() == 1 and not page.is_checked("input[value=new]")
    picture(page, "5-assign-known")
    page.locator(".s-finish button").click()
    clicks += 1
    expect(page.locator("h1")).to_have_text("Wizyta – opis wizyty")
    assert clicks <= 4
    page.fill("#procedures", "Terapia manualna")
    page.fill("#pain_before", "6")
    page.fill("#pain_after", "3")
    page.locator(".s-finish .s-go").click()
    page.locator(".s-back").click()
    expect(page.locator(".s-story li")).to_have_count(2)
    expect(page.locator(".s-plot svg")).to_be_visible()
    picture(page, "6-process")


@pytest.mark.parametrize("role", PARTS)
def test_each_role_sees_its_parts_and_none_else(browser: Browser, demo: Demo, role: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, color_scheme="dark")
    page = open_schedule(context, demo, role)
    assert page.locator(".s-head nav a").all_inner_texts() == PARTS[role]
    for name in PARTS[role]:
        follow(page, page.locator(".s-head nav a", has_text=re.compile(f"^{name}$")))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{role} {name} scrolls sideways"
        picture(page, f"role-{role}-{name.lower()}")
    context.close()


def writing(page: Page, demo: Demo) -> None:
    """Open some visit's document for writing."""
    page.goto(demo.staff)
    follow(page, page.locator("[data-waiting] a", has_text="Przypisz do pacjenta").first)
    if not page.locator("input[name=choice]:checked").count():
        page.check("input[value=new]")
    page.locator(".s-finish button").click()
    page.wait_for_selector("form[data-draft]")


def test_a_note_survives_a_lost_network_and_an_ended_session(browser: Browser, demo: Demo, consultant: Page) -> None:
    page, state = consultant, consultant.locator("[data-draft-state]")
    writing(page, demo)
    field = page.locator("textarea").first
    field.fill("Pierwsze zdanie")
    expect(state).to_contain_text("Szkic zapisano o", timeout=10_000)

    page.context.set_offline(True)
    field.fill("Pierwsze zdanie i drugie")
    expect(state).to_contain_text("Brak połączenia", timeout=20_000)
    page.context.set_offline(False)
    expect(state).to_contain_text("Szkic zapisano o", timeout=20_000)

    page.context.clear_cookies()
    field.fill("Pierwsze zdanie, drugie i trzecie")
    expect(state).to_contain_text("Sesja wygasła", timeout=20_000)
    assert field.input_value() == "Pierwsze zdanie, drugie i trzecie"
    address = page.url
    page.locator(".s-finish .s-go").click()
    page.wait_for_selector("#email")
    page.fill("#email", demo.staff_accounts["consultant"])
    page.fill("#password", demo.staff_login["password"])
    page.keyboard.press("Enter")
    page.locator("text=Wyślij wpisane dane").click()
    page.wait_for_url(address)
    expect(page.locator(".s-document")).to_contain_text("drugie i trzecie")


def test_whoever_never_pauses_is_saved_all_the_same_and_a_long_paste_is_told(demo: Demo, consultant: Page) -> None:
    page, state = consultant, consultant.locator("[data-draft-state]")
    writing(page, demo)
    field = page.locator("textarea").first
    field.focus()
    for _ in range(60):
        page.keyboard.type("słowo ")
        page.wait_for_timeout(150)
        if "Szkic zapisano" in state.inner_text():
            break
    else:
        raise AssertionError("nothing was kept while somebody went on typing")
    field.evaluate("(box) => { box.value = 'ż'.repeat(9000); box.dispatchEvent(new Event('input', {bubbles: true})); }")
    follow(page, page.locator(".s-finish .s-go"))
    expect(page.locator(".s-wrong").first).to_contain_text("8000")
    assert len(page.locator("textarea").first.input_value()) == 9000


def test_the_schedule_is_walked_by_arrow_keys(browser: Browser, demo: Demo, consultant: Page) -> None:
    page = consultant
    page.locator(".s-block button").first.focus()
    before = page.evaluate("document.activeElement.id")
    page.keyboard.press("ArrowDown")
    after = page.evaluate("document.activeElement.id")
    page.keyboard.press("ArrowRight")
    aside = page.evaluate("document.activeElement.id")
    assert {before[:2], after[:2], aside[:2]} == {"b-"} and len({before, after, aside}) >= 2
