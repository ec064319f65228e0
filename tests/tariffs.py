"""Tariffs in tests: the one before any, and tariffs written past the operation's check of the month."""

from __future__ import annotations

from flask import Flask

from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import BUILT_IN, Tariff
from okienko_server.storage.tariffs import TariffShelf, TariffStore
from tests.conftest import MONDAY
from tests.web.patients import house_of

SMS_PRICE = BUILT_IN.price
"""What a message costs in a test that sets no tariff."""


def priced(app: Flask, *tariffs: Tariff) -> None:
    """Write tariffs as if they had been set long ago."""
    desk = house_of(app).desk

    def work(connection: object) -> None:
        for one in tariffs:
            TariffStore(connection, operator_scope()).put(one, MONDAY)  # type: ignore[arg-type]

    desk.database.write(work)
    object.__setattr__(desk, "tariffs", TariffShelf())
