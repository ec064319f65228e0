"""What goes wrong on the way – a lost race, impatient fingers, a lost connection, no mouse – ends in one appointment all the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.journeys.demo import Demo, Patient

pytestmark = pytest.mark.journey


def at_the_frame(browser: Browser, demo: Demo, phone: str, width: int = 360) -> Patient:
    page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    page.goto(demo.embed)
    return Patient(page, page, f"trouble-{phone}", phone, "Kłopotliwa")


def hold_elsewhere(demo: Demo, practitioner: str, slot: str) -> int:
    """Let another patient take the time through the API; returns the status."""
    api = demo.openapi.removesuffix("/openapi.json")
    token = demo.embed.rsplit("/", 1)[1]
    session = requests.post(f"{api}/sessions", json={"token": token}, timeout=10).json()["session"]
    start = datetime.fromtimestamp(int(slot) * 300, UTC).isoformat()
    body = {"category": "spine", "age_group": "adult", "practitioner_id": practitioner, "start": start}
    bearer = {"Authorization": f"Bearer {session}"}
    return requests.post(f"{api}/appointments", json=body, headers=bearer, timeout=10).status_code


def test_who_loses_a_race_sees_three_other_times_and_finishes(browser: Browser, demo: Demo, phone: str) -> None:
    patient = at_the_frame(browser, demo, phone)
    patient.choose_problem()
    page = patient.page
    page.wait_for_selector(".o-soonest")
    chip = page.locator("button[name=practitioner]").nth(1)
    practitioner = chip.get_attribute("value") or ""
    chip.click()
    page.wait_for_selector("button[name=practitioner].o-chosen[value='" + practitioner + "']")
    slot = page.locator(".o-soonest button").get_attribute("value") or ""
    assert hold_elsewhere(demo, practitioner, slot) == 201
    page.locator(".o-soonest button").click()
    page.wait_for_selector(".o-others button")
    patient.picture("taken")
    expect(page.locator(".o-others button")).to_have_count(3)
    page.locator(".o-others button").first.click()
    patient.give_details()
    patient.type_code(demo)
    page.context.close()


def test_impatient_fingers_make_one_appointment_and_one_message_each(browser: Browser, demo: Demo, phone: str) -> None:
    patient = at_the_frame(browser, demo, phone)
    patient.choose_problem()
    page = patient.page
    page.wait_for_selector(".o-soonest")
    page.locator(".o-soonest button").dblclick()
    page.wait_for_selector("input[name=phone]")
    page.fill("input[name=first_name]", "Jan")
    page.fill("input[name=last_name]", "Niecierpliwy")
    page.fill("input[name=phone]", phone)
    page.check("input[name=consent]")
    page.locator(".o-main-button").dblclick()
    patient.type_code(demo)
    page.wait_for_timeout(1500)
    kinds = sorted("kod" if "kod " in body else "termin" for body in demo.messages(phone))
    assert kinds == ["kod", "termin"]
    page.context.close()


def test_a_lost_connection_loses_nothing_that_was_typed(browser: Browser, demo: Demo, phone: str) -> None:
    patient = at_the_frame(browser, demo, phone)
    patient.choose_problem()
    patient.take_soonest()
    page = patient.page
    page.wait_for_selector("input[name=phone]")
    page.context.set_offline(True)
    patient.give_details()
    page.wait_for_selector("[data-failed]")
    patient.picture("offline")
    assert page.input_value("input[name=last_name]") == patient.surname
    page.context.set_offline(False)
    page.locator(".o-main-button").click()
    patient.type_code(demo)
    assert len([body for body in demo.messages(phone) if "kod " in body]) == 1
    page.context.close()


def test_a_landline_is_explained_beside_its_field_and_everything_typed_stays(
    browser: Browser, demo: Demo, phone: str
) -> None:
    patient = at_the_frame(browser, demo, "123456789")
    patient.choose_problem()
    patient.take_soonest()
    patient.give_details()
    page = patient.page
    page.wait_for_selector("#e-phone")
    patient.picture("landline")
    assert "stacjonarny" in page.locator("#e-phone").inner_text()
    assert page.input_value("input[name=last_name]") == patient.surname
    assert page.input_value("input[name=phone]") == "123456789"
    patient.phone = phone
    page.fill("input[name=phone]", phone)
    page.locator(".o-main-button").click()
    page.wait_for_selector("input[name=code]")
    page.fill("input[name=code]", "000000" if demo.code(phone) != "000000" else "000001")
    page.wait_for_selector("#e-code")
    patient.picture("wrong-code")
    patient.type_code(demo)
    page.context.close()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, and see that the focus is drawn."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            shown = "getComputedStyle(document.activeElement).outlineStyle != 'none'"
            beside = "getComputedStyle(document.activeElement.parentElement).outlineStyle != 'none'"
            assert page.evaluate(f"{shown} || {beside}"), selector
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_the_whole_way_by_keyboard(browser: Browser, demo: Demo, phone: str) -> None:
    patient = at_the_frame(browser, demo, phone)
    page = patient.page
    tab_to(page, "button[value=spine]")
    patient.picture("focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(".o-soonest")
    tab_to(page, ".o-soonest button")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=phone]")
    for name, typed in (("first_name", "Anna"), ("last_name", "Klawisz"), ("phone", phone)):
        tab_to(page, f"input[name={name}]")
        page.keyboard.type(typed)
    tab_to(page, "input[name=consent]")
    page.keyboard.press("Space")
    tab_to(page, ".o-main-button")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=code]")
    code = demo.code(phone)
    tab_to(page, "input[name=code]")
    page.keyboard.type(code)
    page.wait_for_selector(".o-done")
    page.context.close()


def test_nothing_scrolls_sideways_at_320_pixels(browser: Browser, demo: Demo, phone: str) -> None:
    patient = at_the_frame(browser, demo, phone, width=320)
    page = patient.page
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    patient.choose_problem()
    page.wait_for_selector(".o-soonest")
    assert not page.evaluate(wide)
    patient.take_soonest()
    page.wait_for_selector("input[name=phone]")
    assert not page.evaluate(wide)
    patient.give_details()
    page.wait_for_selector("input[name=code]")
    assert not page.evaluate(wide)
    patient.type_code(demo)
    assert not page.evaluate(wide)
    page.context.close()


def test_a_trial_clinic_is_nowhere(browser: Browser, demo: Demo) -> None:
    page = browser.new_context().new_page()
    answer = page.goto(demo.deep_link.rsplit("/", 1)[0] + "/nowa-grunwald")
    assert answer is not None
    assert answer.status == 404
    assert "Grunwald" not in page.content()
    page.context.close()
