"""One town for all gates, and a page that notes what the host page hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, ViewportSize

from tests.gates.sites import Town, town

LISTEN = """
window.heard = [];
for (const name of ['ready', 'step', 'slot', 'booked', 'error', 'open', 'close'])
  addEventListener('okienko:' + name, (event) => heard.push([name, event.detail]));
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective + ' ' + event.blockedURI));
"""


@dataclass
class Visit:
    """One browser page on a host site."""

    page: Page
    said: list[str] = field(default_factory=list)

    def frame(self, number: int = 0) -> Frame:
        """Return the numbered booking frame, once it is there."""
        self.page.wait_for_function(
            "n => document.querySelectorAll('okienko-booking')[n]?.frame", arg=number, timeout=10_000
        )
        handle = self.page.evaluate_handle(
            "n => document.querySelectorAll('okienko-booking')[n].frame", number
        ).as_element()
        assert handle is not None
        frame = handle.content_frame()
        assert frame is not None
        return frame

    def heard(self, name: str) -> list[Any]:
        """Return the details of the events of one name so far."""
        return [detail for one, detail in self.page.evaluate("heard") if one == name]

    def wait(self, name: str, count: int = 1) -> list[Any]:
        """Wait until the event came that often."""
        self.page.wait_for_function(
            "([name, count]) => heard.filter(([one]) => one === name).length >= count",
            arg=[name, count],
            timeout=15_000,
        )
        return self.heard(name)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("gates")) as running:
        yield running


Open = Callable[..., Visit]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open an address in a fresh browser context."""
    contexts = []

    def open_page(url: str, *, script: bool = True, before: Callable[[Page], None] | None = None, **size: int) -> Visit:
        viewport: ViewportSize = {"width": size.get("width", 900), "height": size.get("height", 800)}
        context = browser.new_context(viewport=viewport, java_script_enabled=script)
        contexts.append(context)
        visit = Visit(context.new_page())
        visit.page.on("console", lambda message: visit.said.append(message.text))
        visit.page.on("pageerror", lambda error: visit.said.append(f"error: {error}"))
        if script:
            visit.page.add_init_script(LISTEN)
        if before:
            before(visit.page)
        visit.page.goto(url)
        return visit

    yield open_page
    for context in contexts:
        context.close()
