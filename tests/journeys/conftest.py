"""One demo and one browser for every journey of a module."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.demo import Demo, launch, running_demo

_numbers = itertools.count(601_000_100)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def phone() -> str:
    """A telephone number nobody else in the run uses."""
    return str(next(_numbers))
