"""A real gunicorn on a port nobody else can take, for races and benchmarks."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

BACKLOG = 512
PATIENCE = 60.0
"""Seconds a server may take until its first answer: a loaded machine is slow, not broken."""


@contextlib.contextmanager
def gunicorn(application: str, workers: int, environment: Mapping[str, str], *options: str) -> Iterator[int]:
    """Serve a WSGI application ("module:factory()"); yields the port once it answers. Raises RuntimeError when it ends instead."""
    with socket.socket() as listener:
        # Handed over listening: a port that is looked for, closed and bound again can be somebody else's in between.
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        port: int = listener.getsockname()[1]
        handed = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "-b", f"fd://{handed}", "-w", str(workers), "--log-level", "error"]
        server = subprocess.Popen(
            [*command, "--backlog", str(BACKLOG), *options, application],
            env=os.environ | environment,
            pass_fds=(handed,),
        )
        try:
            _wait(port, server)
            yield port
        finally:
            server.terminate()
            server.wait()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(asked):
            asked.request("GET", "/health")
            asked.getresponse().read()
            return
    raise RuntimeError("the server did not start")
