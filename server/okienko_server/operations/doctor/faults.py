"""The doctor's findings, and the checks of how the pieces stand in the page: what is missing, buried, doubled or shown as text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from okienko.exceptions import TokenInvalid
from okienko.snippet import Embed
from okienko.tokens import public_id
from okienko_server.operations.doctor.page import LONGEST_SHOWN, Element, Page, Tag

NOTES: Final = frozenset(
    {"loader_twice", "loader_idle", "shown_too", "origin_unchecked", "token_portal", "token_graced", "link_only"}
)
"""Findings that keep nothing from working."""
_BURIED: Final = {
    "comment": "in_comment",
    "template": "in_template",
    "noscript": "in_noscript",
    "text": "shown_as_text",
}
_LONG_WORD: Final = re.compile(r"[\w.~-]{48,}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding: its code, the line (0: the whole page) and tag it is about, a text to copy that mends it, words for the sentence."""

    code: str
    line: int = 0
    where: str = ""
    fix: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def note(self) -> bool:
        """Whether it is only worth knowing."""
        return self.code in NOTES


def at(tag: Tag, code: str, fix: str = "", **values: str) -> Fault:
    """Return a finding about one tag."""
    # Tokens are long and look alike: their ends are enough to know one by.
    text = _LONG_WORD.sub(lambda word: f"{word[0][:10]}…{word[0][-4:]}", " ".join(tag.text.split()))
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return Fault(code, tag.line, shown, fix, values)


@dataclass(frozen=True, slots=True)
class Widget:
    """A booking window on the page: an element or a plain frame, with its token and the options asked for."""

    tag: Tag
    token: str
    options: Mapping[str, str]

    @property
    def is_frame(self) -> bool:
        return self.tag.name == "iframe"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the page stands ("" when nobody knows) and which server it should ask."""

    embed: Embed
    page_url: str = ""

    @property
    def server(self) -> str:
        return origin_of(self.embed.base_url)

    @property
    def origin(self) -> str:
        """The origin of the page, "https://clinic.example", or ""."""
        return origin_of(self.page_url)

    @property
    def secure(self) -> bool:
        return self.page_url.lower().startswith("https:")

    def resolved(self, address: str) -> str:
        """Return the whole address a browser would ask, "" for one it could not."""
        try:
            return urljoin(self.page_url, address)
        except ValueError:
            return ""


def origin_of(url: str) -> str:
    """Return "scheme://host" (and a port that is not the scheme's own) of an http address, "" for anything else."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}" + (
        f":{port}" if port and port != {"http": 80, "https": 443}[parts.scheme] else ""
    )


def host_of(url: str) -> str:
    """Return the host and port of an address, whatever its scheme."""
    return origin_of(url).partition("://")[2]


def widgets_of(page: Page, ground: Ground) -> list[Widget]:
    """Return every booking window of the page, buried ones too."""
    found = [Widget(one.tag, one.tag.get("token"), _attributes(one.tag)) for one in page.elements]
    for tag in page.frames:
        address = ground.resolved(tag.source)
        token = _frame_token(address)
        if token is not None and (host_of(address) == host_of(ground.server) or _is_token(token)):
            found.append(Widget(tag, token, _asked(address)))
    return found


def _attributes(tag: Tag) -> dict[str, str]:
    return {name: tag.get(name) for name in tag.attributes if name != "token"}


def _frame_token(address: str) -> str | None:
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    return unquote(path.removeprefix("/e/")).strip("/ ") if path.startswith("/e/") or path == "/e" else None


def _is_token(text: str) -> bool:
    try:
        public_id(text)
    except TokenInvalid:
        return False
    return True


def _asked(address: str) -> dict[str, str]:
    parts = urlsplit(address)
    asked = dict(parse_qsl(parts.query)) | dict(parse_qsl(parts.fragment))
    if asked.get("accent"):
        asked["accent"] = f"#{asked['accent'].removeprefix('#')}"
    return asked


def placed(page: Page, widgets: list[Widget], ground: Ground) -> Iterator[Fault]:
    """Yield what is wrong with how the pieces stand: nothing there, buried, stripped, doubled, unclosed, without a link."""
    live = [one for one in widgets if not one.tag.inside]
    buried = [one.tag for one in widgets if one.tag.inside]
    loaders = [tag for tag in page.scripts if not tag.inside]
    if live:
        yield from (at(tag, "shown_too") for tag in buried[:1] if tag.inside == "text")
    else:
        yield from (at(tag, _BURIED[tag.inside]) for tag in buried[:3])
    if not live and not buried:
        yield from _nothing(page, loaders, ground)
    yield from _loaders(page, live, loaders)
    yield from _portal_frames(page, live, ground)
    for element in page.elements:
        if not element.tag.inside:
            yield from _content(element)
    counted = Counter(one.token for one in live if one.token)
    seen: Counter[str] = Counter()
    for one in live:
        seen[one.token] += 1
        if counted[one.token] > 1 and seen[one.token] == 2:
            yield at(one.tag, "doubled", times=str(counted[one.token]))


def _nothing(page: Page, loaders: list[Tag], ground: Ground) -> Iterator[Fault]:
    ours = [tag for tag in page.links if not tag.inside and _is_our_link(tag, ground)]
    if loaders:
        yield at(loaders[0], "element_stripped")
    elif ours:
        yield at(ours[0], "link_only")
    elif not any(origin_of(ground.resolved(tag.source)) == ground.server for tag in page.frames):
        yield Fault("nothing_found")


def _is_our_link(tag: Tag, ground: Ground) -> bool:
    return origin_of(ground.resolved(tag.get("href"))) == ground.server


def _loaders(page: Page, live: list[Widget], loaders: list[Tag]) -> Iterator[Fault]:
    elements = [one.tag for one in live if not one.is_frame]
    if elements and not loaders:
        yield from (at(tag, _BURIED[tag.inside]) for tag in page.scripts[:1])
        if not page.scripts:
            yield at(elements[0], "script_stripped")
    if live and loaders and not elements:
        yield at(loaders[0], "loader_idle")
    if elements and len(loaders) > 1:
        yield at(loaders[1], "loader_twice", times=str(len(loaders)))


def _portal_frames(page: Page, live: list[Widget], ground: Ground) -> Iterator[Fault]:
    """Yield frames that show a page of ours which nobody may frame."""
    known = {id(one.tag) for one in live}
    for tag in page.frames:
        if not tag.inside and id(tag) not in known and origin_of(ground.resolved(tag.source)) == ground.server:
            yield at(tag, "frame_portal")


def _content(element: Element) -> Iterator[Fault]:
    if not element.closed:
        yield at(element.tag, "element_unclosed")
    elif not element.links:
        yield at(element.tag, "fallback_missing")
