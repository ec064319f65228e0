"""Twilio (twilio.com/docs/messaging): form API with Basic auth; reports signed by X-Twilio-Signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
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
from okienko_server.sms.http import BUSY, MOST_PAGES, Line, json_of, number_of

HOST = "https://api.twilio.com"
AGAIN = frozenset({20003, 20429, 14107, 30001})
"""Wrong credentials, too many requests, queue overflow: the same message may pass later."""
REPORTS = {
    "accepted": Delivery.ACCEPTED, "scheduled": Delivery.ACCEPTED, "queued": Delivery.ACCEPTED, "sending": Delivery.ACCEPTED,
    "sent": Delivery.SENT, "delivered": Delivery.DELIVERED, "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED, "canceled": Delivery.UNDELIVERED,
}  # fmt: skip
PAGE = 1000
_OURS = re.compile(r"[?&]message=([A-Za-z0-9]+)")


class Twilio(Quiet):
    """Twilio. It knows no id of ours and refuses no repetition, so an unknown outcome waits for the report, whose address names us."""

    name = "twilio"
    development_only = False
    after_unsure = AfterUnsure.WAIT

    def __init__(self, account: str, token: str, sender: str, notify_url: str = "", host: str = HOST) -> None:
        self._line = Line(host, {}, (account, token))
        self._messages = f"/2010-04-01/Accounts/{account}/Messages.json"
        self._token, self._sender, self._notify = token, sender, notify_url

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        who = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        fields = {"To": phone, "Body": body, who: self._sender}
        if self._notify:
            fields["StatusCallback"] = f"{self._notify}?message={message_id}"
        answer = self._line.send(self._messages, data=fields)
        found = json_of(answer)
        if answer.status_code == 201 and found.get("sid"):
            return Taken(str(found["sid"]), max(number_of(found.get("num_segments", "1")), 1))
        if 400 <= answer.status_code < 500:
            code = found.get("code")
            again = answer.status_code == 429 or code in AGAIN or answer.status_code in BUSY
            raise GatewayRefused(f"error {code if isinstance(code, int) else answer.status_code}", again=again)
        raise GatewayUnsure(f"status {answer.status_code}")

    def read_report(self, call: Call) -> list[Report]:
        signed = call.url + "".join(f"{name}{call.form[name]}" for name in sorted(call.form))
        digest = hmac.new(self._token.encode(), signed.encode(), hashlib.sha1).digest()
        if not same(base64.b64encode(digest).decode(), call.headers.get("x-twilio-signature", "")):
            raise ReportRefused
        delivery = REPORTS.get(call.form.get("MessageStatus", ""))
        ours = _OURS.search(call.url)
        if delivery is None:
            return []
        return [Report(ours[1] if ours else "", call.form.get("MessageSid", ""), delivery)]

    def account(self, since: datetime, until: datetime) -> Sequence[Billed] | None:
        # Whole days in GMT, and one more at the end: whether "on or before" a day ends at its beginning is said in two ways.
        asked: dict[str, str] | None = {
            "DateSent>": f"{since.astimezone(UTC):%Y-%m-%d}",
            "DateSent<": f"{until.astimezone(UTC) + timedelta(days=1):%Y-%m-%d}",
            "PageSize": str(PAGE),
        }
        path, found = self._messages, list[Billed]()
        for _ in range(MOST_PAGES):
            answer = self._line.look("GET", path, params=asked)
            told = json_of(answer)
            listed, path, asked = told.get("messages"), told.get("next_page_uri") or "", None
            if answer.status_code != 200 or not isinstance(listed, list):
                raise GatewayUnsure(f"status {answer.status_code}")
            found += [_billed(one) for one in listed if not _came_in(one)]
            if not path:
                return found
            # The key goes along with every request: only to the same list.
            if not (isinstance(path, str) and path.startswith(f"{self._messages}?")):
                raise GatewayUnsure("the next page is elsewhere")
        raise GatewayUnsure("an account without end")


def _came_in(one: Any) -> bool:
    return isinstance(one, dict) and one.get("direction") == "inbound"


def _billed(one: Any) -> Billed:
    if not isinstance(one, dict) or not one.get("sid"):
        raise GatewayUnsure("a line without an id")
    delivery = REPORTS.get(str(one.get("status", "")), Delivery.ACCEPTED)
    at = _moment(one.get("date_sent") or one.get("date_created"))
    return Billed("", str(one["sid"]), number_of(one.get("num_segments")), delivery, at)


def _moment(value: Any) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
