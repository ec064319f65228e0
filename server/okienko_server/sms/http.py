"""What the gateways over HTTP share: one session, short time-outs, no redirects, and where an outcome becomes unknown."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from okienko_server.sms.gateway import GatewayRefused, GatewayUnsure

CONNECT_SECONDS = 3.05
"""A little over a multiple of three, the TCP retransmission window (requests, Timeouts)."""
READ_SECONDS = 10.0
MOST_PAGES = 200
"""Pages of an account after which something must be wrong: a list that never ends is no list."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which asking later is of use."""


class Line:
    """A line to one gateway's API; never retries by itself, because only the caller knows whether that is safe."""

    def __init__(self, base: str, headers: dict[str, str], auth: tuple[str, str] | None = None) -> None:
        self._base = base.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update(headers)
        self._session.auth = auth
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=0))

    def send(self, path: str, **body: Any) -> requests.Response:
        """POST a message and return the answer; raises GatewayRefused while no connection stood, GatewayUnsure for what breaks later."""
        return self._ask("POST", path, GatewayRefused, **body)

    def look(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask for something that changes nothing; raises GatewayUnsure when there is no answer."""
        return self._ask(method, path, GatewayUnsure, **more)

    def _ask(self, method: str, path: str, unreachable: type[Exception], **more: Any) -> requests.Response:
        try:
            return self._session.request(
                method, f"{self._base}{path}", timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, **more
            )
        except requests.RequestException as error:
            # Never connected, or cut off after: only the former is sure. What the error says may hold the address and the number.
            raise (unreachable if _never_stood(error) else GatewayUnsure)(type(error).__name__) from None


def _never_stood(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def json_of(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, {} for anything else."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def list_of(answer: requests.Response) -> list[Any] | None:
    """Return the JSON list of an answer, None for anything else."""
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def number_of(value: Any) -> int:
    """Return a count however it is written, 0 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def moment_of(value: Any, zone: tzinfo) -> datetime | None:
    """Return a moment written like 2026-11-24T08:00:00Z, in `zone` where it names none itself; None for what is none."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)
