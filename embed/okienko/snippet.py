"""What a page carries: the element with its loader, the plain frame, the plain link. One generator makes all three."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from markupsafe import Markup, escape

from okienko.exceptions import OptionRefused
from okienko.loader import VERSION, integrity
from okienko.tokens import narrow, public_id

LOADER_PATH: Final = "/embed/v1/okienko.js"
HEIGHT: Final = 720
"""Height in CSS pixels every step is drawn for; the page keeps it free before anything has loaded."""
MODES: Final = ("inline", "popup", "float")
LANGUAGES: Final = ("pl",)
THEMES: Final = ("light", "dark", "auto")
KINDS: Final = ("consultation", "visit")
LABEL: Final = "Umów wizytę"
_CHOICES: Final = {"mode": MODES, "lang": LANGUAGES, "theme": THEMES, "kind": KINDS}
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ASKED: Final = ("service", "practitioner", "date", "kind")
"""What the server is asked for in the address; the problem category stands behind the `#`, which no log ever sees."""
_FRAME: Final = (*_ASKED, "category", "lang", "theme", "accent", "height")
_ELEMENT: Final = (*_FRAME, "mode", "label", "datalayer")
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class NextSlot:
    """A free time: `start` is aware UTC, `url` the page where its day stands open."""

    start: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Embed:
    """Okienko on one host page.

    `base_url` is where the server answers ("https://…", http only on this machine), `token` the pasted token, `slug` the clinic's
    short name for a prettier link, `name` what the frame is called for a screen reader. Raises OptionRefused, or TokenInvalid for
    a text that cannot be a token.
    """

    base_url: str
    token: str
    slug: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _origin(self.base_url))
        public_id(self.token)

    def element(self, *, nonce: str = "", strict: bool = False, **options: object) -> Markup:
        """Return the loader's script and the element, with the plain link inside for whoever runs no script.

        `strict` is for pages with a strict policy: one release of the loader pinned by its digest, no style attribute (say
        `okienko-booking{display:block;min-height:720px}` in your own style sheet). `nonce` is the one of the page's policy.
        Options: mode, lang, theme, accent ("#0f6b63"), service, practitioner, category, date, kind, height (pixels), label, datalayer.
        """
        given = _checked(options, _ELEMENT)
        label = given.pop("label", LABEL)
        shown = {"height": str(HEIGHT), "token": self.token} | given
        # Kept free before the loader runs, so that nothing below jumps; a strict policy forbids style attributes.
        kept = (
            ""
            if strict or given.get("mode", "inline") != "inline"
            else f' style="display:block;min-height:{shown["height"]}px"'
        )
        names = ("token", *(name for name in _ELEMENT if name in shown))
        attributes = "".join(f' {name}="{escape(shown[name])}"' for name in names)
        signed = f' nonce="{escape(nonce)}"' if nonce else ""
        path = LOADER_PATH
        if strict:
            path = f"/embed/okienko-{VERSION}.js"
            signed += f' integrity="{integrity(self.base_url)}" crossorigin="anonymous"'
        script = f'<script async src="{escape(self.base_url + path)}"{signed}></script>'
        link = _anchor(self.link_url(**_only(given, (*_ASKED, "category"))), label)
        return Markup(f"{script}\n<okienko-booking{attributes}{kept}>{link}</okienko-booking>")  # noqa: S704 - escaped above

    def iframe(self, **options: object) -> Markup:
        """Return the plain frame, for pages that strip scripts. Options as `element`, without mode, label and datalayer."""
        given = _checked(options, _FRAME)
        height = given.pop("height", str(HEIGHT))
        title = f"Rezerwacja wizyty – {self.name}" if self.name else "Rezerwacja wizyty"
        return Markup(  # noqa: S704 - escaped
            f'<iframe src="{escape(self._frame(given))}" title="{escape(title)}" loading="lazy" width="100%" '
            f'height="{escape(height)}" frameborder="0"></iframe>'
        )

    def link(self, label: str = LABEL, **options: object) -> Markup:
        """Return the plain link, which works everywhere. Options: service, practitioner, category, date, kind."""
        return _anchor(self.link_url(**options), label)

    def frame_url(self, **options: object) -> str:
        """Return the address of the plain frame's document."""
        given = _checked(options, _FRAME)
        given.pop("height", None)
        return self._frame(given)

    def link_url(self, **options: object) -> str:
        """Return the address of the clinic's own page on the portal, or of the portal itself under a portal's token."""
        given = _checked(options, (*_ASKED, "category"))
        kind, public = public_id(self.token)
        path = f"/g/{quote(self.slug or public)}" if kind == "clinic" else "/"
        return self.base_url + path + _query(_only(given, _ASKED)) + _fragment(given)

    def _frame(self, given: Mapping[str, str]) -> str:
        asked = {name: given[name].removeprefix("#") for name in (*_ASKED, "lang", "theme", "accent") if name in given}
        return f"{self.base_url}/e/{self.token}{_query(asked)}{_fragment(given)}"

    def narrow(
        self, secret: str, *, service: str = "", practitioner: str = "", category: str = "", origin: str = ""
    ) -> Embed:
        """Return the same snippets with a token that offers less, signed by the token's own secret.

        Raises OptionRefused for no lock, a lock that contradicts the token's own, or a token narrowed before.
        """
        try:
            text = narrow(
                self.token, secret, service=service, practitioner=practitioner, category=category, origin=origin
            )  # fmt: skip
        except ValueError as refused:
            raise OptionRefused("narrow", f"refused: {refused}") from refused
        return replace(self, token=text)

    def next_slots(
        self,
        *,
        category: str,
        kind: str = "consultation",
        age_group: str = "adult",
        count: int = 3,
        days: int = 14,
        timeout: tuple[float, float] = (2.0, 4.0),
    ) -> list[NextSlot]:
        """Return the next free times (at most a minute old), to be shown in the page's own HTML; needs the extra `client`.

        Raises ServerUnreachable or ServerRefused of :mod:`okienko.client`, both OkienkoError: show the plain link then.
        """
        from okienko.client import next_starts

        found = next_starts(
            self.base_url, self.token, category=category, kind=kind, age_group=age_group, count=count, days=days,
            timeout=timeout,
        )  # fmt: skip
        return [NextSlot(one.start, self.link_url(date=one.day, kind=kind, category=category)) for one in found]

    def csp(self, policy: str = "") -> str:
        """Return the page's Content-Security-Policy with the two sources the element needs; what nothing forbids stays as it is."""
        directives = _directives(policy)
        for name, fallbacks in (("script-src", ("default-src",)), ("frame-src", ("child-src", "default-src"))):
            known = next((directives[one] for one in (name, *fallbacks) if one in directives), None)
            if known is None:
                continue
            sources = [source for source in known if source.lower() != "'none'"]
            directives[name] = sources if {self.base_url, "*"} & set(sources) else [*sources, self.base_url]
        return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())


def _directives(policy: str) -> dict[str, list[str]]:
    """Return a policy's directives in their order; of a repeated one the first counts (CSP Level 3 §2.2.1)."""
    found: dict[str, list[str]] = {}
    for piece in policy.split(";"):
        name, *sources = piece.split() or [""]
        if name:
            found.setdefault(name.lower(), sources)
    return found


def _origin(base_url: str) -> str:
    try:
        parts = urlsplit(base_url.strip())
        _ = parts.port
    except ValueError:
        raise OptionRefused("base_url", "is no address") from None
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password)
    local = parts.scheme == "http" and parts.hostname in _LOCAL
    if not (bare and parts.hostname and (parts.scheme == "https" or local)):
        raise OptionRefused("base_url", "must be like https://rezerwacje.example.pl (http only on this machine)")
    return f"{parts.scheme}://{parts.netloc}"


def _checked(options: Mapping[str, object], known: tuple[str, ...]) -> dict[str, str]:
    """Return the options given, as text; raises OptionRefused naming the first that is unknown or has no such value."""
    given: dict[str, str] = {}
    for name, value in options.items():
        if name not in known:
            raise OptionRefused(name, f"is unknown here; known are {', '.join(known)}")
        if value is None or value is False or value == "":
            continue
        given[name] = _text(name, value)
    return given


def _text(name: str, value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else "1" if value is True else str(value)
    if name in _CHOICES and text not in _CHOICES[name]:
        raise OptionRefused(name, f"must be one of {', '.join(_CHOICES[name])}")
    if name in ("service", "practitioner", "category") and not _NAME.fullmatch(text):
        raise OptionRefused(name, "must be an id: letters, digits, - and _")
    if name == "accent" and not _COLOUR.fullmatch(text):
        raise OptionRefused(name, "must be a colour like #0f6b63")
    if name == "height" and not (text.isascii() and text.isdigit() and 320 <= int(text) <= 4000):
        raise OptionRefused(name, "must be pixels, from 320 to 4000")
    if name == "date":
        try:
            date.fromisoformat(text)
        except ValueError:
            raise OptionRefused(name, "must be a day like 2026-12-01") from None
    if name == "label" and len(text) > 80:
        raise OptionRefused(name, "must be at most 80 characters")
    return text


def _only(given: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: given[name] for name in names if name in given}


def _query(asked: Mapping[str, str]) -> str:
    return f"?{urlencode(asked)}" if asked else ""


def _fragment(given: Mapping[str, str]) -> str:
    return f"#{urlencode({'category': given['category']})}" if "category" in given else ""


def _anchor(url: str, label: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, label)
