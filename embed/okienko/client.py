"""The next free times, for a host page's own HTML. Needs the extra `client` (requests)."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from okienko.exceptions import OkienkoError

if TYPE_CHECKING:
    import requests

KEPT_SECONDS = 60
KEPT_ANSWERS = 256
LARGEST_ANSWER = 1_000_000
TIMEOUT = (2.0, 4.0)
"""Seconds to connect, and to wait for the next byte."""


class ServerUnreachable(OkienkoError):
    """The server did not answer, or not as it should; show the plain link instead."""


class ServerRefused(OkienkoError):
    """The server answered no; `code` is its stable code (docs: /api/v1/openapi.json), `status` the HTTP status."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"the server refused: {code}")
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class FreeStart:
    """A free start, aware UTC, and its day as the clinic's calendar calls it (YYYY-MM-DD)."""

    start: datetime
    day: str


_kept: OrderedDict[tuple[object, ...], tuple[float, list[FreeStart]]] = OrderedDict()
_lock = Lock()


def next_starts(
    base_url: str,
    token: str,
    *,
    category: str,
    kind: str,
    age_group: str,
    count: int,
    days: int,
    timeout: tuple[float, float] = TIMEOUT,
) -> list[FreeStart]:
    """Return up to `count` free starts of the coming `days`, in time order, no older than a minute.

    Raises ServerUnreachable, ServerRefused, and OkienkoError without the extra `client`.
    """
    asked = (base_url, token, category, kind, age_group, count, days)
    with _lock:
        made, found = _kept.get(asked, (0.0, []))
    if made and time.monotonic() - made < KEPT_SECONDS:
        return list(found)
    question = {"category": category, "kind": kind, "age_group": age_group, "days": days}
    found = _ask(base_url, token, question, timeout)[:count]
    with _lock:
        _kept[asked] = (time.monotonic(), found)
        while len(_kept) > KEPT_ANSWERS:
            _kept.popitem(last=False)
    return list(found)


def forget() -> None:
    """Drop every kept answer, for tests of a host page."""
    with _lock:
        _kept.clear()


def _ask(base_url: str, token: str, question: dict[str, Any], timeout: tuple[float, float]) -> list[FreeStart]:
    session = _post(f"{base_url}/api/v1/sessions", {"token": token}, {}, timeout).get("session")
    if not (isinstance(session, str) and session.isascii() and session.isprintable()):
        raise ServerUnreachable("the server's answer was no session")
    bearer = {"Authorization": f"Bearer {session}"}
    answer = _post(f"{base_url}/api/v1/slots/search", question, bearer, timeout)
    try:
        return [_free(day["date"], start) for day in answer["days"] for start in day["starts"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ServerUnreachable("the server's answer held no times") from error


def _free(day: str, start: str) -> FreeStart:
    instant = datetime.fromisoformat(start)
    if instant.tzinfo is None:
        raise ValueError("A time without its offset would be read in the zone of this machine.")
    return FreeStart(instant.astimezone(UTC), date.fromisoformat(day).isoformat())


def _post(url: str, body: dict[str, Any], headers: dict[str, str], timeout: tuple[float, float]) -> dict[str, Any]:
    try:
        import requests
        from urllib3.exceptions import HTTPError
    except ImportError:
        raise OkienkoError("next_slots needs requests: pip install 'okienko[client]'") from None
    try:
        with requests.post(
            url, json=body, headers=headers, auth=_as_given, hooks={"response": _lead_nowhere}, timeout=timeout,
            allow_redirects=False, stream=True,
        ) as answer:  # fmt: skip
            return _read(answer, timeout)
    except (requests.RequestException, HTTPError) as error:
        # Its text may hold the address with the token; the kind of fault is enough.
        raise ServerUnreachable(f"the server did not answer: {type(error).__name__}") from None


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without any auth requests looks into ~/.netrc, and what stands there would replace the session.
    return request


def _lead_nowhere(answer: requests.Response, **_: object) -> None:
    # Even of a redirect it does not follow, requests reads the whole body first, however long.
    answer.headers.pop("Location", None)


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    # iter_content waits until a piece is full: under a trickle each would take as long as it likes. urllib3 1 has no read1.
    read = getattr(answer.raw, "read1", answer.raw.read)
    while piece := read(65536, decode_content=True):
        yield piece


def _read(answer: requests.Response, timeout: tuple[float, float]) -> dict[str, Any]:
    until, content = time.monotonic() + sum(timeout), b""
    for piece in _pieces(answer):
        content += piece
        if len(content) > LARGEST_ANSWER or time.monotonic() > until:
            raise ServerUnreachable("the server's answer was too long")
    try:
        read = _json(content)
    except (ValueError, RecursionError):
        raise ServerUnreachable(f"the server's answer was no JSON (HTTP {answer.status_code})") from None
    if answer.status_code >= 300:
        raise ServerRefused(str(read.get("code", "unknown")), answer.status_code)
    return read


def _json(content: bytes) -> dict[str, Any]:
    read = json.loads(content)
    if not isinstance(read, dict):
        raise ValueError("no object")
    return read
