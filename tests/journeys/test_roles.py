"""The ways of the therapist and the receptionist through the clinic's pages, in a real browser; the consultant's is in test_staff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.demo import Demo, open_schedule
from tests.journeys.roles import Clicks, block, book_with, convert, put_in
from tests.journeys.test_staff import picture

pytestmark = pytest.mark.journey


@pytest.fixture
def therapist(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield open_schedule(context, demo, "therapist")
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
    card.locator(".s-when a").click()
    waiting = block(page, surname)
    expect(waiting).to_contain_class("s-pending")
    assert waiting.evaluate("one => getComputedStyle(one).borderTopStyle") == "dashed"
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
