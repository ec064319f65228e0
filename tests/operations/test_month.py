"""A month of random bookings, cancellations, faults of the gateway, reports and pools: every account balances to the grosz."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter, defaultdict
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from okienko_server.domain.money import SMS_PRICE, Account
from okienko_server.domain.scope import Scope, ScopeKind, operator_scope
from okienko_server.operations import messages
from okienko_server.operations.hold import release
from okienko_server.operations.send_sms import expire_holds, send_due, take_reports
from okienko_server.operations.sms_settings import SmsSettings, set_sms
from okienko_server.operations.statement import as_csv, see_month
from okienko_server.sms.gateway import Delivery, Report
from okienko_server.storage.tables import AppointmentRow, LedgerRow, SmsMessageRow
from tests.conftest import Clock
from tests.operations.test_money import MONTH, balanced, budget, ledger, unlimited
from tests.operations.test_outbox import Notebook
from tests.plans import clinic, one_therapist
from tests.web.patients import ApiPatient, house_of, opened, rows_of, staff_scope

BOOKINGS = 5000 if os.environ.get("OKIENKO_PROOF") == "1" else 60


class Line(Notebook):
    """A gateway with the telephones behind it: number -> the newest code that arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, str] = {}

    def send(self, message_id: str, phone: str, body: str) -> Any:
        if not self.refusing and (found := re.search(r"kod (\d{6})", body)):
            self.codes[phone] = found[1]
        return super().send(message_id, phone, body)


class Month:
    """One clinic through a month, from a seed."""

    def __init__(self, app: Flask, clock: Clock, seed: int) -> None:
        self.app, self.clock, self.dice = app, clock, Random(seed)
        self.desk, self.gateway = house_of(app).desk, Line()
        unlimited(app)
        self.place = opened(app, one_therapist(staff=clinic().staff[:1]))
        budget(app, self.place, 10**9)
        self.done: Counter[str] = Counter()

    def live(self, bookings: int) -> None:
        for number in range(bookings):
            self._book(number)
            self._faults()
            send_due(self.gateway, desk=self.desk, now=self.clock.now)
            self._reports()
            self.clock.forward(seconds=self.dice.randint(1, 100))
            if number % 10 == 9:
                self._sweep()
        self.clock.forward(minutes=41)
        self._sweep()

    def _book(self, number: int) -> None:
        patient = ApiPatient(self.app, self.place.id)
        start = self.clock.now.replace(hour=8, minute=0, second=0, microsecond=0)
        start += timedelta(days=self.dice.randint(1, 50), minutes=5 * self.dice.randint(0, 100))
        if patient.hold(start).status_code != 201:
            self.done["taken"] += 1
            return
        phone = f"+4860{self.dice.randint(0, 9_999_999):07d}"
        assert patient.details(phone=phone).status_code == 200
        self.done["asked"] += 1
        if self.dice.random() < 0.2:
            self.clock.forward(seconds=61)
            patient.resend()
        what = self.dice.choice(("verify", "verify", "release", "leave"))
        if what == "verify":
            self._verify(patient, phone)
        elif what == "release":
            self._release(patient)
        if number % 17 == 0:
            self._pool()

    def _verify(self, patient: ApiPatient, phone: str) -> None:
        send_due(self.gateway, desk=self.desk, now=self.clock.now)
        if code := self.gateway.codes.get(phone):
            self.done["verified"] += patient.verify(code).status_code == 200

    def _release(self, patient: ApiPatient) -> None:
        own = patient.reference.partition("-")[2]
        with self.desk.database.reading() as connection:
            asked = select(AppointmentRow.session_id).where(AppointmentRow.id == own)
            session = connection.execute(asked).scalar_one()
        visitor = Scope(ScopeKind.CLINIC, self.place.id, session)
        release(own, scope=visitor, desk=self.desk, now=self.clock.now)
        self.done["released"] += 1

    def _pool(self) -> None:
        asked = SmsSettings(notifications=self.dice.random() < 0.5)
        ledger(self.app, self.place, lambda store: store.grant(MONTH, self.clock.now))
        set_sms(asked, scope=operator_scope().at(self.place.id), desk=self.desk, now=self.clock.now)

    def _faults(self) -> None:
        self.gateway.refusing, self.gateway.breaking, self.gateway.deaf, self.gateway.again = (
            self.dice.random() < chance for chance in (0.15, 0.2, 0.5, 0.5)
        )

    def _reports(self) -> None:
        for key in self.dice.sample(self.gateway.given[-30:], min(2, len(self.gateway.given[-30:]))):
            report = Report(key, "", self.dice.choice(list(Delivery)))
            take_reports([report], desk=self.desk, now=self.clock.now)

    def _sweep(self) -> None:
        expire_holds(desk=self.desk, now=self.clock.now)


def faults(app: Flask, month: Month) -> list[str]:
    """Return which promise the books break; nothing when they hold."""
    seen = see_month(MONTH, scope=staff_scope(month.place.id), desk=month.desk, now=month.clock.now)
    found, rows = seen.statement, rows_of(app, LedgerRow)
    accounts: defaultdict[str, int] = defaultdict(int)
    per_sms: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        accounts[row.account] += row.amount
        per_sms[row.sms_id] += row.amount if row.account == Account.SPENT else 0
    status = {row.id: row.status for row in rows_of(app, SmsMessageRow)}
    waiting = sum(s in ("queued", "promised", "sending", "unsure", "lost") for s in status.values())
    totals = {row[3]: int(row[5]) for row in csv.reader(io.StringIO(as_csv(seen))) if row[2] == "total"}
    lines = [row for row in csv.DictReader(io.StringIO(as_csv(seen))) if row["kind"] != "total"]
    paid = {
        purse: sum(int(row["grosze"]) for row in lines if row["purse"] == purse) for purse in ("pool", "bill", "house")
    }
    checks = {
        "sums": balanced(app) and sum(accounts.values()) == 0,
        "spent": accounts["spent"] == found.from_pool + found.from_bill + found.from_house,
        "twice": set(per_sms.values()) <= {0, SMS_PRICE},
        "sent": all(per_sms[key] == SMS_PRICE * (was == "sent") for key, was in status.items()),
        "reserved": found.reserved == waiting * SMS_PRICE,
        "csv": all(paid[purse] == totals[purse] for purse in paid) and totals["reserved"] == found.reserved,
        "owed": -accounts["bill"] - found.owed == sum(r.amount for r in rows if r.account == "reserved" and r.purse == "bill"),
    }  # fmt: skip
    return [name for name, holds in checks.items() if not holds]


def test_a_month_of_anything_adds_up(app: Flask, clock: Clock) -> None:
    month = Month(app, clock, 5)
    month.live(BOOKINGS)
    assert faults(app, month) == []
    assert min(month.done["asked"], month.done["verified"] * 10, month.done["released"] * 10) > BOOKINGS // 3


def test_a_release_left_out_is_found(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(messages, "book", lambda *_: None)
    month = Month(app, clock, 5)
    month.live(25)
    assert "reserved" in faults(app, month)
