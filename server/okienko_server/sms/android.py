"""A telephone as a gateway (sms-gate.app): JSON API with Basic auth; our id is the message's id, so it can be asked for."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

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

FRESH = timedelta(minutes=5)
"""A signed report older than this is a replay."""
REPORTS = {"sms:sent": Delivery.SENT, "sms:delivered": Delivery.DELIVERED, "sms:failed": Delivery.UNDELIVERED}
STATES = {"Pending", "Processed", "Sent", "Delivered"}


class AndroidPhone(Quiet):
    """The clinic's own telephone with the app SMS Gate, reached through its cloud server or in the local network."""

    name = "android"
    development_only = False
    after_unsure = AfterUnsure.ASK

    def __init__(self, host: str, user: str, password: str, secret: str) -> None:
        self._line = Line(host, {}, (user, password))
        self._secret = secret

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        fields = {"id": message_id, "phoneNumbers": [phone], "textMessage": {"text": body}, "withDeliveryReport": True}
        answer = self._line.send("/messages", json=fields)
        if answer.status_code in (200, 201, 202):
            return Taken(str(json_of(answer).get("id") or message_id))
        if answer.status_code == 409:
            return Taken(message_id)
        if 400 <= answer.status_code < 500:
            raise GatewayRefused(f"status {answer.status_code}", again=answer.status_code in BUSY | {401, 403})
        raise GatewayUnsure(f"status {answer.status_code}")

    def find(self, message_id: str) -> Taken | None:
        answer = self._line.look("GET", f"/messages/{message_id}")
        if answer.status_code == 404:
            return None
        found = json_of(answer)
        if answer.status_code != 200 or "state" not in found:
            raise GatewayUnsure(f"status {answer.status_code}")
        return Taken(message_id) if found["state"] in STATES else None

    def read_report(self, call: Call) -> list[Report]:
        stamp = call.headers.get("x-timestamp", "")
        digest = hmac.new(self._secret.encode(), call.body + stamp.encode(), hashlib.sha256).hexdigest()
        if not self._secret or not same(digest, call.headers.get("x-signature", "")):
            raise ReportRefused
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
            raise ReportRefused
        if abs(datetime.now(UTC) - datetime.fromtimestamp(int(stamp), UTC)) > FRESH:  # noqa: TID251 - a gateway stands outside
            raise ReportRefused
        try:
            told = json.loads(call.body)
            delivery = REPORTS.get(told["event"])
            message_id = str(told["payload"]["messageId"])
        except (ValueError, KeyError, TypeError):
            return []
        return [Report(message_id, message_id, delivery)] if delivery else []
