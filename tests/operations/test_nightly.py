"""What the worker looks after: the night's reckoning, and alarms about messages nobody knows of and a gateway that takes none."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from okienko_server.domain.plan import OpenedClinic
from okienko_server.operations.alarms import Reason
from okienko_server.operations.nightly import Night, Tidy, Watch, chores_of, outbox_state
from okienko_server.operations.worker import work
from okienko_server.sms.gateway import AfterUnsure, Billed, GatewayUnsure
from okienko_server.storage.reckoning import OutboxState
from tests.conftest import Clock
from tests.operations.test_money import booked, ledger, unlimited
from tests.operations.test_outbox import Notebook, queued
from tests.operations.test_pumping import Heard
from tests.operations.test_reconcile import DAY, NIGHT, Biller, forget, lost, sent
from tests.plans import one_therapist
from tests.web.patients import house_of, messages_of, opened


@pytest.fixture
def heard(clock: Clock) -> Iterator[Heard]:
    handler, logger = Heard(clock), logging.getLogger("okienko.alarm")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    return opened(app, one_therapist())


class Asked(Biller):
    """A gateway that counts how often its account was asked for, and has none while `closed`."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[datetime, datetime]] = []
        self.closed = False

    def account(self, since: datetime, until: datetime) -> Sequence[Billed]:
        self.spans.append((since, until))
        if self.closed:
            raise GatewayUnsure("status 503")
        return super().account(since, until)


def test_a_day_is_reckoned_once_after_three(app: Flask, clock: Clock) -> None:
    gateway = Asked()
    night = Night(gateway, house_of(app).desk)
    for minutes in range(-90, 60 * 24 - 5, 5):
        night.look(NIGHT + timedelta(minutes=minutes))
        assert len(gateway.spans) == (minutes >= 0), minutes
    since, until = gateway.spans[0]
    assert (since, until) == (datetime(2026, 11, 20, 23, tzinfo=UTC), NIGHT), "two days before the day, up to now"
    night.look(NIGHT + timedelta(days=1))
    assert len(gateway.spans) == 2


def test_a_worker_that_comes_back_at_noon_reckons_at_once(app: Flask, clock: Clock) -> None:
    gateway = Asked()
    Night(gateway, house_of(app).desk).look(NIGHT + timedelta(hours=9))
    assert len(gateway.spans) == 1


def test_an_account_that_could_not_be_had_is_asked_for_again(
    app: Flask, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Asked()
    night, gateway.closed = Night(gateway, house_of(app).desk), True
    for minutes in range(90):
        night.look(NIGHT + timedelta(minutes=minutes))
    assert len(gateway.spans) == 3 and "could not be had from biller: status 503" in caplog.text
    gateway.closed = False
    night.look(NIGHT + timedelta(minutes=95))
    night.look(NIGHT + timedelta(hours=5))
    assert len(gateway.spans) == 4


def test_a_gateway_without_an_account_is_left_alone(app: Flask, heard: Heard) -> None:
    Night(Notebook(), house_of(app).desk).look(NIGHT)
    assert heard.said == []


def test_what_is_left_raises_an_alarm_once_and_says_no_number(
    app: Flask, clock: Clock, place: OpenedClinic, heard: Heard
) -> None:
    booked(app, place)
    gateway = Asked()
    sent(app, clock, gateway)
    gateway.bill, clock.now = [Billed("x", "g", 1)], NIGHT
    desk = house_of(app).desk
    for _ in range(2):
        Night(gateway, desk).look(NIGHT)
    (said,) = (text for _, text in heard.said)
    assert Reason.DIFFERENT.value in said and said.endswith("2026-11-23: 1 missing, 1 unknown") and "601" not in said


def test_what_the_night_settles_is_no_alarm(app: Flask, clock: Clock, place: OpenedClinic, heard: Heard) -> None:
    booked(app, place)
    gateway = Asked()
    sent(app, clock, gateway, breaking=True)
    Night(gateway, house_of(app).desk).look(NIGHT)
    assert heard.said == [] and messages_of(app)[0].status == "sent"


def test_two_workers_reckon_the_same_night(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Asked()
    sent(app, clock, gateway, breaking=True)
    nights = [Night(gateway, house_of(app).desk) for _ in range(2)]
    workers = [threading.Thread(target=night.look, args=(NIGHT,)) for night in nights]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert len(gateway.spans) == 2 and ledger(app, place).from_bill == 20


def test_the_worker_itself_reckons_and_a_broken_account_does_not_end_it(
    app: Flask, clock: Clock, place: OpenedClinic
) -> None:
    booked(app, place)
    gateway, stop, desk = Asked(), threading.Event(), house_of(app).desk
    sent(app, clock, gateway, breaking=True)
    gateway.closed, gateway.breaking, clock.now = True, False, NIGHT
    worker = threading.Thread(
        target=work, args=(gateway,), daemon=True,
        kwargs={"desk": desk, "clock": clock, "stop": stop, "chores": chores_of(gateway, desk)},
    )  # fmt: skip
    worker.start()
    try:
        until(lambda: len(gateway.spans) == 1)
        gateway.closed = False
        clock.forward(minutes=31)
        until(lambda: messages_of(app)[0].status == "sent")
    finally:
        stop.set()
        desk.outbox_bell.set()
        worker.join(10)
    assert not worker.is_alive() and len(gateway.spans) == 2


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


# ---- alarms ----


def test_a_doubt_that_stays_is_said_after_ten_minutes_and_once_a_day(
    app: Flask, clock: Clock, place: OpenedClinic, heard: Heard
) -> None:
    booked(app, place)
    gateway, watch = Notebook(AfterUnsure.WAIT), Watch(house_of(app).desk)
    sent(app, clock, gateway, breaking=True)
    moments = []
    for _ in range(60 * 12):
        clock.forward(minutes=1)
        watch.look(clock.now)
        moments = [at for at, _ in heard.said]
    assert moments == [datetime(2026, 11, 23, 7, 11, tzinfo=UTC)]
    assert heard.said[0][1] == f"{Reason.DOUBT.value}: 1 of the last week"
    forget(app, clock, gateway)
    watch.look(clock.now)
    assert messages_of(app)[0].status == "lost" and len(heard.said) == 2
    watch.look(clock.now + timedelta(days=8))
    assert len(heard.said) == 2, "no news any more"


def test_a_doubt_that_ends_is_not_said(app: Flask, clock: Clock, place: OpenedClinic, heard: Heard) -> None:
    """The control: the gateway is asked and knows it."""
    booked(app, place)
    gateway, watch = Notebook(AfterUnsure.ASK), Watch(house_of(app).desk)
    sent(app, clock, gateway, breaking=True)
    clock.forward(minutes=1)
    sent(app, clock, gateway, breaking=False)
    for _ in range(30):
        clock.forward(minutes=1)
        watch.look(clock.now)
    assert heard.said == []


@pytest.mark.parametrize("again", [False, True])
def test_a_gateway_that_refuses_everything_is_said_once_an_hour(
    app: Flask, clock: Clock, heard: Heard, again: bool
) -> None:
    """A wrong token is refused for good, no credit for now."""
    queued(app, 3)
    gateway, watch = Notebook(), Watch(house_of(app).desk)
    sent(app, clock, gateway, refusing=True, again=again)
    watch.look(clock.now)
    assert [text for _, text in heard.said] == [f"{Reason.REFUSED.value}: the newest 3, none since"]
    for _ in range(30):
        clock.forward(minutes=1)
        watch.look(clock.now)
    assert len(heard.said) == 1
    clock.forward(minutes=31)
    watch.look(clock.now)
    assert len(heard.said) == (2 if again else 1), "one refused for good an hour ago is no news; one that waits is"


def test_one_bad_number_among_good_ones_is_no_alarm(app: Flask, clock: Clock, heard: Heard) -> None:
    unlimited(app)
    gateway, watch, desk = Notebook(), Watch(house_of(app).desk), house_of(app).desk
    for refusing in (True, True, False, True):
        queued_once(app)
        clock.forward(seconds=1)
        sent(app, clock, gateway, refusing=refusing, again=False)
        watch.look(clock.now)
        clock.forward(minutes=2)
    watch.look(clock.now)
    assert heard.said == []
    queued_once(app)
    queued_once(app)
    clock.forward(seconds=1)
    sent(app, clock, gateway, refusing=True)
    Watch(desk).look(clock.now)
    assert len(heard.said) == 1, "three in a row are one"


def queued_once(app: Flask) -> None:
    """Leave one more message of a clinic of its own."""
    place = opened(app, one_therapist(f"klinika-{time.monotonic_ns()}"))
    booked(app, place)


# ---- what an operator sees ----


def test_the_state_counts_what_waits_and_what_nobody_knows(app: Flask, clock: Clock) -> None:
    queued(app, 3)
    desk = house_of(app).desk
    assert outbox_state(desk=desk, now=clock.now) == OutboxState(3, 0, 0, 0, 0)
    clock.forward(minutes=6)
    assert outbox_state(desk=desk, now=clock.now) == OutboxState(3, 3, 0, 0, 360)
    gateway = Notebook(AfterUnsure.WAIT)
    sent(app, clock, gateway, breaking=True)
    assert outbox_state(desk=desk, now=clock.now) == OutboxState(0, 0, 3, 0, 0)
    clock.now += timedelta(hours=27)
    sent(app, clock, gateway)
    assert outbox_state(desk=desk, now=clock.now) == OutboxState(0, 0, 0, 3, 0)


def test_a_message_refused_for_now_goes_on_waiting(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway = Notebook()
    for _ in range(9):
        sent(app, clock, gateway, refusing=True)
        clock.forward(minutes=16)
    found = outbox_state(desk=house_of(app).desk, now=clock.now)
    assert (found.waiting, found.late, found.oldest_seconds) == (1, 1, 9 * 16 * 60)


def test_the_first_doubt_of_a_day_is_of_the_day(app: Flask, clock: Clock, place: OpenedClinic, heard: Heard) -> None:
    lost(app, clock, place, taken=True)
    assert clock.now.date() == DAY + timedelta(days=2)
    desk = house_of(app).desk
    for _ in range(3):
        Watch(desk).look(clock.now)
    assert len(heard.said) == 1


def test_the_worker_lets_sqlite_count_its_tables_when_it_begins_and_each_hour(app: Flask, clock: Clock) -> None:
    desk = house_of(app).desk
    opened(app, one_therapist())
    tidy = Tidy(desk)
    tidy.look(clock.now)
    if not desk.database.is_sqlite:
        # PostgreSQL counts by itself, and is asked for nothing.
        return

    def counted() -> int:
        with desk.database.reading() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM sqlite_stat1").scalar_one())

    assert counted() > 0
    with desk.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    clock.forward(minutes=50)
    tidy.look(clock.now)
    assert counted() == 0
    clock.forward(minutes=20)
    tidy.look(clock.now)
    assert counted() > 0
