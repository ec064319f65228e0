"""A real browser, and a stand-in server that answers each form with the sample of the next step."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, Route

from okienko_widget import render, script_hash, style_hash
from tests.widget import samples

ORIGIN = "https://okienko.test"
POLICY = (
    f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; connect-src 'self'; form-action 'self'; "
    "img-src data:; base-uri 'none'; require-trusted-types-for 'script'; trusted-types okienko"
)
ANSWERS = {"problem": "times", "times": "times-full", "hold": "details", "details": "code", "code": "done"} | {
    "start": "problem", "extend": "details", "release": "times", "edit": "details-error", "resend": "code-portal"
}  # fmt: skip


class Stand:
    """Answers like the server: GET /<sample> shows it, POST /w/<step> shows the step after. Counts what was sent."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[tuple[str, dict[str, list[str]]]] = []
        self.violations: list[str] = []
        self.broken = False
        page.route("**/*", self._answer)
        page.on("console", lambda message: self.violations.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.violations.append(str(error)))

    def open(self, sample: str) -> Page:
        self.page.goto(f"{ORIGIN}/{sample}")
        return self.page

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN + "/")
        if route.request.method == "POST":
            if self.broken:
                route.abort()
                return
            path = path.removeprefix("w/")
            self.sent.append((path, parse_qs(route.request.post_data or "", keep_blank_values=True)))
            if path == "calendar":
                headers = {"content-disposition": "attachment; filename=wizyta.ics"}
                route.fulfill(body="BEGIN:VCALENDAR", content_type="text/calendar", headers=headers)
                return
            path = ANSWERS[path]
        body = render(samples.VIEWS[path])
        route.fulfill(body=body, content_type="text/html; charset=utf-8", headers={"content-security-policy": POLICY})


@pytest.fixture
def stand(browser: Browser) -> Iterator[Stand]:
    context = browser.new_context(viewport={"width": 390, "height": 720})
    yield Stand(context.new_page())
    context.close()


@pytest.fixture
def plain_stand(browser: Browser) -> Iterator[Stand]:
    context = browser.new_context(viewport={"width": 390, "height": 720}, java_script_enabled=False)
    yield Stand(context.new_page())
    context.close()
