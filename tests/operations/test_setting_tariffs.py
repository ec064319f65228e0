"""Setting a tariff, on both engines: who may, for which month, what a process keeps of it, and that a month has one price."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from okienko_server.domain import tariff as rules
from okienko_server.domain.errors import FieldsRefused, ForeignClinic, NotAllowed
from okienko_server.domain.money import statement_of
from okienko_server.domain.plan import OpenedClinic
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.domain.tariff import BUILT_IN, Tariff
from okienko_server.operations import tariffs as operation
from okienko_server.operations.tariffs import set_tariff, tariffs
from okienko_server.storage.tables import SmsMessageRow, SmsMonthRow
from okienko_server.storage.tariffs import KEPT, TariffStore
from tests.conftest import Clock
from tests.operations.test_money import balanced, booked, ledger, unlimited
from tests.operations.test_tariffs import KIRITIMATI, asked, books, in_zone, paid
from tests.plans import clinic, one_therapist
from tests.web.patients import ApiPatient, house_of, opened, rows_of, staff_scope


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    """A clinic whose patients nobody slows down."""
    unlimited(app)
    return opened(app, clinic())


def test_only_an_operator_sets_and_lists(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    desk, now = house_of(app).desk, clock.now
    for scope in (staff_scope(place.id), Scope(ScopeKind.PORTAL), Scope(ScopeKind.CLINIC, place.id, "v")):
        with pytest.raises(NotAllowed):
            set_tariff("2027-01", 22, 100, scope=scope, desk=desk, now=now)
        with pytest.raises(NotAllowed):
            tariffs(scope=scope, desk=desk, now=now)
        with pytest.raises(ForeignClinic):
            desk.database.read(lambda connection, scope=scope: TariffStore(connection, scope))  # type: ignore[misc]
    assert [one.tariff for one in tariffs(**asked(app, clock))] == [BUILT_IN]


@pytest.mark.parametrize(
    ("month", "price", "pool", "errors"),
    [
        ("2026-11", 22, 100, {"month": "tariff_begun"}),
        ("2026-10", 22, 100, {"month": "tariff_begun"}),
        ("x", 22, 100, {"month": "tariff_month"}),
        ("2026-12", 201, 100, {"price": "tariff_price"}),
        ("2026-12", 22, 1001, {"pool_messages": "tariff_pool"}),
        ("2026-11", -1, -1, {"month": "tariff_begun", "price": "tariff_price", "pool_messages": "tariff_pool"}),
    ],
)
def test_what_is_refused_changes_nothing(
    app: Flask, clock: Clock, month: str, price: int, pool: int, errors: dict[str, str]
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        set_tariff(month, price, pool, **asked(app, clock))
    assert refused.value.errors == errors
    assert [one.tariff for one in tariffs(**asked(app, clock))] == [BUILT_IN]


@pytest.mark.parametrize(("price", "pool"), [(0, 0), (200, 1000)])
def test_the_limits_themselves_are_allowed(app: Flask, clock: Clock, price: int, pool: int) -> None:
    assert set_tariff("2026-12", price, pool, **asked(app, clock)) == Tariff("2026-12", price, pool)


def test_one_that_has_not_begun_is_replaced_and_one_that_has_is_not(app: Flask, clock: Clock) -> None:
    set_tariff("2026-12", 27, 60, **asked(app, clock))
    set_tariff("2026-12", 25, 80, **asked(app, clock))
    assert [(one.tariff, one.open) for one in tariffs(**asked(app, clock))][1:] == [(Tariff("2026-12", 25, 80), True)]
    clock.now = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    with pytest.raises(FieldsRefused):
        set_tariff("2026-12", 27, 60, **asked(app, clock))
    assert [(one.tariff, one.open) for one in tariffs(**asked(app, clock))][1:] == [(Tariff("2026-12", 25, 80), False)]


# ---- the list kept in a process ----


def said_of(app: Flask) -> list[str]:
    """Return the list that fills with every statement from now on."""
    said: list[str] = []
    database = house_of(app).desk.database
    for engine in {database._reader, database._writer}:
        event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: said.append(statement))
    return said


def test_a_booking_reads_no_tariff_once_the_process_knows_them(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    said = said_of(app)
    for hour, reads in ((9, 1), (10, 0), (11, 0)):
        said.clear()
        patient = booked(app, place, hour)
        patient.verify(patient.phone.code())
        assert sum("sms_tariff" in one for one in said) == reads and len(said) > 30
    clock.forward(hours=1)
    said.clear()
    booked(app, place, 15)
    assert sum("sms_tariff" in one for one in said) == 1


def test_a_clock_that_ran_ahead_leaves_no_price_behind(app: Flask, place: OpenedClinic, clock: Clock) -> None:
    """It reads December's price while nobody has set it yet, comes back, and is right in December."""
    clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    booked(app, place, 9, days=14)
    clock.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    booked(app, place, 10, days=14)
    set_tariff("2026-12", 27, 60, **asked(app, clock))
    clock.now = datetime(2026, 12, 1, 9, 1, tzinfo=UTC)
    booked(app, place, 11, days=14)
    assert paid(app) == {("2026-12", 20): 2, ("2026-11", 20): 2, ("2026-12", 27): 2}


def prices_of_december(app: Flask, clock: Clock) -> set[int]:
    """Let patients book where December begins first, while the operator sets another price for it every twenty minutes."""
    unlimited(app)
    place, taken = in_zone(app, KIRITIMATI), 0
    for n in range(24):
        clock.now = datetime(2026, 11, 30, 6, 30, tzinfo=UTC) + timedelta(minutes=20 * n)
        if n % 2 == 0:
            books(app, place, KIRITIMATI, 8 + n // 2)
        with suppress(FieldsRefused):
            set_tariff("2026-12", 30 + n, 100, **asked(app, clock))
            taken += 1
    assert taken > 3
    return {row.price for row in rows_of(app, SmsMessageRow) if row.month == "2026-12"}


def test_however_late_it_is_set_a_month_has_one_price(app: Flask, clock: Clock) -> None:
    assert prices_of_december(app, clock) == {34}


def test_without_the_refusal_it_would_have_several(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(operation, "has_begun", lambda *_: False)
    assert len(prices_of_december(app, clock)) > 1


# ---- at once ----


def rush(app: Flask, place: OpenedClinic, clock: Clock, day: datetime) -> None:
    """Let eight patients ask for the month's first codes while an operator sets prices of this month and the next one."""
    patients = []
    for n in range(8):
        patient = ApiPatient(app, place.id)
        assert patient.hold(day + timedelta(hours=n)).status_code == 201
        patients.append(patient)
    barrier = threading.Barrier(10)

    def book(numbered: tuple[int, ApiPatient]) -> None:
        barrier.wait()
        assert numbered[1].details(phone=f"60110{numbered[0]:04d}").status_code == 200

    def price(month: str) -> None:
        barrier.wait()
        for grosze in (31, 32, 33):
            with suppress(FieldsRefused):
                set_tariff(month, grosze, 7, **asked(app, clock))

    with ThreadPoolExecutor(10) as pool:
        done = [pool.submit(book, one) for one in enumerate(patients)]
        done += [pool.submit(price, month) for month in ("2026-11", "2026-12")]
        for one in done:
            one.result()


def test_a_grant_and_a_tariff_at_once_leave_each_month_its_one_price_and_pool(app: Flask, clock: Clock) -> None:
    unlimited(app)
    place = opened(app, replace(one_therapist(), staff=clinic().staff[:1]))
    rush(app, place, clock, datetime(2026, 11, 25, 8, tzinfo=UTC))
    clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    booked(app, place, 12, days=14)
    assert paid(app) == {("2026-11", 20): 16, ("2026-12", 33): 2}
    granted = {row.month: (row.granted, row.pool_left) for row in rows_of(app, SmsMonthRow)}
    assert granted == {"2026-11": (2000, 2000 - 16 * 20), "2026-12": (7 * 33, 5 * 33)} and balanced(app)
    for month in granted:
        found = ledger(app, place, lambda store, month=month: statement_of(month, store.lines(month)))
        assert found.granted == granted[month][0] and found.reserved + granted[month][1] == found.granted


def test_the_rules_leave_the_shelf_its_hour() -> None:
    """The list is kept no longer than a tariff is set before its month, with an hour to spare for clocks and long transactions."""
    assert timedelta(hours=1) <= rules.AHEAD - KEPT
