"""The month of messages as the clinic sees it: sums, log with masked numbers, a file that adds up to the ledger, the closing."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from okienko_server.cli import main
from okienko_server.domain.money import Purse
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import BUILT_IN
from okienko_server.operations.statement import see_month
from okienko_server.storage.ledger import LedgerStore
from tests.conftest import KEYS, PEPPER, Clock
from tests.operations.test_money import MONTH, booked, ledger, send_all
from tests.plans import clinic
from tests.tariffs import SMS_PRICE
from tests.web.patients import house_of
from tests.web.staff_world import ADMINISTRATOR, CONSULTANT, OWNER, RECEPTIONIST, StaffWorld


@pytest.fixture
def world(app: Flask, clock: Clock) -> StaffWorld:
    """Three bookings, one of them after the pool was used up, one never finished."""
    made = StaffWorld.of(app)
    for hour in (9, 10):
        patient = booked(app, made.opened, hour)
        patient.verify(patient.phone.code())

    def use_up(store: LedgerStore) -> None:
        left = store.pool(MONTH)[1] // SMS_PRICE
        for n in range(left):
            store.reserve(f"elsewhere-{n}", Purse.POOL, MONTH, clock.now, BUILT_IN)

    ledger(app, made.opened, use_up)
    booked(app, made.opened, 14)
    send_all(app, clock.now)
    return made


def text(world: StaffWorld, query: str = "") -> str:
    answer = world.client.get(f"/staff/messages{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\u00a0", " ")


def test_the_month_shows_sums_and_masked_numbers(world: StaffWorld) -> None:
    world.sign_in(OWNER)
    page = text(world)
    assert "SMS-y: listopad 2026" in page and "4 z 400" in page and "1 × 0,20 zł" in page
    assert "601 ••• 567" in page and "601 234 567" not in page and "+48" not in page
    assert "czeka na wpisanie kodu" in page and "<svg" in page and "Żółkiewska" not in page
    assert "październik 2026" in text(world, "?month=2026-10") and "nie wysłano" in text(world, "?month=2026-10")


def test_before_the_first_message_the_pool_is_what_the_people_give(app: Flask) -> None:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    assert "0 z 400" in text(made) and "0 z 0" in text(made, "?month=2026-10")


def test_the_texts_stand_there_with_their_length_and_price(world: StaffWorld) -> None:
    world.sign_in(OWNER)
    page = text(world)
    section = page[page.index("Co czytają pacjenci") :]
    taken = [int(n) for n in re.findall(r"(\d+) z 160 znaków · jeden SMS · 0,20 zł", section)]
    assert len(taken) == 6 and all(60 < n <= 160 for n in taken)
    assert ", 10:00" in section and "kod 123456 potwierdza" in section and "zeby" not in section


@pytest.mark.parametrize("month", ["x", "2026-13", "0001-01", "9999-12", "%00", "2026-11-01", "٢٠٢٦-١١"])
def test_a_month_there_is_none_is_no_fault(world: StaffWorld, month: str) -> None:
    world.sign_in(ADMINISTRATOR)
    assert "SMS-y:" in text(world, f"?month={month}")


def test_only_who_pays_sees_it(world: StaffWorld) -> None:
    for who in (CONSULTANT, RECEPTIONIST):
        world.sign_in(who)
        assert world.client.get("/staff/messages").status_code == 403
        assert world.client.get("/staff/messages.csv").status_code == 403


def test_the_file_adds_up_to_the_ledger_to_the_grosz(world: StaffWorld, app: Flask) -> None:
    world.sign_in(OWNER)
    answer = world.client.get(f"/staff/messages.csv?month={MONTH}")
    assert answer.mimetype == "text/csv" and f"sms-{MONTH}.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    totals = {row["status"]: int(row["grosze"]) for row in rows if row["kind"] == "total"}
    lines = [row for row in rows if row["kind"] != "total"]
    spent = {
        purse: sum(int(row["grosze"]) for row in lines if row["purse"] == purse) for purse in ("pool", "bill", "house")
    }
    found = ledger(app, world.opened)
    assert spent == {"pool": totals["pool"], "bill": totals["bill"], "house": totals["house"]}
    assert (
        (totals["pool"], totals["bill"], totals["owed"])
        == (found.from_pool, found.from_bill, found.owed)
        == (80, 20, 20)
    )
    assert not re.search(r"\+48|601|Jan", answer.get_data(as_text=True))


def test_a_month_is_closed_when_it_is_over(world: StaffWorld, app: Flask, clock: Clock, tmp_path: Path) -> None:
    house = house_of(app)
    environment = {
        "OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": house.settings.database_url, "OKIENKO_PEPPER": PEPPER,
        "OKIENKO_EMBED_KEYS": KEYS.embed[0], "OKIENKO_SESSION_KEYS": KEYS.session[0],
    }  # fmt: skip

    def close(month: str) -> tuple[int, str]:
        result = CliRunner(env=environment).invoke(
            main, ["close-month", "--month", month, "--to", str(tmp_path / "out")]
        )
        return result.exit_code, result.output

    assert close("2999-01")[0] == 2 and "not over" in close("2999-01")[1]
    assert close("January")[0] == 2
    month = "2024-02"
    scope = operator_scope().at(world.opened.id)

    def long_ago(connection: object) -> None:
        store = LedgerStore(connection, scope)  # type: ignore[arg-type]
        store.reserve("old", Purse.BILL, month, clock.now - timedelta(days=900), BUILT_IN)

    house.desk.database.write(long_ago)
    status, said = close(month)
    assert status == 1 and "kazimierz: 0 messages" in said and "reserved 20" in said and "wait for the outcome" in said
    assert (tmp_path / "out" / f"{month}-kazimierz.csv").read_text(encoding="utf-8").startswith("date,time,kind")
    sheet = (tmp_path / "out" / f"{month}-kazimierz.html").read_text(encoding="utf-8")
    assert "Rozliczenie SMS, luty 2024" in sheet and "czekają jeszcze" in sheet and "<style>" in sheet


def test_each_of_the_people_who_treat_or_own_gives_a_hundred_messages(app: Flask, clock: Clock) -> None:
    made = StaffWorld.of(app)
    roles = [one.role for one in clinic().staff]
    granting = sum(role in ("owner", "consultant", "therapist") for role in roles)
    booked(app, made.opened)
    assert ledger(app, made.opened).granted == granting * 100 * SMS_PRICE


def test_a_promise_kept_after_the_last_midnight_of_a_month_stands_on_its_last_day(app: Flask, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 30, 22, 57, tzinfo=UTC)
    made = StaffWorld.of(app)
    patient = booked(app, made.opened, 10, days=14)
    made.sign_in(OWNER)
    assert "zarezerwowane" in text(made)
    code = patient.phone.code()
    send_all(app, clock.now)
    clock.forward(minutes=6)
    assert patient.verify(code).status_code == 200
    send_all(app, clock.now)
    found = see_month(MONTH, scope=made.scope, desk=made.desk, now=clock.now)
    assert {day: sum(sent.values()) for day, sent in found.days.items()} == {"2026-11-30": 2}
    assert found.statement.from_pool == 2 * SMS_PRICE
