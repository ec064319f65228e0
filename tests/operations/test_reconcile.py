"""A gateway's account of a day against ours: what it settles moves row and money once, what it cannot settle is only said."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain.plan import OpenedClinic
from okienko_server.domain.scope import operator_scope
from okienko_server.operations import reconcile as reckoning
from okienko_server.operations.reconcile import (
    Difference,
    GatewayAccount,
    Kind,
    account_span,
    ask_account,
    day_span,
    reconcile,
)
from okienko_server.operations.send_sms import BATCH, LEASE, send_due
from okienko_server.operations.take_reports import take_reports
from okienko_server.sms.gateway import AfterUnsure, Billed, Delivery, GatewayUnsure, Report, Taken
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.outbox_worker import OutboxWorkerStore
from okienko_server.storage.tables import LedgerRow, SmsMessageRow
from tests.conftest import Clock
from tests.operations.test_money import balanced, booked, ledger, unlimited
from tests.operations.test_outbox import Notebook
from tests.plans import one_therapist
from tests.tariffs import SMS_PRICE
from tests.web.patients import house_of, messages_of, opened, rows_of

DAY = date(2026, 11, 23)
NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""Three o'clock in Kraków on the day after."""
NEXT_NIGHT = NIGHT + timedelta(days=1)
DELIVERED, UNDELIVERED = Delivery.DELIVERED, Delivery.UNDELIVERED


class Biller(Notebook):
    """A gateway that keeps an account: what it was given it bills, unless told otherwise; nobody can ask it about one message."""

    name = "biller"

    def __init__(self) -> None:
        super().__init__(AfterUnsure.WAIT)
        self.bill: list[Billed] = []
        self.takes = True

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        if self.takes:
            self.bill.append(Billed(message_id, f"gateway-{message_id}", 1, DELIVERED))
        return super().send(message_id, phone, body)

    def account(self, since: datetime, until: datetime) -> Sequence[Billed]:
        return list(self.bill)


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    """A clinic without a pool: every grosz is on the bill."""
    unlimited(app)
    return opened(app, one_therapist())


def sent(app: Flask, clock: Clock, gateway: Notebook, **faults: bool) -> None:
    for name, value in faults.items():
        setattr(gateway, name, value)
    send_due(gateway, desk=house_of(app).desk, now=clock.now)


def lost(app: Flask, clock: Clock, place: OpenedClinic, *, taken: bool) -> tuple[Biller, Any]:
    """Leave one message lost, whose line broke while it was handed over."""
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway, breaking=True, takes=taken)
    forget(app, clock, gateway)
    (row,) = messages_of(app)
    assert row.status == "lost" and ledger(app, place).reserved == 2 * SMS_PRICE
    return gateway, row


def forget(app: Flask, clock: Clock, gateway: Notebook) -> None:
    """Let the worker give up what nobody can tell it, and stand in the night after."""
    clock.now += timedelta(hours=27)
    sent(app, clock, gateway)
    clock.now = NEXT_NIGHT


def reckoned(app: Flask, clock: Clock, gateway: Notebook, day: date = DAY) -> list[Difference]:
    account = ask_account(gateway, day, clock.now)
    assert account is not None
    return reconcile(day, account, desk=house_of(app).desk, now=clock.now)


def told(found: list[Difference]) -> list[tuple[str, bool, str]]:
    return [(one.kind.value, one.settled, one.was) for one in found]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), 25), (date(2027, 3, 28), 23), (DAY, 24)])
def test_a_day_is_as_long_as_its_clocks_say(day: date, hours: int) -> None:
    first, end = (moment.astimezone(UTC) for moment in day_span(day))
    assert end - first == timedelta(hours=hours)


def test_where_both_agree_nothing_is_said(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway)
    clock.now = NIGHT
    assert reckoned(app, clock, gateway) == [] and ledger(app, place).from_bill == SMS_PRICE


def test_a_lost_message_on_the_account_is_paid_once(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    gateway, row = lost(app, clock, place, taken=True)
    (found,) = reckoned(app, clock, gateway)
    assert found == Difference(Kind.TAKEN, True, place.id, row.id, f"gateway-{row.id}", "lost")
    spent, lines = ledger(app, place), len(rows_of(app, LedgerRow))
    assert (spent.from_bill, spent.reserved) == (SMS_PRICE, SMS_PRICE) and balanced(app)
    (row,) = messages_of(app)
    assert (row.status, row.delivery, row.gateway_id) == ("sent", "delivered", f"gateway-{row.id}")
    for _ in range(3):
        assert reckoned(app, clock, gateway) == []
    assert ledger(app, place) == spent and len(rows_of(app, LedgerRow)) == lines


def test_many_who_reckon_at_once_settle_it_once(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    gateway, _ = lost(app, clock, place, taken=True)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: reckoned(app, clock, gateway), range(4)))
    assert [one.kind for each in found for one in each] == [Kind.TAKEN]
    assert ledger(app, place).from_bill == SMS_PRICE and balanced(app)


def test_without_the_lock_and_the_ledgers_key_it_would_be_paid_twice(
    app: Flask, clock: Clock, place: OpenedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: decided by what was read before, and booked without the key."""
    gateway, row = lost(app, clock, place, taken=True)
    with house_of(app).desk.database.reading() as connection:
        before = OutboxWorkerStore(connection, operator_scope()).reported(row.id, "")
    whole, numbers = LedgerStore.book, count()
    monkeypatch.setattr(OutboxWorkerStore, "reported", lambda *_: before)
    monkeypatch.setattr(LedgerStore, "book", lambda store, key, *more: whole(store, f"{key}-{next(numbers)}", *more))
    for _ in range(2):
        reckoned(app, clock, gateway)
        with house_of(app).desk.database.writing() as connection:
            connection.execute(update(SmsMessageRow).values(status="lost"))
    assert ledger(app, place).from_bill == 2 * SMS_PRICE


@pytest.mark.parametrize("again", [False, True])
def test_what_was_refused_but_billed_is_paid_and_not_sent_again(
    app: Flask, clock: Clock, place: OpenedClinic, again: bool
) -> None:
    """It was given up for good, or still waits for another try."""
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway, refusing=True, again=again)
    was = "queued" if again else "failed"
    assert [row.status for row in messages_of(app)] == [was]
    assert told(reckoned(app, clock, gateway)) == [("taken", True, was)]
    clock.forward(minutes=5)
    sent(app, clock, gateway, refusing=False)
    found = ledger(app, place)
    assert len(gateway.given) == 1 and found.from_bill == SMS_PRICE and found.reserved == SMS_PRICE and balanced(app)


def test_one_dropped_after_a_try_that_was_billed_is_paid(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway, refusing=True)
    clock.forward(hours=1)
    sent(app, clock, gateway)
    assert [row.status for row in messages_of(app)] == ["dropped"] and ledger(app, place).reserved == SMS_PRICE
    clock.now = NIGHT
    assert told(reckoned(app, clock, gateway)) == [("taken", True, "dropped")]
    assert ledger(app, place).from_bill == SMS_PRICE and balanced(app)


def test_one_never_handed_over_is_not_believed(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Biller()
    gateway.bill = [Billed(row.id, "g", 1, DELIVERED) for row in rows_of(app, SmsMessageRow)]
    assert {one.settled for one in reckoned(app, clock, gateway)} == {False}
    assert ledger(app, place).reserved == 2 * SMS_PRICE and ledger(app, place).from_bill == 0


def test_what_did_not_arrive_is_given_back(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway)
    gateway.bill = [replace(one, delivery=UNDELIVERED) for one in gateway.bill]
    clock.now = NIGHT
    assert told(reckoned(app, clock, gateway)) == [("undelivered", True, "sent")]
    assert ledger(app, place).from_bill == 0 and balanced(app)
    assert reckoned(app, clock, gateway) == []
    gateway.bill = [replace(one, delivery=Delivery.SENT) for one in gateway.bill]
    assert reckoned(app, clock, gateway) == [], "an account older than what we know changes nothing"


def test_a_file_that_names_our_ids_ends_doubts_though_it_is_not_whole(
    app: Flask, clock: Clock, place: OpenedClinic
) -> None:
    """The way of a house whose gateway keeps no ids of ours, or has no list."""
    _, row = lost(app, clock, place, taken=True)
    since, _ = account_span(DAY, clock.now)
    file = GatewayAccount("biller", [Billed(row.id, "", 1, Delivery.ACCEPTED)], since, since)
    assert told(reconcile(DAY, file, desk=house_of(app).desk, now=clock.now)) == [("taken", True, "lost")]
    assert ledger(app, place).from_bill == SMS_PRICE and balanced(app)
    twice = replace(file, lines=[*file.lines, *file.lines])
    assert told(reconcile(DAY, twice, desk=house_of(app).desk, now=clock.now)) == [("twice", False, "sent")]


def test_a_line_on_two_pages_is_one_as_far_as_it_got(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway)
    (one,) = gateway.bill
    gateway.bill, clock.now = [replace(one, delivery=found) for found in (DELIVERED, UNDELIVERED, Delivery.SENT)], NIGHT
    assert reckoned(app, clock, gateway) == [] and messages_of(app)[0].delivery == "delivered"
    assert ledger(app, place).from_bill == SMS_PRICE


# ---- what is not there ----


def test_an_old_message_a_whole_account_does_not_know_is_given_back(
    app: Flask, clock: Clock, place: OpenedClinic
) -> None:
    gateway, row = lost(app, clock, place, taken=False)
    (found,) = reckoned(app, clock, gateway, DAY + timedelta(days=1))
    assert found == Difference(Kind.NEVER_TAKEN, True, place.id, row.id, "", "lost")
    assert ledger(app, place).reserved == SMS_PRICE and ledger(app, place).from_bill == 0 and balanced(app)
    assert [(row.status, row.body) for row in messages_of(app)] == [("failed", "")]
    assert reckoned(app, clock, gateway, DAY + timedelta(days=1)) == []
    late = Report(row.id, "g", DELIVERED)
    assert take_reports([late], desk=house_of(app).desk, now=clock.now) == 1
    assert ledger(app, place).from_bill == SMS_PRICE and balanced(app), "it was taken after all"


def test_a_young_message_is_left_alone(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    """Handed over ten minutes before midnight, it may be tried, and taken, until its life ends."""
    clock.now = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
    booked(app, place, 15)
    gateway = Biller()
    sent(app, clock, gateway, breaking=True)
    late, gateway.bill = gateway.bill, []
    clock.now = NIGHT
    assert reckoned(app, clock, gateway) == [] and messages_of(app)[0].status == "unsure"
    gateway.bill = [replace(one, at=datetime(2026, 11, 23, 23, 1, tzinfo=UTC)) for one in late]
    assert told(reckoned(app, clock, gateway)) == [("taken", True, "unsure")], "it stands on the next day's account"
    assert ledger(app, place).from_bill == SMS_PRICE and balanced(app)


def test_without_waiting_for_its_life_to_end_it_would_be_given_up_too_soon(
    app: Flask, clock: Clock, place: OpenedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(reckoning, "LIFE", timedelta())
    monkeypatch.setattr(reckoning, "LAG", timedelta())
    clock.now = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
    booked(app, place, 15)
    gateway = Biller()
    sent(app, clock, gateway, breaking=True)
    gateway.bill, clock.now = [], NIGHT
    assert told(reckoned(app, clock, gateway)) == [("never-taken", True, "unsure")]


def other_name(gateway: Biller) -> None:
    gateway.name = "another"


def nameless(gateway: Biller) -> None:
    gateway.bill.append(Billed("", "g-9", 1, DELIVERED, datetime(2026, 11, 23, 8, tzinfo=UTC)))


@pytest.mark.parametrize("reason", [other_name, nameless])
def test_where_absence_proves_nothing_it_is_only_said(
    app: Flask, clock: Clock, place: OpenedClinic, reason: Any
) -> None:
    """The house changed its gateway since; or somebody's message stands there under an id of the gateway's only."""
    gateway, row = lost(app, clock, place, taken=False)
    reason(gateway)
    found = reckoned(app, clock, gateway, DAY + timedelta(days=1))
    assert told(found) == [("never-taken", False, "lost")] and found[0].message_id == row.id
    assert ledger(app, place).reserved == 2 * SMS_PRICE and messages_of(app)[0].status == "lost"


def test_an_account_that_is_not_whole_gives_nothing_back(
    app: Flask, clock: Clock, place: OpenedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, _ = lost(app, clock, place, taken=True)
    since, until = account_span(DAY + timedelta(days=1), clock.now)
    half = GatewayAccount("biller", [], since, since)
    desk = house_of(app).desk
    assert reconcile(DAY + timedelta(days=1), half, desk=desk, now=clock.now) == []
    assert ledger(app, place).reserved == 2 * SMS_PRICE
    # The control: held for whole, what was billed is given back.
    assert told(reconcile(DAY + timedelta(days=1), replace(half, until=until), desk=desk, now=clock.now)) == [
        ("never-taken", True, "lost")
    ]
    assert ledger(app, place).reserved + ledger(app, place).from_bill < SMS_PRICE * (1 + len(gateway.bill))


def test_one_whose_worker_died_is_nobodys_to_give_back(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    """Nobody wrote down which gateway it went to."""
    booked(app, place)
    with house_of(app).desk.database.writing() as connection:
        OutboxWorkerStore(connection, operator_scope()).lease(BATCH, clock.now, clock.now + LEASE)
    gateway = Biller()
    clock.forward(minutes=3)
    sent(app, clock, gateway)
    forget(app, clock, gateway)
    assert told(reckoned(app, clock, gateway, DAY + timedelta(days=1))) == [("never-taken", False, "lost")]


def test_one_that_left_is_never_given_back_because_it_is_missing(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway)
    gateway.bill, clock.now = [], NIGHT
    (found,) = reckoned(app, clock, gateway)
    assert (found.kind, found.settled, found.clinic_id) == (Kind.MISSING, False, place.id)
    assert ledger(app, place).from_bill == SMS_PRICE and messages_of(app)[0].status == "sent"
    assert reckoned(app, clock, gateway, DAY - timedelta(days=1)) == [], "said of its own day only"


# ---- what is only said ----


def test_parts_a_second_billing_and_a_stranger_are_named_by_ids_only(
    app: Flask, clock: Clock, place: OpenedClinic
) -> None:
    booked(app, place)
    gateway = Biller()
    sent(app, clock, gateway)
    (one,) = gateway.bill
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    strangers = [Billed("x", "g-8", 1, DELIVERED, at), Billed("", "g-9", 2, DELIVERED, at - timedelta(days=1))]
    gateway.bill = [one, one, replace(one, gateway_id="g-7", parts=2), *strangers, Billed("\0", "\ud800")]
    clock.now = NIGHT
    found = reckoned(app, clock, gateway)
    assert sorted(told(found)) == [
        ("parts", False, "sent"), ("twice", False, "sent"), ("unknown", False, ""), ("unknown", False, ""),
    ]  # fmt: skip
    assert "601" not in str(found) and "kod" not in str(found)
    assert ledger(app, place).from_bill == SMS_PRICE
    assert [one.kind for one in reckoned(app, clock, gateway, DAY - timedelta(days=1))].count(Kind.UNKNOWN) == 2


def test_another_gateways_id_is_no_id_of_ours(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    booked(app, place)
    sent(app, clock, Notebook())
    (row,) = messages_of(app)
    gateway = Biller()
    gateway.bill, clock.now = [Billed("", row.gateway_id, 1, UNDELIVERED)], NIGHT
    assert [one.kind for one in reckoned(app, clock, gateway)] == [Kind.UNKNOWN]
    assert ledger(app, place).from_bill == SMS_PRICE


# ---- to the grosz ----


@pytest.mark.parametrize("seed", range(3))
def test_after_the_night_the_ledger_is_the_gateways_bill(
    app: Flask, clock: Clock, place: OpenedClinic, seed: int
) -> None:
    """Every kind of fault by chance: what the gateway says it delivered is what the clinic pays, and nothing stays open."""
    dice, other = Random(seed), opened(app, one_therapist("inna"))
    gateway, done = Biller(), 0
    for hour in range(9, 17):
        for one in (place, other):
            booked(app, one, hour)
            breaking, refusing = dice.random() < 0.4, dice.random() < 0.3
            again = dice.random() < 0.5
            # One that says "not now" and bills each try would be paid by nobody's care.
            takes = not (refusing and again) and (dice.random() < 0.6 or not (breaking or refusing))
            sent(app, clock, gateway, breaking=breaking, refusing=refusing, takes=takes, again=again)
            done += breaking or refusing
            clock.forward(seconds=40)
    gateway.breaking = gateway.refusing = False
    gateway.takes, gateway.name = True, "biller"
    gateway.bill = [replace(one, delivery=UNDELIVERED) if dice.random() < 0.2 else one for one in gateway.bill]
    assert done > 3
    reckoned(app, clock, gateway)
    forget(app, clock, gateway)
    for day in (DAY, DAY + timedelta(days=1)):
        reckoned(app, clock, gateway, day)
    assert all(found.settled for found in reckoned(app, clock, gateway, DAY + timedelta(days=1)))
    bill = {one.message_id: one for one in gateway.bill}
    assert len(bill) == len(gateway.bill), "nothing was billed twice"
    arrived = sum(one.delivery is not UNDELIVERED for one in bill.values())
    promised = sum(row.status == "promised" for row in rows_of(app, SmsMessageRow))
    both = [ledger(app, one) for one in (place, other)]
    assert sum(found.from_bill for found in both) == arrived * SMS_PRICE
    assert sum(found.reserved for found in both) == promised * SMS_PRICE and balanced(app)


def test_without_the_night_it_is_not(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    """The control."""
    gateway, _ = lost(app, clock, place, taken=True)
    assert ledger(app, place).from_bill != len(gateway.bill) * SMS_PRICE


def test_a_gateway_that_cannot_say_ends_nothing(app: Flask, clock: Clock, place: OpenedClinic) -> None:
    gateway, _ = lost(app, clock, place, taken=True)

    def broken(since: datetime, until: datetime) -> Sequence[Billed]:
        raise GatewayUnsure("status 502")

    gateway.account = broken  # type: ignore[method-assign]
    with pytest.raises(GatewayUnsure):
        reckoned(app, clock, gateway)
    assert messages_of(app)[0].status == "lost"
