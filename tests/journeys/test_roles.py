"""The ways of the therapist and the receptionist through the clinic's pages, in a real browser; the consultant's is in test_staff."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.demo import Demo, open_schedule
from tests.journeys.roles import Clicks, block, book_with, convert, follow, put_in
from tests.journeys.test_staff import picture

pytestmark = pytest.mark.journey
UNCOVERED = """one => { const box = one.getBoundingClientRect();
    return one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + 8)) }"""


@pytest.fixture
def therapist(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield open_schedule(context, demo, "therapist")
    context.close()


@pytest.fixture
def receptionist(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield open_schedule(context, demo, "receptionist")
    context.close()


def sign(page: Page, **fields: str) -> None:
    """Write a document, sign it and go to the patient's problem."""
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    page.locator(".s-finish .s-go").click()
    expect(page.locator(".s-document")).to_contain_text(next(iter(fields.values())))


def test_a_therapist_confirms_converts_and_documents_an_own_reservation_and_the_next_visit(
    browser: Browser, demo: Demo, therapist: Page
) -> None:
    page, surname = therapist, "Własna"
    phone = book_with(browser, demo, "Wróblewska", surname)
    card = page.get_by_role("article", name=surname)
    card.wait_for(timeout=10_000)
    assert page.evaluate("window.neverReloaded") is True
    follow(page, card.locator(".s-when a"))
    waiting = block(page, surname)
    expect(waiting).to_contain_class("s-pending")
    assert waiting.evaluate("one => getComputedStyle(one).borderTopStyle") == "dashed"
    assert waiting.evaluate(UNCOVERED), "the grid's fixed head covers what was to be shown"
    picture(page, "therapist-1-highlighted")

    card.get_by_role("button", name="Potwierdź").click()
    expect(page.locator(".s-notice")).to_contain_text("Potwierdzono")
    expect(block(page, surname)).to_contain_class("s-booked")
    expect(card).to_have_count(0)
    picture(page, "therapist-2-confirmed")

    convert(page, surname, Clicks())
    expect(page.locator("h1")).to_have_text("Konsultacja – karta pacjenta")
    sign(page, history="Ból karku po pracy przy biurku")
    picture(page, "therapist-3-signed")

    put_in(page, demo, surname, phone)
    clicks = Clicks()
    convert(page, surname, clicks)
    assert clicks.done <= 4
    expect(page.locator("h1")).to_have_text("Wizyta – opis wizyty")
    sign(page, procedures="Mobilizacja odcinka szyjnego", pain_before="5", pain_after="2")
    page.locator(".s-back").click()
    expect(page.locator(".s-story li")).to_have_count(2)
    picture(page, "therapist-4-process")


def refused_at(page: Page, address: str) -> None:
    """Open an address that is not for this role."""
    answer = page.goto(address)
    assert answer is not None and answer.status == 403
    expect(page.locator("h1")).to_have_text("To konto nie ma tu dostępu")


def test_a_receptionist_confirms_declines_and_converts_but_comes_to_no_documentation(
    browser: Browser, demo: Demo, receptionist: Page
) -> None:
    page, wanted, unwanted = receptionist, "Przyjęta", "Odmówiona"
    book_with(browser, demo, "Kaczmarek", wanted)
    phone = book_with(browser, demo, "Zając", unwanted)
    page.get_by_role("article", name=wanted).wait_for(timeout=10_000)
    card = page.get_by_role("article", name=unwanted)
    card.wait_for(timeout=10_000)
    picture(page, "receptionist-1-waiting")

    card.locator("summary").click()
    card.locator("input[name=reason]").fill("Terapeutka ma urlop")
    picture(page, "receptionist-2-reason")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "scrolls into nothing"
    card.get_by_role("button", name="Odrzuć rezerwację").click()
    expect(page.locator(".s-notice")).to_contain_text("Odrzucono")
    expect(card).to_have_count(0)
    expect_message(demo, phone)

    card = page.get_by_role("article", name=wanted)
    follow(page, card.locator(".s-when a"))
    expect(block(page, wanted)).to_contain_class("s-pending")
    follow(page, card.get_by_role("button", name="Potwierdź"))
    expect(block(page, wanted)).to_contain_class("s-booked")

    there = page.url
    block(page, wanted).locator("> button").click()
    follow(page, block(page, wanted).locator(".s-lead-on a"))
    appointment = page.url.removesuffix("/convert")
    expect(page.locator(".s-finish button")).to_have_text("Przypisz")
    picture(page, "receptionist-3-assign")
    page.locator(".s-finish button").click()
    expect(page.locator(".s-notice")).to_contain_text("Przypisano do pacjenta")

    page.goto(there)
    expect(block(page, wanted)).to_contain_text("w kartotece")
    assert page.locator("a", has_text="Dokumentacja").count() == 0
    for part in ("record", "record/versions"):
        refused_at(page, f"{appointment}/{part}")
    picture(page, "receptionist-4-refused")


def expect_message(demo: Demo, phone: str) -> None:
    """Wait for a message after the code and the confirmation of the booking, without the clinic's own reason."""
    for _ in range(100):
        if len(messages := demo.messages(phone)) >= 3:
            assert not any("urlop" in body for body in messages)
            return
        time.sleep(0.1)
    raise AssertionError("no message about the declined reservation came")
