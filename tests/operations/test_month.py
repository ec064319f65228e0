"""A month of random bookings, cancellations, faults of the gateway, reports and pools: every account balances to the grosz."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update

from okienko_server.domain.errors import SlotRefused, SlotTaken, StepNotAllowed
from okienko_server.domain.money import Account, Event, Purse, month_of
from okienko_server.domain.reminder import LEADS
from okienko_server.domain.scope import Scope, ScopeKind, operator_scope
from okienko_server.domain.tariff import Tariff, tariff_of
from okienko_server.operations import messages
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.hold import release
from okienko_server.operations.month_sums import sums_of
from okienko_server.operations.onboard_clinic import PractitionerPlan, competent
from okienko_server.operations.plan_visit import Where, cancel, move
from okienko_server.operations.remind import remind_due
from okienko_server.operations.review import confirm, decline
from okienko_server.operations.send_sms import send_due
from okienko_server.operations.sms_settings import SmsSettings, set_sms
from okienko_server.operations.statement import as_csv, see_month
from okienko_server.operations.take_reports import take_reports
from okienko_server.sms.gateway import Delivery, Report
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.tables import AppointmentRow, LedgerRow, SmsMessageRow, StaffRow
from tests.conftest import Clock
from tests.operations.test_money import balanced, budget, ledger, unlimited
from tests.operations.test_outbox import Notebook
from tests.plans import clinic, one_therapist
from tests.tariffs import priced
from tests.web.patients import ApiPatient, house_of, opened, refusal_of, rows_of, staff_scope

BOOKINGS = 5000 if os.environ.get("OKIENKO_PROOF") == "1" else 60
ZONE = ZoneInfo("Europe/Warsaw")
PEOPLE = tuple(PractitionerPlan("mgr", f"Anna {chr(65 + n)}", "Nowak", competent("spine 16y+")) for n in range(16))


WAITING = ("queued", "promised", "sending", "unsure", "lost")
"""States in which a message's price is reserved."""


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
    """One clinic through a month and a few days of the next, from a seed."""

    def __init__(self, app: Flask, clock: Clock, seed: int, *tariffs: Tariff) -> None:
        self.app, self.clock, self.dice = app, clock, Random(seed)
        self.clock.now = datetime(2026, 11, 1, 6, tzinfo=UTC)
        self.desk, self.gateway = house_of(app).desk, Line()
        self.tariffs = tariffs
        priced(app, *tariffs)
        unlimited(app)
        self.place = opened(app, replace(one_therapist(staff=clinic().staff[:1]), practitioners=PEOPLE))
        budget(app, self.place, 10**9)
        self.staff = staff_scope(self.place.id)
        self.waiting: list[str] = []
        self.planned: list[str] = []
        self.done: Counter[str] = Counter()

    def price(self, month: str) -> int:
        """Return what a message of a month costs."""
        return tariff_of(self.tariffs, month).price

    def live(self, bookings: int) -> None:
        pause = int(timedelta(days=36).total_seconds()) // bookings
        for number in range(bookings):
            self._book()
            self._answer()
            self._faults()
            send_due(self.gateway, desk=self.desk, now=self.clock.now)
            self._reports()
            self.clock.forward(seconds=self.dice.randint(pause // 2, 3 * pause // 2))
            self.done["reminded"] += remind_due(desk=self.desk, now=self.clock.now)
            if number % 10 == 9:
                self._sweep()
            if self.dice.random() < 0.06:
                self._change()
        self.clock.forward(minutes=41)
        self._sweep()

    def _book(self) -> None:
        patient = ApiPatient(self.app, self.place.id)
        start = self.clock.now.replace(hour=8, minute=0, second=0, microsecond=0)
        start += timedelta(
            days=self.dice.choice((self.dice.randint(1, 6), self.dice.randint(1, 55))),
            minutes=5 * self.dice.randint(0, 100),
        )
        if patient.hold(start).status_code != 201:
            self.done["taken"] += 1
            return
        phone = f"+4860{self.dice.randint(0, 9_999_999):07d}"
        answer = patient.details(phone=phone)
        if answer.status_code != 200:
            assert refusal_of(answer) == (429, "sms_paused")
            self.done["paused"] += 1
            return
        self.done["asked"] += 1
        if self.dice.random() < 0.2:
            self.clock.forward(seconds=61)
            self.done["resent"] += patient.resend().status_code == 200
        what = self.dice.choice(("verify", "verify", "verify", "release", "leave"))
        if what == "verify":
            self._verify(patient, phone)
        elif what == "release":
            self._release(patient)

    def _verify(self, patient: ApiPatient, phone: str) -> None:
        self.gateway.refusing = self.gateway.breaking = False
        send_due(self.gateway, desk=self.desk, now=self.clock.now)
        if (code := self.gateway.codes.get(phone)) and patient.verify(code).status_code == 200:
            self.done["verified"] += 1
            self.waiting.append(patient.reference.partition("-")[2])

    def _release(self, patient: ApiPatient) -> None:
        own = patient.reference.partition("-")[2]
        with self.desk.database.reading() as connection:
            asked = select(AppointmentRow.session_id).where(AppointmentRow.id == own)
            session = connection.execute(asked).scalar_one()
        visitor = Scope(ScopeKind.CLINIC, self.place.id, session)
        release(own, scope=visitor, desk=self.desk, now=self.clock.now)
        self.done["released"] += 1

    def _answer(self) -> None:
        """Let the clinic answer somebody, and cancel or move what was planned."""
        asked: dict[str, Any] = {"scope": self.staff, "desk": self.desk, "now": self.clock.now}
        with suppress(StepNotAllowed, SlotTaken, SlotRefused):
            if self.waiting:
                one = self.waiting.pop(self.dice.randrange(len(self.waiting)))
                if self.dice.random() < 0.2:
                    decline(one, "", **asked)
                    self.done["declined"] += 1
                else:
                    confirm(one, **asked)
                    self.planned.append(one)
            if self.planned and self.dice.random() < 0.4:
                self._change_plan(self.dice.choice(self.planned), asked)

    def _change_plan(self, one: str, asked: dict[str, Any]) -> None:
        if self.dice.random() < 0.5:
            cancel(one, "", tell=self.dice.random() < 0.8, **asked)
            self.done["cancelled"] += 1
            return
        with self.desk.database.reading() as connection:
            seen = connection.execute(select(AppointmentRow.starts_at).where(AppointmentRow.id == one)).scalar_one()
        to = seen + timedelta(days=self.dice.randint(-1, 5), minutes=5 * self.dice.randint(-6, 6))
        person = self.dice.choice(sorted(self.place.practitioners.values()))
        (place,) = self.place.locations.values()
        move(one, Where(person, place, to, outside=True), seen, **asked)
        self.done["moved"] += 1

    def _change(self) -> None:
        """Change what the pool is made of, or when patients are reminded: settings, or somebody who comes and goes."""
        if self.dice.random() < 0.5:
            on, lead = self.dice.random() < 0.7, self.dice.choice(LEADS)
            asked = SmsSettings(notifications=on, reminder=lead)
            set_sms(asked, scope=operator_scope().at(self.place.id), desk=self.desk, now=self.clock.now)
        else:
            self._people()
        if self.dice.random() < 0.5:
            month = month_of(self.clock.now, ZONE)
            ledger(
                self.app, self.place, lambda store: store.grant(month, self.clock.now, tariff_of(self.tariffs, month))
            )
        self.done["changed"] += 1

    def _people(self) -> None:
        mine = StaffRow.clinic_id == self.place.id
        role = self.dice.choice(("owner", "consultant", "receptionist"))
        left = self.clock.now if self.dice.random() < 0.3 else None
        self.desk.database.write(lambda c: c.execute(update(StaffRow).where(mine).values(role=role, closed_at=left)))

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
    rows, status = rows_of(app, LedgerRow), {row.id: row.status for row in rows_of(app, SmsMessageRow)}
    price = {row.id: month.price(row.month) for row in rows_of(app, SmsMessageRow)}
    per_sms: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        per_sms[row.sms_id] += row.amount if row.account == Account.SPENT else 0
    checks = {
        "sums": balanced(app) and sum(row.amount for row in rows) == 0,
        "twice": all(amount in (0, price.get(key, 0)) for key, amount in per_sms.items()),
        "sent": all(per_sms[key] == price[key] * (was == "sent") for key, was in status.items()),
        "price": all(row.price == price[row.id] for row in rows_of(app, SmsMessageRow)),
    }  # fmt: skip
    months = sorted({row.month for row in rows})
    return [name for name, holds in checks.items() if not holds] + [
        f"{one} {name}" for one in months for name in month_faults(app, month, one, [r for r in rows if r.month == one])
    ]


def month_faults(app: Flask, month: Month, name: str, rows: list[Any]) -> list[str]:
    """Return what one month's statement and file do not say as its ledger does."""
    seen = see_month(name, scope=month.staff, desk=month.desk, now=month.clock.now)
    found, accounts = seen.statement, Counter[str]()
    for row in rows:
        accounts[row.account] += row.amount
    states = Counter((row.status, row.purse) for row in rows_of(app, SmsMessageRow) if row.month == name)
    sent = {purse: states["sent", purse] for purse in Purse}
    waiting, tariff = sum(states[one, purse] for one in WAITING for purse in Purse), tariff_of(month.tariffs, name)
    totals = {row[3]: int(row[5]) for row in csv.reader(io.StringIO(as_csv(seen))) if row[2] == "total"}
    lines = [row for row in csv.DictReader(io.StringIO(as_csv(seen))) if row["kind"] != "total"]
    paid = {
        purse: sum(int(row["grosze"]) for row in lines if row["purse"] == purse) for purse in ("pool", "bill", "house")
    }
    checks = {
        "spent": accounts["spent"] == found.from_pool + found.from_bill + found.from_house,
        "reserved": found.reserved == waiting * tariff.price,
        "counts": sums_of(seen).total.count == sent and sums_of(seen).total.waiting == waiting,
        "bars": {purse: sum(day[purse] for day in seen.days.values()) for purse in Purse} == sent,
        "granted": found.granted in (tariff.pool(0), tariff.pool(1)),
        "csv": all(paid[purse] == totals[purse] for purse in paid) and totals["reserved"] == found.reserved,
        "pool": 0 <= found.from_pool <= found.granted == -accounts["granted"],
        "owed": -accounts["bill"] - found.owed == sum(r.amount for r in rows if r.account == "reserved" and r.purse == "bill"),
    }  # fmt: skip
    return [name for name, holds in checks.items() if not holds]


def test_a_month_of_anything_adds_up(app: Flask, clock: Clock) -> None:
    month = Month(app, clock, 5)
    month.live(BOOKINGS)
    assert faults(app, month) == []
    assert month.done["asked"] * 2 > BOOKINGS, month.done
    assert {row.month for row in rows_of(app, LedgerRow)} == {"2026-11", "2026-12"}
    happened = {"verified", "released", "resent", "declined", "cancelled", "moved", "reminded", "changed"}
    assert {name for name in happened if month.done[name]} == happened


DEARER = Tariff("2026-12", 27, 3)
"""Small enough a pool to be used up within the few days of December."""


def test_a_month_and_the_next_at_another_price_add_up(app: Flask, clock: Clock) -> None:
    month = Month(app, clock, 7, DEARER)
    month.live(BOOKINGS)
    assert faults(app, month) == []
    paid = Counter((row.month, row.price) for row in rows_of(app, SmsMessageRow))
    assert set(paid) == {("2026-11", 20), ("2026-12", 27)} and min(paid.values()) > 5, paid


@pytest.mark.parametrize("free", [Tariff("2026-12", 0, 100), Tariff("2026-11", 0, 0)], ids=["then", "always"])
def test_free_messages_are_counted_all_the_same(app: Flask, clock: Clock, free: Tariff) -> None:
    month = Month(app, clock, 7, free)
    month.live(30)
    assert faults(app, month) == []
    assert any(row.price == 0 and row.status == "sent" for row in rows_of(app, SmsMessageRow))


def test_what_is_given_back_at_the_price_of_the_day_is_found(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a book that asks the tariff of the month it writes in, not the message's own price."""
    month = Month(app, clock, 7, DEARER)
    own = LedgerStore.book

    def at_todays(
        store: LedgerStore, sms_id: str, event: Event, purse: Purse, of: str, now: datetime, amount: int
    ) -> bool:
        asked = amount if event in (Event.GRANT, Event.RESERVE) else month.price(month_of(now, ZONE))
        return own(store, sms_id, event, purse, of, now, asked)

    monkeypatch.setattr(LedgerStore, "book", at_todays)
    month.live(BOOKINGS)
    assert any("2026-11" in one for one in faults(app, month))


def test_a_release_left_out_is_found(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(messages, "book", lambda *_: None)
    month = Month(app, clock, 5)
    month.live(25)
    assert any("reserved" in one for one in faults(app, month))
