"""Searching the portal in a real browser, every way there is: on a telephone and on a desk, with script and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.journeys.demo import PICTURES, Demo
from tests.journeys.roles import follow

pytestmark = pytest.mark.journey
SIZES = {"phone": (360, 800), "desk": (1280, 900)}
SCHEMES = {"phone": "dark", "desk": "light"}
WAYS = ("script", "no-script")


def standing_at(browser: Browser, url: str, size: str, way: str = "script") -> tuple[BrowserContext, Page]:
    """Return a browser of a size at an address."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if SCHEMES[size] == "dark" else "light",
        java_script_enabled=way == "script",
        locale="pl-PL",
    )
    page = context.new_page()
    page.goto(url)
    return context, page


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def front(browser: Browser, demo: Demo, size: str, way: str) -> Iterator[Page]:
    context, page = standing_at(browser, demo.portal, size, way)
    yield page
    assert context.cookies() == []
    context.close()


def choose(page: Page, category: str = "spine") -> None:
    page.locator(f"button[name=category][value={category}]:not([hidden])").click()
    page.wait_for_selector(".o-at-clinics")
    page.wait_for_load_state()  # without scripts it is a new page, and only a whole one may be counted


def cards(page: Page) -> Locator:
    return page.locator("li.o-card")


def told(page: Page) -> str:
    """Return what the page says it found."""
    return page.locator(".p-told").inner_text().replace("\N{NO-BREAK SPACE}", " ")


def settled(page: Page, name: str, way: str) -> None:
    """Keep a picture; where scripts run, let axe look at the page and see that nothing scrolls sideways."""
    page.screenshot(path=PICTURES / f"portal-{name}.png", full_page=True)
    if way == "script":
        found = Axe().run(page).response["violations"]
        assert found == [], json.dumps([(one["id"], [node["html"] for node in one["nodes"]]) for one in found])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_by_town_with_a_letter_wrong(front: Page, size: str, way: str) -> None:
    front.fill("#f-place", "Krakuw")
    choose(front)
    assert "Kraków i okolice" in told(front)
    assert all("Kraków" in text for text in cards(front).all_inner_texts())
    assert front.locator("svg.p-map .p-pin").count() == cards(front).count()
    settled(front, f"town-{size}-{way}", way)


def test_anywhere_then_narrowed_to_evenings_and_parking(front: Page, size: str, way: str) -> None:
    choose(front)
    before = cards(front).count()
    front.get_by_label("Wieczorem, po 17").check(force=True)
    if way == "no-script":
        follow(front, front.get_by_role("button", name="Szukaj"))
    else:
        # The list follows a moment after the last change, without taking the keyboard away.
        late = "() => [...document.querySelectorAll('.o-slots button')].every((one) => /(1[7-9]|2\\d):\\d\\d$/.test(one.textContent))"
        front.wait_for_function(late)
        assert front.evaluate("document.activeElement.value") == "evening"
    times = front.locator("li.o-card .o-slots button").all_inner_texts()
    assert times and all(int(re.search(r"(\d+):\d\d$", text)[1]) >= 17 for text in times)  # type: ignore[index]
    assert cards(front).count() <= before
    settled(front, f"evenings-{size}-{way}", way)


def test_a_town_nobody_knows_keeps_what_was_typed(front: Page, size: str, way: str) -> None:
    front.fill("#f-place", "Atlantyda")
    front.locator("button[name=category][value=sports]:not([hidden])").click()
    front.wait_for_selector("#e-place")
    assert front.input_value("#f-place") == "Atlantyda"
    settled(front, f"unknown-{size}-{way}", way)


def test_near_me_is_offered_only_where_it_can_be_answered(front: Page, size: str, way: str) -> None:
    assert front.locator("[data-near]").is_visible() == (way == "script")


def test_a_far_town_shows_the_nearest_who_does(front: Page, size: str, way: str) -> None:
    front.fill("#f-place", "Suwałki")
    choose(front)
    assert "pokazujemy" in told(front) and cards(front).count() > 0
    settled(front, f"far-{size}-{way}", way)


def test_a_time_on_the_list_is_taken_at_its_address(front: Page, size: str, way: str) -> None:
    front.fill("#f-place", "Wrocław")
    choose(front, "orthopaedics")
    address = cards(front).first.locator("p").first.inner_text().split(" · ")[0].strip()
    cards(front).first.locator(".o-slots button").first.click()
    front.wait_for_selector(".o-at-details")
    assert address.split(",")[0] in front.locator(".o-summary").inner_text()
    front.screenshot(path=PICTURES / f"portal-taken-{size}-{way}.png", full_page=True)


def test_near_me(browser: Browser, demo: Demo, size: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        geolocation={"latitude": 54.3521234, "longitude": 18.6465678},
        permissions=["geolocation"],
    )
    page = context.new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.goto(demo.portal)
    page.locator("[data-near]").click()
    page.wait_for_function("document.querySelector('[name=near]').value")
    choose(page)
    assert "Gdańsk i okolice" in told(page)
    # A kilometre is near enough: the exact place never leaves the browser.
    assert any("54.35%2C18.65" in body for body in sent) and not any("54.3521" in body for body in sent)
    page.screenshot(path=PICTURES / f"portal-near-{size}.png", full_page=True)
    context.close()


def test_towns_are_offered_while_one_types(browser: Browser, demo: Demo) -> None:
    context, page = standing_at(browser, demo.portal, "desk")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#f-place").press_sequentially("wroc")
    page.wait_for_selector("#p-places option[value=Wrocław]", state="attached")
    assert all("wroc" not in url.lower() for url in asked)
    context.close()


@pytest.mark.parametrize(
    "path", ["/g/kazimierz", "/fizjoterapia/kregoslup/", "/fizjoterapia/kregoslup/krakow", "/fizjoterapia/niemowleta-i-dzieci/krakow"]
)  # fmt: skip
def test_pages_with_addresses_of_their_own_are_accessible(browser: Browser, demo: Demo, size: str, path: str) -> None:
    context, page = standing_at(browser, urljoin(demo.portal, path), size)
    settled(page, f"{path.strip('/').replace('/', '-')}-{size}", "script")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    context.close()


def test_the_whole_portal_hangs_together(demo: Demo) -> None:
    """Crawl every page from the front page and the sitemaps: no broken link, no canonical twice, JSON-LD that parses, nobody's data."""
    home = demo.portal.rstrip("/")
    waiting, seen, canonical = [home + "/", *_mapped(home)], set[str](), list[str]()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        answer = requests.get(url, timeout=20)
        assert answer.status_code == 200, url
        if "text/html" not in answer.headers["Content-Type"]:
            continue
        page = answer.text
        for told in re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL):
            assert json.loads(told)["@context"] == "https://schema.org"
        if "noindex" not in page:
            canonical += [found for found in re.findall(r'rel="canonical" href="([^"]*)"', page) if found == url]
        # The clinic on trial is nowhere; the only numbers are the clinics' own, and nobody's e-mail stands anywhere.
        assert "Grunwald" not in page.replace("Grunwaldzka", "") and "example.test" not in page, url
        numbers = {found.removeprefix("tel:") for found in re.findall(r"tel:\+?\d+|\+48\d{9}", page)}
        assert len({number[-9:] for number in numbers}) <= 1, url
        links = re.findall(r'<a [^>]*href="([^"#?]+)"', page)
        waiting += [to for to in (urljoin(url, link) for link in links) if _ours(to, home) and to not in seen]
    assert len(seen) > 60 and len(canonical) == len(set(canonical))
    assert set(canonical) == set(_mapped(home))


def _ours(url: str, home: str) -> bool:
    closed = ("/staff", "/operator", "/w/", "/e/", "/api")
    return url.startswith(home) and not url.removeprefix(home).startswith(closed)


def _mapped(home: str) -> list[str]:
    files = re.findall("<loc>(.*?)</loc>", requests.get(f"{home}/sitemap.xml", timeout=20).text)
    return [url for file in files for url in re.findall("<loc>(.*?)</loc>", requests.get(file, timeout=20).text)]
