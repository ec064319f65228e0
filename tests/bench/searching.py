"""The portal's search over thousands of clinics, and what keeping its next starts costs a booking; both engines.

`OKIENKO_BENCH_CLINICS=1000` measures a country of that size and a tenth of it instead of 10,000 and 1,000.
"""

from __future__ import annotations

import contextlib
import html
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import update

from okienko.tokens import WidgetSession, new_session_id
from okienko_server.domain.cells import instant_of
from okienko_server.domain.errors import DomainError
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.domain.slots import bits
from okienko_server.domain.towns import towns
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.keep_starts import keep_starts
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.occupancy import LONG_AGO
from okienko_server.storage.session import Database
from okienko_server.storage.tables import NextStartRow
from okienko_widget import load as catalogue
from tests.bench import client, country, target, world
from tests.bench.serving import analyse, serving
from tests.gunicorn import gunicorn
from tests.postgres import PostgresServer

CLINICS = int(os.environ.get("OKIENKO_BENCH_CLINICS", "10000"))
SIZES = (CLINICS // 10, CLINICS)
AT_ONCE = 8
ROUNDS = 3
ASKED = 480
BAD_ASKED, GOAL_BAD = 60, 2.0
GOAL_R, GOAL_P95, GOAL_GROWTH, GOAL_UPKEEP = 0.05, 50, 1.5, 0.15
BOOKINGS, BOOKING_ROUNDS = 100, 5
Ask = Callable[[random.Random], dict[str, str]]


@dataclass
class Reading:
    """One kind of search measured in several rounds."""

    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)

    def add(self, ours: client.Measured, hello: client.Measured) -> None:
        """Note one round."""
        self.rates.append(ours.rate)
        self.ratios.append(ours.rate / hello.rate)
        self.p50.append(ours.percentile(0.5) * 1000)
        self.p95.append(ours.percentile(0.95) * 1000)


def run() -> None:
    """Measure behind gunicorn with two sync workers, on SQLite and on PostgreSQL with fsync on."""
    print(f"\n## Searching: gunicorn 2 sync workers, {country.PEOPLE} therapists a clinic, {country.TAKEN:.0%} taken")
    with tempfile.TemporaryDirectory(prefix="okienko-bench-") as folder, serving("hello") as hello:
        engine("SQLite", lambda size: f"sqlite:///{Path(folder) / f'{size}.db'}", hello)
        with PostgresServer.start(fsync=True) as postgres:
            engine("PostgreSQL", lambda size: postgres.create_database(f"clinics{size}"), hello)


def engine(name: str, url_of: Callable[[int], str], hello: int) -> None:
    """Measure one engine: the search at both sizes, its growth, and the upkeep at the greater."""
    mixes: list[Reading] = []
    for size in SIZES:
        url = url_of(size)
        database = Database(url)
        upgrade(database)
        began = time.perf_counter()
        clinics = country.build(database, size)
        analyse(database)
        print(f"\n### {name}, {size} clinics (built in {time.perf_counter() - began:.0f} s)")
        with serving("okienko", url) as okienko:
            mixes.append(searches(hello, okienko))
            if size == SIZES[-1]:
                hostile(okienko)
        if size == SIZES[-1]:
            upkeep(database, url, clinics)
        database.dispose()
    small, great = (statistics.median(mix.ratios) for mix in mixes)
    print(f"\n{name}: ten times more clinics make the search {small / great:.2f}x slower (goal {GOAL_GROWTH}x)")


def searches(hello: int, okienko: int) -> Reading:
    """Print rate, R and latency of each kind of search and of their mix; returns the mix."""
    print(f"{'search':26}{'c':>4}{'req/s':>8}{'R':>7}{'goal':>7}{'p50 ms':>8}{'p95 ms':>8}{'goal':>6}")
    chance, hidden = random.Random(11), fields_of(client.ask_once(okienko, client.GET_ROOT)[1])
    found = Reading()
    for name, ask in {"near a town": near, "anywhere": anywhere, "evening or weekend": late, "mix": mix}.items():
        client.load(okienko, [post(hidden | ask(chance)) for _ in range(100)], 2)
        for workers in (1, AT_ONCE) if ask is mix else (AT_ONCE,):
            found = Reading()
            for _ in range(ROUNDS):
                base = client.load(hello, [client.GET_ROOT] * ASKED, workers)
                ours = client.load(okienko, [post(hidden | ask(chance)) for _ in range(ASKED // 2)], workers)
                assert set(ours.statuses) == {200}, ours.statuses
                found.add(ours, base)
            row = [statistics.median(values) for values in (found.rates, found.ratios, found.p50, found.p95)]
            print(
                f"{name:26}{workers:>4}{row[0]:>8.0f}{row[1]:>7.3f}{GOAL_R:>7}{row[2]:>8.1f}{row[3]:>8.1f}{GOAL_P95:>6}"
            )
    return found


def hostile(okienko: int) -> None:
    """Print how much longer than an ordinary search each bad input takes, one at a time, medians of rounds in turn."""
    chance, hidden = random.Random(13), fields_of(client.ask_once(okienko, client.GET_ROOT)[1])
    took: dict[str, list[float]] = {"an ordinary search": [], **{name: [] for name in bad()}}
    for _ in range(ROUNDS):
        for name, seconds in took.items():
            asked = [mix(chance) | bad().get(name, {}) for _ in range(BAD_ASKED)]
            measured = client.load(okienko, [post(hidden | fields) for fields in asked], 1)
            assert set(measured.statuses) <= {200, 400, 413, 422}, (name, measured.statuses)
            seconds.append(statistics.mean(measured.latencies) * 1000)
    ordinary = statistics.median(took["an ordinary search"])
    print(f"\n{'bad input':38}{'mean ms':>8}{'times':>7}{'goal':>6}")
    for name, seconds in took.items():
        mean = statistics.median(seconds)
        print(f"{name:38}{mean:>8.1f}{mean / ordinary:>7.2f}{GOAL_BAD:>6}")


def bad() -> dict[str, dict[str, str]]:
    """Return what is written over an ordinary search's fields, by name."""
    sql, tag = "' OR 1=1; DROP TABLE clinic;--", "<script>alert(1)</script>"
    names = ("place", "when", "km", "access", "language", "order", "page", "near", "kind", "category", "age")
    return {
        "a town nobody knows": {"place": "Nigdziewo Dolne"},
        "10 kB of town": {"place": "Kraków " * 1500},
        "SQL in every field": dict.fromkeys(names, sql),
        "HTML in every field": dict.fromkeys(names, tag),
        "an age nobody has": {"age_group": "child", "age": "-7", "age_unit": "eons"},
        "an age nobody treats for that": {"category": "geriatrics", "age_group": "child", "age": "3", "age_unit": "months"},
        "beyond every horizon": {"when": "3026-01-01", "week": "9999-12-31", "km": "99999999"},
        "a negative page": {"page": "-1"},
        "page 99999": {"page": "99999"},
        "near a point in space": {"place": "", "near": "999.9,-1e308"},
        "everything wished for at once": {
            "when": "weekend", "access": "step_free", "language": "uk", "km": "15", "order": "nearest",
        },
        "1,000 parameters": {f"p{number}": "x" for number in range(1000)},
    }  # fmt: skip


def fields_of(page: bytes) -> dict[str, str]:
    """Return the hidden fields of the portal's first page."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.decode())
    return {name: html.unescape(value) for name, value in hidden if name in ("session", "key")}


def post(form: dict[str, str]) -> bytes:
    """Return the bytes of a search as the first page sends it."""
    return client.post_form("/w/problem", urlencode(form))


def problem(chance: random.Random) -> dict[str, str]:
    """Return a problem, an age and a kind of visit, the common ones more often."""
    (category,) = chance.choices(list(ProblemCategory), country.COMMON)
    (group,) = chance.choices(("adult", "senior", "child"), (6, 2, 2))
    kind = "consultation" if chance.random() < 0.7 else "visit"
    form = {"category": category.value, "kind": kind, "age_group": group, "age_unit": "years", "age": "", "place": ""}
    return form | ({"age": str(chance.randrange(1, 18))} if "child" in (group, _forced(category)) else {})


def _forced(category: ProblemCategory) -> str:
    return "child" if category is ProblemCategory.PAEDIATRICS else ""


def near(chance: random.Random) -> dict[str, str]:
    """A problem near a town, drawn by its people."""
    (town,) = chance.choices(towns(), [town.people for town in towns()])
    return problem(chance) | {"place": f"{town.name}, {town.voivodeship}"}


def anywhere(chance: random.Random) -> dict[str, str]:
    """A problem, no place."""
    return problem(chance)


def late(chance: random.Random) -> dict[str, str]:
    """A problem near a town, in an evening or on a weekend."""
    return near(chance) | {"when": chance.choice(("evening", "weekend"))}


def mix(chance: random.Random) -> dict[str, str]:
    """70 % near a town, 15 % anywhere, 15 % in an evening or on a weekend."""
    (ask,) = chance.choices((near, anywhere, late), (70, 15, 15))
    return ask(chance)


def upkeep(database: Database, url: str, clinics: list[str]) -> None:
    """Print whole bookings a second with the next starts kept, with a worker beside, and with none of it."""
    starts = free_starts(database, clinics)
    rates: dict[str, list[float]] = {"no upkeep": [], "upkeep": [], "upkeep and a worker": []}
    unkept = gunicorn("tests.bench.target:okienko_unkept()", 2, {"OKIENKO_DATABASE_URL": url})
    with unkept as without, serving("okienko", url) as okienko:
        for port in (without, okienko):
            book(port, starts)
        for _ in range(BOOKING_ROUNDS):
            rates["no upkeep"].append(book(without, starts))
            rates["upkeep"].append(book(okienko, starts))
            with keeper(url):
                rates["upkeep and a worker"].append(book(okienko, starts))
    none = statistics.median(rates["no upkeep"])
    print(f"\n{'hold, details, code':26}{'c':>4}{'commits/s':>11}{'cost':>8}{'goal':>7}")
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"{name:26}{AT_ONCE:>4}{rate:>11.0f}{1 - rate / none:>8.0%}{GOAL_UPKEEP:>7.0%}")
    catching_up(database)


def book(port: int, starts: Iterator[tuple[str, str, str]]) -> float:
    """Make one round of bookings, each with another therapist, and return commits a second."""
    made: dict[str, Callable[[], list[Callable[[dict[str, str]], bytes]]]] = {}
    while len(made) < BOOKINGS:
        clinic_id, person, start = next(starts)
        made.setdefault(person, chain(clinic_id, person, start))
    measured = client.chains(port, made.values(), AT_ONCE)
    assert set(measured.statuses) <= {200, 201}, measured.statuses
    return measured.rate


def free_starts(database: Database, clinics: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (clinic, therapist, free hour), read when it is asked for, from all over the country."""
    desk, chance = Desk(database, "p" * 32, catalogue()), random.Random(5)
    while True:
        clinic_id = chance.choice(clinics)
        scope = Scope(ScopeKind.CLINIC, clinic_id, "bench")
        asked = Question(ProblemCategory.SPINE, ADULT, ServiceKind.CONSULTATION, days=28)
        with contextlib.suppress(DomainError):
            free = find_slots(asked, scope=scope, desk=desk, now=world.NOW)
            (person, _), mask = chance.choice(list(free.starts.items()) or [(("", ""), 0)])
            if ahead := list(bits(mask)):
                yield clinic_id, person, instant_of(free.span.base + chance.choice(ahead)).isoformat()


def chain(clinic_id: str, person: str, start: str) -> Callable[[], list[Callable[[dict[str, str]], bytes]]]:
    """Return one booking as three requests: hold, details, code."""
    made = WidgetSession(new_session_id(), "clinic", clinic_id, 1, "iframe", issued_at=world.NOW)
    token, appointment = made.sign(target.KEYS.session), "/api/v1/appointments"
    hold = {
        "category": "spine", "age_group": "adult", "kind": "consultation", "service_id": "consultation",
        "practitioner_id": person, "start": start,
    }  # fmt: skip
    details = {"first_name": "Łucja", "last_name": "Żółkiewska", "phone": "601 234 567", "consent": True}
    return lambda: [
        lambda _: client.post_json(appointment, hold, token, Idempotency_Key="hold"),
        lambda known: client.put_json(f"{appointment}/{known['id']}/details", details, token),
        lambda known: client.post_json(f"{appointment}/{known['id']}/verification", {"code": target.CODE}, token),
    ]


@contextlib.contextmanager
def keeper(url: str) -> Iterator[None]:
    """Let a process of its own keep the next starts meanwhile."""
    command = [sys.executable, "-c", "from tests.bench.target import keeper; keeper()"]
    process = subprocess.Popen(command, env=os.environ | {"OKIENKO_DATABASE_URL": url})
    try:
        time.sleep(3)
        yield
    finally:
        process.terminate()
        process.wait()


def catching_up(database: Database) -> None:
    """Print how many therapists a second the worker works out."""
    desk = Desk(database, "p" * 32, catalogue())
    while keep_starts(desk=desk, now=world.NOW):
        pass
    with database.writing() as connection:
        some = update(NextStartRow).where(NextStartRow.practitioner_id < "1")
        connection.execute(some.values(due_at=LONG_AGO))
    began, done = time.perf_counter(), 0
    while count := keep_starts(desk=desk, now=world.NOW):
        done += count
    print(f"the worker works out {done / (time.perf_counter() - began):.0f} therapists a second ({done} of them)")
