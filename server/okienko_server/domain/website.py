"""Addresses of a clinic's website as people paste them, made into origins a browser compares (RFC 6454), or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from okienko_server.domain.errors import FieldRefused

MAX_SITES = 20
MAX_LINE = 200
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LOOPBACK = ("localhost", "127.0.0.1")


class SitesRefused(FieldRefused):
    """Some lines name no site: `lines` are (the line as typed, code)."""

    def __init__(self, lines: tuple[tuple[str, str], ...], *, field: str) -> None:
        self.lines = lines
        super().__init__(lines[0][1], field=field)


def sites_of(typed: str, *, loopback: bool = False, field: str = "sites") -> tuple[str, ...]:
    """Return the origins of a text with an address a line, in order, each once; `loopback` also takes http on this machine.

    Raises SitesRefused naming every line that is none: site_path, site_wildcard, site_insecure, site_invalid; FieldRefused (site_many).
    """
    lines = [line.strip() for line in typed.splitlines() if line.strip()]
    if len(lines) > MAX_SITES:
        raise FieldRefused("site_many", field=field)
    wrong: list[tuple[str, str]] = []
    found: dict[str, None] = {}
    for line in lines:
        try:
            found[site_of(line, loopback=loopback, field=field)] = None
        except FieldRefused as refused:
            wrong.append((line[:MAX_LINE], refused.code))
    if wrong:
        raise SitesRefused(tuple(wrong), field=field)
    return tuple(found)


def site_of(line: str, *, loopback: bool = False, field: str = "sites") -> str:
    """Return "https://klinika.pl" for "klinika.pl", "HTTPS://Klinika.pl/" or "https://klinika.pl:443"; raises FieldRefused."""
    if "*" in line:
        raise FieldRefused("site_wildcard", field=field)
    if len(line) > MAX_LINE or not line.isprintable() or any(ch in line for ch in "\\;,'\" <>"):
        raise FieldRefused("site_invalid", field=field)
    try:
        parts = urlsplit(line if "://" in line else f"https://{line}")
        port = parts.port
    except ValueError:
        raise FieldRefused("site_invalid", field=field) from None
    host = _host(parts, field)
    here = loopback and host in _LOOPBACK
    if parts.scheme not in ("https", "http") or parts.username is not None or parts.password is not None:
        raise FieldRefused("site_invalid", field=field)
    if parts.scheme == "http" and not here:
        raise FieldRefused("site_insecure", field=field)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise FieldRefused("site_path", field=field)
    if port == 0 or (not here and ("." not in host or host.rpartition(".")[2][:1].isdigit())):
        raise FieldRefused("site_invalid", field=field)
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def siblings(sites: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sites with or without "www." that stand beside those named and are not among them: a browser takes them for others."""
    return tuple(dict.fromkeys(one for site in sites for one in _sibling(site) if one not in sites))


def _sibling(site: str) -> Iterator[str]:
    scheme, _, host = site.partition("://")
    if host.startswith("www."):
        if "." in host.removeprefix("www."):
            yield f"{scheme}://{host.removeprefix('www.')}"
    elif ":" not in host and host.count(".") <= 2:
        yield f"{scheme}://www.{host}"


def _host(parts: SplitResult, field: str) -> str:
    """Return the host in ASCII (IDNA), small letters; letters that the old and the new IDNA read differently are refused."""
    if set(parts.hostname or "") & set("ßς\u200c\u200d"):
        raise FieldRefused("site_invalid", field=field)
    try:
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
    except (UnicodeError, ValueError):
        raise FieldRefused("site_invalid", field=field) from None
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise FieldRefused("site_invalid", field=field)
    return host
