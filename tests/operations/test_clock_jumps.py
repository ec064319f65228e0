"""The machine's clock steps an hour forwards or backwards, anywhere between lease and settling: no message twice, no grosz lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from okienko_server.domain.plan import OpenedClinic
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.send_sms import send_due
from okienko_server.operations.worker import work
from okienko_server.sms.gateway import AfterUnsure, GatewayRefused, GatewayUnsure, OfThisProcess, Taken
from tests.conftest import Clock
from tests.operations.test_money import balanced, booked, ledger, unlimited
from tests.plans import one_therapist
from tests.tariffs import SMS_PRICE
from tests.web.patients import house_of, messages_of, opened

HOUR = timedelta(hours=1)
JUMPS = [HOUR, -HOUR]
ALL = list(AfterUnsure)


class Jumping(OfThisProcess):
    """A gateway that bills, and while whose first answer is awaited the clock steps; one that can be asked or repeated bills an id once.

    `before` says whether the step comes before it has billed the message or after; `meanwhile` is what others do just then.
    """

    name = "jumping"

    def __init__(self, after_unsure: AfterUnsure, *, before: bool = False, fault: Exception | None = None) -> None:
        self.after_unsure, self.before, self.fault = after_unsure, before, fault
        self.billed: Counter[str] = Counter()
        self.meanwhile: Callable[[], object] | None = None

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile and self.before:
            meanwhile()
        fault, self.fault = self.fault, None
        if isinstance(fault, GatewayRefused):
            raise fault
        if not (self.billed[message_id] and self.after_unsure is not AfterUnsure.WAIT):
            self.billed[message_id] += 1
        if meanwhile and not self.before:
            meanwhile()
        if fault:
            raise fault
        return Taken(f"g-{message_id}")

    def find(self, message_id: str) -> Taken | None:
        return Taken(f"g-{message_id}") if self.billed[message_id] else None


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    unlimited(app)
    return opened(app, one_therapist())


def turn(app: Flask, gateway: Jumping, clock: Clock) -> None:
    send_due(gateway, desk=house_of(app).desk, now=clock.now)
    expire_holds(desk=house_of(app).desk, now=clock.now)


def stepping(app: Flask, gateway: Jumping, clock: Clock, jump: timedelta) -> None:
    """Let the clock step inside the next hand-over, and another worker look at the outbox at once."""

    def step() -> None:
        clock.now += jump
        turn(app, gateway, clock)

    gateway.meanwhile = step


def quiet(app: Flask, gateway: Jumping, clock: Clock) -> None:
    """Work on until nothing is left to do."""
    for _ in range(8):
        turn(app, gateway, clock)
        clock.forward(minutes=16)
    clock.forward(hours=27)
    turn(app, gateway, clock)


def settled(app: Flask, place: OpenedClinic, gateway: Jumping, *, unsure: int = 0) -> None:
    """Assert that everything was billed once, and that the ledger says so; of `unsure` ones the money stays reserved."""
    assert set(gateway.billed.values()) <= {1}, "billed twice"
    found = ledger(app, place)
    assert (
        found.from_bill == (sum(gateway.billed.values()) - unsure) * SMS_PRICE and found.reserved == unsure * SMS_PRICE
    )
    assert balanced(app)


def stays_unsure(after_unsure: AfterUnsure, jump: timedelta) -> bool:
    """Return whether only a report or the night's account can end a doubt: a code an hour old is offered to nobody again."""
    return after_unsure is AfterUnsure.WAIT or (after_unsure is AfterUnsure.REPEAT and jump == HOUR)


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("after_unsure", ALL)
def test_a_step_between_lease_and_settling(
    app: Flask, clock: Clock, place: OpenedClinic, after_unsure: AfterUnsure, before: bool, jump: timedelta
) -> None:
    for hour in (9, 10, 11):
        booked(app, place, hour)
    gateway = Jumping(after_unsure, before=before)
    stepping(app, gateway, clock, jump)
    turn(app, gateway, clock)
    quiet(app, gateway, clock)
    settled(app, place, gateway)
    assert sum(gateway.billed.values()) == 3 and {row.status for row in messages_of(app)} == {"sent"}


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("after_unsure", ALL)
def test_a_step_while_the_line_breaks(
    app: Flask, clock: Clock, place: OpenedClinic, after_unsure: AfterUnsure, jump: timedelta
) -> None:
    booked(app, place)
    gateway = Jumping(after_unsure, fault=GatewayUnsure("the line broke"))
    stepping(app, gateway, clock, jump)
    turn(app, gateway, clock)
    quiet(app, gateway, clock)
    settled(app, place, gateway, unsure=int(stays_unsure(after_unsure, jump)))


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("fault", [None, GatewayRefused("busy"), GatewayUnsure("the line broke")])
@pytest.mark.parametrize("after_unsure", ALL)
def test_a_step_between_two_looks_of_the_worker(
    app: Flask, clock: Clock, place: OpenedClinic, after_unsure: AfterUnsure, fault: Exception | None, jump: timedelta
) -> None:
    booked(app, place)
    gateway = Jumping(after_unsure, fault=fault)
    turn(app, gateway, clock)
    clock.now += jump
    quiet(app, gateway, clock)
    waits = isinstance(fault, GatewayUnsure) and stays_unsure(after_unsure, jump)
    settled(app, place, gateway, unsure=int(waits))
    if jump < timedelta() or fault is None:
        assert sum(gateway.billed.values()) == 1, "nothing got lost"


def test_without_the_doubt_a_step_would_bill_twice(
    app: Flask, clock: Clock, place: OpenedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: whoever finds the lapsed lease simply sends again."""
    monkeypatch.setattr("okienko_server.operations.send_sms._asked", lambda gateway, message: None)
    booked(app, place)
    gateway = Jumping(AfterUnsure.WAIT)
    stepping(app, gateway, clock, timedelta(minutes=5))
    turn(app, gateway, clock)
    assert set(gateway.billed.values()) == {2}
    assert ledger(app, place).from_bill == SMS_PRICE, "paid once, billed twice"


def test_the_worker_goes_on_after_the_clock_was_put_back(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    """New messages leave at once, and lapsed holds are given back, though the hour before was seen already."""
    booked(app, place)
    gateway, stop, desk = Jumping(AfterUnsure.ASK), threading.Event(), house_of(app).desk
    chores: list[datetime] = []
    worker = threading.Thread(
        target=work, args=(gateway,), daemon=True,
        kwargs={"desk": desk, "clock": clock, "stop": stop, "chores": [chores.append]},
    )  # fmt: skip
    worker.start()
    try:
        until(lambda: sum(gateway.billed.values()) == 1)
        clock.now -= HOUR
        patient = booked(app, place, 11)
        until(lambda: sum(gateway.billed.values()) == 2)
        clock.forward(minutes=41)
        until(lambda: patient.read().get_json().get("status") == "expired", lambda: patient.read().get_json())
        assert max(chores) > clock.now
    finally:
        stop.set()
        desk.outbox_bell.set()
        worker.join(10)
    assert balanced(app) and set(gateway.billed.values()) == {1}


def until(true: Callable[[], bool], seen: Callable[[], object] = lambda: "") -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, seen()
        time.sleep(0.05)
