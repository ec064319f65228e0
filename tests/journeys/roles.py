"""What the journeys of the roles have in common: a reservation with one therapist, a visit put in by hand, clicks counted."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.demo import Demo, Patient

WEDNESDAY = 2
numbers = itertools.count(603_000_100)


@dataclass
class Clicks:
    """Clicks of one task, counted: a task that needs more than promised is a defect."""

    done: int = 0

    def on(self, what: Locator) -> None:
        what.click()
        self.done += 1


def book_with(browser: Browser, demo: Demo, therapist: str, surname: str) -> str:
    """Let a patient book the soonest time of one therapist through the clinic's link; returns the telephone."""
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page, phone = context.new_page(), str(next(numbers))
    page.goto(demo.deep_link)
    patient = Patient(page, page, f"roles-{surname}", phone, surname)
    patient.choose_problem()
    page.locator("button[name=practitioner]", has_text=therapist).click()
    page.locator("button[name=practitioner].o-chosen", has_text=therapist).wait_for()
    patient.take_soonest()
    patient.give_details()
    patient.type_code(demo)
    context.close()
    return phone


def some_wednesday(weeks: int) -> date:
    """Return the Wednesday that many weeks after this week's."""
    today = datetime.now(ZoneInfo("Europe/Warsaw")).date()
    return today + timedelta(days=WEDNESDAY - today.weekday(), weeks=weeks)


def put_in(page: Page, demo: Demo, surname: str, phone: str, therapist: str = "", time: str = "10:00") -> None:
    """Put a visit in by hand, on a Wednesday to come: at a time near the wanted one, if that is taken."""
    page.goto(demo.staff)
    follow(page, page.locator("#plan"))
    choose(page, "practitioner", therapist)
    choose(page, "service", "Terapia indywidualna")
    choose(page, "category", "Kręgosłup")
    page.fill("#day", some_wednesday(3).isoformat())
    page.fill("#time", time)
    for name, value in (("first_name", "Łucja"), ("last_name", surname), ("phone", phone)):
        page.fill(f"#{name}", value)
    follow(page, page.locator(".s-finish button"))
    if page.locator(".s-near button").count():
        page.locator(".s-near button").first.click()
    expect(page.locator(".s-notice")).to_contain_text("Wpisano do grafiku")


def follow(page: Page, what: Locator) -> None:
    """Click a link or a button and wait until the page it leads to stands whole: only then may its parts be counted."""
    with page.expect_navigation():
        what.click()


def choose(page: Page, name: str, words: str) -> None:
    """Choose the option with those words; none wanted leaves what is chosen."""
    if words:
        value = page.locator(f"#{name} option", has_text=words).first.get_attribute("value")
        page.select_option(f"#{name}", value)


def block(page: Page, surname: str) -> Locator:
    """Return somebody's visit in the schedule's grid."""
    # By its own name: the visit before tells in words who comes after.
    return page.locator("li.s-block", has=page.locator(".s-name", has_text=surname))


def convert(page: Page, surname: str, clicks: Clicks) -> None:
    """Tie a visit of the grid to a patient, with what the dialog suggests."""
    clicks.on(block(page, surname).locator("> button"))
    clicks.on(block(page, surname).locator(".s-lead-on a", has_text="Przypisz do pacjenta"))
    expect(page.locator("input[name=choice]:checked")).to_have_count(1)
    clicks.on(page.locator(".s-finish button"))
