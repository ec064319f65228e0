"""Keeps messages in memory for the page /dev/sms of the demo: a telephone to look at."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from okienko_server.sms.gateway import OfThisProcess, Taken


@dataclass(frozen=True, slots=True)
class Received:
    """One message as the telephone shows it."""

    id: str
    phone: str
    body: str
    at: datetime


class InboxGateway(OfThisProcess):
    """Keeps the newest 200 messages of this process."""

    name = "inbox"

    def __init__(self) -> None:
        self._messages: deque[Received] = deque(maxlen=200)
        self._lock = Lock()

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        with self._lock:
            self._messages.appendleft(Received(message_id, phone, body, datetime.now(UTC)))  # noqa: TID251 - a gateway stands outside
        return Taken(message_id)

    def messages(self) -> list[Received]:
        """Return what arrived, newest first."""
        with self._lock:
            return list(self._messages)
