"""Every page of the clinic's people in a real browser: axe finds nothing, nothing scrolls sideways, by day and by night."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.journeys.demo import Demo, open_schedule
from tests.journeys.test_staff import picture

pytestmark = pytest.mark.journey
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def first(page: Page, selector: str) -> str:
    """Return where the first link of a kind leads."""
    found = page.locator(selector).first.get_attribute("href")
    assert found, selector
    return found


def addresses(page: Page, base: str) -> dict[str, str]:
    """Return every page worth looking at: name -> path."""
    found = {
        "day": "/staff/?view=day&practitioner=all", "team-week": "/staff/?view=week&practitioner=all", "plan": "/staff/plan",
        "absences": "/staff/absences", "hours": "/staff/hours", "patients": "/staff/patients", "people": "/staff/people",
        "account": "/staff/account", "audit": "/staff/audit", "archive": "/staff/archive",
        "messages": "/staff/messages", "reminders": "/staff/messages/reminders", "calendar": "/staff/calendar",
        "settings": "/staff/settings", "pause": "/staff/settings/pause", "rules": "/staff/settings/rules",
        "settings-sms": "/staff/settings/sms",
        "therapists": "/staff/settings/therapists", "therapist": "/staff/settings/therapists/new",
        "website": "/staff/settings/website", "poster": "/staff/settings/website/poster",
        "services": "/staff/settings/services", "service": "/staff/settings/services/new",
    }  # fmt: skip
    page.goto(base + found["day"])
    found["week"] = first(page, ".s-day h2 a")
    found["convert"] = first(page, "[data-waiting] .s-lead-on a")
    visit = found["convert"].removesuffix("/convert")
    found |= {"move": f"{visit}/move", "cancel": f"{visit}/cancel"}
    page.goto(base + found["patients"])
    found["patient"] = first(page, "a[href*='/staff/patients/']")
    page.goto(base + found["patient"])
    found["episode"] = first(page, "a[href*='/staff/episodes/']")
    found["record"] = first(page, ".s-story a")
    return found | {"correct": found["record"] + "?edit=1", "versions": found["record"] + "/versions"}


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_every_page_of_the_clinics_people(browser: Browser, demo: Demo, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = open_schedule(context, demo, "owner")
    base = demo.staff.split("/staff/")[0]
    wrong: list[str] = []
    for name, path in addresses(page, base).items():
        page.goto(base + path)
        # A grid opens at the present hour: a visit half under its fixed head is small for that moment only.
        page.evaluate("document.querySelectorAll('[data-scroll]').forEach(box => { box.scrollTop = 0; })")
        picture(page, f"page-{name}-{width}-{scheme}")
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            wrong.append(f"{name} scrolls sideways")
        found = Axe().run(page, options=RULES)
        wrong += [f"{name}: {one['id']} {one['nodes'][0]['html'][:160]}" for one in found.response["violations"]]
    context.close()
    assert wrong == []
