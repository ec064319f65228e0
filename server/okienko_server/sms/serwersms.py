"""SerwerSMS.pl (dev.serwersms.pl): JSON API with a bearer token; our id as `unique_id`, by which reports are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from okienko_server.sms.gateway import (
    AfterUnsure,
    Billed,
    Delivery,
    GatewayRefused,
    GatewayUnsure,
    Quiet,
    Report,
    Taken,
)
from okienko_server.sms.http import BUSY, MOST_PAGES, Line, json_of, moment_of, number_of

HOST = "https://api2.serwersms.pl"
ZONE = ZoneInfo("Europe/Warsaw")
"""Its moments are local ones."""
MOST_ASKED = 500
REPORTS = {
    "delivered": Delivery.DELIVERED, "undelivered": Delivery.UNDELIVERED, "unsent": Delivery.UNDELIVERED,
    "sent": Delivery.SENT, "pending": Delivery.ACCEPTED, "in_progress": Delivery.ACCEPTED, "saved": Delivery.ACCEPTED,
}  # fmt: skip
AGAIN = frozenset(range(3000, 3010))
"""Limits and rights: the same message may pass when the account is put right."""


class SerwerSms(Quiet):
    """SerwerSMS.pl. It pushes reports in a form set in its panel that is documented nowhere, so they are asked for."""

    name = "serwersms"
    development_only = False
    after_unsure = AfterUnsure.ASK

    def __init__(self, token: str, sender: str, host: str = HOST) -> None:
        self._line = Line(host, {"Authorization": f"Bearer {token}"})
        self._sender = sender

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        fields = {"phone": phone, "text": body, "unique_id": message_id, "details": True, "utf": False}
        if self._sender:
            fields["sender"] = self._sender
        answer = self._line.send("/messages/send_sms.json", json=fields)
        if answer.status_code in BUSY and answer.status_code != 429:
            raise GatewayUnsure(f"status {answer.status_code}")
        found = json_of(answer)
        if isinstance(found.get("error"), dict):
            code = number_of(found["error"].get("code"))
            raise GatewayRefused(f"error {code}", again=code in AGAIN)
        if answer.status_code >= 400:
            raise GatewayRefused(f"status {answer.status_code}", again=answer.status_code in BUSY)
        items = found.get("items")
        if not (isinstance(items, list) and items and isinstance(items[0], dict)):
            raise GatewayUnsure("an answer without items")
        first = items[0]
        if first.get("status") == "unsent":
            raise GatewayRefused(f"error {number_of(first.get('error_code'))}", again=False)
        if not first.get("id"):
            raise GatewayUnsure("an answer without an id")
        return Taken(str(first["id"]), max(number_of(first.get("parts")), 1))

    def find(self, message_id: str) -> Taken | None:
        known = [one for one in self._told([message_id]) if one.get("id") and one.get("status") != "unsent"]
        return Taken(str(known[0]["id"]), max(number_of(known[0].get("parts")), 1)) if known else None

    def ask_reports(self, message_ids: Sequence[str]) -> list[Report]:
        told = self._told(list(message_ids)[:MOST_ASKED])
        return [
            Report(str(one.get("unique_id", "")), str(one.get("id", "")), delivery)
            for one in told
            if (delivery := REPORTS.get(str(one.get("status", ""))))
        ]

    def account(self, since: datetime, until: datetime) -> Sequence[Billed] | None:
        span = {
            name: f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}" for name, at in (("date_from", since), ("date_to", until))
        }
        found: list[Billed] = []
        for page in range(1, MOST_PAGES + 1):
            asked = {**span, "page": page, "limit": MOST_ASKED, "order": "asc"}
            answer = self._line.look("POST", "/messages/reports.json", json=asked)
            told = json_of(answer)
            items, paging = told.get("items"), told.get("paging")
            pages = paging.get("count") if isinstance(paging, dict) else None
            # Without the number of pages nobody knows whether this was the last one.
            if answer.status_code != 200 or not isinstance(items, list) or pages is None:
                raise GatewayUnsure(f"status {answer.status_code}")
            found += [_billed(one) for one in items]
            if page >= number_of(pages):
                return found
        raise GatewayUnsure("an account without end")

    def _told(self, message_ids: list[str]) -> list[dict[str, Any]]:
        answer = self._line.look("POST", "/messages/reports.json", json={"unique_id": message_ids})
        items = json_of(answer).get("items")
        if answer.status_code != 200 or not isinstance(items, list):
            raise GatewayUnsure(f"status {answer.status_code}")
        return [one for one in items if isinstance(one, dict)]


def _billed(one: Any) -> Billed:
    if not isinstance(one, dict) or not one.get("id"):
        raise GatewayUnsure("a line without an id")
    delivery = REPORTS.get(str(one.get("status", "")), Delivery.ACCEPTED)
    at = moment_of(one.get("queued"), ZONE)
    return Billed(str(one.get("unique_id") or ""), str(one["id"]), number_of(one.get("parts")), delivery, at)
