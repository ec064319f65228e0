"""Twilio (twilio.com/docs/messaging): form API with Basic auth; reports signed by X-Twilio-Signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

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

HOST = "https://api.twilio.com"
AGAIN = frozenset({20003, 20429, 14107, 30001})
"""Wrong credentials, too many requests, queue overflow: the same message may pass later."""
REPORTS = {
    "accepted": Delivery.ACCEPTED, "scheduled": Delivery.ACCEPTED, "queued": Delivery.ACCEPTED, "sending": Delivery.ACCEPTED,
    "sent": Delivery.SENT, "delivered": Delivery.DELIVERED, "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED, "canceled": Delivery.UNDELIVERED,
}  # fmt: skip
_OURS = re.compile(r"[?&]message=([A-Za-z0-9]+)")


class Twilio(Quiet):
    """Twilio. It knows no id of ours and refuses no repetition, so an unknown outcome waits for the report, whose address names us."""

    name = "twilio"
    development_only = False
    after_unsure = AfterUnsure.WAIT

    def __init__(self, account: str, token: str, sender: str, notify_url: str = "", host: str = HOST) -> None:
        self._line = Line(host, {}, (account, token))
        self._account, self._token, self._sender, self._notify = account, token, sender, notify_url

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        who = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        fields = {"To": phone, "Body": body, who: self._sender}
        if self._notify:
            fields["StatusCallback"] = f"{self._notify}?message={message_id}"
        answer = self._line.send(f"/2010-04-01/Accounts/{self._account}/Messages.json", data=fields)
        found = json_of(answer)
        if answer.status_code == 201 and found.get("sid"):
            parts = str(found.get("num_segments", "1"))
            return Taken(str(found["sid"]), max(int(parts), 1) if parts.isdigit() else 1)
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
