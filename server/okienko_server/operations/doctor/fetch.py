"""Fetching a page somebody names: little, soon, and never from an inner host.

The name is resolved once; the address is judged and that very address is connected to, so a name that answers differently a
moment later gains nothing. Each redirect begins anew.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from time import monotonic
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from okienko_server.operations.doctor.body import decoded, unpacked

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_REDIRECTS: Final = 3
CONNECT_SECONDS: Final = 4.0
READ_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 12.0
MAX_ADDRESS: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = IPv6Network("64:ff9b::/96")
_HEADERS: Final = {
    "User-Agent": "Okienko-doctor/1 (checks the booking widget)",
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class CannotLook(Exception):
    """The page cannot be fetched; `code` says why and names a sentence of the catalogue, `values` fill it."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code, self.values = code, values


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it was answered: `url` after redirects."""

    url: str
    html: str
    headers: Mapping[str, str]


def system_resolve(host: str, port: int) -> list[str]:
    """Return every address of a host as this machine resolves it; raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def fetch(url: str, *, public_only: bool = True, loopback: bool = False, resolve: Resolve | None = None) -> Fetched:
    """Return the page under an address; raises CannotLook.

    `public_only` refuses addresses that are not globally routable and unusual ports; `loopback` lets this machine through even so.
    """
    started = monotonic()
    address = completed(url)
    for _ in range(MAX_REDIRECTS + 1):
        target = _target(address, public_only=public_only, loopback=loopback, resolve=resolve or system_resolve)
        answer = _ask(target, started + TOTAL_SECONDS)
        if isinstance(answer, Fetched):
            return answer
        try:
            address = urljoin(address, answer)
        except ValueError:
            raise CannotLook("address") from None
    raise CannotLook("redirects")


def completed(url: str) -> str:
    """Return an address as people type it ("klinika.pl") with its scheme; raises CannotLook."""
    text = url.strip()
    if not text or len(text) > MAX_ADDRESS or any(ord(sign) < 33 or sign == "\\" for sign in text):
        raise CannotLook("address")
    return text if re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", text, re.IGNORECASE) else f"https://{text}"


@dataclass(frozen=True, slots=True)
class _Target:
    """One request: what to ask, and the judged address to ask it from."""

    url: str
    parts: SplitResult
    host: str
    port: int
    address: str


def _target(url: str, *, public_only: bool, loopback: bool, resolve: Resolve) -> _Target:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii").decode()
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise CannotLook("address") from None
    if parts.scheme not in _PORTS:
        raise CannotLook("scheme")
    if not host or parts.username is not None or parts.password is not None:
        raise CannotLook("address")
    found = _resolved(host, port, resolve)
    if public_only:
        own = loopback and all(one.is_loopback for one in found)
        if not own and (port not in _PORTS.values() or not all(map(is_public, found))):
            raise CannotLook("private")
    return _Target(url, parts, host, port, str(found[0]))


def _resolved(host: str, port: int, resolve: Resolve) -> list[Address]:
    """Return the addresses of a host, given up after a while: the system's resolver knows no time-out."""
    answers: queue.Queue[Sequence[str] | Exception] = queue.Queue()

    def work() -> None:
        try:
            answers.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = answers.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        found = []
    if isinstance(found, Exception) or not found:
        raise CannotLook("unknown_host", host=host[:100])
    return [ip_address(one) for one in found]


def is_public(address: Address) -> bool:
    """Return whether an address is reachable from anywhere, also the one it may carry inside (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in inner) or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class _Pinned(HTTPAdapter):
    """Connects to one judged address, and asks for the page's own host there, in TLS too."""

    def __init__(self, target: _Target, opened: list[Any]) -> None:
        self._target, self._opened = target, opened
        super().__init__(pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        where, found = self.build_connection_pool_key_attributes(request, verify, cert)
        keys: dict[str, Any] = dict(found)
        if self._target.parts.scheme == "https":
            keys |= {"server_hostname": self._target.host, "assert_hostname": self._target.host}
        pool: HTTPConnectionPool = self.poolmanager.connection_from_host(
            host=self._target.address, port=self._target.port, scheme=where["scheme"], pool_kwargs=keys
        )
        make: Callable[..., Any] = pool.ConnectionCls

        def remembered(**how: Any) -> Any:
            self._opened.append(made := make(**how))
            return made

        pool.ConnectionCls = remembered  # type: ignore[assignment]
        return pool


def _ask(target: _Target, deadline: float) -> Fetched | str:
    """Return the page, or where it redirects to."""
    opened: list[Any] = []
    # A server that sends a byte now and then keeps every single time-out; this ends it.
    guard = threading.Timer(max(deadline - monotonic(), 0.01), _hang_up, (opened,))
    guard.daemon = True
    guard.start()
    host = target.parts.netloc if target.parts.netloc.isascii() else target.host
    adapter = _Pinned(target, opened)
    try:
        # Not through a session: that asks proxies, which resolve anew, and reads a redirect's body, however long it is.
        request = requests.Request("GET", target.url, {**_HEADERS, "Host": host}).prepare()
        with adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS), verify=True) as answer:
            return _read(answer, target.url, deadline)
    except requests.exceptions.SSLError:
        raise CannotLook("certificate", host=target.host[:100]) from None
    except (requests.RequestException, HTTPError, OSError, ValueError):
        raise CannotLook("no_answer", host=target.host[:100]) from None
    finally:
        guard.cancel()
        adapter.close()


def _hang_up(opened: list[Any]) -> None:
    for connection in opened:
        if connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _read(answer: requests.Response, url: str, deadline: float) -> Fetched | str:
    # Headers cut off by the guard look like headers that ended.
    _in_time(deadline)
    if answer.is_redirect:
        return answer.headers["Location"][:MAX_ADDRESS]
    if answer.status_code != 200:
        raise CannotLook("status", status=str(answer.status_code))
    kind = answer.headers.get("Content-Type", "")
    if kind and not kind.lower().lstrip().startswith(("text/html", "application/xhtml+xml", "text/plain")):
        raise CannotLook("not_html")
    body = bytearray()
    while piece := answer.raw.read1(65536, decode_content=False):
        body += piece
        if len(body) > MAX_BYTES:
            raise CannotLook("too_large")
        _in_time(deadline)
    return Fetched(url, _text(bytes(body), answer.headers.get("Content-Encoding", ""), kind), dict(answer.headers))


def _in_time(deadline: float) -> None:
    if monotonic() > deadline - 0.05:
        raise TimeoutError


def _text(body: bytes, packing: str, kind: str) -> str:
    try:
        return decoded(unpacked(body, packing, MAX_BYTES), kind)
    except zlib.error:
        raise CannotLook("not_html") from None
