"""The real demo as a process of its own, a browser, and what a patient and a therapist do in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import BrowserContext, Frame, Page

SERVER = "tests.journeys.halting" if os.environ.get("OKIENKO_PROOF") == "1" else "okienko_server"
PICTURES = Path(__file__).parents[2] / "build" / "journeys"
BLOCKED = """
for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
  Object.defineProperty(window, name, { get() { throw new DOMException('blocked', 'SecurityError') } });
"""


@dataclass(frozen=True)
class Demo:
    """The addresses the demo printed."""

    portal: str
    deep_link: str
    clinic_site: str
    embed: str
    staff: str
    staff_login: dict[str, str]
    staff_accounts: dict[str, str]
    sms_inbox: str
    openapi: str

    def messages(self, phone: str) -> list[str]:
        """Return the texts a telephone got, newest first."""
        got = requests.get(self.sms_inbox + ".json", timeout=10).json()["messages"]
        return [one["body"] for one in got if one["phone"] == "+48" + phone]

    def code(self, phone: str) -> str:
        """Wait for the newest code of a telephone and return it."""
        for _ in range(100):
            for body in self.messages(phone):
                if found := re.search(r"kod (\d{6})", body):
                    return found[1]
            time.sleep(0.1)
        raise AssertionError("no code came")


@contextlib.contextmanager
def running_demo() -> Iterator[Demo]:
    """Run `okienko demo --json` until the block ends."""
    command = [sys.executable, "-m", SERVER, "demo", "--json", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Demo(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate(timeout=20)


def block_third_parties(page: Page) -> None:
    """Refuse third-party cookies and every storage, as Safari's and many people's settings do."""
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    names = (
        "enableThirdPartyCookieRestriction",
        "disableThirdPartyCookieMetadata",
        "disableThirdPartyCookieHeuristics",
    )
    wire.send("Network.setCookieControls", dict.fromkeys(names, True))
    page.add_init_script(BLOCKED)


def open_schedule(context: BrowserContext, demo: Demo, role: str = "owner") -> Page:
    """Sign in as somebody of that role and return the schedule, marked so that a reload would be noticed."""
    page = context.new_page()
    page.goto(demo.staff)
    page.fill("input[name=email]", demo.staff_accounts[role])
    page.fill("input[name=password]", demo.staff_login["password"])
    page.keyboard.press("Enter")
    page.wait_for_selector("main")
    page.evaluate("window.neverReloaded = true")
    return page


@dataclass
class Patient:
    """Somebody booking, in a page or in a frame of one; pictures are kept of every step."""

    where: Page | Frame
    page: Page
    door: str
    phone: str
    surname: str

    def picture(self, step: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{self.door}-{step}.png")

    def choose_problem(self, category: str = "spine") -> None:
        self.picture("1-problem")
        self.where.click(f"button[value={category}]")

    def take_soonest(self) -> None:
        self.where.wait_for_selector(".o-soonest button")
        self.picture("2-times")
        self.where.click(".o-soonest button")

    def give_details(self) -> None:
        self.where.wait_for_selector("input[name=phone]")
        self.where.fill("input[name=first_name]", "Łucja")
        self.where.fill("input[name=last_name]", self.surname)
        self.where.fill("input[name=phone]", self.phone)
        self.where.check("input[name=consent]")
        self.picture("3-details")
        self.where.click(".o-main-button")

    def type_code(self, demo: Demo) -> None:
        self.where.wait_for_selector("input[name=code]")
        self.picture("4-code")
        self.where.fill("input[name=code]", demo.code(self.phone))
        with contextlib.suppress(Exception):
            # The script sends the sixth digit by itself; without it, the button does.
            self.where.wait_for_selector(".o-done", timeout=1500)
        if not self.where.query_selector(".o-done"):
            self.where.click(".o-main-button")
        self.where.wait_for_selector(".o-done")
        self.picture("5-done")
