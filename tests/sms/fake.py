"""Fake gateways on a real socket: they speak each provider's shapes, keep a ledger of what they took, and misbehave when told."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

STALL = 1.2
"""Seconds a stalled answer takes; the tests' read time-out is shorter."""


@dataclass
class Fake:
    """One provider: `mode` says how it behaves, `taken` is its ledger (our id -> how often it was billed)."""

    provider: str
    mode: str = "ok"
    taken: dict[str, int] = field(default_factory=dict)
    phones: list[str] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    inbox: list[tuple[str, str]] = field(default_factory=list)
    """(telephone, text) of what was billed."""
    delay: float = 0.0
    """Seconds between billing and answering."""
    working: threading.Event = field(default_factory=threading.Event)
    """Set while an answer is owed for a message that was billed."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    states: dict[str, str] = field(default_factory=dict)
    """Our id -> how far its message got, in the provider's words; "delivered" for the others."""
    parts: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Our ids left out of the account."""
    at: datetime = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    """When everything on the account was taken."""
    page: int = 2
    """Lines on a page of the account, however many are asked for."""

    def account(self) -> list[dict[str, Any]]:
        """Return the provider's own account, a line for each billing."""
        ours = [one for one, times in self.taken.items() if one not in self.hidden for _ in range(times)]
        seen: dict[str, int] = {}
        lines = []
        for one in ours:
            seen[one] = seen.get(one, 0) + 1
            own = f"gw-{one}" if seen[one] == 1 else f"gw-{one}-{seen[one]}"
            lines.append(_listed(self.provider, one, own, self.states.get(one, "delivered"), self))
        return lines

    def take(self, message_id: str, phone: str, text: str = "") -> bool:
        """Bill a message; False when its id was taken before and this provider refuses doubles."""
        with self.lock:
            if message_id in self.taken and self.provider != "twilio":
                return False
            self.taken[message_id] = self.taken.get(message_id, 0) + 1
            self.phones.append(phone)
            self.inbox.append((phone, text))
            return True

    @property
    def billed(self) -> int:
        return sum(self.taken.values())


class _Handler(BaseHTTPRequestHandler):
    fake: Fake

    def log_message(self, *_: Any) -> None:
        """Nothing: a test's output is its own."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            return None  # whoever asked died while speaking
        typed = json.loads(body) if self.headers.get("Content-Type", "").startswith("application/json") else None
        fields = typed if typed is not None else {name: found[0] for name, found in parse_qs(body.decode()).items()}
        self.fake.seen.append({"path": self.path, "headers": dict(self.headers.items()), **fields})
        if self.path.endswith("reports.json") and "page" in fields:
            return self._account((int(fields["page"]) - 1) * self.fake.page)
        if self.path.endswith("reports.json"):
            return self._told(fields)
        refusals = {"limit": (429, "{}"), "redirect": (302, ""), "refuse": _refused(self.fake.provider)}
        if self.fake.mode in refusals:
            return self._answer(*refusals[self.fake.mode])
        message_id, phone = _sent(self.fake.provider, fields)
        known = not self.fake.take(message_id, phone, _text(fields))
        self._dawdle()
        if self.fake.mode == "reset":
            return self._reset()
        if self.fake.mode == "stall":
            time.sleep(STALL)
        broken = {"nonsense": (200, "<html>maintenance</html>"), "fault": (502, "")}
        return self._answer(*broken.get(self.fake.mode, _taken(self.fake.provider, message_id, known)))

    def do_GET(self) -> None:
        asked = {name: found[0] for name, found in parse_qs(urlsplit(self.path).query).items()}
        if "offset" in asked or "PageSize" in asked or "Page" in asked:
            self.fake.seen.append({"path": self.path, "headers": dict(self.headers.items()), **asked})
            return self._account(int(asked.get("offset") or int(asked.get("Page", 0)) * self.fake.page))
        message_id = self.path.rsplit("/", 1)[-1]
        if self.fake.mode == "fault":
            return self._answer(502, "")
        if message_id in self.fake.taken:
            return self._answer(200, json.dumps({"id": message_id, "state": "Sent"}))
        return self._answer(404, json.dumps({"message": "not found"}))

    def _told(self, fields: dict[str, Any]) -> None:
        if self.fake.mode == "fault":
            return self._answer(502, "")
        asked = fields["unique_id"]
        items = [
            {"id": f"gw-{one}", "unique_id": one, "status": "delivered", "parts": 1}
            for one in asked
            if one in self.fake.taken
        ]
        return self._answer(200, json.dumps({"items": items}))

    def _account(self, start: int) -> None:
        """Answer a page of the account; a broken mode breaks it, "second" only after the first page."""
        whole, fake = self.fake.account(), self.fake
        mode = ("nonsense" if start else "ok") if fake.mode == "second" else fake.mode
        if mode == "reset":
            return self._reset()
        if mode == "stall":
            time.sleep(STALL)
        broken = {
            "fault": (502, ""),
            "limit": (429, "{}"),
            "nonsense": (200, "<html>"),
            "nameless": (200, _paged(fake, [{}], 0, 1)),
        }
        if mode == "elsewhere":
            told = {"messages": [], "next_page_uri": "@127.0.0.1/steal?Page=1", "items": [], "paging": {}}
            return self._answer(200, json.dumps(told))
        return self._answer(*broken.get(mode, (200, _paged(fake, whole[start : start + fake.page], start, len(whole)))))

    def _dawdle(self) -> None:
        if self.fake.delay:
            self.fake.working.set()
            time.sleep(self.fake.delay)
            self.fake.working.clear()

    def _answer(self, status: int, body: str) -> None:
        try:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", self.fake.url)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())
        except OSError:
            return

    def _reset(self) -> None:
        # No lingering: the other side gets a reset instead of an end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _sent(provider: str, fields: dict[str, Any]) -> tuple[str, str]:
    if provider == "smsapi":
        return fields["idx"], fields["to"]
    if provider == "serwersms":
        return fields["unique_id"], fields["phone"]
    if provider == "twilio":
        return fields.get("StatusCallback", "").rpartition("=")[2] or fields["Body"], fields["To"]
    return fields["id"], fields["phoneNumbers"][0]


def _text(fields: dict[str, Any]) -> str:
    """Return the text of a message in whatever field its provider wants it."""
    plain = next((fields[name] for name in ("message", "text", "Body") if name in fields), "")
    return str(plain or fields.get("textMessage", {}).get("text", ""))


def _taken(provider: str, message_id: str, known: bool) -> tuple[int, str]:
    if provider == "smsapi":
        if known:
            return 200, json.dumps({"error": 53, "message": "idx exists"})
        one = {
            "id": f"gw-{message_id}",
            "points": 0.16,
            "status": "QUEUE",
            "idx": message_id,
            "error": None,
            "parts": 1,
        }
        return 200, json.dumps({"count": 1, "list": [one]})
    if provider == "serwersms":
        item = {"id": f"gw-{message_id}", "status": "queued", "parts": 1, "error_code": None}
        return 200, json.dumps({"success": True, "queued": 1, "unsent": 0, "items": [item]})
    if provider == "twilio":
        return 201, json.dumps({"sid": f"gw-{message_id}", "status": "queued", "num_segments": "1", "error_code": None})
    return (409, "{}") if known else (202, json.dumps({"id": message_id, "state": "Pending"}))


def _listed(provider: str, message_id: str, own: str, state: str, fake: Fake) -> dict[str, Any]:
    parts = fake.parts.get(message_id, 1)
    if provider == "twilio":
        at = {"date_sent": format_datetime(fake.at), "direction": "outbound-api"}
        return {"sid": own, "status": state, "num_segments": str(parts), "body": "x", "to": "+48601234567", **at}
    if provider == "android":
        states = {"Pending": f"{fake.at:%Y-%m-%dT%H:%M:%SZ}"}
        return {"id": message_id, "state": state.title(), "states": states, "recipients": [{"phoneNumber": "x"}]}
    queued = f"{fake.at.astimezone(ZoneInfo('Europe/Warsaw')):%Y-%m-%d %H:%M:%S}"
    return {"id": own, "unique_id": message_id, "status": state, "parts": parts, "queued": queued, "phone": "x"}


def _paged(fake: Fake, lines: list[dict[str, Any]], start: int, total: int) -> str:
    if fake.provider == "android":
        return json.dumps(lines)
    if fake.provider == "serwersms":
        return json.dumps({"paging": {"page": start // fake.page + 1, "count": -(-total // fake.page)}, "items": lines})
    more = start + fake.page < total
    path = "/2010-04-01/Accounts/account/Messages.json"
    came = [{"sid": f"in-{start}", "direction": "inbound", "status": "received"}] if lines and "sid" in lines[0] else []
    uri = f"{path}?Page={start // fake.page + 1}&PageToken=PA1" if more else None
    return json.dumps({"messages": lines + came, "next_page_uri": uri})


def _refused(provider: str) -> tuple[int, str]:
    if provider == "smsapi":
        return 200, json.dumps({"error": 13, "message": "No correct phone numbers", "invalid_numbers": []})
    if provider == "serwersms":
        return 200, json.dumps({"error": {"code": 2001, "type": "BadPhone", "message": "Zły numer"}})
    if provider == "twilio":
        return 400, json.dumps({"code": 21211, "message": "not a valid phone number", "status": 400})
    return 400, json.dumps({"message": "invalid phone number"})


@contextmanager
def fake_gateway(provider: str) -> Iterator[Fake]:
    """Serve one provider on loopback."""
    fake = Fake(provider)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
