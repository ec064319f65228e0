"""The printable statement: its own rows add up to the ledger to the grosz, on the page and in the file of the closing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from okienko_server.domain.money import Event, Purse
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import BUILT_IN
from okienko_server.operations.statement import see_month
from okienko_server.storage.ledger import LedgerStore
from okienko_server.web.pages.staff.alone import standing_alone
from tests.conftest import Clock
from tests.operations.test_money import MONTH, ledger
from tests.operations.test_month import Month
from tests.tariffs import SMS_PRICE
from tests.web.patients import house_of, staff_scope
from tests.web.staff_world import OWNER, RECEPTIONIST, StaffWorld


def grosze(shown: str) -> int:
    """Return the sum "1 234,50 zł" says."""
    found = re.search(r"([\d\s\u00a0−]+),(\d\d)\s*zł", shown)
    return int(re.sub(r"\D", "", found[1])) * 100 + int(found[2]) if found else 0


def tables(page: str) -> list[list[list[str]]]:
    """Return the cells of each table's rows, the last row its sum."""
    rows = [re.findall(r"<tr>(.*?)</tr>", part, re.S)[1:] for part in re.findall(r"<table>(.*?)</table>", page, re.S)]
    return [[re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in part] for part in rows]


def summed(rows: list[list[str]]) -> list[int]:
    """Return what the rows add up to: from the pool, on the bill, the house's, reserved, to pay."""
    return [sum(grosze(row[column]) for row in rows) for column in (2, 3, 4, 5, 7)]


def counted(rows: list[list[str]]) -> list[int]:
    return [sum(int(found[0]) if (found := re.match(r"\d+", row[n])) else 0 for row in rows) for n in range(1, 7)]


def test_the_rows_of_a_month_of_anything_add_up_to_the_ledger(app: Flask, clock: Clock) -> None:
    month = Month(app, clock, 5)
    month.live(40)
    seen = see_month(MONTH, scope=staff_scope(month.place.id), desk=month.desk, now=clock.now)
    found, page = seen.statement, standing_alone(seen)
    wanted = [found.from_pool, found.from_bill, found.from_house, found.reserved, found.owed]
    assert len(tables(page)) == 2 and found.from_house and found.from_pool + found.from_bill
    for rows in tables(page):
        assert summed(rows[:-1]) == summed(rows[-1:]) == wanted
        assert counted(rows[:-1]) == counted(rows[-1:])
        assert counted(rows[-1:])[0] == len(seen.messages) and counted(rows[-1:])[5] > 0
    assert ledger(app, month.place) == found
    assert grosze(page[page.index("Do zapłaty brutto") :]) == found.owed


@pytest.mark.parametrize("event", [Event.RELEASE, Event.TAKEN, Event.SPEND, Event.REFUND, Event.AGAIN])
def test_what_the_log_does_not_know_still_stands_in_a_row(app: Flask, clock: Clock, event: Event) -> None:
    world = StaffWorld.of(app)
    order = {Event.RELEASE: [event], Event.TAKEN: [Event.RELEASE, event], Event.SPEND: [event], Event.REFUND: [Event.SPEND, event],
             Event.AGAIN: [Event.SPEND, Event.REFUND, event]}[event]  # fmt: skip

    def write(store: LedgerStore) -> None:
        store.reserve("gone", Purse.BILL, MONTH, clock.now, BUILT_IN)
        for number, one in enumerate(order):
            store.book("gone", one, Purse.BILL, MONTH, clock.now + timedelta(seconds=number), SMS_PRICE)

    ledger(app, world.opened, write)
    owed = SMS_PRICE if event in (Event.SPEND, Event.TAKEN, Event.AGAIN) else 0
    page = standing_alone(see_month(MONTH, scope=world.scope, desk=world.desk, now=clock.now))
    for rows in tables(page):
        assert summed(rows[:-1]) == [0, owed, 0, 0, owed] and counted(rows)[5] == (2 if not owed else 0)
    assert "inne" in page and grosze(page[page.index("Do zapłaty brutto") :]) == owed


def test_a_month_with_only_a_pool_and_one_with_nothing(app: Flask, clock: Clock) -> None:
    world = StaffWorld.of(app)
    ledger(app, world.opened, lambda store: store.grant(MONTH, clock.now, BUILT_IN))
    world.sign_in(OWNER)
    page = world.client.get(f"/staff/messages/statement?month={MONTH}").get_data(as_text=True)
    assert "nie było żadnej wiadomości" in page and "80,00 zł" in page and not tables(page)
    assert "Rozliczenie SMS, luty 2024" in world.client.get("/staff/messages/statement?month=2024-02").text
    assert "Rozliczenie SMS, listopad 2026" in world.client.get("/staff/messages/statement?month=x").text


def test_it_is_reached_by_who_pays_and_shows_one_clinic(app: Flask, clock: Clock) -> None:
    world = StaffWorld.of(app)
    other = StaffWorld.of(app, slug="other", name="Inna Placówka", staff=())
    ledger(app, other.opened, lambda store: store.reserve("theirs", Purse.BILL, MONTH, clock.now, BUILT_IN))
    world.sign_in(OWNER)
    assert f"/staff/messages/statement?month={MONTH}" in world.client.get("/staff/messages").text
    page = world.client.get("/staff/messages/statement").text
    assert not tables(page) and "Inna" not in page and "czekają" not in page
    theirs = standing_alone(
        see_month(MONTH, scope=operator_scope().at(other.opened.id), desk=house_of(app).desk, now=clock.now)
    )
    assert tables(theirs) and "0,20" in theirs[theirs.index("czekają") :]
    world.sign_in(RECEPTIONIST)
    assert world.client.get("/staff/messages/statement").status_code == 403


def test_the_file_needs_nothing_beside_it(app: Flask, clock: Clock) -> None:
    world = StaffWorld.of(app, name="<b>Ból & Ruch</b>")
    page = standing_alone(see_month(MONTH, scope=world.scope, desk=world.desk, now=clock.now))
    assert "<style>" in page and "&lt;b&gt;Ból &amp; Ruch" in page and "@page" in page
    assert not re.search(r"<script|<link rel=\"stylesheet|https?://|url\(", page) and "Wróć" not in page
