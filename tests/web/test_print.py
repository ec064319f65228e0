"""The schedule on paper: it says whose it is, nothing is cut off at the side, and no word is broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route

from okienko_server.domain.appointment import Status
from okienko_server.operations.onboard_clinic import PractitionerPlan, competent
from tests.journeys.demo import PICTURES
from tests.plans import clinic
from tests.web.staff_world import HANNA, MICHAL, OWNER, TUESDAY_NINE, ZOFIA, StaffWorld

ORIGIN = "https://okienko.test"
ADDRESS = "ul. Józefa 12, Kraków"
MORE = (
    "Żaneta Chrząszczewska",
    "Bogumiła Konstantynopolitańska",
    "Ewa Lis",
    "Jan Wilk",
    "Adam Maj",
    "Iza Sowa",
    "Ola Kos",
)
CUT_NAMES = """[...document.querySelectorAll('.s-day h2 b, .s-team tbody th a')]
    .filter(one => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1).map(one => one.innerText)"""
BEYOND = """[...document.querySelectorAll('main :is(h1, h2, section, li, table, th, td, p, .s-brief)')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.className + ' ' + one.tagName)"""
A4_WIDE = (842, 595)
"""Points, as a PDF measures."""


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    """Ten therapists, each with a visit that took place and one that waits."""
    more = tuple(PractitionerPlan("mgr", first, last, competent("spine 16y+")) for first, last in map(str.split, MORE))
    world = StaffWorld.of(app, practitioners=(*clinic().practitioners, *more))
    for number, who in enumerate((ZOFIA, MICHAL, HANNA, *MORE)):
        world.add(f"done{number}", who, status=Status.FULFILLED, pending_at=None)
        world.add(f"waits{number}", who, TUESDAY_NINE + timedelta(hours=2))
    world.sign_in(OWNER)
    return world


@pytest.fixture
def page(browser: Browser, world: StaffWorld) -> Iterator[Page]:
    """A sheet of A4 as the browser sees it, each address answered by the application itself."""

    def answer(route: Route) -> None:
        got = world.client.get(route.request.url.removeprefix(ORIGIN))
        route.fulfill(status=got.status_code, body=got.data, headers=dict(got.headers))

    context = browser.new_context(viewport={"width": 794, "height": 1123})
    page = context.new_page()
    page.route("**/*", answer)
    page.emulate_media(media="print")
    yield page
    context.close()


def show(page: Page, world: StaffWorld, view: str, who: str = "") -> None:
    person = world.opened.practitioners[who] if who else "all"
    page.goto(f"{ORIGIN}/staff/?view={view}&day=2026-11-24&practitioner={person}")


def beyond(page: Page) -> list[str]:
    """Return what reaches over the right edge of the sheet."""
    found: list[str] = page.evaluate(BEYOND)
    return found


@pytest.mark.parametrize(("view", "who"), [("day", ""), ("week", ""), ("week", ZOFIA), ("day", ZOFIA)])
def test_on_paper_the_schedule_says_whose_it_is_and_fits_the_sheet(
    page: Page, world: StaffWorld, view: str, who: str
) -> None:
    show(page, world, view, who)
    PICTURES.mkdir(parents=True, exist_ok=True)
    name = f"print-{view}-{'one' if who else 'all'}"
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    expected = f"mgr {who} – {ADDRESS}" if who else f"Wszyscy terapeuci – {ADDRESS}"
    assert page.locator(".s-whose-paper").is_visible() and page.inner_text(".s-whose-paper") == expected
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert beyond(page) == []
    assert page.evaluate(CUT_NAMES) == []
    paper = page.pdf(path=PICTURES / f"{name}.pdf", prefer_css_page_size=True)
    sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert {tuple(round(float(side)) for side in sheet) for sheet in sheets} == {A4_WIDE}
    # Only everybody's week is a table, which may go on where the sheet ends.
    assert len(sheets) == 1 or (view, who) == ("week", "")


def test_on_paper_no_link_leads_elsewhere_and_no_state_is_cut_in_two(page: Page, world: StaffWorld) -> None:
    show(page, world, "week")
    for selector in (".s-links", ".s-tools", ".s-head nav", ".s-people", ".s-choose"):
        assert not any(one.is_visible() for one in page.locator(selector).all()), selector
    lines = "one => Math.round(one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight))"
    states = page.locator(".s-brief.s-fulfilled .s-brief-state").all()
    assert len(states) == 10 and {one.evaluate(lines) for one in states} == {1}


def test_on_the_screen_the_chips_say_it_and_the_papers_heading_is_hidden(page: Page, world: StaffWorld) -> None:
    page.emulate_media(media="screen")
    show(page, world, "week", ZOFIA)
    assert not page.locator(".s-whose-paper").is_visible()
    assert page.locator(".s-links").is_visible()
