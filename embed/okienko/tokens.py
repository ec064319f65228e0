"""Signing and reading the credentials of the widget.

Stock itsdangerous decodes base64 leniently, so several texts pass for one signature. Here the encoded texts are compared,
in constant time, and the payload must be in its one canonical form: exactly one text exists for each token.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar, Literal

from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData
from itsdangerous.signer import Signer as _StockSigner

from okienko.exceptions import TokenExpired, TokenInvalid

SESSION_MINUTES = 60
MAX_LENGTH = 512
MIN_KEY = 32
_CLOCK_SKEW = timedelta(minutes=2)
_SOURCES = ("portal", "link", "iframe", "api")


@dataclass(frozen=True, slots=True)
class Keys:
    """Signing keys, oldest first: the last signs, all verify. Pasted tokens and sessions have their own."""

    embed: tuple[str, ...]
    session: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, keys in (("OKIENKO_EMBED_KEYS", self.embed), ("OKIENKO_SESSION_KEYS", self.session)):
            if not keys or any(len(key) < MIN_KEY for key in keys):
                raise ValueError(f"{name} must hold at least one key, each of {MIN_KEY} characters or more.")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Keys:
        """Return the keys of OKIENKO_EMBED_KEYS and OKIENKO_SESSION_KEYS (comma separated); raises ValueError."""
        return cls(_listed(environ.get("OKIENKO_EMBED_KEYS", "")), _listed(environ.get("OKIENKO_SESSION_KEYS", "")))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(",") if key.strip())


@lru_cache(maxsize=256)
def _derived(key: str, salt: str) -> bytes:
    return bytes(_StockSigner(key, salt=salt, key_derivation="hmac", digest_method=sha256).derive_key())


def _signature(payload: bytes, key: str, salt: str) -> bytes:
    return base64_encode(hmac.digest(_derived(key, salt), payload, "sha256"))


def sign(values: Mapping[str, Any], salt: str, keys: Sequence[str]) -> str:
    """Return the one text for these values under the newest key."""
    payload = base64_encode(json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True))
    return (payload + b"." + _signature(payload, keys[-1], salt)).decode()


def read(text: str, salt: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return the signed values; raises TokenInvalid unless some key would have made exactly this text."""
    if len(text) > MAX_LENGTH:
        raise TokenInvalid("oversized")
    try:
        payload, _, signature = text.encode("ascii").rpartition(b".")
    except UnicodeEncodeError:
        raise TokenInvalid from None
    if not payload or not any(hmac.compare_digest(_signature(payload, key, salt), signature) for key in keys):
        raise TokenInvalid
    try:
        values = json.loads(base64_decode(payload))
    except (BadData, ValueError):
        raise TokenInvalid("shape") from None
    if not isinstance(values, dict):
        raise TokenInvalid("shape")
    return values


class _Fields:
    """Takes named fields out of a payload; whatever is missing, of a wrong type or left over refuses the token."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._left = dict(values)

    def text(self, name: str, *, optional: bool = False) -> str | None:
        value = self._left.pop(name, None)
        if (value is None and optional) or (isinstance(value, str) and value):
            return value
        raise TokenInvalid("shape")

    def number(self, name: str) -> int:
        value = self._left.pop(name, None)
        if type(value) is not int or value < 0:
            raise TokenInvalid("shape")
        return value

    def end(self) -> None:
        if self._left:
            raise TokenInvalid("shape")


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class EmbedToken:
    """Pasted in a clinic's page, never expires: it pins the clinic and may narrow the offer; it opens nothing personal."""

    SALT: ClassVar[str] = "okienko.embed.v1"
    clinic: str
    generation: int
    service: str | None = None
    practitioner: str | None = None
    category: str | None = None

    def sign(self, keys: Sequence[str]) -> str:
        """Return the text to paste, signed by the newest key."""
        locks = _filled(s=self.service, p=self.practitioner, k=self.category)
        return sign({"c": self.clinic, "g": self.generation} | locks, self.SALT, keys)

    @classmethod
    def read(cls, text: str, keys: Sequence[str]) -> EmbedToken:
        """Return the token; raises TokenInvalid."""
        fields = _Fields(read(text, cls.SALT, keys))
        token = cls(
            fields.text("c") or "", fields.number("g"), fields.text("s", optional=True), fields.text("p", optional=True),
            fields.text("k", optional=True),
        )  # fmt: skip
        fields.end()
        return token


@dataclass(frozen=True, slots=True)
class PortalToken:
    """Pasted in a portal's page, never expires, pins nothing."""

    SALT: ClassVar[str] = "okienko.portal.v1"
    portal: str
    generation: int

    def sign(self, keys: Sequence[str]) -> str:
        """Return the text to paste, signed by the newest key."""
        return sign({"g": self.generation, "o": self.portal}, self.SALT, keys)

    @classmethod
    def read(cls, text: str, keys: Sequence[str]) -> PortalToken:
        """Return the token; raises TokenInvalid."""
        fields = _Fields(read(text, cls.SALT, keys))
        token = cls(fields.text("o") or "", fields.number("g"))
        fields.end()
        return token


def read_any(text: str, keys: Sequence[str]) -> EmbedToken | PortalToken:
    """Return whichever pasted token the text is; raises TokenInvalid."""
    try:
        return EmbedToken.read(text, keys)
    except TokenInvalid:
        return PortalToken.read(text, keys)


@dataclass(frozen=True, slots=True)
class WidgetSession:
    """One visitor's hour: kept in the page's memory, sent with every step, stored nowhere."""

    SALT: ClassVar[str] = "okienko.session.v1"
    id: str
    kind: Literal["portal", "clinic"]
    clinic: str | None
    generation: int
    source: str
    origin: str = ""
    service: str | None = None
    practitioner: str | None = None
    category: str | None = None
    issued_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if (self.kind == "clinic") != (self.clinic is not None) or self.source not in _SOURCES:
            raise TokenInvalid("shape")

    def sign(self, keys: Sequence[str]) -> str:
        """Return the session's text, signed by the newest key."""
        extra = _filled(c=self.clinic, o=self.origin, s=self.service, p=self.practitioner, k=self.category)
        fixed = {"i": self.id, "g": self.generation, "d": self.source, "t": int(self.issued_at.timestamp())}
        return sign(fixed | extra, self.SALT, keys)

    @classmethod
    def read(cls, text: str, keys: Sequence[str], now: datetime) -> WidgetSession:
        """Return the session; raises TokenExpired an hour after it was issued, TokenInvalid for anything else."""
        fields = _Fields(read(text, cls.SALT, keys))
        clinic, issued = fields.text("c", optional=True), fields.number("t")
        try:
            issued_at = datetime.fromtimestamp(issued, UTC)
        except (OverflowError, ValueError, OSError):
            raise TokenInvalid("shape") from None
        session = cls(
            fields.text("i") or "", "clinic" if clinic else "portal", clinic, fields.number("g"), fields.text("d") or "",
            fields.text("o", optional=True) or "", fields.text("s", optional=True), fields.text("p", optional=True),
            fields.text("k", optional=True), issued_at,
        )  # fmt: skip
        fields.end()
        if issued_at > now + _CLOCK_SKEW:
            raise TokenInvalid("shape")
        if now >= issued_at + timedelta(minutes=SESSION_MINUTES):
            raise TokenExpired(session)
        return session

    def renewed(self, now: datetime) -> WidgetSession:
        """Return the same visitor's session with a fresh hour."""
        return replace(self, issued_at=now)


def new_session_id() -> str:
    """Return a random visitor id of 128 bits."""
    return secrets.token_urlsafe(16)
