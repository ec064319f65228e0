"""Somebody booking inside a frame, to the end."""

from __future__ import annotations

from playwright.sync_api import Frame

from tests.gates.sites import CODE

SURNAME, PHONE = "Żółkiewska", "601 234 567"


def book(frame: Frame, category: str = "spine") -> None:
    """From the first question to the confirmation."""
    frame.click(f"button[name=category][value={category}]:not([hidden])")
    to_details(frame)
    frame.fill("input[name=first_name]", "Łucja")
    frame.fill("input[name=last_name]", SURNAME)
    frame.fill("input[name=phone]", PHONE)
    frame.check("input[name=consent]")
    frame.click(".o-main-button")
    frame.wait_for_selector("input[name=code]")
    frame.fill("input[name=code]", CODE)
    frame.wait_for_selector(".o-done")


def to_details(frame: Frame) -> None:
    """From the free times to the details."""
    frame.wait_for_selector(".o-soonest button")
    frame.click(".o-soonest button")
    frame.wait_for_selector("input[name=phone]")
