"""Fixtures for everything: both engines, real servers; one PostgreSQL cluster a worker process, a fresh database a test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright

from okienko.tokens import Keys
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.operations import sign_in
from okienko_server.operations.desk import Desk
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from okienko_server.storage.tables import Base
from okienko_widget import load
from tests.chromium import LAUNCH_FLAGS, find_or_fetch
from tests.made_once import once
from tests.postgres import PostgresServer

ENGINES = ("sqlite", "postgres")
KEYS = Keys(("an embed key of at least thirty-two signs",), ("a session key of at least thirty-two signs",))
PEPPER = "a pepper of at least thirty-two characters"
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""Monday 23 November 2026, 8:00 in Kraków: the present moment of most tests."""


REAL_HASHER = sign_in.HASHER
# Two hundred people sign in during a run; only the tests about the hash itself pay its full price.
sign_in.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
sign_in.NOBODY = sign_in.HASHER.hash("nobody")
once()


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium a worker process; Playwright allows its driver once a thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_or_fetch(), args=LAUNCH_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer.start(fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def engine_urls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'okienko.db'}"}


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, engine_urls: dict[str, str]) -> str:
    """A migrated, empty database, once on each engine."""
    engine: str = request.param
    first = engine not in engine_urls or (
        engine == "sqlite" and not Path(engine_urls[engine].removeprefix("sqlite:///")).exists()
    )
    if engine == "postgres" and first:
        engine_urls[engine] = request.getfixturevalue("postgres_server").create_database("okienko_tests")
    database = Database(engine_urls[engine])
    if first:
        upgrade(database)
    else:
        empty(database)
    database.dispose()
    return engine_urls[engine]


_EMPTIES = [f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)]


def empty(database: Database) -> None:
    """Delete every row of every table."""
    with database.writing() as connection:
        if database.is_sqlite:
            for statement in _EMPTIES:
                connection.exec_driver_sql(statement)
        else:
            connection.exec_driver_sql(";".join(_EMPTIES))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings("development", database_url, KEYS, PEPPER, "inbox")


@pytest.fixture
def app(settings: Settings, clock: Clock) -> Iterator[Flask]:
    app = create_app(settings, clock=clock)
    yield app
    app.extensions["okienko"].desk.database.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """The operations' tools on an empty database, without any web."""
    desk = Desk(Database(database_url), PEPPER, load())
    yield desk
    desk.database.dispose()


def visitor(clinic_id: str = "", session: str = "visitor-1", **more: Any) -> Scope:
    """Return a patient's scope: pinned to a clinic, or a portal visitor when none is named."""
    kind = ScopeKind.CLINIC if clinic_id else ScopeKind.PORTAL
    return Scope(kind, clinic_id, session, Source.IFRAME if clinic_id else Source.PORTAL, **more)
