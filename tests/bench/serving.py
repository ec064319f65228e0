"""Requests a second of Okienko over those of a Flask hello-world, on the same server, workers and concurrency."""

from __future__ import annotations

import contextlib
import itertools
import random
import statistics
from collections.abc import Callable, Iterator
from datetime import date, datetime
from urllib.parse import urlencode

from okienko.tokens import WidgetSession, new_session_id
from okienko_server.domain.cells import instant_of
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from okienko_widget import load as catalogue
from tests.bench import client, target, world
from tests.gunicorn import gunicorn
from tests.postgres import PostgresServer

CONCURRENCY = (1, 8, 32)
ROUNDS = 3
REQUESTS = {1: 1200, 8: 2400, 32: 2400}
GOALS = {
    "page with a week": 0.28,
    "the same for the script": 0.28,
    "one therapist, one day": 0.30,
    "any therapist, one day": 0.25,
    "any therapist, a month": 0.20,
}


def run() -> None:
    """Measure on PostgreSQL with fsync on, behind gunicorn with two sync workers."""
    with PostgresServer.start(fsync=True) as postgres:
        url = postgres.create_database("bench")
        database = Database(url)
        upgrade(database)
        count = world.build(database)
        analyse(database)
        print(
            f"\n## Serving: {count} appointments, gunicorn 2 sync workers, PostgreSQL with fsync; R = rate / hello's rate"
        )
        with serving("hello") as hello, serving("okienko", url) as okienko:
            reads(hello, okienko)
            bookings(hello, okienko, database)
            burst(hello, okienko, database)
            growth(okienko, database)
        database.dispose()


@contextlib.contextmanager
def serving(name: str, url: str = "", workers: int = 2) -> Iterator[int]:
    """Run one of the benchmark's applications under gunicorn; yields its port."""
    with gunicorn(f"tests.bench.target:{name}()", workers, {"OKIENKO_DATABASE_URL": url}) as port:
        yield port


def analyse(database: Database) -> None:
    """Let PostgreSQL learn what the tables hold."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def session() -> str:
    """Return the text of a fresh pinned session."""
    made = WidgetSession(new_session_id(), "clinic", world.CLINIC, 1, "iframe", issued_at=world.NOW)
    return made.sign(target.KEYS.session)


def _days() -> list[str]:
    return [day.isoformat() for day in world.working_days(world.FIRST_DAY, 20)]


def questions() -> dict[str, Callable[[], bytes]]:
    """Return the four reads, each drawing therapist, service and day at random."""
    chance, sessions, days = random.Random(7), [session() for _ in range(64)], _days()
    asked = {"category": "spine", "age_group": "adult", "kind": "visit"}
    turn = itertools.cycle(sessions)

    def slots(**more: object) -> bytes:
        body = asked | {"service_id": chance.choice(world.SERVICES)} | more
        return client.post_json("/api/v1/slots/search", body, next(turn))

    def page(**headers: str) -> bytes:
        week = {
            "session": next(turn),
            "key": "k",
            "week": chance.choice(days),
            "service": chance.choice(world.SERVICES),
        }
        return client.post_form("/w/times", urlencode(asked | week), **headers)

    return {
        "page with a week": page,
        "the same for the script": lambda: page(X_Okienko="step"),
        "one therapist, one day": lambda: slots(
            **{"from": chance.choice(days), "days": 1, "practitioner_id": chance.choice(world.PEOPLE)}
        ),
        "any therapist, one day": lambda: slots(**{"from": chance.choice(days), "days": 1}),
        "any therapist, a month": lambda: slots(**{"from": "2026-12-01", "days": 31}),
    }


def reads(hello: int, okienko: int) -> None:
    """Print R and latency of each read at each concurrency, medians of the rounds."""
    print(f"{'query':26}{'c':>4}{'req/s':>8}{'R':>7}{'goal':>7}{'p50 ms':>8}{'p95 ms':>8}{'p95 / hello':>12}")
    for name, make in questions().items():
        client.load(okienko, [make() for _ in range(50)], 2)
        for workers in CONCURRENCY:
            rates, ratios, p50, p95, over = [], [], [], [], []
            for _ in range(ROUNDS):
                base = client.load(hello, [client.GET_ROOT] * REQUESTS[workers], workers)
                ours = client.load(okienko, [make() for _ in range(REQUESTS[workers])], workers)
                assert set(ours.statuses) == {200}, ours.statuses
                rates.append(ours.rate)
                ratios.append(ours.rate / base.rate)
                p50.append(ours.percentile(0.5) * 1000)
                p95.append(ours.percentile(0.95) * 1000)
                over.append(ours.percentile(0.95) / base.percentile(0.95))
            row = [statistics.median(values) for values in (rates, ratios, p50, p95, over)]
            print(
                f"{name:26}{workers:>4}{row[0]:>8.0f}{row[1]:>7.3f}{GOALS[name]:>7}{row[2]:>8.1f}{row[3]:>8.1f}{row[4]:>11.1f}x"
            )


def free_starts(database: Database, count: int, skip: int) -> list[tuple[str, datetime]]:
    """Return distinct (therapist, free half hour) pairs that do not overlap, so that none is refused."""
    desk = Desk(database, "p" * 32, catalogue())
    scope = Scope(ScopeKind.CLINIC, world.CLINIC, "bench")
    found: list[tuple[str, datetime]] = []
    for person in world.PEOPLE:
        asked = Question(
            ProblemCategory.SPINE, ADULT, ServiceKind.VISIT, "service30", person, first=date(2026, 12, 1), days=60
        )
        free = find_slots(asked, scope=scope, desk=desk, now=world.NOW)
        mask, last = free.any_start, -10
        for bit in range(mask.bit_length()):
            if mask >> bit & 1 and bit >= last + 6:
                found.append((person, instant_of(free.span.base + bit)))
                last = bit
    random.Random(3).shuffle(found)
    return found[skip : skip + count]


def chain(person: str, start: datetime) -> Callable[[], list[Callable[[dict[str, str]], bytes]]]:
    """Return one booking as three requests: hold, details, code."""
    token = session()
    hold = {
        "category": "spine",
        "age_group": "adult",
        "kind": "visit",
        "service_id": "service30",
        "practitioner_id": person,
    }
    details = {"first_name": "Łucja", "last_name": "Żółkiewska", "phone": "601 234 567", "consent": True}
    appointment = "/api/v1/appointments"
    return lambda: [
        lambda _: client.post_json(appointment, hold | {"start": start.isoformat()}, token, Idempotency_Key="hold"),
        lambda known: client.put_json(f"{appointment}/{known['id']}/details", details, token),
        lambda known: client.post_json(f"{appointment}/{known['id']}/verification", {"code": target.CODE}, token),
    ]


def bookings(hello: int, okienko: int, database: Database) -> None:
    """Print commits a second of whole bookings over hello: every booking is three requests, each its own commit."""
    print(
        f"\n{'booking':26}{'c':>4}{'commits/s':>10}{'R commits':>10}{'goal':>6}{'bookings/s':>11}{'R whole':>8}{'p95 / hello':>12}"
    )
    skip = 0
    for workers, count in ((1, 60), (8, 200), (32, 200)):
        starts = free_starts(database, count, 0)
        base = client.load(hello, [client.GET_ROOT] * 800, workers)
        ours = client.chains(okienko, [chain(person, start) for person, start in starts], workers)
        assert set(ours.statuses) <= {200, 201}, ours.statuses
        over = ours.percentile(0.95) / base.percentile(0.95)
        print(
            f"{'hold, details, code':26}{workers:>4}{ours.rate:>10.0f}{ours.rate / base.rate:>10.3f}{0.15:>6}"
            f"{ours.rate / 3:>11.0f}{ours.rate / 3 / base.rate:>8.3f}{over:>11.1f}x"
        )
        skip += count


def burst(hello: int, okienko: int, database: Database) -> None:
    """Print the time of 50 clients on one slot, in hello-times, and their answers."""
    times, answers = [], dict[int, int]()
    one = 1 / client.load(hello, [client.GET_ROOT] * 800, 8).rate
    for person, start in free_starts(database, 20, 0):
        body = {
            "category": "spine",
            "age_group": "adult",
            "kind": "visit",
            "service_id": "service30",
            "practitioner_id": person,
        }
        requests = [
            client.post_json("/api/v1/appointments", body | {"start": start.isoformat()}, session()) for _ in range(50)
        ]
        took, statuses = client.at_once(okienko, requests)
        times.append(took)
        for status, count in statuses.items():
            answers[status] = answers.get(status, 0) + count
    print(
        f"\n50 clients on one slot, 20 rounds: median {statistics.median(times) / one:.0f} hello-times, answers {answers}"
    )


def growth(okienko: int, database: Database) -> None:
    """Print how much slower a day gets when ten times more appointments lie outside it."""
    make = questions()["any therapist, one day"]
    before = [client.load(okienko, [make() for _ in range(400)], 1).percentile(0.5) for _ in range(5)]
    world.fill(database, world.working_days(date(2024, 1, 1), 400), seed=2)
    analyse(database)
    client.load(okienko, [make() for _ in range(100)], 1)
    after = [client.load(okienko, [make() for _ in range(400)], 1).percentile(0.5) for _ in range(5)]
    print(
        f"ten times more appointments outside the asked day: {statistics.median(after) / statistics.median(before):.2f}x (goal 1.2x)"
    )
