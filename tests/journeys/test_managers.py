"""The owner's and the administrator's ways in a real browser: a visit moved and cancelled, hours changed, a record given out or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.demo import Demo, open_schedule
from tests.journeys.roles import WEDNESDAY, block, follow, numbers, put_in, some_wednesday
from tests.journeys.test_staff import picture

pytestmark = pytest.mark.journey
WEDNESDAYS_FIELD = f"#day-{WEDNESDAY}"


@pytest.fixture
def page(browser: Browser, demo: Demo, role: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield open_schedule(context, demo, role)
    context.close()


def notice(page: Page, words: str) -> None:
    """See what came of the last answer."""
    expect(page.locator(".s-notice")).to_contain_text(words)


def open_act(page: Page, surname: str, words: str) -> None:
    """Open a visit's sheet and follow one of its acts."""
    block(page, surname).locator("> button").click()
    follow(page, block(page, surname).locator(".s-acts a", has_text=words))


@pytest.mark.parametrize(("role", "therapist"), [("owner", "Hanna Sikora"), ("administrator", "Karolina Zając")])
def test_a_manager_moves_and_cancels_a_visit_and_changes_hours_after_a_preview(
    page: Page, demo: Demo, role: str, therapist: str
) -> None:
    surname = f"Przenoszona{'ą' if role == 'owner' else 'ę'}"
    put_in(page, demo, surname, str(next(numbers)), therapist, "15:00")
    open_act(page, surname, "Przenieś")
    page.fill("#day", some_wednesday(4).isoformat())
    picture(page, f"{role}-1-move")
    follow(page, page.locator(".s-finish button"))
    if page.locator(".s-near button").count():
        page.locator(".s-near button").first.click()
    notice(page, "Przeniesiono")

    preview_hours(page, therapist, surname, role)

    follow(page, page.locator(".s-trail li", has_text=surname).locator("a", has_text="Odwołaj"))
    page.fill("#reason", "Terapeutka nie przyjmuje w środy")
    picture(page, f"{role}-3-cancel")
    page.locator("button.s-danger").click()
    notice(page, "Odwołano")
    expect(block(page, surname)).to_have_count(0)
    save_hours(page, therapist)


def open_hours(page: Page, therapist: str) -> None:
    follow(page, page.locator(".s-head nav a", has_text="Godziny"))
    follow(page, page.locator(".s-whose a", has_text=therapist))


def preview_hours(page: Page, therapist: str, surname: str, role: str) -> None:
    """Close a therapist's Wednesdays for a look: the visit that would fall out is named, and nothing is saved."""
    open_hours(page, therapist)
    before = page.input_value(WEDNESDAYS_FIELD)
    assert before
    page.fill(WEDNESDAYS_FIELD, "")
    page.get_by_role("button", name="Sprawdź, co się zmieni").click()
    expect(page.locator(".s-stop")).to_contain_text(surname)
    picture(page, f"{role}-2-preview")
    open_hours(page, therapist)
    assert page.input_value(WEDNESDAYS_FIELD) == before, "a look saved something"
    page.fill(WEDNESDAYS_FIELD, "")
    page.get_by_role("button", name="Sprawdź, co się zmieni").click()


def save_hours(page: Page, therapist: str) -> None:
    """Save shorter Wednesdays, whatever falls out, and find them saved."""
    open_hours(page, therapist)
    page.fill(WEDNESDAYS_FIELD, "15:00–16:00")
    follow(page, page.get_by_role("button", name="Zapisz godziny"))
    if page.locator(".s-stop").count():
        follow(page, page.get_by_role("button", name="Zapisz mimo to"))
    open_hours(page, therapist)
    expect(page.locator(WEDNESDAYS_FIELD)).to_have_value("15:00–16:00")


def first_patient(page: Page) -> str:
    """Open the patient met last; returns the surname."""
    follow(page, page.locator(".s-head nav a", has_text="Pacjenci"))
    follow(page, page.locator(".s-rows-list a").first)
    return page.locator("h1").inner_text().split()[-1]


@pytest.mark.parametrize("role", ["owner"])
def test_an_owner_gives_a_patient_the_whole_record(page: Page, tmp_path: Path) -> None:
    surname = first_patient(page)
    page.locator("summary", has_text="Dokumentacja dla pacjenta").click()
    picture(page, "owner-4-export")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Plik dla programów (JSON)").click()
    coming.value.save_as(tmp_path / "record.json")
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["patient"]["last_name"] == surname and record["episodes"]


@pytest.mark.parametrize("role", ["administrator"])
def test_an_administrator_reads_and_exports_no_documentation(browser: Browser, page: Page, demo: Demo) -> None:
    context = browser.new_context()
    owner = open_schedule(context, demo, "owner")
    first_patient(owner)
    patient = owner.url
    record = owner.locator(".s-story a").first.get_attribute("href")
    context.close()
    page.goto(patient)
    assert page.locator(".s-story li").count() > 0
    assert page.locator("a[href*='/record'], a[href*='/episodes/'], form[action$='/export']").count() == 0
    picture(page, "administrator-4-patient")
    answer = page.goto(f"{demo.staff.split('/staff/')[0]}{record}")
    assert answer is not None and answer.status == 403
    expect(page.locator("h1")).to_have_text("To konto nie ma tu dostępu")
    picture(page, "administrator-5-refused")
