"""One demo for all journeys of a module."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.journeys.demo import Demo, running_demo

_numbers = itertools.count(601_000_100)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture
def phone() -> str:
    """A telephone number nobody else in the run uses."""
    return str(next(_numbers))
