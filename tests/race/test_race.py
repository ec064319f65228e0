"""Fifty patients want one time, over HTTP, against four server processes: one gets it, the others get a calm 409."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from okienko.tokens import WidgetSession, new_session_id
from okienko_server.domain.cells import instant_of
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.onboard_clinic import OpenedClinic, open_clinic
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from okienko_widget import load
from tests.bench.client import at_once, post_json
from tests.conftest import KEYS, PEPPER
from tests.gunicorn import gunicorn
from tests.plans import one_therapist
from tests.postgres import PostgresServer

PROOF = os.environ.get("OKIENKO_PROOF") == "1"
ROUNDS = 200 if PROOF else 12
CLIENTS = 50
OVERLAPS = text(
    "SELECT count(*) FROM appointment a JOIN appointment b ON a.clinic_id = b.clinic_id AND a.practitioner_id = b.practitioner_id "
    "AND a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at "
    "WHERE a.status = 'proposed' AND b.status = 'proposed'"
)


@dataclass
class Arena:
    """Four server processes on one database with one clinic."""

    port: int
    database: Database
    clinic: OpenedClinic

    def starts(self, count: int) -> list[datetime]:
        """Return free starts that do not overlap."""
        desk = Desk(self.database, PEPPER, load())
        asked = Question(ProblemCategory.SPINE, ADULT, ServiceKind.CONSULTATION, first=tomorrow(), days=60)
        free = find_slots(asked, scope=Scope(ScopeKind.CLINIC, self.clinic.id, "t"), desk=desk, now=datetime.now(UTC))
        cells, last = [], -100
        for bit in range(free.any_start.bit_length()):
            if free.any_start >> bit & 1 and bit >= last + 12:
                cells.append(free.span.base + bit)
                last = bit
        return [instant_of(cell) for cell in cells[:count]]

    def hold(self, start: datetime) -> bytes:
        """Return the request of one more patient for that start."""
        session = WidgetSession(new_session_id(), "clinic", self.clinic.id, 1, "iframe", issued_at=datetime.now(UTC))
        body = {"category": "spine", "age_group": "adult", "start": start.isoformat()}
        return post_json("/api/v1/appointments", body, session.sign(KEYS.session))

    def overlapping_pairs(self) -> int:
        with self.database.reading() as connection:
            return int(connection.execute(OVERLAPS).scalar_one())


@dataclass
class Verdict:
    """How many patients got the time in each round, and every answer that was neither 201 nor 409."""

    winners: list[int] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)

    def add(self, statuses: dict[int, int]) -> None:
        self.winners.append(statuses.get(201, 0))
        for status, count in statuses.items():
            if status not in (201, 409):
                self.others[status] = self.others.get(status, 0) + count

    @property
    def right(self) -> bool:
        return set(self.winners) == {1} and not self.others


def tomorrow() -> date:
    return (datetime.now(UTC) + timedelta(days=1)).date()


@pytest.fixture(params=["sqlite", "postgres"])
def race_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'race.db'}"
        return
    with PostgresServer.start(fsync=True) as server:
        yield server.create_database("race")


@contextlib.contextmanager
def arena(url: str, factory: str) -> Iterator[Arena]:
    database = Database(url)
    upgrade(database)
    clinic = open_clinic(one_therapist(), desk=Desk(database, PEPPER, load()))
    settings = {
        "OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": url, "OKIENKO_SMS": "console", "OKIENKO_PEPPER": PEPPER,
        "OKIENKO_EMBED_KEYS": KEYS.embed[0], "OKIENKO_SESSION_KEYS": KEYS.session[0],
    }  # fmt: skip
    try:
        with gunicorn(f"tests.race.wsgi:{factory}()", 4, settings, "--preload") as port:
            yield Arena(port, database, clinic)
    finally:
        database.dispose()


def same_slot(place: Arena, rounds: int) -> Verdict:
    verdict = Verdict()
    for start in place.starts(rounds):
        verdict.add(at_once(place.port, [place.hold(start) for _ in range(CLIENTS)])[1])
    return verdict


def test_of_fifty_patients_at_one_time_exactly_one_gets_it(race_url: str) -> None:
    with arena(race_url, "guarded") as place:
        verdict = same_slot(place, ROUNDS)
        assert verdict.right, verdict
        assert len(verdict.winners) == ROUNDS
        assert place.overlapping_pairs() == 0


def test_overlapping_starts_five_minutes_apart_never_make_an_overlapping_pair(race_url: str) -> None:
    chance, winners = random.Random(5), 0
    with arena(race_url, "guarded") as place:
        for start in place.starts(200)[:: max(1, 200 // ROUNDS)][:ROUNDS]:
            offsets = [timedelta(minutes=5 * chance.randrange(0, 20)) for _ in range(CLIENTS)]
            _, statuses = at_once(place.port, [place.hold(start + offset) for offset in offsets])
            assert set(statuses) <= {201, 409, 422}, statuses
            winners += statuses.get(201, 0)
        assert winners > ROUNDS // 3
        assert place.overlapping_pairs() == 0


def test_the_same_race_is_lost_when_the_key_of_the_cells_is_dropped(race_url: str) -> None:
    """The control: without the primary key of the occupancy table the very same test does not pass."""
    with arena(race_url, "guarded") as place:
        drop_cell_key(place.database)
        assert not same_slot(place, 2).right


@pytest.mark.parametrize("engine", ["postgres"])
def test_check_then_insert_without_the_key_double_books(engine: str) -> None:
    """The control of the control: the clients are fast enough to double-book a server that only checks before it inserts."""
    with PostgresServer.start(fsync=True) as server:
        url = server.create_database(f"race_{engine}")
        with arena(url, "unguarded") as place:
            drop_cell_key(place.database)
            verdict = same_slot(place, 8)
            assert max(verdict.winners) > 1
            assert place.overlapping_pairs() > 0


def drop_cell_key(database: Database) -> None:
    """Take the primary key off the occupancy table, keeping its rows and its other indexes."""
    with database.writing() as connection:
        if database.is_sqlite:
            connection.execute(text("CREATE TABLE bare AS SELECT * FROM cell"))
            connection.execute(text("DROP TABLE cell"))
            connection.execute(text("ALTER TABLE bare RENAME TO cell"))
        else:
            connection.execute(text("ALTER TABLE cell DROP CONSTRAINT pk_cell"))
