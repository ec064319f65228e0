"""SerwerSMS.pl (dev.serwersms.pl): JSON API with a bearer token; our id as `unique_id`, by which reports are asked for."""

from __future__ import annotations

from typing import Any

from okienko_server.sms.gateway import AfterUnsure, Call, GatewayRefused, GatewayUnsure, Report, ReportRefused, Taken
from okienko_server.sms.http import BUSY, Line, json_of

HOST = "https://api2.serwersms.pl"
AGAIN = frozenset(range(3000, 3010))
"""Limits and rights: the same message may pass when the account is put right."""


class SerwerSms:
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
            code = _number(found["error"].get("code"))
            raise GatewayRefused(f"error {code}", again=code in AGAIN)
        if answer.status_code >= 400:
            raise GatewayRefused(f"status {answer.status_code}", again=answer.status_code in BUSY)
        items = found.get("items")
        if not (isinstance(items, list) and items and isinstance(items[0], dict)):
            raise GatewayUnsure("an answer without items")
        first = items[0]
        if first.get("status") == "unsent":
            raise GatewayRefused(f"error {_number(first.get('error_code'))}", again=False)
        if not first.get("id"):
            raise GatewayUnsure("an answer without an id")
        return Taken(str(first["id"]), max(_number(first.get("parts")), 1))

    def find(self, message_id: str) -> Taken | None:
        answer = self._line.look("POST", "/messages/reports.json", json={"unique_id": message_id})
        items = json_of(answer).get("items")
        if answer.status_code != 200 or not isinstance(items, list):
            raise GatewayUnsure(f"status {answer.status_code}")
        known = [one for one in items if isinstance(one, dict) and one.get("id") and one.get("status") != "unsent"]
        return Taken(str(known[0]["id"]), max(_number(known[0].get("parts")), 1)) if known else None

    def read_report(self, call: Call) -> list[Report]:
        raise ReportRefused

    def report_answer(self) -> str:
        return ""


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else 0
