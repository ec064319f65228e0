"""Messages stand in the booking's own transaction and leave after it, each once, by one worker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from okienko_server.domain.scope import Scope, ScopeKind, operator_scope
from okienko_server.operations.send_sms import BATCH, LEASE, LIFE, send_due
from okienko_server.operations.take_reports import take_reports
from okienko_server.operations.worker import work
from okienko_server.sms.gateway import (
    AfterUnsure,
    Delivery,
    GatewayRefused,
    GatewayUnsure,
    OfThisProcess,
    Report,
    Taken,
)
from okienko_server.storage.outbox import OutboxStore
from okienko_server.storage.outbox_worker import OutboxWorkerStore
from okienko_server.storage.session import Database
from okienko_server.storage.tables import AppointmentRow, ChallengeRow, ConsentRow, IdempotencyRow
from tests.conftest import Clock
from tests.web.patients import TUESDAY_TEN, ApiPatient, house_of, messages_of, opened, rows_of

_FAIL_SQLITE = "CREATE TRIGGER fail BEFORE INSERT ON idempotency BEGIN SELECT RAISE(ABORT, 'power cut'); END"
_FAIL_POSTGRES = (
    "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'power cut'; END $$",
    "CREATE TRIGGER fail BEFORE INSERT ON idempotency FOR EACH ROW EXECUTE FUNCTION fail()",
)


class Notebook(OfThisProcess):
    """A gateway that writes down what it was given: takes nothing while `refusing`, and breaks off after taking it while `breaking`."""

    name = "notebook"

    def __init__(self, after_unsure: AfterUnsure = AfterUnsure.ASK) -> None:
        self.given: list[str] = []
        self.asked: list[str] = []
        self.refusing = self.breaking = self.deaf = False
        self.again = True
        self.after_unsure = after_unsure

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        self.given.append(message_id)
        if self.refusing:
            raise GatewayRefused("no credit", again=self.again)
        if self.breaking:
            raise GatewayUnsure("the line broke")
        return Taken(f"gateway-{message_id}")

    def find(self, message_id: str) -> Taken | None:
        self.asked.append(message_id)
        if self.deaf:
            raise GatewayUnsure("no answer")
        return Taken(f"gateway-{message_id}") if message_id in self.given else None


@contextmanager
def failing_at_the_end(database: Database) -> Iterator[None]:
    """Make the last statement of every keyed transaction fail."""
    makes = [_FAIL_SQLITE] if database.is_sqlite else list(_FAIL_POSTGRES)
    undoes = ["DROP TRIGGER fail"] if database.is_sqlite else ["DROP TRIGGER fail ON idempotency", "DROP FUNCTION fail"]
    _run(database, makes)
    try:
        yield
    finally:
        _run(database, undoes)


def _run(database: Database, statements: list[str]) -> None:
    with database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))


def send(app: Flask, gateway: Notebook, now: datetime) -> int:
    return send_due(gateway, desk=house_of(app).desk, now=now)


def queued(app: Flask, count: int) -> None:
    """Leave messages in the outbox, all of one held appointment."""
    place = opened(app)
    patient = ApiPatient(app, place.id)
    patient.hold()
    appointment_id = patient.reference.partition("-")[2]
    scope = Scope(ScopeKind.CLINIC, place.id, "visitor")

    def write(connection: Connection) -> None:
        for number in range(count):
            moment = house_of(app).clock()
            OutboxStore(connection, scope).add(
                appointment_id, "confirmation", "+48601234567", f"numer {number}", moment
            )

    house_of(app).desk.database.write(write)


def test_a_transaction_that_fails_leaves_no_message(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    with failing_at_the_end(house_of(app).desk.database):
        assert patient.details(key="k").status_code == 500
    assert messages_of(app) == rows_of(app, ConsentRow) == rows_of(app, ChallengeRow) == []
    (row,) = rows_of(app, AppointmentRow)
    assert (row.status, row.phone, row.first_name) == ("proposed", "", "")
    assert patient.details(key="k").status_code == 200
    assert len(messages_of(app)) == 1


def test_a_verification_that_fails_confirms_nothing(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    code = patient.awaiting_code()
    with failing_at_the_end(house_of(app).desk.database):
        assert patient.verify(code, key="k").status_code == 500
    assert [row.kind for row in messages_of(app)] == ["verification"]
    assert [(row.tries, row.used) for row in rows_of(app, ChallengeRow)] == [(0, False)]
    assert rows_of(app, IdempotencyRow) == []
    assert patient.verify(code, key="k").get_json()["status"] == "pending"


def test_a_message_leaves_once_and_is_settled(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway = Notebook()
    assert (send(app, gateway, clock.now), send(app, gateway, clock.now)) == (1, 0)
    (row,) = messages_of(app)
    assert gateway.given == [row.id]
    assert (row.status, row.gateway, row.gateway_id, row.tries) == ("sent", "notebook", f"gateway-{row.id}", 1)
    assert row.leased_until is None


def test_a_refused_message_waits_longer_each_time_and_is_given_up(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway, began = Notebook(), clock.now
    gateway.refusing = True
    pauses = []
    while messages_of(app)[0].status == "queued":
        (row,) = messages_of(app)
        pauses.append(row.due_at.replace(tzinfo=None) - clock.now.replace(tzinfo=None))
        clock.now += pauses[-1] - timedelta(seconds=1)
        assert send(app, gateway, clock.now) == 0
        clock.forward(seconds=1)
        assert send(app, gateway, clock.now) == 0
    assert (
        pauses[1] >= timedelta(seconds=5)
        and pauses[1:6] == sorted(pauses[1:6])
        and max(pauses) <= timedelta(minutes=15)
    )
    assert clock.now >= began + timedelta(hours=24), "a gateway may be down for a day"
    (row,) = messages_of(app)
    assert row.status in ("failed", "dropped") and 0 <= row.tries - len(gateway.given) <= 1
    gateway.refusing = False
    assert send(app, gateway, clock.now + timedelta(days=1)) == 0


def test_what_a_gateway_will_never_take_is_not_offered_twice(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway = Notebook()
    gateway.refusing, gateway.again = True, False
    send(app, gateway, clock.now)
    clock.forward(hours=1)
    send(app, gateway, clock.now)
    assert len(gateway.given) == 1 and messages_of(app)[0].status == "failed"


def test_a_code_too_old_to_be_typed_in_is_wiped_and_never_sent(app: Flask, clock: Clock) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    patient.details()
    gateway = Notebook()
    gateway.refusing = True
    send(app, gateway, clock.now)
    gateway.refusing = False
    clock.forward(minutes=11)
    assert send(app, gateway, clock.now) == 0 and len(gateway.given) == 1
    assert [(row.status, row.body) for row in messages_of(app)] == [("dropped", "")]


# ---- an unknown outcome ----


def test_what_broke_off_is_asked_for_and_not_sent_again(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway = Notebook()
    gateway.breaking = True
    assert send(app, gateway, clock.now) == 0 and messages_of(app)[0].status == "unsure"
    gateway.breaking, gateway.deaf = False, True
    for _ in range(3):
        clock.forward(minutes=16)
        assert send(app, gateway, clock.now) == 0
    gateway.deaf = False
    clock.forward(minutes=16)
    assert send(app, gateway, clock.now) == 1
    assert len(gateway.given) == 1 and len(gateway.asked) == 4
    assert messages_of(app)[0].gateway_id.startswith("gateway-")


def test_what_the_gateway_never_took_is_sent_after_asking(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    died = Notebook()
    with house_of(app).desk.database.writing() as connection:
        OutboxWorkerStore(connection, operator_scope()).lease(BATCH, clock.now, clock.now + LEASE)
    clock.forward(minutes=3)
    assert send(app, died, clock.now) == 1 and (len(died.asked), len(died.given)) == (1, 1)


def test_a_gateway_that_refuses_doubles_is_offered_the_same_id_again(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway = Notebook(AfterUnsure.REPEAT)
    gateway.breaking = True
    send(app, gateway, clock.now)
    gateway.breaking = False
    clock.forward(minutes=1)
    assert send(app, gateway, clock.now) == 1 and len(set(gateway.given)) == 1 and gateway.asked == []


def test_where_nobody_can_be_asked_the_message_waits_for_a_report_and_is_never_sent_again(
    app: Flask, clock: Clock
) -> None:
    queued(app, 1)
    gateway = Notebook(AfterUnsure.WAIT)
    gateway.breaking = True
    send(app, gateway, clock.now)
    gateway.breaking = False
    for _ in range(9):
        clock.now += LIFE / 8
        assert send(app, gateway, clock.now) == 0
    (row,) = messages_of(app)
    assert row.status == "lost" and len(gateway.given) == 1
    late = Report(row.id, "gw-1", Delivery.DELIVERED)
    assert take_reports([late], desk=house_of(app).desk, now=clock.now) == 1
    (row,) = messages_of(app)
    assert (row.status, row.delivery, row.gateway_id) == ("sent", "delivered", "gw-1")


def test_marked_before_the_call_a_death_in_between_never_sends_twice(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(app, 1)
    gateway = dying(Notebook())
    with pytest.raises(KeyboardInterrupt):
        send(app, gateway, clock.now)
    clock.forward(minutes=3)
    send(app, gateway, clock.now)
    assert len(gateway.given) == 1 and messages_of(app)[0].status == "sent"


def test_without_the_mark_a_death_in_between_sends_twice(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a message that stays "queued" while it is handed over is simply taken again."""
    monkeypatch.setattr("okienko_server.operations.send_sms._asked", lambda gateway, message: None)
    queued(app, 1)
    gateway = dying(Notebook())
    with pytest.raises(KeyboardInterrupt):
        send(app, gateway, clock.now)
    clock.forward(minutes=3)
    send(app, gateway, clock.now)
    assert len(gateway.given) == 2


def dying(gateway: Notebook) -> Notebook:
    """Let the process die right after the gateway took its first message."""
    whole = gateway.send

    def send_and_die(message_id: str, phone: str, body: str) -> Taken:
        taken = whole(message_id, phone, body)
        if len(gateway.given) == 1:
            raise KeyboardInterrupt
        return taken

    gateway.send = send_and_die  # type: ignore[method-assign]
    return gateway


# ---- reports ----


@pytest.mark.parametrize(
    ("came", "ends"),
    [
        (["accepted", "sent", "delivered"], "delivered"), (["delivered", "sent", "accepted"], "delivered"),
        (["delivered", "undelivered"], "delivered"), (["undelivered", "delivered"], "delivered"),
        (["undelivered", "sent"], "undelivered"), (["sent"] * 10, "sent"),
    ],
)  # fmt: skip
def test_reports_go_only_forward(app: Flask, clock: Clock, came: list[str], ends: str) -> None:
    queued(app, 1)
    send(app, Notebook(), clock.now)
    (row,) = messages_of(app)
    changed = [
        take_reports([Report("", row.gateway_id, Delivery(one))], desk=house_of(app).desk, now=clock.now)
        for one in came
    ]
    (row,) = messages_of(app)
    assert row.delivery == ends and row.status == ("failed" if ends == "undelivered" else "sent")
    assert sum(changed) <= len(set(came))


def test_a_report_about_nothing_we_sent_changes_nothing(app: Flask, clock: Clock) -> None:
    queued(app, 2)
    before = messages_of(app)
    for report in (
        Report("nobody", "", Delivery.DELIVERED),
        Report("", "gw", Delivery.DELIVERED),
        Report("", "", Delivery.SENT),
    ):
        assert take_reports([report], desk=house_of(app).desk, now=clock.now) == 0
    assert take_reports([Report(before[0].id, "", Delivery.DELIVERED)], desk=house_of(app).desk, now=clock.now) == 0
    assert messages_of(app) == before, "not even handed over yet"


def test_a_gateway_that_comes_back_gets_the_message(app: Flask, clock: Clock) -> None:
    queued(app, 1)
    gateway = Notebook()
    gateway.refusing = True
    send(app, gateway, clock.now)
    gateway.refusing = False
    clock.forward(minutes=1)
    assert send(app, gateway, clock.now) == 1


def test_a_worker_that_died_leaves_its_messages_to_others_after_the_lease(app: Flask, clock: Clock) -> None:
    queued(app, 3)
    database = house_of(app).desk.database
    with database.writing() as connection:
        lost = OutboxWorkerStore(connection, operator_scope()).lease(BATCH, clock.now, clock.now + LEASE)
    assert len(lost) == 3
    gateway = Notebook()
    assert send(app, gateway, clock.now + LEASE - timedelta(seconds=1)) == 0
    assert send(app, gateway, clock.now + LEASE) == 3


@pytest.mark.parametrize("workers", [2, 6])
def test_workers_side_by_side_never_send_one_message_twice(app: Flask, clock: Clock, workers: int) -> None:
    queued(app, 90)
    gateways = [Notebook() for _ in range(workers)]

    def until_empty(gateway: Notebook) -> None:
        while send(app, gateway, clock.now):
            pass

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(until_empty, gateways))
    given = Counter(message for gateway in gateways for message in gateway.given)
    assert len(given) == 90 and set(given.values()) == {1}
    assert {row.status for row in messages_of(app)} == {"sent"}


def test_the_worker_sends_at_once_when_the_bell_rings_and_survives_a_fault(app: Flask, clock: Clock) -> None:
    """One thread as the server runs it: a gateway that breaks must not end the work."""

    class Brittle(Notebook):
        def send(self, message_id: str, phone: str, body: str) -> Taken:
            if not broke.is_set():
                broke.set()
                raise RuntimeError("the line broke")
            arrived.set()
            return super().send(message_id, phone, body)

    broke, arrived, stop, desk = threading.Event(), threading.Event(), threading.Event(), house_of(app).desk
    worker = threading.Thread(
        target=work, args=(Brittle(),), kwargs={"desk": desk, "clock": clock, "stop": stop}, daemon=True
    )
    worker.start()
    try:
        patient = ApiPatient(app, opened(app).id)
        patient.hold(TUESDAY_TEN)
        patient.details()
        assert broke.wait(10)
        clock.forward(minutes=3)
        assert arrived.wait(10)
    finally:
        stop.set()
        desk.outbox_bell.set()
        worker.join(10)
    assert not worker.is_alive()
