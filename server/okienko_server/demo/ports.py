"""Two neighbouring ports of this machine: the server on 127.0.0.1, the clinic's website on localhost beside it."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

_TRIES = 50


class CannotListen(Exception):
    """A port is in use; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Listening sockets. A browser sees two sites: 127.0.0.1 and localhost are not the same one."""

    port: int
    server: socket.socket
    site: tuple[socket.socket, ...]

    @property
    def server_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def site_url(self) -> str:
        return f"http://localhost:{self.port + 1}"

    def close(self) -> None:
        """Let go of all ports."""
        for one in (self.server, *self.site):
            one.close()


def open_doors(port: int) -> Doors:
    """Return sockets listening on `port` and the next one, 0 for any free pair; raises CannotListen."""
    if port:
        return _open(port)
    for _ in range(_TRIES):
        with contextlib.suppress(CannotListen):
            return _open(_any_port())
    raise CannotListen("No two neighbouring ports are free on this machine.")


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _open(port: int) -> Doors:
    if not 0 < port < 65535:
        raise CannotListen("The port must lie between 1 and 65534, because the clinic's website takes the next one.")
    server = _listen(socket.AF_INET, "127.0.0.1", port)
    try:
        site = [_listen(socket.AF_INET, "127.0.0.1", port + 1)]
    except CannotListen:
        server.close()
        raise
    # A browser may take localhost for either address; a machine without IPv6 does without the second.
    with contextlib.suppress(CannotListen):
        site.append(_listen(socket.AF_INET6, "::1", port + 1))
    return Doors(port, server, tuple(site))


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f"This machine does not know {host}.") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Port {port} is in use; choose another with --port, or --port 0 for any.") from error
    return listening
