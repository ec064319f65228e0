"""Bookings and their money on both engines: two messages reserved with the first code, the pool before the bill, nothing lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, update

from okienko_server.domain.money import Account, Purse, statement_of
from okienko_server.domain.plan import OpenedClinic
from okienko_server.domain.scope import Scope, ScopeKind, operator_scope
from okienko_server.domain.tariff import BUILT_IN
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.hold import release
from okienko_server.operations.send_sms import send_due
from okienko_server.operations.sms_settings import SmsSettings, set_sms
from okienko_server.operations.take_reports import take_reports
from okienko_server.sms.gateway import Delivery, Report
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.tables import AppointmentRow, ClinicRow, LedgerRow, SmsDayRow, SmsMessageRow, SmsMonthRow
from tests.conftest import Clock
from tests.limits import UNLIMITED
from tests.operations.test_outbox import Notebook
from tests.plans import clinic, one_therapist
from tests.tariffs import SMS_PRICE
from tests.web.patients import TUESDAY_TEN, ApiPatient, FormPatient, embed_token, house_of, opened, refusal_of, rows_of

MONTH = "2026-11"


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    """Six people, of whom four give the clinic a hundred messages each."""
    return opened(app, clinic())


def unlimited(app: Flask) -> None:
    object.__setattr__(house_of(app).desk, "sms_limits", UNLIMITED)


def ledger(app: Flask, place: OpenedClinic, work: Any = None) -> Any:
    scope = operator_scope().at(place.id)
    return house_of(app).desk.database.write(lambda connection: (work or _statement)(LedgerStore(connection, scope)))


def _statement(store: LedgerStore) -> Any:
    return statement_of(MONTH, store.lines(MONTH))


def events(app: Flask) -> list[tuple[str, str]]:
    """Return (kind of message, event) in the order they were written, without grants."""
    kinds = {row.id: row.kind for row in rows_of(app, SmsMessageRow)}
    rows = [
        row for row in rows_of(app, LedgerRow) if row.account == Account.RESERVED or row.event in ("refund", "again")
    ]
    rows = [row for row in rows if row.event not in ("refund", "again") or row.account == Account.SPENT]
    return sorted({(kinds[row.sms_id], row.event) for row in rows if row.sms_id in kinds})


def balanced(app: Flask) -> bool:
    """Return whether every event's sides sum to zero, and the pool's row says what the ledger says."""
    rows = rows_of(app, LedgerRow)
    sides: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row.clinic_id, row.sms_id, row.event)
        sides[key] = sides.get(key, 0) + row.amount
    pools = {(row.clinic_id, row.month): row.pool_left for row in rows_of(app, SmsMonthRow)}
    for (clinic_id, month), left in pools.items():
        of_pool = [row.amount for row in rows if (row.clinic_id, row.month, row.account) == (clinic_id, month, "pool")]
        if sum(of_pool) != left:
            return False
    return set(sides.values()) <= {0}


def send_all(app: Flask, now: datetime, gateway: Notebook | None = None) -> Notebook:
    made = gateway or Notebook()
    send_due(made, desk=house_of(app).desk, now=now)
    return made


def booked(app: Flask, place: OpenedClinic, hour: int = 10, days: int = 0) -> ApiPatient:
    patient = ApiPatient(app, place.id)
    assert patient.hold(TUESDAY_TEN.replace(hour=hour - 1) + timedelta(days=days)).status_code == 201
    assert patient.details().status_code == 200
    return patient


def test_both_messages_are_reserved_with_the_first_code_and_spent_when_they_leave(
    app: Flask, place: OpenedClinic, clock: Clock
) -> None:
    patient = booked(app, place)
    assert events(app) == [("confirmation", "reserve"), ("verification", "reserve")]
    assert ledger(app, place).reserved == 2 * SMS_PRICE
    assert patient.verify(patient.phone.code()).status_code == 200
    send_all(app, clock.now)
    found = ledger(app, place)
    assert (found.granted, found.from_pool, found.owed, found.reserved) == (4 * 100 * SMS_PRICE, 2 * SMS_PRICE, 0, 0)
    assert balanced(app) and len(rows_of(app, SmsMessageRow)) == 2


def test_a_hold_that_comes_to_nothing_gives_the_second_message_back(
    app: Flask, place: OpenedClinic, clock: Clock
) -> None:
    booked(app, place)
    send_all(app, clock.now)
    clock.forward(minutes=41)
    expire_holds(desk=house_of(app).desk, now=clock.now)
    found = ledger(app, place)
    assert (found.from_pool, found.reserved) == (SMS_PRICE, 0) and balanced(app)
    assert ledger(app, place, lambda store: store.pool(MONTH)[1]) == 4 * 100 * SMS_PRICE - SMS_PRICE


def test_a_code_sent_once_more_is_the_houses_expense(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    patient = booked(app, place)
    clock.forward(seconds=61)
    assert patient.resend().status_code == 200
    patient.verify(patient.phone.code())
    send_all(app, clock.now)
    found = ledger(app, place)
    assert (found.from_pool, found.from_house, found.owed) == (2 * SMS_PRICE, SMS_PRICE, 0) and balanced(app)


def test_when_the_pool_is_used_up_the_bill_begins(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    def nearly_empty(store: LedgerStore) -> None:
        store.grant(MONTH, clock.now, BUILT_IN)
        for n in range(399):
            store.reserve(f"earlier-{n}", Purse.POOL, MONTH, clock.now, BUILT_IN)

    ledger(app, place, nearly_empty)
    patient = booked(app, place)
    patient.verify(patient.phone.code())
    send_all(app, clock.now)
    found = ledger(app, place)
    assert (found.from_pool, found.from_bill, found.owed) == (SMS_PRICE, SMS_PRICE, SMS_PRICE) and balanced(app)


def test_a_clinic_without_people_pays_from_the_first_message(app: Flask, clock: Clock) -> None:
    place = opened(app, one_therapist())
    patient = booked(app, place)
    patient.verify(patient.phone.code())
    send_all(app, clock.now)
    assert ledger(app, place).owed == 2 * SMS_PRICE and ledger(app, place).granted == 0 and balanced(app)


def test_without_paid_notifications_there_is_no_pool(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    scope = operator_scope().at(place.id)
    set_sms(SmsSettings(notifications=False), scope=scope, desk=house_of(app).desk, now=clock.now)
    patient = booked(app, place)
    patient.verify(patient.phone.code())
    send_all(app, clock.now)
    found = ledger(app, place)
    assert (found.granted, found.from_pool, found.owed) == (0, 0, 2 * SMS_PRICE) and balanced(app)


def test_a_clinic_that_lets_another_country_in_sends_it_codes(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    patient = ApiPatient(app, place.id)
    assert patient.hold().status_code == 201
    assert patient.details(phone="+49 1512 3456789").get_json()["errors"] == {"phone": "phone_foreign"}
    asked, scope = SmsSettings(countries=("PL", "DE")), operator_scope().at(place.id)
    set_sms(asked, scope=scope, desk=house_of(app).desk, now=clock.now)
    assert patient.details(phone="+49 1512 3456789").status_code == 200
    assert patient.details(phone="+380 50 123 45 67").get_json()["errors"] == {"phone": "phone_foreign"}


def test_refused_refunded_and_arrived_after_all(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    booked(app, place)
    gateway, desk = send_all(app, clock.now), house_of(app).desk
    sent = next(row for row in rows_of(app, SmsMessageRow) if row.status == "sent")
    spent = []
    for delivery in (Delivery.UNDELIVERED, Delivery.UNDELIVERED, Delivery.DELIVERED, Delivery.UNDELIVERED):
        take_reports([Report(sent.id, "", delivery)], desk=desk, now=clock.now)
        spent.append(ledger(app, place).from_pool)
    assert spent == [0, 0, SMS_PRICE, SMS_PRICE] and balanced(app)
    gateway.refusing, gateway.again = True, False
    booked(app, place, 14)
    send_all(app, clock.now, gateway)
    assert ledger(app, place).from_pool == SMS_PRICE and balanced(app)


def test_an_unknown_outcome_stays_reserved_until_it_is_known(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    booked(app, place)
    gateway = Notebook()
    gateway.breaking = gateway.deaf = True
    send_all(app, clock.now, gateway)
    assert ledger(app, place).reserved == 2 * SMS_PRICE and ledger(app, place).from_pool == 0
    gateway.breaking = gateway.deaf = False
    clock.forward(minutes=1)
    send_all(app, clock.now, gateway)
    assert (ledger(app, place).reserved, ledger(app, place).from_pool) == (SMS_PRICE, SMS_PRICE)
    assert len(gateway.given) == 1 and balanced(app)


@pytest.mark.parametrize("refused", [False, True])
def test_a_hold_released_while_its_code_is_handed_over_settles_the_money(
    app: Flask, place: OpenedClinic, clock: Clock, refused: bool
) -> None:
    booked(app, place)
    (row,) = rows_of(app, AppointmentRow)
    visitor = Scope(ScopeKind.CLINIC, place.id, row.session_id)

    class Slow(Notebook):
        def send(self, message_id: str, phone: str, body: str) -> Any:
            release(row.id, scope=visitor, desk=house_of(app).desk, now=clock.now)
            return super().send(message_id, phone, body)

    gateway = Slow()
    gateway.refusing = refused
    send_all(app, clock.now, gateway)
    clock.forward(minutes=1)
    assert send_all(app, clock.now).given == [], "nobody waits for it any more"
    found = ledger(app, place)
    assert (found.reserved, found.from_pool) == (0, 0 if refused else SMS_PRICE) and balanced(app)


# ---- the day's budget ----


def budget(app: Flask, place: OpenedClinic, grosze: int) -> None:
    def work(connection: Connection) -> None:
        values = {"sms_day_budget": grosze, "revision": ClinicRow.revision + 1}
        connection.execute(update(ClinicRow).where(ClinicRow.clinic_id == place.id).values(**values))

    house_of(app).desk.database.write(work)


def asking(app: Flask, place: OpenedClinic, count: int) -> list[ApiPatient]:
    """Return patients who hold a time each and are about to give their telephone."""
    starts = [TUESDAY_TEN + timedelta(days=n // 9, hours=n % 9 - 1) for n in range(count)]
    patients = []
    for start in starts:
        patient = ApiPatient(app, place.id)
        assert patient.hold(start).status_code == 201, start
        patients.append(patient)
    return patients


def at_once(app: Flask, patients: list[ApiPatient]) -> list[int]:
    barrier = threading.Barrier(len(patients))

    def ask(numbered: tuple[int, ApiPatient]) -> int:
        barrier.wait()
        return int(numbered[1].details(phone=f"6010{numbered[0]:05d}").status_code)

    with ThreadPoolExecutor(len(patients)) as pool:
        return list(pool.map(ask, enumerate(patients)))


def test_the_last_groszy_are_spent_once_however_many_ask_at_once(app: Flask) -> None:
    unlimited(app)
    place = opened(app, one_therapist())
    budget(app, place, 5 * 2 * SMS_PRICE + SMS_PRICE)
    answers = at_once(app, asking(app, place, 24))
    assert sorted(answers) == [200] * 5 + [429] * 19
    (day,) = rows_of(app, SmsDayRow)
    assert day.used == 5 * 2 * SMS_PRICE and ledger(app, place).reserved == day.used and balanced(app)


def test_without_the_bound_in_the_statement_the_budget_would_be_overdrawn(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    unlimited(app)
    place = opened(app, one_therapist())
    budget(app, place, 2 * SMS_PRICE)
    whole = LedgerStore.charge_day
    monkeypatch.setattr(LedgerStore, "charge_day", lambda store, day, grosze, limit: whole(store, day, grosze, 10**9))
    assert at_once(app, asking(app, place, 6)) == [200] * 6
    (day,) = rows_of(app, SmsDayRow)
    assert day.used == 6 * 2 * SMS_PRICE


def test_beyond_the_budget_the_page_gives_the_clinics_telephone(app: Flask, place: OpenedClinic) -> None:
    budget(app, place, 0)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    patient.problem()
    patient.take()
    page = patient.details()
    assert page.says("error.sms_paused") and "Zadzwoń" in page.text and 'href="tel:' in page.html
    other = opened(app, one_therapist())
    assert booked(app, other).reference, "another clinic's patients notice nothing"


def test_a_day_of_codes_nobody_types_in_trips_the_breaker(
    app: Flask, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    unlimited(app)
    place, other = opened(app, one_therapist()), opened(app, one_therapist("inna"))
    answers = [patient.details(phone=f"6010{n:05d}").status_code for n, patient in enumerate(asking(app, place, 56))]
    assert answers == [200] * 50 + [429] * 6
    assert "codes paused for clinic" in caplog.text and "+4860" not in caplog.text
    assert booked(app, other).reference
    clock.forward(hours=24)
    assert booked(app, place, 17).reference, "another day, another try"


# ---- how many codes ----


def test_a_telephone_gets_four_codes_from_one_network_and_its_owner_elsewhere_another(
    app: Flask, place: OpenedClinic
) -> None:
    def from_network(address: str, hour: int) -> int:
        patient = ApiPatient(app, place.id)
        patient.client.environ_base["REMOTE_ADDR"] = address
        patient.hold(TUESDAY_TEN.replace(hour=hour - 1))
        answer = patient.details()
        if answer.status_code == 429:
            assert refusal_of(answer) == (429, "sms_too_many") and int(answer.headers["Retry-After"]) > 0
        return int(answer.status_code)

    assert [from_network("203.0.113.9", hour) for hour in (9, 10, 11, 14, 15, 16)] == [200] * 4 + [429] * 2
    assert from_network("198.51.100.7", 17) == 200
    assert len([row for row in rows_of(app, SmsMessageRow) if row.kind == "verification"]) == 5


def test_what_was_refused_was_not_counted(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    patient = ApiPatient(app, place.id)
    patient.hold()
    for _ in range(8):
        assert patient.details(phone="12 345 67 89").status_code == 422
    assert patient.details().status_code == 200


def test_a_network_walks_through_no_list_of_numbers(app: Flask) -> None:
    place = opened(app, one_therapist())
    answers = [patient.details(phone=f"6010{n:05d}").status_code for n, patient in enumerate(asking(app, place, 44))]
    assert answers == [200] * 40 + [429] * 4


def test_without_limits_it_would(app: Flask) -> None:
    """The control."""
    unlimited(app)
    place = opened(app, one_therapist())
    answers = [patient.details(phone=f"6010{n:05d}").status_code for n, patient in enumerate(asking(app, place, 44))]
    assert answers == [200] * 44
