"""The card other sites show, in a real browser: readable, never wider than its frame, and no taller than oEmbed promises."""

from __future__ import annotations

import brotli
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from okienko_widget.card import HEIGHT, CardStart, CardView, render_card
from okienko_widget.views import ClinicBadge
from tests.widget.test_accessible import RULES

URL = "https://okienko.test/g/kazimierz"
BADGE = ClinicBadge("Rehabilitacja Kazimierz", "ul. Józefa 12, Kraków", "RK", "123 450 612")
LONG = ClinicBadge(
    "Centrum Rehabilitacji i Fizjoterapii „Zdrowy Kręgosłup” w Krakowie-Podgórzu",
    "ul. Księdza Franciszka Blachnickiego 123A, Kraków", "CR", "123 450 612",
)  # fmt: skip
NEAR = CardStart(f"{URL}?date=2026-11-24", "jutro, 24 listopada", "jutro", "9:00")
FAR = CardStart(f"{URL}?date=2026-10-25", "niedz. 25 października", "niedz. 25.10", "13:30")
CARDS = {
    "times": CardView(BADGE, URL, (NEAR, NEAR, FAR), "+48123450612"),
    "long": CardView(LONG, URL, (FAR, FAR, FAR), "+48123450612"),
    "one": CardView(BADGE, URL, (NEAR,), "+48123450612"),
    "none": CardView(BADGE, URL, (), "+48123450612"),
    "closed": None,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CARDS)
def test_axe_finds_nothing(browser: Browser, name: str, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": HEIGHT})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_content(render_card(CARDS[name]))
    found = Axe().run(page, options=RULES)
    page.close()
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", CARDS)
def test_it_fits_its_frame_at_every_width(browser: Browser, name: str) -> None:
    page = browser.new_page()
    page.set_content(render_card(CARDS[name]))
    for width in (320, 360, 480, 559, 560, 600, 1200):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        height = page.evaluate("document.querySelector('main').getBoundingClientRect().height")
        assert 200 <= height <= HEIGHT, width
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
        small = "[...document.links].filter(link => link.getBoundingClientRect().height < 44).length"
        assert page.evaluate(small) == 0, width
    page.close()


def test_it_is_light() -> None:
    assert len(brotli.compress(render_card(CARDS["times"]).encode())) < 2500
