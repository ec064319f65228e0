"""A telephone as a gateway (sms-gate.app): JSON API with Basic auth; our id is the message's id, so it can be asked for."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from okienko_server.sms.gateway import (
    AfterUnsure,
    Billed,
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
from okienko_server.sms.http import BUSY, MOST_PAGES, Line, json_of, list_of, moment_of

FRESH = timedelta(minutes=5)
"""A signed report older than this is a replay."""
REPORTS = {"sms:sent": Delivery.SENT, "sms:delivered": Delivery.DELIVERED, "sms:failed": Delivery.UNDELIVERED}
STATES = {"Pending", "Processed", "Sent", "Delivered"}
LISTED = {"Sent": Delivery.SENT, "Delivered": Delivery.DELIVERED, "Failed": Delivery.UNDELIVERED}
PAGE = 100


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

    def account(self, since: datetime, until: datetime) -> Sequence[Billed] | None:
        span = {name: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, at in (("from", since), ("to", until))}
        found: list[Billed] = []
        for _ in range(MOST_PAGES):
            asked = {**span, "limit": str(PAGE), "offset": str(len(found))}
            answer = self._line.look("GET", "/messages", params=asked)
            listed = list_of(answer)
            if answer.status_code != 200 or listed is None:
                raise GatewayUnsure(f"status {answer.status_code}")
            found += [_billed(one) for one in listed]
            # A short page may be a telephone's own limit: only an empty one is the end.
            if not listed:
                return found
        raise GatewayUnsure("an account without end")

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


def _billed(one: Any) -> Billed:
    if not isinstance(one, dict) or not one.get("id"):
        raise GatewayUnsure("a line without an id")
    states = one.get("states")
    at = moment_of(states.get("Pending"), UTC) if isinstance(states, dict) else None
    key = str(one["id"])
    return Billed(key, key, 0, LISTED.get(str(one.get("state", "")), Delivery.ACCEPTED), at)
