"""SMSAPI.pl (smsapi.pl/docs): sms.do with a bearer token; our id as `idx`, refused when it is used twice (`check_idx`)."""

from __future__ import annotations

from collections.abc import Iterable

from okienko_server.sms.gateway import (
    AfterUnsure,
    Call,
    Delivery,
    GatewayRefused,
    GatewayUnsure,
    Quiet,
    Report,
    ReportRefused,
    Taken,
    same,
)
from okienko_server.sms.http import BUSY, Line, json_of

HOST = "https://api.smsapi.pl"
KNOWN_ALREADY = 53
AGAIN = frozenset({103, 200, 201, 202, 203, 999})
"""No credit, and the codes of an internal fault: the same message may pass later."""
REPORTS = {
    "402": Delivery.UNDELIVERED, "403": Delivery.SENT, "404": Delivery.DELIVERED, "405": Delivery.UNDELIVERED,
    "406": Delivery.UNDELIVERED, "407": Delivery.UNDELIVERED, "409": Delivery.ACCEPTED, "410": Delivery.ACCEPTED,
    "411": Delivery.ACCEPTED,
}  # fmt: skip
"""Codes of a delivery report; 401 (unknown) and 408 (no report) say nothing."""


class SmsApi(Quiet):
    """SMSAPI.pl. Errors come with status 200; reports are GETs without a signature, so their address holds a secret."""

    name = "smsapi"
    development_only = False
    after_unsure = AfterUnsure.REPEAT

    def __init__(self, token: str, sender: str, secret: str, notify_url: str = "", host: str = HOST) -> None:
        self._line = Line(host, {"Authorization": f"Bearer {token}"})
        self._sender, self._secret, self._notify = sender, secret, notify_url

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        fields = {
            "to": phone.removeprefix("+"), "message": body, "format": "json", "encoding": "utf-8", "idx": message_id,
            "check_idx": "1", "max_parts": "1", "details": "1",
        }  # fmt: skip
        if self._sender:
            fields["from"] = self._sender
        if self._notify:
            fields["notify_url"] = self._notify
        answer = self._line.send("/sms.do", data=fields)
        if answer.status_code in BUSY and answer.status_code != 429:
            raise GatewayUnsure(f"status {answer.status_code}")
        if answer.status_code >= 400:
            raise GatewayRefused(f"status {answer.status_code}", again=answer.status_code in BUSY)
        found = json_of(answer)
        if "error" in found:
            return self._refused(found["error"], message_id)
        listed = found.get("list")
        if not (isinstance(listed, list) and listed and isinstance(listed[0], dict) and listed[0].get("id")):
            raise GatewayUnsure("an answer without an id")
        first = listed[0]
        if first.get("error"):
            return self._refused(first["error"], message_id)
        parts = first.get("parts")
        return Taken(str(first["id"]), parts if isinstance(parts, int) and parts > 0 else 1)

    def _refused(self, code: object, message_id: str) -> Taken:
        number = int(str(code)) if str(code).isascii() and str(code).isdigit() else 0
        if number == KNOWN_ALREADY:
            return Taken(f"idx:{message_id}")
        raise GatewayRefused(f"error {number}", again=number in AGAIN)

    def read_report(self, call: Call) -> list[Report]:
        if not self._secret or not same(self._secret, call.query.get("secret", "")):
            raise ReportRefused
        columns = [call.query.get(name, "").split(",") for name in ("MsgId", "status", "idx")]
        return list(_reports(*columns))

    def report_answer(self) -> str:
        return "OK"


def _reports(ids: list[str], statuses: list[str], ours: list[str]) -> Iterable[Report]:
    for place, gateway_id in enumerate(ids[:100]):
        status = statuses[place] if place < len(statuses) else ""
        if delivery := REPORTS.get(status):
            yield Report(ours[place] if place < len(ours) else "", gateway_id, delivery)
