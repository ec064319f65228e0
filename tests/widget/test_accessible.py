"""Every step in a real browser: axe finds nothing, nothing scrolls sideways, targets are large, both colour schemes."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from okienko_widget import render
from tests.widget import samples

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
TARGETS = (
    "button, a, summary, .o-pick label, .o-days label, .o-tick, input:not([type=radio], [type=checkbox]), textarea"
)
SMALL_TARGETS = """(targets) => [...document.querySelectorAll(targets)]
    .filter(el => el.checkVisibility() && el.type !== 'hidden' && !el.closest('.o-problems'))
    .map(el => [el.textContent.trim() || el.name, Math.round(el.getBoundingClientRect().height)])
    .filter(([, height]) => height < 44)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", samples.VIEWS)
def test_axe_finds_nothing(browser: Browser, name: str, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 720})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_content(render(samples.VIEWS[name]))
    found = Axe().run(page, options=RULES)
    page.close()
    assert found.violations_count == 0, found.generate_report()


def test_nothing_scrolls_sideways_or_shrinks_below_a_fingertip(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 640})
    for name, view in samples.VIEWS.items():
        page.set_content(render(view))
        for width in (280, 320, 600, 1600):
            page.set_viewport_size({"width": width, "height": 640})
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, (name, width)
            assert page.evaluate(SMALL_TARGETS, TARGETS) == [], (name, width)
    page.close()
