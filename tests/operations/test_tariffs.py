"""A price that changes with the month, on both engines: who pays which, what is given back, what is counted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain.appointment import Status
from okienko_server.domain.money import Purse
from okienko_server.domain.plan import OpenedClinic
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import BUILT_IN, Tariff
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.month_sums import sums_of
from okienko_server.operations.remind import reminder_costs
from okienko_server.operations.statement import Month, as_csv, see_month
from okienko_server.operations.take_reports import take_reports
from okienko_server.operations.tariffs import set_tariff
from okienko_server.sms.gateway import Delivery, Report
from okienko_server.storage.tables import ClinicRow, SmsDayRow, SmsMessageRow, SmsMonthRow
from tests.conftest import Clock
from tests.operations.test_money import balanced, booked, budget, ledger, send_all, unlimited
from tests.plans import clinic, one_therapist
from tests.tariffs import priced
from tests.web.patients import ApiPatient, house_of, opened, rows_of, staff_scope
from tests.web.staff_world import StaffWorld

DECEMBER = Tariff("2026-12", 27, 60)
LAST_SECOND = datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)
"""Of November in Kraków."""
KIRITIMATI = "Pacific/Kiritimati"
"""Where a month begins first: at ten in the morning of Greenwich's last day."""


@pytest.fixture
def place(app: Flask) -> OpenedClinic:
    """Four people who give it messages of pool."""
    unlimited(app)
    return opened(app, clinic())


def asked(app: Flask, clock: Clock) -> dict[str, Any]:
    return {"scope": operator_scope(), "desk": house_of(app).desk, "now": clock.now}


def seen(app: Flask, place: OpenedClinic, month: str, clock: Clock) -> Month:
    return see_month(month, scope=staff_scope(place.id), desk=house_of(app).desk, now=clock.now)


def paid(app: Flask, clinic_id: str = "") -> Counter[tuple[str, int]]:
    """Return how many messages were reserved in each month at each price."""
    return Counter((row.month, row.price) for row in rows_of(app, SmsMessageRow) if clinic_id in ("", row.clinic_id))


def test_the_last_second_of_a_month_and_the_first_of_the_next_pay_different_prices(
    app: Flask, place: OpenedClinic, clock: Clock
) -> None:
    set_tariff("2026-12", 27, 60, **asked(app, clock))
    clock.now = LAST_SECOND
    old = booked(app, place, 9, days=14)
    clock.forward(seconds=1)
    assert old.verify(old.phone.code()).status_code == 200
    new = booked(app, place, 10, days=14)
    assert new.verify(new.phone.code()).status_code == 200
    send_all(app, clock.now)
    assert paid(app) == {("2026-11", 20): 2, ("2026-12", 27): 2}, "a promise kept keeps its price"
    for month, price, pool in (("2026-11", 20, 100), ("2026-12", 27, 60)):
        found = seen(app, place, month, clock)
        assert (found.statement.from_pool, found.statement.granted) == (2 * price, 4 * pool * price)
        assert sums_of(found).total.count[Purse.POOL] == 2 and found.tariff.messages(found.pool) == 4 * pool
        assert [int(line.split(",")[5]) for line in as_csv(found).splitlines()[1:3]] == [price] * 2
    assert balanced(app)


def in_zone(app: Flask, zone: str) -> OpenedClinic:
    """Open a clinic in some zone of the earth."""
    made = opened(app, one_therapist(zone.rpartition("/")[2].lower()))
    moved = {"zone": ZoneInfo(zone).key, "revision": ClinicRow.revision + 1}
    house_of(app).desk.database.write(
        lambda c: c.execute(update(ClinicRow).where(ClinicRow.clinic_id == made.id).values(**moved))
    )
    return made


def books(app: Flask, place: OpenedClinic, zone: str, hour: int) -> ApiPatient:
    """Return a patient who asked for a code for the fifteenth of December, an hour of the clinic's clock."""
    patient = ApiPatient(app, place.id)
    assert patient.hold(datetime(2026, 12, 15, hour, tzinfo=ZoneInfo(zone))).status_code == 201
    assert patient.details().status_code == 200
    return patient


def test_the_month_turns_on_the_clinics_own_clock(app: Flask, clock: Clock) -> None:
    unlimited(app)
    places = {zone: in_zone(app, zone) for zone in ("Europe/Warsaw", KIRITIMATI, "Pacific/Honolulu")}
    set_tariff("2026-12", 27, 60, **asked(app, clock))
    clock.now = LAST_SECOND
    for zone, one in places.items():
        books(app, one, zone, 10)
    assert {zone: set(paid(app, one.id)) for zone, one in places.items()} == {
        "Europe/Warsaw": {("2026-11", 20)}, KIRITIMATI: {("2026-12", 27)}, "Pacific/Honolulu": {("2026-11", 20)},
    }  # fmt: skip


def test_a_refund_and_an_arrival_after_the_change_move_the_old_price(
    app: Flask, place: OpenedClinic, clock: Clock
) -> None:
    set_tariff("2026-12", 27, 60, **asked(app, clock))
    clock.now = LAST_SECOND - timedelta(hours=1)
    booked(app, place, 10, days=14)
    send_all(app, clock.now)
    (sent,) = (row for row in rows_of(app, SmsMessageRow) if row.status == "sent")
    clock.forward(hours=2)
    expire_holds(desk=house_of(app).desk, now=clock.now)
    left = []
    for delivery in (None, Delivery.UNDELIVERED, Delivery.DELIVERED):
        if delivery:
            take_reports([Report(sent.id, "", delivery)], desk=house_of(app).desk, now=clock.now)
        left.append(ledger(app, place, lambda store: store.pool("2026-11")))
    assert left == [(8000, 8000 - 20), (8000, 8000), (8000, 8000 - 20)]
    assert balanced(app) and seen(app, place, "2026-11", clock).statement.from_pool == 20
    assert seen(app, place, "2026-12", clock).statement.from_pool == 0


def test_a_pool_of_each_months_own_size_is_used_up_before_the_bill(
    app: Flask, place: OpenedClinic, clock: Clock
) -> None:
    priced(app, Tariff("2026-12", 27, 1))
    clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    for hour in (9, 10, 11):
        patient = booked(app, place, hour, days=14)
        patient.verify(patient.phone.code())
    send_all(app, clock.now)
    found = seen(app, place, "2026-12", clock)
    assert (found.statement.from_pool, found.statement.owed) == (4 * 27, 2 * 27)
    assert sums_of(found).total.count == {Purse.POOL: 4, Purse.BILL: 2, Purse.HOUSE: 0} and balanced(app)
    (row,) = rows_of(app, SmsMonthRow)
    assert (row.granted, row.pool_left) == (4 * 27, 0)


def test_the_days_budget_counts_the_price_of_the_day(app: Flask, clock: Clock) -> None:
    unlimited(app)
    place = opened(app, one_therapist())
    priced(app, DECEMBER)
    budget(app, place, 2 * 27 + 2 * 20)

    def answers() -> list[int]:
        found = []
        for hour in (12, 13, 14):
            patient = ApiPatient(app, place.id)
            start = clock.now.replace(hour=hour, minute=0, second=0) + timedelta(days=14)
            assert patient.hold(start).status_code == 201
            found.append(int(patient.details(phone=f"6010000{hour}").status_code))
        return found

    assert answers() == [200, 200, 429]
    clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert answers() == [200, 429, 429]
    assert {row.day: row.used for row in rows_of(app, SmsDayRow)} == {"2026-11-23": 80, "2026-12-01": 54}


def test_free_messages_do_not_open_the_day_to_whoever_pumps(app: Flask, clock: Clock) -> None:
    unlimited(app)
    place = opened(app, one_therapist())
    priced(app, Tariff("2026-11", 0, 100))
    budget(app, place, 2 * BUILT_IN.price)
    assert booked(app, place, 10).reference
    second = ApiPatient(app, place.id)
    assert second.hold(clock.now + timedelta(days=2)).status_code == 201 and second.details().status_code == 429
    assert paid(app) == {("2026-11", 0): 2} and balanced(app)


def test_what_reminders_will_cost_is_the_price_of_the_month_they_leave_in(app: Flask, clock: Clock) -> None:
    world = StaffWorld.of(app)
    for n, days in enumerate((1, 9, 20)):
        at = datetime(2026, 11, 25, 10, tzinfo=UTC) - timedelta(days=days)
        world.add(f"v{n}", at=at, created_at=at - timedelta(days=5), status=Status.FULFILLED)
    world.desk.database.write(lambda c: c.execute(update(ClinicRow).values(sms_notifications=False)))
    clock.now = datetime(2026, 11, 25, 11, tzinfo=UTC)

    def cost(*ones: Tariff) -> int:
        priced(app, *ones)
        found = reminder_costs(scope=world.scope, desk=world.desk, now=clock.now)
        return next(one.grosze for one in found.costs if one.lead == 120)

    assert cost() == 3 * 20
    assert cost(Tariff("2027-01", 50, 100)) == 3 * 20, "none of the next thirty days"
    # Those of the 5th, the 16th and the 24th come again on the 5th, the 16th and the 24th of December.
    assert cost(DECEMBER) == 3 * 27
    clock.now = datetime(2026, 12, 10, 11, tzinfo=UTC)
    assert cost(DECEMBER, Tariff("2027-01", 50, 100)) == 27 + 27
