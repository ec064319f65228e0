"""What of a web page matters to the doctor: our script, elements and frames, plain links, and the page's own policies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

ELEMENT: Final = "okienko-booking"
CURLY: Final = "“”„‟‘’‚‛″‶′‵«»"
LOADER: Final = re.compile(r"okienko(?:-[\w.]+)?\.js(?:$|[?#])")
_CURLY_VALUE: Final = re.compile(rf"=\s*(?:[{CURLY}]|&#(?:8216|8217|8220|8221|8222|8242|8243);|&[lr]dquo;|&bdquo;)")
_QUOTED: Final = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_DEAD: Final = ("template", "noscript", "textarea", "title", "xmp")
_AS_TEXT: Final = ("textarea", "title", "xmp")
_SOURCES: Final = ("src", "data-src", "data-rocket-src", "data-lazy-src", "data-cookieconsent-src")
LONGEST_SHOWN: Final = 300
MOST_KEPT: Final = 300
"""Tags of one sort that are looked at: a real page has a few, and a hostile one shall not make the answer long."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A start tag as it stands in the page; `inside` says what keeps it from working: "", template, noscript, comment or text."""

    name: str
    attributes: Mapping[str, str]
    text: str
    line: int
    inside: str = ""

    def get(self, name: str) -> str:
        """Return an attribute's value without blanks and curly quotes around it, "" when it is missing."""
        return self.attributes.get(name, "").strip(CURLY + " \t\r\n")

    @property
    def source(self) -> str:
        """The address it loads, also one that an optimiser or a consent tool has put aside."""
        return next((found for name in _SOURCES if (found := self.get(name))), "")

    @property
    def curly(self) -> bool:
        """Whether some value stands in typographic quotes, which HTML does not know."""
        return bool(_CURLY_VALUE.search(_QUOTED.sub("", self.text)))


@dataclass(frozen=True, slots=True)
class Element:
    """An <okienko-booking>: its tag, the addresses linked inside, and whether it is closed."""

    tag: Tag
    links: tuple[str, ...]
    closed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that matters, in the order of the page."""

    scripts: tuple[Tag, ...]
    elements: tuple[Element, ...]
    frames: tuple[Tag, ...]
    links: tuple[Tag, ...]
    policies: tuple[Tag, ...]


def parse(html: str) -> Page:
    """Return what matters of a page; any text is a page, nothing is raised."""
    reader = _Reader()
    # Not closed on purpose: what never ends (a comment, a tag) is no page to a browser either, and looking
    # at each such beginning again would take quadratic time on a hostile page.
    reader.feed(html.replace("\0", "\ufffd"))
    return reader.page()


@dataclass
class _Kept:
    """What the reader has found so far."""

    tags: dict[str, list[Tag]] = field(default_factory=dict)
    elements: list[Tag] = field(default_factory=list)
    links: dict[int, list[str]] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)

    def keep(self, sort: str, tag: Tag) -> None:
        known = self.tags.setdefault(sort, [])
        if len(known) < MOST_KEPT:
            known.append(tag)


class _Reader(HTMLParser):
    def __init__(self, inside: str = "", line: int = 1, kept: _Kept | None = None) -> None:
        super().__init__(convert_charrefs=True)
        self.kept = kept or _Kept()
        self._outside, self._first = inside, line
        # Counters instead of a stack of open tags: deep nonsense stays cheap.
        self._dead: Counter[str] = Counter()
        self._open = -1

    def page(self) -> Page:
        kept = self.kept
        elements = tuple(
            Element(tag, tuple(kept.links.get(n, ())), n in kept.closed) for n, tag in enumerate(kept.elements)
        )
        scripts, frames, links, policies = (
            tuple(kept.tags.get(sort, ())) for sort in ("script", "iframe", "a", "meta")
        )
        return Page(scripts, elements, frames, links, policies)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DEAD:
            self._dead[tag] += 1
        if tag not in (ELEMENT, "script", "iframe", "a", "meta"):
            return
        # Of a repeated attribute the first counts.
        values = {name: value or "" for name, value in reversed(attrs)}
        text = self.get_starttag_text() or ""
        found = Tag(tag, values, text[:4000], self._line(), self._inside())
        if tag == ELEMENT and len(self.kept.elements) < MOST_KEPT:
            self._open = len(self.kept.elements)
            self.kept.elements.append(found)
        elif tag == "a" and values.get("href"):
            if self._open >= 0:
                self.kept.links.setdefault(self._open, []).append(values["href"])
            self.kept.keep("a", found)
        elif tag == "iframe" or (tag == "script" and LOADER.search(found.source)) or _is_policy(found):
            self.kept.keep(tag, found)

    def handle_endtag(self, tag: str) -> None:
        if self._dead[tag] > 0:
            self._dead[tag] -= 1
        if tag == ELEMENT and self._open >= 0:
            self.kept.closed.add(self._open)
            self._open = -1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # "<okienko-booking/>" does not close it: only the elements HTML itself names are void.
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        self._look_within(data, "comment")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self._look_within(data, "text")

    def _look_within(self, data: str, inside: str) -> None:
        if "<" not in data or self._outside:
            return
        if "okienko" in data.lower() or "/e/" in data:
            _Reader(inside, self._line(), self.kept).feed(data)

    def _line(self) -> int:
        return self.getpos()[0] + self._first - 1

    def _inside(self) -> str:
        if self._outside:
            return self._outside
        open_ones = [name for name in _DEAD if self._dead[name]]
        if not open_ones:
            return ""
        return "text" if open_ones[0] in _AS_TEXT else open_ones[0]


def _is_policy(tag: Tag) -> bool:
    return tag.name == "meta" and tag.get("http-equiv").lower() == "content-security-policy"
