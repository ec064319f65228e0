"""Each example is started with the command its README names, and a real browser finds the window and the times in it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from okienko import Embed, EmbedToken
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.onboard_clinic import allow_origins
from tests.conftest import KEYS
from tests.gates.sites import Town, town

EXAMPLES = Path(__file__).parents[2] / "examples"
MODES = ("inline", "popup", "float", "iframe", "link")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("examples")) as running:
        yield running


@contextlib.contextmanager
def started(place: Town, folder: str, *command: str) -> Iterator[str]:
    """Run an example's command on a free port that the clinic allows; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, desk = f"http://localhost:{port}", place.app.extensions["okienko"].desk
    allow_origins((url, place.host.url), scope=operator_scope().at(place.clinic.id), desk=desk)
    token = EmbedToken(place.clinic.id, 1)
    settings = {
        "OKIENKO_URL": place.url,
        "OKIENKO_TOKEN": token.sign(KEYS.embed),
        "OKIENKO_SECRET": token.secret(KEYS.embed),
    }
    parts = [part.replace("PORT", str(port)) for part in command]
    log = subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, *parts], cwd=EXAMPLES / folder, env=os.environ | settings, stdout=log, stderr=log
    )
    try:
        for _ in range(150):
            with contextlib.suppress(requests.RequestException):
                requests.get(url, timeout=10)
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def ready(browser: Browser, url: str) -> tuple[list[str], str]:
    """Open a page, wait for the window in it, and return (the times the page itself lists, the window's text)."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    window = page.frame_locator("okienko-booking iframe")
    window.locator("button[name=category]:not([hidden])").first.wait_for()
    listed, text = page.locator("ul a").all_inner_texts(), window.locator("main").inner_text()
    context.close()
    return listed, text


def test_the_flask_host_shows_the_window_and_the_next_times(place: Town, browser: Browser) -> None:
    with started(place, "flask_host", "-m", "flask", "--app", "app", "run", "--port", "PORT") as url:
        listed, text = ready(browser, url)
        _, narrowed = ready(browser, f"{url}/?category=sports")
    assert len(listed) == 3
    assert "Kręgosłup" in text and "Sport" in text
    assert "Sport" in narrowed and "Kręgosłup" not in narrowed


def test_the_django_host_shows_the_window_and_the_next_times(place: Town, browser: Browser) -> None:
    with started(place, "django_host", "host.py", "runserver", "--noreload", "localhost:PORT") as url:
        listed, text = ready(browser, url)
    assert len(listed) == 3
    assert "Kręgosłup" in text


def filled(place: Town, page: str) -> str:
    """Return an example page as somebody who follows its README would have it."""
    text = (EXAMPLES / page).read_text("utf-8")
    snippets: Embed = place.portal() if "portal" in page else place.embed()
    return text.replace("http://127.0.0.1:8000", place.url).replace("TOKEN", snippets.token)


@pytest.mark.parametrize("mode", MODES)
def test_a_plain_page_of_each_mode_works(place: Town, browser: Browser, mode: str) -> None:
    place.host.pages[f"/{mode}.html"] = (filled(place, f"plain_html/{mode}.html"), {})
    allow_origins(
        (place.host.url,), scope=operator_scope().at(place.clinic.id), desk=place.app.extensions["okienko"].desk
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{place.host.url}/{mode}.html")
    first = "button[name=category]:not([hidden])"
    if mode == "link":
        page.locator(f"a[href^='{place.url}']").first.click()
        page.locator(first).first.wait_for()
    elif mode == "iframe":
        page.frame_locator("iframe").locator(first).first.wait_for()
    else:
        if mode != "inline":
            page.wait_for_function("!!customElements.get('okienko-booking')")
            page.locator("okienko-booking button" if mode == "float" else "okienko-booking a").first.click()
        page.frame_locator("okienko-booking iframe").locator(first).first.wait_for()
    context.close()


def test_the_portals_page_has_every_clinic(place: Town, browser: Browser) -> None:
    place.host.pages["/portal.html"] = (filled(place, "portal_host/index.html"), {})
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{place.host.url}/portal.html")
    window = page.frame_locator("okienko-booking iframe")
    window.locator("button[value=spine]").click()
    window.locator(".o-card").nth(1).wait_for()
    context.close()
