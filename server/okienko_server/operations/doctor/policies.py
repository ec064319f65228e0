"""Would the page's own Content-Security-Policy let our script and frame in (https://www.w3.org/TR/CSP3/)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from okienko.snippet import LOADER_PATH
from okienko_server.operations.doctor.faults import Fault, Ground, Widget, at, origin_of
from okienko_server.operations.doctor.page import LONGEST_SHOWN, Page, Tag

HEADER: Final = "content-security-policy"
_FALLBACKS: Final = {
    "script": ("script-src-elem", "script-src", "default-src"),
    "frame": ("frame-src", "child-src", "default-src"),
}
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Policy:
    """One policy and where it was said: in a header (no tag) or in a meta tag."""

    text: str
    tag: Tag | None = None

    def directives(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for piece in self.text.split(";"):
            name, *sources = piece.split() or [""]
            found.setdefault(name.lower(), sources)
        return found

    def governing(self, kind: str) -> tuple[str, list[str]] | None:
        """Return the directive that decides about a kind of request, or None when everything is allowed."""
        directives = self.directives()
        return next(((name, directives[name]) for name in _FALLBACKS[kind] if name in directives), None)

    def fault(self, code: str, directive: str, fix: str) -> Fault:
        if self.tag:
            return at(self.tag, code, fix, directive=directive)
        return Fault(code, 0, f"Content-Security-Policy: {self.text[:LONGEST_SHOWN]}", fix, {"directive": directive})


def blocked(page: Page, headers: Mapping[str, str], widgets: list[Widget], ground: Ground) -> Iterator[Fault]:
    """Yield the directives that keep our script or frame out, each with the policy that lets it in."""
    live = [one for one in widgets if not one.tag.inside]
    loaders = [tag for tag in page.scripts if not tag.inside]
    for policy in _policies(page, headers):
        if any(not one.is_frame for one in live):
            yield from _script(policy, loaders[0] if loaders else None, ground)
        if live and (found := policy.governing("frame")):
            directive, sources = found
            if not any(_matches(source, f"{ground.server}/e/", ground) for source in sources):
                yield policy.fault("csp_frame", directive, ground.embed.csp(policy.text))


def _policies(page: Page, headers: Mapping[str, str]) -> list[_Policy]:
    said = [value for name, value in headers.items() if name.lower() == HEADER]
    # Several headers arrive joined by commas, which no policy holds itself; each of them must agree.
    found = [_Policy(text.strip()) for value in said for text in value.split(",") if text.strip()]
    return found + [_Policy(tag.get("content"), tag) for tag in page.policies if not tag.inside]


def _script(policy: _Policy, loader: Tag | None, ground: Ground) -> Iterator[Fault]:
    found = policy.governing("script")
    if found is None:
        return
    directive, sources = found
    known = [source.lower() for source in sources]
    if loader and _signed(loader, sources):
        return
    if "'strict-dynamic'" in known:
        # Then hosts are not looked at: only the page's own nonce, or a digest, lets a script in.
        yield policy.fault("csp_nonce", directive, "")
    elif not any(_matches(source, f"{ground.server}{LOADER_PATH}", ground) for source in sources):
        yield policy.fault("csp_script", directive, _mended(policy, ground))


def _signed(loader: Tag, sources: list[str]) -> bool:
    marks = [f"nonce-{loader.get('nonce')}"] if loader.get("nonce") else []
    return any(f"'{mark}'" in sources for mark in (*marks, *loader.get("integrity").split()))


def _mended(policy: _Policy, ground: Ground) -> str:
    text = ground.embed.csp(policy.text)
    elements = policy.directives().get("script-src-elem")
    if elements is None:
        return text
    kept = [source for source in elements if source.lower() != "'none'"]
    pieces = (piece.strip() for piece in text.split(";"))
    return "; ".join(
        " ".join(["script-src-elem", *kept, ground.server]) if piece.split()[:1] == ["script-src-elem"] else piece
        for piece in pieces
    )


def _matches(source: str, url: str, ground: Ground) -> bool:
    """Return whether a source expression lets an address in (CSP3 §6.7.2)."""
    wanted = urlsplit(url)
    expression = source.lower()
    if expression == "*":
        return True
    if expression.startswith("'"):
        return expression == "'self'" and origin_of(url) == ground.origin
    if expression.endswith(":"):
        return _same_scheme(expression[:-1], wanted.scheme)
    scheme, _, rest = expression.rpartition("://")
    if not _same_scheme(scheme or ("https" if ground.secure else "http"), wanted.scheme):
        return False
    authority, slash, path = rest.partition("/")
    host, _, port = authority.partition(":")
    return (
        _same_host(host, wanted.hostname or "") and _same_port(port, wanted) and _same_path(slash + path, wanted.path)
    )


def _same_scheme(allowed: str, scheme: str) -> bool:
    return allowed == scheme or (allowed == "http" and scheme == "https")


def _same_host(allowed: str, host: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else allowed in ("*", host)


def _same_port(allowed: str, wanted: SplitResult) -> bool:
    port = wanted.port or _PORTS[wanted.scheme]
    return allowed == "*" or (str(port) == allowed if allowed else port == _PORTS[wanted.scheme])


def _same_path(allowed: str, path: str) -> bool:
    if allowed in ("", "/"):
        return True
    return path.startswith(allowed) if allowed.endswith("/") else path == allowed
