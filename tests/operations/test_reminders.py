"""Reminders on both engines: one for a visit, at its time, moved and dropped with it, silent at night, paid from the pool first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain.appointment import Status
from okienko_server.domain.money import Purse
from okienko_server.domain.scope import Scope, ScopeKind, operator_scope
from okienko_server.domain.tariff import BUILT_IN
from okienko_server.operations import remind, sms_wording
from okienko_server.operations.plan_visit import Where, cancel, move
from okienko_server.operations.remind import remind_due, reminder_costs
from okienko_server.operations.review import confirm
from okienko_server.operations.send_sms import send_due
from okienko_server.operations.sms_settings import SmsSettings, set_sms
from okienko_server.operations.worker import work
from okienko_server.sms.gateway import GatewayRefused, Taken
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.outbox import OutboxStore
from okienko_server.storage.reminders import ReminderStore, ReminderWorkerStore
from okienko_server.storage.tables import ClinicRow, SmsMessageRow
from tests.operations.test_money import MONTH, balanced, ledger
from tests.operations.test_outbox import Notebook
from tests.plans import clinic
from tests.tariffs import SMS_PRICE
from tests.web.patients import became_of, rows_of
from tests.web.staff_world import MICHAL, ZOFIA, StaffWorld

DAY, TWO_HOURS = 1440, 120
THURSDAY_ELEVEN = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
"""Eleven o'clock in Warsaw; its reminder of a day is due on Wednesday at eleven."""
DUE = THURSDAY_ELEVEN - timedelta(days=1)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    choose(made, DAY)
    return made


def choose(world: StaffWorld, minutes: int, now: datetime = DUE) -> None:
    scope = operator_scope().at(world.opened.id)
    set_sms(SmsSettings(reminder=minutes), scope=scope, desk=world.desk, now=now)


def planned(world: StaffWorld, name: str = "a", at: datetime = THURSDAY_ELEVEN, **changes: Any) -> str:
    return world.add(name, at=at, **{"status": Status.BOOKED, **changes}).id


def reminders(app: Flask) -> list[Any]:
    return [row for row in rows_of(app, SmsMessageRow) if row.kind == "reminder"]


def owner(world: StaffWorld) -> Scope:
    return Scope(ScopeKind.STAFF, world.opened.id, role="owner", staff_id="owner")


def moved(world: StaffWorld, to: datetime, now: datetime, seen: datetime = THURSDAY_ELEVEN, who: str = ZOFIA) -> None:
    where = Where(world.opened.practitioners[who], world.opened.locations["Główna"], to, outside=True)
    move("a", where, seen, scope=owner(world), desk=world.desk, now=now)


def test_a_patient_is_reminded_once_at_the_chosen_time(app: Flask, world: StaffWorld) -> None:
    planned(world)
    assert remind_due(desk=world.desk, now=DUE) == 0
    assert remind_due(desk=world.desk, now=DUE + SECOND) == 1
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 0
    (row,) = reminders(app)
    assert (row.phone, row.appointment_id, row.status) == ("+48601234567", "a", "queued")
    assert row.useful_until == THURSDAY_ELEVEN - timedelta(minutes=30)
    assert "przypominamy o wizycie" in row.body and "11:00" in row.body and len(row.body) <= 160
    assert ledger(app, world.opened).reserved == SMS_PRICE
    book = Notebook()
    assert send_due(book, desk=world.desk, now=DUE + MINUTE) == 1
    found = ledger(app, world.opened)
    assert (found.from_pool, found.reserved, found.owed) == (SMS_PRICE, 0, 0) and balanced(app)
    for later in range(24 * 4):
        remind_due(desk=world.desk, now=DUE + timedelta(minutes=15 * later))
    assert len(reminders(app)) == 1


def test_a_clinic_that_did_not_ask_for_them_sends_none(app: Flask, world: StaffWorld) -> None:
    choose(world, 0)
    planned(world)
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 0 and not reminders(app)


def test_each_clinic_has_its_own_lead(app: Flask, world: StaffWorld) -> None:
    other = StaffWorld.of(app, slug="inna", staff=())
    choose(other, TWO_HOURS)
    third = StaffWorld.of(app, slug="trzecia", staff=())
    for one in (world, other, third):
        planned(one)
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 1
    assert remind_due(desk=world.desk, now=THURSDAY_ELEVEN - timedelta(minutes=119)) == 1
    assert {row.clinic_id for row in reminders(app)} == {world.opened.id, other.opened.id}


@pytest.mark.parametrize("contract", ["suspended", "trial", "ended"])
def test_a_clinic_without_a_running_contract_sends_none(app: Flask, world: StaffWorld, contract: str) -> None:
    planned(world)
    world.desk.database.write(lambda c: became_of(c, world.opened.id, contract))
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.PENDING},
        {"status": Status.CANCELLED},
        {"phone": ""},
        {"phone": "+48122345678"},
        {"phone": "+4915123456789"},
        {"created_at": DUE},
        {"created_at": DUE + timedelta(hours=1)},
    ],
)
def test_nobody_is_reminded_in_vain(app: Flask, world: StaffWorld, changes: dict[str, Any]) -> None:
    planned(world, "other", at=THURSDAY_ELEVEN - timedelta(hours=1), who=MICHAL)
    planned(world, **changes)
    for hours in range(1, 24):
        remind_due(desk=world.desk, now=DUE + timedelta(hours=hours))
    assert {row.appointment_id for row in reminders(app)} == {"other"}


def test_a_reservation_confirmed_late_is_still_reminded_of(app: Flask, world: StaffWorld) -> None:
    planned(world, status=Status.PENDING)
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 0
    confirm("a", scope=owner(world), desk=world.desk, now=DUE + timedelta(hours=2))
    assert remind_due(desk=world.desk, now=DUE + timedelta(hours=3)) == 1


def test_too_close_before_the_visit_nobody_is_reminded(app: Flask, world: StaffWorld) -> None:
    planned(world)
    assert remind_due(desk=world.desk, now=THURSDAY_ELEVEN - timedelta(minutes=30)) == 0
    assert remind_due(desk=world.desk, now=THURSDAY_ELEVEN - timedelta(minutes=31)) == 1


def two_workers(world: StaffWorld, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let two workers find the same visits before either writes; returns how many reminders they wrote."""
    both, coming = threading.Barrier(2, timeout=20), ReminderWorkerStore.coming

    def found(store: ReminderWorkerStore, *asked: Any) -> Any:
        rows = coming(store, *asked)
        both.wait()
        return rows

    monkeypatch.setattr(ReminderWorkerStore, "coming", found)
    with ThreadPoolExecutor(2) as pool:
        ways = [pool.submit(remind_due, desk=world.desk, now=DUE + MINUTE) for _ in range(2)]
        return sum(way.result(timeout=30) for way in ways)


def test_two_workers_write_one_reminder(app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(world)
    assert two_workers(world, monkeypatch) == 1 and len(reminders(app)) == 1


def test_without_the_one_statement_two_workers_write_two(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReminderStore, "settle", lambda *_: True)
    planned(world)
    assert two_workers(world, monkeypatch) == 2 and len(reminders(app)) == 2


def test_a_cancelled_visit_takes_its_reminder_along(app: Flask, world: StaffWorld) -> None:
    planned(world)
    planned(world, "b", at=THURSDAY_ELEVEN + timedelta(hours=2))
    cancel("b", "", tell=False, scope=owner(world), desk=world.desk, now=DUE)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    cancel("a", "", tell=False, scope=owner(world), desk=world.desk, now=DUE + MINUTE)
    assert remind_due(desk=world.desk, now=DUE + timedelta(hours=3)) == 0
    assert send_due(Notebook(), desk=world.desk, now=DUE + timedelta(hours=3)) == 0
    (row,) = reminders(app)
    assert (row.appointment_id, row.status) == ("a", "dropped")
    found = ledger(app, world.opened)
    assert (found.reserved, found.from_pool) == (0, 0) and balanced(app)


def test_a_reminder_that_left_stays_paid_when_the_visit_is_cancelled(app: Flask, world: StaffWorld) -> None:
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    send_due(Notebook(), desk=world.desk, now=DUE + MINUTE)
    cancel("a", "", tell=False, scope=owner(world), desk=world.desk, now=DUE + timedelta(hours=1))
    assert [row.status for row in reminders(app)] == ["sent"] and ledger(app, world.opened).from_pool == SMS_PRICE


class Meanwhile(Notebook):
    """A gateway that refuses, and lets something happen while it is asked."""

    def __init__(self, happen: Any) -> None:
        super().__init__()
        self.happen = happen

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        self.given.append(message_id)
        self.happen()
        raise GatewayRefused("busy")


def test_a_visit_cancelled_while_its_reminder_is_handed_over_has_no_second_try(app: Flask, world: StaffWorld) -> None:
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    now = DUE + MINUTE
    gateway = Meanwhile(lambda: cancel("a", "", tell=False, scope=owner(world), desk=world.desk, now=now))
    send_due(gateway, desk=world.desk, now=now)
    later = Notebook()
    assert send_due(later, desk=world.desk, now=DUE + timedelta(hours=2)) == 0 and not later.given
    assert [row.status for row in reminders(app)] == ["dropped"] and ledger(app, world.opened).reserved == 0


def test_with_its_number_left_it_would_be_sent_for_a_cancelled_visit(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutboxStore, "take_back", lambda *_: [])
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    now = DUE + MINUTE
    send_due(
        Meanwhile(lambda: cancel("a", "", tell=False, scope=owner(world), desk=world.desk, now=now)),
        desk=world.desk,
        now=now,
    )
    assert send_due(Notebook(), desk=world.desk, now=DUE + timedelta(hours=2)) == 1


def test_a_moved_visit_is_reminded_of_at_its_new_time(app: Flask, world: StaffWorld) -> None:
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    later = THURSDAY_ELEVEN + timedelta(days=7)
    moved(world, later, DUE + MINUTE)
    assert [row.status for row in reminders(app)] == ["dropped"] and balanced(app)
    assert remind_due(desk=world.desk, now=DUE + timedelta(days=1)) == 0
    assert remind_due(desk=world.desk, now=DUE + timedelta(days=7, minutes=1)) == 1
    assert sorted(row.status for row in reminders(app)) == ["dropped", "queued"]


def test_who_was_reminded_once_is_not_reminded_again(app: Flask, world: StaffWorld) -> None:
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    send_due(Notebook(), desk=world.desk, now=DUE + MINUTE)
    moved(world, THURSDAY_ELEVEN + timedelta(days=7), DUE + timedelta(hours=2))
    assert remind_due(desk=world.desk, now=DUE + timedelta(days=7, minutes=1)) == 0
    assert [row.status for row in reminders(app)] == ["sent"]


def test_who_was_just_told_of_a_new_time_is_not_reminded_of_it(app: Flask, world: StaffWorld) -> None:
    planned(world, at=THURSDAY_ELEVEN + timedelta(days=7))
    moved(world, THURSDAY_ELEVEN, DUE + timedelta(hours=1), seen=THURSDAY_ELEVEN + timedelta(days=7))
    assert remind_due(desk=world.desk, now=DUE + timedelta(hours=2)) == 0
    # Put off once more, it wants one again.
    moved(world, THURSDAY_ELEVEN + timedelta(days=4), DUE + timedelta(hours=3))
    assert remind_due(desk=world.desk, now=DUE + timedelta(days=4, hours=1)) == 1


def test_another_therapist_at_the_same_time_changes_nothing(app: Flask, world: StaffWorld) -> None:
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    moved(world, THURSDAY_ELEVEN, DUE + MINUTE, who=MICHAL)
    assert [row.status for row in reminders(app)] == ["queued"]


def test_nothing_is_sent_in_the_quiet_hours(app: Flask, world: StaffWorld) -> None:
    evening = datetime(2026, 11, 25, 18, 55, tzinfo=UTC)
    planned(world, at=evening + timedelta(hours=17))
    choose(world, TWO_HOURS)
    planned(world, "b", at=datetime(2026, 11, 26, 7, 15, tzinfo=UTC), who=MICHAL)
    # Half past six and a quarter past eight of the next day ask for the evening before; the gateway does not take them.
    assert remind_due(desk=world.desk, now=evening) == 1
    choose(world, DAY)
    assert remind_due(desk=world.desk, now=evening) == 1
    gateway = Notebook()
    gateway.refusing = True
    send_due(gateway, desk=world.desk, now=evening)
    assert len(gateway.given) == 2
    gateway.refusing = False
    for minutes in range(6, 12 * 60, 7):
        assert send_due(gateway, desk=world.desk, now=evening + timedelta(minutes=minutes)) == 0
        assert remind_due(desk=world.desk, now=evening + timedelta(minutes=minutes)) == 0
    assert len(gateway.given) == 2
    assert send_due(gateway, desk=world.desk, now=datetime(2026, 11, 26, 7, 0, 1, tzinfo=UTC)) == 1
    # The one of a quarter past eight would have come too late.
    assert {row.appointment_id: row.status for row in reminders(app)} == {"a": "sent", "b": "dropped"}
    found = ledger(app, world.opened)
    assert (found.from_pool, found.reserved) == (SMS_PRICE, 0) and balanced(app)


def test_without_the_look_at_the_clock_it_would_be_sent_at_night(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 11, 25, 18, 55, tzinfo=UTC)
    planned(world, at=evening + timedelta(hours=17))
    remind_due(desk=world.desk, now=evening)
    gateway = Notebook()
    gateway.refusing = True
    send_due(gateway, desk=world.desk, now=evening)
    gateway.refusing = False
    monkeypatch.setattr("okienko_server.operations.send_sms.quiet_until", lambda now, zone: None)
    assert send_due(gateway, desk=world.desk, now=evening + timedelta(hours=2)) == 1


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        (datetime(2026, 3, 30, 8, 0, tzinfo=UTC), datetime(2026, 3, 29, 8, 0, tzinfo=UTC)),
        (datetime(2026, 3, 29, 8, 0, tzinfo=UTC), datetime(2026, 3, 28, 9, 0, tzinfo=UTC)),
        (datetime(2027, 10, 31, 9, 0, tzinfo=UTC), datetime(2027, 10, 30, 8, 0, tzinfo=UTC)),
        (datetime(2027, 11, 1, 9, 0, tzinfo=UTC), datetime(2027, 10, 31, 9, 0, tzinfo=UTC)),
    ],
)
def test_ten_o_clock_stays_ten_o_clock_over_a_change_of_the_clock(
    app: Flask, world: StaffWorld, starts: datetime, due: datetime
) -> None:
    planned(world, at=starts, created_at=starts - timedelta(days=5))
    assert remind_due(desk=world.desk, now=due - SECOND) == 0
    assert remind_due(desk=world.desk, now=due + SECOND) == 1


def test_when_the_pool_is_used_up_the_bill_pays(app: Flask, world: StaffWorld) -> None:
    def use_up(store: LedgerStore) -> None:
        store.grant(MONTH, DUE, BUILT_IN)
        for n in range(store.pool(MONTH)[1] // SMS_PRICE - 1):
            store.reserve(f"elsewhere-{n}", Purse.POOL, MONTH, DUE, BUILT_IN)

    ledger(app, world.opened, use_up)
    planned(world)
    planned(world, "b", who=MICHAL)
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 2
    send_due(Notebook(), desk=world.desk, now=DUE + MINUTE)
    assert sorted(row.purse for row in reminders(app)) == ["bill", "pool"]
    assert ledger(app, world.opened).owed == SMS_PRICE and balanced(app)


def test_switched_off_what_has_not_left_stays_here(app: Flask, world: StaffWorld) -> None:
    planned(world)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    choose(world, 0, DUE + MINUTE)
    assert [row.status for row in reminders(app)] == ["dropped"] and ledger(app, world.opened).reserved == 0


def test_one_visit_that_fails_does_not_cost_the_others_their_reminder(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(world)
    planned(world, "b", who=MICHAL)
    made, broken = sms_wording.reminder_text, [True]

    def failing(*asked: Any) -> str:
        if broken and broken.pop():
            raise ValueError("too long")
        return made(*asked)

    monkeypatch.setattr(remind, "reminder_text", failing)
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 1
    assert remind_due(desk=world.desk, now=DUE + 2 * MINUTE) == 1
    assert {row.appointment_id for row in reminders(app)} == {"a", "b"} and balanced(app)


def test_more_than_one_batch_is_written_at_once(app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remind, "BATCH", 2)
    for n in range(5):
        planned(world, f"v{n}", at=THURSDAY_ELEVEN - timedelta(hours=n), phone="" if n == 1 else "+48601234567")
    assert remind_due(desk=world.desk, now=DUE + MINUTE) == 4


def test_the_worker_writes_and_sends_them_by_itself(app: Flask, world: StaffWorld) -> None:
    planned(world)
    stop, book = threading.Event(), Notebook()

    def send(message_id: str, phone: str, body: str) -> Taken:
        stop.set()
        return Taken("g")

    book.send = send  # type: ignore[method-assign]
    timer = threading.Timer(20, stop.set)
    timer.start()
    work(book, desk=world.desk, clock=lambda: DUE + MINUTE, stop=stop)
    timer.cancel()
    assert [row.status for row in reminders(app)] == ["sent"]


def test_what_they_would_cost_is_counted_by_the_last_thirty_days(app: Flask, world: StaffWorld) -> None:
    early, evening_before = timedelta(days=3), timedelta(hours=14)
    for n in range(6):
        starts = THURSDAY_ELEVEN - timedelta(days=n + 1)
        made = starts - (evening_before if n < 2 else early)
        planned(world, f"v{n}", at=starts, created_at=made, status=Status.FULFILLED)
    planned(world, "landline", at=DUE - timedelta(hours=2), created_at=DUE - early, phone="+48122345678")
    planned(world, "off", at=DUE - timedelta(hours=4), created_at=DUE - early, status=Status.CANCELLED)
    planned(world, "long-ago", at=DUE - timedelta(days=40), created_at=DUE - timedelta(days=50))
    # Whoever booked at nine in the evening would only get one two hours before: four hours before eleven is still night.
    costs = reminder_costs(scope=owner(world), desk=world.desk, now=THURSDAY_ELEVEN).costs
    assert [(one.lead, one.messages, one.grosze) for one in costs] == [
        (0, 0, 0), (120, 6, 0), (240, 4, 0), (1440, 4, 0), (2880, 4, 0),
    ]  # fmt: skip
    world.desk.database.write(lambda c: c.execute(update(ClinicRow).values(sms_notifications=False)))
    costs = reminder_costs(scope=owner(world), desk=world.desk, now=THURSDAY_ELEVEN).costs
    assert [(one.from_pool, one.grosze) for one in costs[1:]] == [(0, 120), (0, 80), (0, 80), (0, 80)]


def test_where_a_clinic_has_several_addresses_the_reminder_names_the_right_one(app: Flask) -> None:
    (main,) = clinic().locations
    second = replace(main, name="Filia", street="ul. Generała Tadeusza Bora-Komorowskiego 25 lok. 14")
    world = StaffWorld.of(app, locations=(main, second), name="Centrum Rehabilitacji i Fizjoterapii " * 4)
    choose(world, DAY)
    planned(world, place="Filia")
    planned(world, "b", who=MICHAL)
    remind_due(desk=world.desk, now=DUE + MINUTE)
    bodies = {row.appointment_id: row.body for row in reminders(app)}
    assert "11:00, ul. Generala Tadeusza Bora-Komorowskiego" in bodies["a"] and "11:00, ul. Jozefa 12." in bodies["b"]
    assert all(len(body) <= 160 for body in bodies.values())
