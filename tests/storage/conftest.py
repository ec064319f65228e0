"""An empty, migrated database, once on each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from okienko_server.storage.session import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, pool_size=16)
    yield database
    database.dispose()
