"""What the kill tests run: the real server and worker, and for the controls each without one protection.

`python -m tests.race.killed` forks gunicorn with the factory `guarded`, `hasty` or `careless`, and `okienko worker` as `worker`,
`resending` or `settling`.
"""

from __future__ import annotations

import io
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from gunicorn.app import wsgiapp  # type: ignore[import-untyped]
from sqlalchemy import Connection

from okienko_server.app import create_app
from okienko_server.cli import main
from okienko_server.domain.throttle import Rule, SmsLimits
from okienko_server.operations import send_sms, verify
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import Post
from okienko_server.sms.gateway import Gateway, Taken
from okienko_server.storage.outbox_worker import SmsMessage

HUGE = Rule("huge", 10**9, timedelta(days=1))
NO_LIMITS = SmsLimits(HUGE, HUGE, HUGE, HUGE, HUGE, HUGE)
"""All patients of the test come from one address."""
LEASE = timedelta(seconds=1)
"""Longer than the fake gateway ever works at a message, and short enough for a test to wait for."""
LATE = 0.3
"""Seconds a control does too late what it should have done before."""


def guarded() -> Flask:
    """Return the application as it is."""
    return create_app(sms_limits=NO_LIMITS)


def hasty() -> Flask:
    """Return the application that says yes to a code at once and writes the reservation a moment later."""
    app = guarded()
    inner: Any = app.wsgi_app

    def answer_first(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if not str(environ["PATH_INFO"]).endswith("/verification"):
            return inner(environ, start)  # type: ignore[no-any-return]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        later = environ | {"wsgi.input": io.BytesIO(body)}
        threading.Timer(LATE, lambda: list(inner(later, lambda *_: None))).start()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    app.wsgi_app = answer_first  # type: ignore[assignment,method-assign]
    return app


class _Careless(Post):
    """Writes messages into the outbox a moment after the booking, in a transaction of their own."""

    def __init__(self, *made: Any) -> None:
        super().__init__(*made)
        self._made = made[1:]

    def _after(self, name: str, *asked: Any) -> None:
        def work(connection: Connection) -> None:
            getattr(Post(connection, *self._made), name)(*asked)

        desk = current_app.extensions["okienko"].desk
        threading.Timer(LATE, lambda: desk.database.write(work)).start()

    def send(self, *asked: Any) -> None:
        self._after("send", *asked)

    def promise(self, *asked: Any) -> None:
        self._after("promise", *asked)

    def keep_promise(self, *asked: Any) -> None:
        self._after("keep_promise", *asked)


def careless() -> Flask:
    """Return the application that writes its messages outside the booking's transaction."""
    vars(verify)["Post"] = _Careless
    return guarded()


def _resend(gateway: Gateway, message: SmsMessage, desk: Desk, now: datetime) -> bool:
    """Hand a message over under an id of this try, as one who never heard of unknown outcomes does."""
    taken = gateway.send(secrets.token_hex(8) if message.unsure else message.id, message.phone, message.body)
    send_sms._Settling(message, desk, now).sent(gateway.name, taken)
    return True


def _settle_first(gateway: Gateway, message: SmsMessage, desk: Desk, now: datetime) -> bool:
    """Write down that a message left, then hand it over."""
    send_sms._Settling(message, desk, now).sent(gateway.name, Taken(message.id))
    time.sleep(LATE)
    gateway.send(message.id, message.phone, message.body)
    return True


def _become(role: str, arguments: list[str]) -> None:
    """Be gunicorn, or `okienko worker` with or without a protection."""
    if role == "server":
        sys.argv = ["gunicorn", *arguments]
        wsgiapp.run()
        return
    send_sms.LEASE = LEASE
    variants: dict[str, Any] = {"resending": _resend, "settling": _settle_first}
    send_sms._settled = variants.get(role, send_sms._settled)
    main(["worker"], prog_name="okienko")


def nursery() -> None:
    """Fork a process for each line of standard input ("server ARGUMENTS", "worker") and print its id.

    Everything is imported by then: a process that dies while it still loads its modules would prove nothing, and take its time.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        role, *arguments = line.split()
        if pid := os.fork():
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(0)
        _become(role, arguments)
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    nursery()
