"""Server and worker are killed at any moment while patients book: nothing said is lost, and the money is the gateway's to the grosz."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from okienko_server.domain.cells import instant_of
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.operations.desk import Desk
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.onboard_clinic import PractitionerPlan, competent, open_clinic
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from okienko_server.storage.tables import AppointmentRow, Base, ChallengeRow, ClinicRow, LedgerRow, SmsMessageRow
from okienko_widget import load
from tests.conftest import KEYS, PEPPER
from tests.plans import one_therapist
from tests.postgres import PostgresServer
from tests.race.killing import Crowd, Victims
from tests.sms.fake import Fake, fake_gateway
from tests.storage.rows import differences
from tests.tariffs import SMS_PRICE

PROOF = os.environ.get("OKIENKO_PROOF") == "1"
KILLS = 200 if PROOF else 10
PLACES = [("sqlite", "smsapi"), ("postgres", "android")]
PATIENTS = 4
THERAPISTS = 4
GATEWAY_SECONDS = 0.06
START_SECONDS = 10.0
DRAIN_SECONDS = 40.0
PATIENCE_OF_CONTROLS = 10.0
SECRET = "a secret of the gateway"
OPEN = ("queued", "sending", "unsure")


@dataclass
class Ward:
    """One database, one gateway, the processes to kill and the patients meanwhile."""

    desk: Desk
    fake: Fake
    victims: Victims
    crowd: Crowd

    def kill(self, kills: int, seed: int) -> Counter[str]:
        """Kill server and worker in turn at random moments; half of the workers die while the gateway owes them an answer."""
        chance, killed = random.Random(seed), Counter[str]()
        billed = answered = 0
        for number in range(kills):
            kind = "worker" if number % 2 else chance.choice(["child", "child", "child", "server"])
            if kind == "worker":
                self._until(lambda before=billed: self.fake.billed > before)  # type: ignore[misc]
                if chance.random() < 0.5:
                    self.fake.working.wait(3)
                else:
                    time.sleep(chance.uniform(0.0, 0.3))
                self.victims.kill_worker()
                billed = self.fake.billed
            else:
                self._until(lambda before=answered: self.crowd.answered > before)  # type: ignore[misc]
                time.sleep(chance.uniform(0.0, 0.1))
                self.victims.kill_server() if kind == "server" else self.victims.kill_child(chance.randrange(2))
                answered = self.crowd.answered
            killed[kind] += 1
        return killed

    def _until(self, alive: Callable[[], bool]) -> None:
        """Wait until whoever is to die next has worked since it was started: killing what only loads its modules proves little."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and not alive():
            time.sleep(0.005)

    def drain(self) -> None:
        """Let everybody finish, the worker settle everything, and the holds nobody finished lapse."""
        self.crowd.end()
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end and any(one.status in OPEN for one in self.rows(SmsMessageRow)):
            time.sleep(0.2)
        self.victims.close()
        expire_holds(desk=self.desk, now=datetime.now(UTC) + timedelta(hours=1))

    def rows(self, table: type[Base]) -> list[Row[Any]]:
        with self.desk.database.reading() as connection:
            return list(connection.execute(select(table.__table__)))

    def faults(self) -> list[str]:
        """Return whatever may never be after everything came to rest."""
        return [*self._bookings(), *self._money(), *self._bill()]

    def _bookings(self) -> Iterator[str]:
        made = {one.id: one for one in self.rows(AppointmentRow)}
        kinds = {(one.appointment_id, one.kind): one for one in self.rows(SmsMessageRow)}
        for reference in self.crowd.acknowledged:
            if (one := made.get(reference.rpartition("-")[2])) is None or one.status != "pending":
                yield f"{reference}: said yes to, and {one.status if one else 'not there'}"
        for one in made.values():
            sent = kinds.get((one.id, "confirmation"))
            if one.status == "pending" and (sent is None or sent.status != "sent" or sent.id not in self.fake.taken):
                yield f"{one.id}: pending, its confirmation {sent.status if sent else 'never written'}"
        for challenge in self.rows(ChallengeRow):
            for kind in ("verification", "confirmation"):
                if (challenge.appointment_id, kind) not in kinds:
                    yield f"{challenge.appointment_id}: a code without its {kind}"
        with self.desk.database.reading() as connection:
            if wrong := differences(connection):
                yield f"masks and cells differ: {wrong}"

    def _money(self) -> Iterator[str]:
        sides, spent = Counter[tuple[str, str]](), self._of("spent")
        for line in self.rows(LedgerRow):
            sides[line.sms_id, line.event] += line.amount
        yield from (f"{key}: the sides sum to {amount}" for key, amount in sides.items() if amount)
        yield from (f"{key}: accounted {amount} gr" for key, amount in spent.items() if amount not in (0, SMS_PRICE))
        lost = SMS_PRICE * sum(one.status == "lost" for one in self.rows(SmsMessageRow))
        if (reserved := sum(self._of("reserved").values())) != lost:
            yield f"{reserved} gr still reserved, {lost} gr of lost messages"

    def _bill(self) -> Iterator[str]:
        spent = {key for key, amount in self._of("spent").items() if amount}
        ours = {one.id for one in self.rows(SmsMessageRow)}
        yield from (f"{key}: billed {count} times" for key, count in self.fake.taken.items() if count != 1)
        yield from (f"{key}: billed, not spent" for key in self.fake.taken.keys() - spent)
        yield from (f"{key}: spent, not billed" for key in spent - self.fake.taken.keys())
        yield from (f"{key}: billed under an id nobody wrote" for key in self.fake.taken.keys() - ours)
        owed, paid = SMS_PRICE * self.fake.billed, sum(self._of("spent").values())
        if owed != paid:
            yield f"the gateway bills {owed} gr, the ledger spent {paid} gr"

    def _of(self, account: str) -> Counter[str]:
        found = Counter[str]()
        for line in self.rows(LedgerRow):
            if line.account == account:
                found[line.sms_id] += line.amount
        return found


@pytest.fixture(params=PLACES, ids="-".join)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    engine, provider = request.param
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'kills.db'}", provider
        return
    with PostgresServer.start(fsync=True) as server:
        yield server.create_database("kills"), provider


@contextlib.contextmanager
def ward(place: tuple[str, str], factory: str = "guarded", worker: str = "worker") -> Iterator[Ward]:
    url, provider = place
    database = Database(url)
    upgrade(database)
    desk = Desk(database, PEPPER, load())
    with fake_gateway(provider) as fake:
        fake.delay = GATEWAY_SECONDS
        clinic_id, starts = _open(desk)
        settings = {
            "OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": url, "OKIENKO_PEPPER": PEPPER, "OKIENKO_SMS": provider,
            "OKIENKO_SMS_HOST": fake.url, "OKIENKO_SMS_TOKEN": "token", "OKIENKO_SMS_ACCOUNT": "user", "OKIENKO_SMS_SECRET": SECRET,
            "OKIENKO_EMBED_KEYS": KEYS.embed[0], "OKIENKO_SESSION_KEYS": KEYS.session[0],
        }  # fmt: skip
        victims = Victims(factory, worker, settings)
        crowd = Crowd(victims.port, clinic_id, fake, starts)
        crowd.begin(PATIENTS)
        try:
            yield Ward(desk, fake, victims, crowd)
        finally:
            crowd.stop.set()
            victims.close()
            database.dispose()


def _open(desk: Desk) -> tuple[str, list[datetime]]:
    """Open a clinic without a day's budget to speak of and return it with starts that do not overlap, once for each therapist."""
    people = tuple(
        PractitionerPlan("mgr", name, "Nowak", competent("spine 16y+")) for name in ("Anna", "Ewa", "Ola", "Iga")
    )
    clinic = open_clinic(replace(one_therapist(), practitioners=people), desk=desk)
    with desk.database.writing() as connection:
        connection.execute(update(ClinicRow).values(sms_day_budget=10**7))
    first = (datetime.now(UTC) + timedelta(days=1)).date()
    asked = Question(ProblemCategory.SPINE, ADULT, ServiceKind.CONSULTATION, first=first, days=60)
    free = find_slots(asked, scope=Scope(ScopeKind.CLINIC, clinic.id, "t"), desk=desk, now=datetime.now(UTC))
    cells, last = list[int](), -100
    for bit in range(free.any_start.bit_length()):
        if free.any_start >> bit & 1 and bit >= last + 12:
            cells.append(free.span.base + bit)
            last = bit
    return clinic.id, [instant_of(cell) for cell in cells for _ in range(THERAPISTS)]


def test_nothing_said_is_lost_and_no_message_accounted_twice_whoever_dies(place: tuple[str, str]) -> None:
    with ward(place) as here:
        killed = here.kill(KILLS, seed=9)
        here.drain()
        told = f"{killed}, {len(here.crowd.acknowledged)} booked, {here.crowd.broken} broken, {here.fake.billed} billed"
        assert here.faults() == [], told
        assert here.crowd.surprises == [], told
        # Kills that meet nobody at work prove nothing; how many bookings there is time for is the machine's business.
        assert len(here.crowd.acknowledged) >= KILLS // 5 and here.crowd.broken, told
        print(told)


@pytest.mark.parametrize(
    ("factory", "worker", "fault"),
    [
        ("guarded", "resending", "billed under an id nobody wrote"),
        ("guarded", "settling", "spent, not billed"),
        ("hasty", "worker", "said yes to, and"),
        # Patients wait a minute for codes that were lost, so this one is for the full figures; tests/operations cuts the power instead.
        *([("careless", "worker", "without its")] if PROOF else []),
    ],
)
@pytest.mark.parametrize("place", PLACES if PROOF else PLACES[:1], ids="-".join, indirect=True)
def test_without_a_protection_the_same_kills_find_it(
    place: tuple[str, str], factory: str, worker: str, fault: str
) -> None:
    """The control: blind repeats, money settled before the call, an answer before the commit, messages in a transaction of their own."""
    with ward(place, factory, worker) as here:
        # Somebody waits in vain for a code that was lost with its worker.
        here.crowd.patience = PATIENCE_OF_CONTROLS
        here.kill(8, seed=9)
        here.drain()
        assert any(fault in one for one in here.faults()), here.faults()
