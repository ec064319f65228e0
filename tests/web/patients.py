"""Patients who book: one through the JSON API, one through the HTML forms, and the telephone both of them own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import ColumnElement, Connection, Row, select, text, update
from werkzeug.test import TestResponse

from okienko.tokens import EmbedToken, WidgetSession, new_session_id
from okienko_server.domain.contract import BEGINNING, ContractStatus, Term
from okienko_server.domain.scope import Scope, ScopeKind, Source, operator_scope
from okienko_server.operations.onboard_clinic import ClinicPlan, OpenedClinic, open_clinic
from okienko_server.operations.send_sms import send_due
from okienko_server.sms.inbox import InboxGateway, Received
from okienko_server.storage import portal_starts, portal_statements
from okienko_server.storage.contracts import ContractStore
from okienko_server.storage.tables import Base, ClinicRow, SmsMessageRow
from okienko_server.web.house import House
from tests.conftest import KEYS
from tests.plans import clinic
from tests.web.pages import Button, Form, Page

API = "/api/v1"
TUESDAY_TEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""Tuesday 24 November 2026, 10:00 in Kraków: free in an empty diary of `tests.plans.clinic`."""
ADULT_SPINE = {"category": "spine", "age_group": "adult"}
JAN = {
    "first_name": "Janusz",
    "last_name": "Żółkiewski",
    "phone": "601 234 567",
    "comment": "Boli od maja",
    "consent": True,
}
JAN_TYPED: dict[str, Any] = {**JAN, "consent": "yes"}
GUARDIAN = {"booker_first_name": "Ewa", "booker_last_name": "Grab"}


def house_of(app: Flask) -> House:
    found: House = app.extensions["okienko"]
    return found


def opened(app: Flask, plan: ClinicPlan | None = None) -> OpenedClinic:
    """Open a clinic in the app's own database."""
    return open_clinic(plan or clinic(), desk=house_of(app).desk)


def messages_of(app: Flask) -> list[Any]:
    """Return the messages that were written; a confirmation only promised, whose money is reserved, is none yet."""
    written = [row for row in rows_of(app, SmsMessageRow) if row.status != "promised"]
    return [row for row in written if row.tries or row.kind != "confirmation" or row.status != "dropped"]


def rows_of(app: Flask, table: type[Base]) -> list[Row[Any]]:
    """Return every row of a table in the order they were written.

    PostgreSQL by itself gives them as they lie, and one written later may take the place of one that was deleted long ago.
    """
    statement = select(table.__table__)
    with house_of(app).desk.database.reading() as connection:
        if connection.dialect.name == "postgresql":
            statement = statement.order_by(text("xmin::text::bigint, cmin::text::bigint, ctid"))
        return list(connection.execute(statement))


def standing(app: Flask, table: type[Base]) -> list[Row[Any]]:
    """Return every row of a table in an order of its own, whichever was written again."""
    return sorted(rows_of(app, table), key=str)


def staff_scope(clinic_id: str) -> Scope:
    """Return the scope of somebody signed in at the clinic."""
    return Scope(ScopeKind.STAFF, clinic_id, source=Source.STAFF, role="owner")


def change_clinic(app: Flask, clinic_id: str, **values: Any) -> None:
    """Change the clinic's record the way the office does, telling every reader."""
    with house_of(app).desk.database.writing() as connection:
        if "contract" in values:
            became_of(connection, clinic_id, values.pop("contract"))
        changed = {**values, "revision": ClinicRow.revision + 1}
        connection.execute(update(ClinicRow).where(ClinicRow.clinic_id == clinic_id).values(changed))


def became_of(connection: Connection, clinic_id: str, status: str) -> None:
    """Let the clinic's contract have had that status from the beginning."""
    ContractStore(connection, operator_scope().at(clinic_id)).begin(Term(BEGINNING, ContractStatus(status)))


def embed_token(clinic_id: str, generation: int = 1, **locks: Any) -> str:
    return EmbedToken(clinic_id, generation, **locks).sign(KEYS.embed)


class Telephone:
    """The patient's phone: whatever the outbox has due is sent when somebody looks."""

    def __init__(self, app: Flask) -> None:
        self.house = house_of(app)

    def messages(self) -> list[Received]:
        """Return everything received, newest first."""
        while send_due(self.house.gateway, desk=self.house.desk, now=self.house.clock()):
            pass
        assert isinstance(self.house.gateway, InboxGateway)
        return self.house.gateway.messages()

    def code(self) -> str:
        """Return the newest code."""
        for message in self.messages():
            if found := re.search(r"kod (\d{6})", message.body):
                return found[1]
        raise AssertionError("no code was sent")

    def wrong_code(self) -> str:
        """Return six digits that are not the newest code."""
        return f"{(int(self.code()) + 1) % 1_000_000:06d}"


def solved(challenge: str, bits: int) -> str:
    """Return the challenge with a number whose SHA-256 begins with so many zero bits."""
    tries = (f"{challenge}{n}" for n in count())
    return next(text for text in tries if int(sha256(text.encode()).hexdigest(), 16) >> (256 - bits) == 0)


class ApiPatient:
    """Somebody's program, booking for one visitor."""

    def __init__(self, app: Flask, clinic_id: str = "", session: str = "", **locks: Any) -> None:
        self.app, self.client, self.phone = app, app.test_client(), Telephone(app)
        self.session = session or self._minted(clinic_id, locks)
        self.reference = ""

    def _minted(self, clinic_id: str, locks: dict[str, Any]) -> str:
        if not clinic_id:
            now = house_of(self.app).clock()
            return WidgetSession(new_session_id(), "portal", None, 0, "portal", issued_at=now).sign(KEYS.session)
        answer = self.client.post(f"{API}/sessions", json={"token": embed_token(clinic_id, **locks)})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["session"])

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> TestResponse:
        headers = {"Authorization": f"Bearer {self.session}"}
        if key:
            headers["Idempotency-Key"] = key
        return self.client.open(API + path, method=method, headers=headers, json=body)

    def slots(self, **asked: Any) -> TestResponse:
        return self.ask("POST", "/slots/search", ADULT_SPINE | asked)

    def starts(self, **asked: Any) -> list[datetime]:
        """Return every free start of the answer."""
        days = self.slots(**asked).get_json()["days"]
        return [datetime.fromisoformat(start) for day in days for start in day["starts"]]

    def hold(self, start: datetime = TUESDAY_TEN, key: str = "", **asked: Any) -> TestResponse:
        answer = self.ask("POST", "/appointments", ADULT_SPINE | {"start": start.isoformat()} | asked, key)
        if answer.status_code == 201:
            self.reference = answer.get_json()["id"]
        return answer

    def details(self, key: str = "", **typed: Any) -> TestResponse:
        """Give the details, doing the little work when it is asked for."""
        answer = self.put_details(key, **typed)
        if answer.status_code != 428:
            return answer
        asked = answer.get_json()
        return self.put_details(key, **typed | {"proof": solved(asked["challenge"], asked["bits"])})

    def put_details(self, key: str = "", **typed: Any) -> TestResponse:
        return self.ask("PUT", f"/appointments/{self.reference}/details", JAN | typed, key)

    def resend(self, key: str = "") -> TestResponse:
        return self.ask("POST", f"/appointments/{self.reference}/code", key=key)

    def verify(self, code: str, key: str = "") -> TestResponse:
        return self.ask("POST", f"/appointments/{self.reference}/verification", {"code": code}, key)

    def read(self) -> TestResponse:
        return self.ask("GET", f"/appointments/{self.reference}")

    def awaiting_code(self, start: datetime = TUESDAY_TEN, **asked: Any) -> str:
        """Hold a time, give details, and return the code that came."""
        assert self.hold(start, **asked).status_code == 201
        assert self.details().status_code == 200
        return self.phone.code()

    def booked(self, start: datetime = TUESDAY_TEN, **asked: Any) -> str:
        """Book the whole way and return the reference."""
        code = self.awaiting_code(start, **asked)
        assert self.verify(code).status_code == 200
        return self.reference


class FormPatient:
    """Somebody with a browser and no JavaScript, standing on one page at a time."""

    def __init__(self, app: Flask, door: str = "/") -> None:
        self.app, self.client, self.phone = app, app.test_client(), Telephone(app)
        self.answers: list[TestResponse] = []
        self.page = self._see(self.client.get(door))

    def _see(self, response: TestResponse) -> Page:
        self.answers.append(response)
        self.page = Page(response)
        return self.page

    def press(self, action: str, button: str = "", **changes: str) -> Page:
        """Send the first form with that address (and button), after changing some of its fields."""
        form = self.page.form(action, button)
        pressed = next((b for b in form.buttons if b.value == button), None) if button else None
        return self.send(form, pressed, **changes)

    def send(self, form: Form, button: Button | None = None, **changes: str) -> Page:
        return self._see(self.client.post(form.action, data=form.filled(button, **changes)))

    def problem(self, category: str = "spine", **chosen: str) -> Page:
        return self.press("/w/problem", category, **chosen)

    def take(self, start: datetime = TUESDAY_TEN) -> Page:
        """Press the button of a start."""
        return self.press("/w/hold", slot_of(start))

    def details(self, **typed: str) -> Page:
        return self.press("/w/details", **{str(k): str(v) for k, v in (JAN_TYPED | typed).items()})

    def code(self, code: str) -> Page:
        return self.press("/w/code", code=code)

    def awaiting_code(self, start: datetime = TUESDAY_TEN) -> str:
        """Walk from the problem to the code's page and return the code that came."""
        self.problem()
        self.take(start)
        self.details()
        return self.phone.code()


def written_in(calendar: bytes) -> tuple[datetime, datetime, str]:
    """Return (start, end, place) of the one appointment in a calendar file."""
    (event,) = Calendar.from_ical(calendar).walk("VEVENT")
    return event.decoded("DTSTART"), event.decoded("DTEND"), str(event["LOCATION"])


def slot_of(start: datetime) -> str:
    """Return what the button of a start posts: whole 5-minute cells since 1970."""
    return str(int(start.timestamp()) // 300)


def refusal_of(answer: TestResponse) -> tuple[int, str]:
    """Return (status, code) of a problem+json answer."""
    assert answer.mimetype == "application/problem+json", answer.text
    body = answer.get_json()
    assert body["status"] == answer.status_code
    return answer.status_code, str(body["code"])


def searched_as_visible(monkeypatch: pytest.MonkeyPatch, *conditions: ColumnElement[bool]) -> None:
    """Let the search show every clinic that fulfils these conditions instead of those of the portal."""
    monkeypatch.setattr(portal_statements, "VISIBLE", conditions)
    # Made anew each time: one kept from before would know nothing of it, one kept from now would outlive the test.
    for made in ("first_statement", "rows_statement"):
        monkeypatch.setattr(portal_starts, made, getattr(portal_starts, made).__wrapped__)
