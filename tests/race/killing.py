"""Processes to kill, and patients who go on booking meanwhile: each asks again with the same key until there is an answer."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from okienko.tokens import WidgetSession, new_session_id
from tests.conftest import KEYS
from tests.gunicorn import BACKLOG
from tests.sms.fake import Fake

PATIENCE = 60.0
_CODE = re.compile(r"kod (\d{6})")


class Victims:
    """One gunicorn of two processes and one worker; whoever is killed is started anew. The listening socket is the test's own."""

    def __init__(self, factory: str, worker: str, environment: Mapping[str, str]) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        handed = self._listener.fileno()
        options = f"-b fd://{handed} -w 2 --log-level critical --preload --backlog {BACKLOG}"
        self._server_line, self._worker_line = f"server {options} tests.race.killed:{factory}()", worker
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.race.killed"], env=os.environ | environment, pass_fds=(handed,), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._server, self._worker = self._born(self._server_line), self._born(self._worker_line)

    def kill_worker(self) -> None:
        """Kill the worker and start another."""
        _kill(self._worker)
        self._worker = self._born(self._worker_line)

    def kill_child(self, place: int) -> None:
        """Kill one serving process; gunicorn's own master starts another."""
        if children := _children(self._server):
            _kill(children[place % len(children)])

    def kill_server(self) -> None:
        """Kill master and children and start them anew."""
        self._end_server()
        self._server = self._born(self._server_line)

    def close(self) -> None:
        """End everything."""
        if self._nursery.poll() is not None:
            return
        _kill(self._worker)
        self._end_server()
        self._nursery.communicate(timeout=PATIENCE)
        self._listener.close()

    def _end_server(self) -> None:
        # Stopped first: a master that still runs could have one more child after they were counted.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._server, signal.SIGSTOP)
        children = _children(self._server)
        for pid in (self._server, *children):
            _kill(pid)

    def _born(self, line: str) -> int:
        assert self._nursery.stdin is not None and self._nursery.stdout is not None
        self._nursery.stdin.write(f"{line}\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in found.read_text().split()] if found.exists() else []


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@dataclass
class Crowd:
    """Patients one after another in a few threads; `acknowledged` holds the reservations the server said yes to."""

    port: int
    clinic_id: str
    fake: Fake
    starts: list[datetime]
    acknowledged: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    answered: int = 0
    broken: int = 0
    """Requests that died with a server."""
    patience: float = PATIENCE
    """Seconds a patient waits for a code or an answer."""
    stop: threading.Event = field(default_factory=threading.Event)
    _number: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, count: int) -> None:
        self._threads = [threading.Thread(target=self._come, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let everybody finish the booking they are at."""
        self.stop.set()
        for thread in self._threads:
            thread.join(2 * self.patience)

    def _come(self) -> None:
        while not self.stop.is_set():
            with self._lock:
                if not self.starts:
                    return
                start, self._number = self.starts.pop(0), self._number + 1
                phone = f"601{self._number:06d}"
            try:
                self._book(start, phone)
            except (RuntimeError, KeyError, ValueError) as odd:
                self.surprises.append(repr(odd))

    def _book(self, start: datetime, phone: str) -> None:
        session = WidgetSession(new_session_id(), "clinic", self.clinic_id, 1, "iframe", issued_at=datetime.now(UTC))
        bearer = session.sign(KEYS.session)
        wanted = {"category": "spine", "age_group": "adult", "start": start.isoformat()}
        reference = self._ask("POST", "/appointments", wanted, bearer)["id"]
        person = {"first_name": "Jan", "last_name": "Nowak", "phone": phone, "consent": True}
        self._ask("PUT", f"/appointments/{reference}/details", person, bearer)
        self._ask("POST", f"/appointments/{reference}/verification", {"code": self._code(phone)}, bearer)
        self.acknowledged.add(reference)

    def _code(self, phone: str) -> str:
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            for whose, text in self.fake.inbox:
                if whose.endswith(phone) and (found := _CODE.search(text)):
                    return found[1]
            time.sleep(0.02)
        raise RuntimeError(f"no code for {phone}")

    def _ask(self, method: str, path: str, body: object, bearer: str) -> Any:
        """Ask until there is an answer, always with the same key."""
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = secrets.token_hex(8)
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            with contextlib.closing(line), contextlib.suppress(OSError, http.client.HTTPException):
                line.request(method, f"/api/v1{path}", json.dumps(body), headers)
                answer = line.getresponse()
                content = answer.read()
                self.answered += 1
                if answer.status < 300:
                    return json.loads(content)
                raise RuntimeError(f"{method} {path.rpartition('/')[2]}: {answer.status} {content[:200]!r}")
            self.broken += 1
            time.sleep(0.02)
        raise RuntimeError(f"no answer to {method} {path}")
