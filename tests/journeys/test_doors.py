"""Through each door, from the problem to a reservation on the therapist's schedule, in a real browser."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, ViewportSize

from tests.journeys.demo import PICTURES, Demo, Patient, block_third_parties, open_schedule

pytestmark = pytest.mark.journey
DOORS = ("portal", "link", "frame")
WAYS = ("script", "no-script", "blocked")
_numbers = itertools.count(601_000_100)
_surnames = itertools.count(1)


@pytest.fixture(scope="module")
def schedule(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield open_schedule(context, demo)
    context.close()


def visit(browser: Browser, demo: Demo, door: str, way: str) -> tuple[BrowserContext, Patient]:
    """Return a patient standing at a door."""
    viewport: ViewportSize = {"width": 360, "height": 800} if door != "frame" else {"width": 1200, "height": 900}
    context = browser.new_context(viewport=viewport, java_script_enabled=way != "no-script")
    page = context.new_page()
    if way == "blocked":
        block_third_parties(page)
    page.goto({"portal": demo.portal, "link": demo.deep_link, "frame": demo.clinic_site}[door])
    where: Page | Frame = page
    if door == "frame":
        page.locator("iframe").scroll_into_view_if_needed()
        frame = page.locator("iframe").element_handle().content_frame()
        assert frame is not None
        frame.wait_for_selector("button[value=spine]")
        where = frame
    surname = f"Próbna{'abcdefghijklmnopqrst'[next(_surnames)]}"
    return context, Patient(where, page, f"{door}-{way}", str(next(_numbers)), surname)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", DOORS)
def test_a_patient_gets_from_the_problem_onto_the_schedule(
    browser: Browser, demo: Demo, schedule: Page, door: str, way: str
) -> None:
    context, patient = visit(browser, demo, door, way)
    faults: list[str] = []
    patient.page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    patient.choose_problem()
    if door == "portal":
        card = patient.where.locator(".o-card", has_text="Rehabilitacja Kazimierz")
        card.locator(".o-quiet").click()
    patient.take_soonest()
    patient.give_details()
    patient.type_code(demo)
    waiting = schedule.locator("main", has_text=patient.surname)
    waiting.wait_for(timeout=10_000)
    card = schedule.locator("li, article, section", has_text=patient.surname).first
    assert "rezerwacj" in schedule.locator("main").inner_text().lower()
    assert card.is_visible()
    assert schedule.evaluate("window.neverReloaded") is True
    assert context.cookies() == []
    assert len(demo.messages(patient.phone)) >= 1
    assert [fault for fault in faults if "Content Security Policy" in fault or "TrustedHTML" in fault] == []
    schedule.screenshot(path=PICTURES / f"{door}-{way}-6-schedule.png")
    context.close()


@pytest.mark.parametrize("way", ["script", "no-script"])
def test_the_clinic_of_a_deep_link_can_be_changed(browser: Browser, demo: Demo, way: str) -> None:
    context, patient = visit(browser, demo, "link", way)
    patient.choose_problem()
    patient.where.wait_for_selector(".o-soonest")
    assert "Rehabilitacja Kazimierz" in patient.where.locator("header").inner_text()
    patient.where.locator("header .o-link").click()
    patient.where.wait_for_selector(".o-card")
    other = patient.where.locator(".o-card", has_text="Fizjo Podgórze")
    other.locator(".o-quiet").click()
    patient.where.wait_for_selector(".o-week")
    assert "Fizjo Podgórze" in patient.where.locator("header").inner_text()
    context.close()


@pytest.mark.parametrize("way", ["script", "no-script"])
def test_in_the_frame_no_other_clinic_exists(browser: Browser, demo: Demo, way: str) -> None:
    context, patient = visit(browser, demo, "frame", way)
    assert patient.where.locator("header .o-link").count() == 0
    pages = [patient.where.content()]
    patient.choose_problem()
    patient.where.wait_for_selector(".o-soonest")
    patient.where.wait_for_load_state()  # without scripts it is a new page, and half of one proves nothing
    pages.append(patient.where.content())
    assert patient.where.locator("header .o-link").count() == 0
    for name in ("Fizjo Podgórze", "Gabinet Jeżyce", "Fizjo Wrzeszcz", "Mokotów w Ruchu", "Saska Kępa"):
        assert not any(name in html for html in pages)
    context.close()


def test_a_foreign_clinic_written_into_the_frames_form_is_refused(browser: Browser, demo: Demo) -> None:
    context, patient = visit(browser, demo, "frame", "script")
    patient.where.evaluate(
        """() => document.querySelectorAll('form').forEach(form => {
            const field = document.createElement('input'); field.name = 'clinic'; field.value = 'bcdfghjkmnpq'; form.append(field) })"""
    )
    patient.where.click("button[value=spine]")
    patient.where.wait_for_selector(".o-message")
    assert "tylko do tej placówki" in patient.where.locator("main").inner_text()
    context.close()


def test_the_blocks_of_these_journeys_really_block(browser: Browser, demo: Demo) -> None:
    """The control: a page that sets a cookie is noticed, and storage really throws."""
    context, patient = visit(browser, demo, "frame", "blocked")
    assert (
        patient.where.evaluate("(() => { try { localStorage.x = 1; return 'kept' } catch { return 'threw' } })()")
        == "threw"
    )
    patient.where.evaluate("document.cookie = 'third=1; SameSite=None; Secure'")
    assert patient.where.evaluate("document.cookie") == ""
    context.close()
    open_context = browser.new_context()
    page = open_context.new_page()
    page.goto(demo.portal)
    page.evaluate("document.cookie = 'first=1'")
    assert [cookie["name"] for cookie in open_context.cookies()] == ["first"]
    open_context.close()


def test_a_parent_of_a_five_month_old_meets_only_those_who_treat_infants(browser: Browser, demo: Demo) -> None:
    context, patient = visit(browser, demo, "portal", "script")
    patient.where.locator("label", has=patient.where.locator("input[value=child]")).click()
    patient.where.fill("input[name=age]", "5")
    patient.where.locator("label", has=patient.where.locator("input[value=months]")).click()
    patient.choose_problem("paediatrics")
    patient.where.wait_for_selector(".o-card")
    names = sorted(patient.where.locator(".o-card h2").all_inner_texts())
    assert [name.partition(" – ")[0] for name in names] == ["Mały Krok", "Mokotów w Ruchu", "Rehabilitacja Kazimierz"]
    context.close()


def test_the_first_screen_of_the_frame_is_one_request(browser: Browser, demo: Demo) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(demo.embed)
    page.wait_for_timeout(300)
    assert asked == [demo.embed]
    context.close()
