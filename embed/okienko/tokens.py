"""Signing and reading the credentials of the widget.

Stock itsdangerous decodes base64 leniently, so several texts pass for one signature. Here the encoded texts are compared,
in constant time, and the payload must be in its one canonical form: under one key exactly one text exists for each token.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar, Literal, Self

from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData
from itsdangerous.signer import Signer as _StockSigner

from okienko.exceptions import TokenExpired, TokenInvalid, TokenRevoked

SESSION_MINUTES = 60
MAX_LENGTH = 512
MIN_KEY = 32
_SESSION_LIFE = timedelta(minutes=SESSION_MINUTES)
_CLOCK_SKEW = timedelta(minutes=2)
_NARROW_SALT = "okienko.narrow.v1"
_EXTRA = "n"
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::(?P<port>\d{1,5}))?")
_LOCKS = {"s": "service", "p": "practitioner", "k": "category"}
_VARIABLES = ("OKIENKO_EMBED_KEYS", "OKIENKO_SESSION_KEYS")
_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
_SOURCES = ("portal", "link", "iframe", "api", "rehearsal")


@dataclass(frozen=True, slots=True)
class Keys:
    """Signing keys, oldest first: the last signs, all verify. Pasted tokens and sessions have their own."""

    embed: tuple[str, ...] = field(repr=False)
    session: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        for name, keys in zip(_VARIABLES, (self.embed, self.session), strict=True):
            _check_keys(keys, name)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Keys:
        """Return the keys of OKIENKO_EMBED_KEYS and OKIENKO_SESSION_KEYS (comma separated); raises ValueError."""
        listed = (environ.get(name, "").split(",") for name in _VARIABLES)
        return cls(*(tuple(key.strip() for key in keys if key.strip()) for keys in listed))


def _check_keys(keys: Sequence[str], name: str) -> None:
    if isinstance(keys, str) or not keys or any(len(key) < MIN_KEY for key in keys):
        raise ValueError(f"{name} must hold at least one key, each of {MIN_KEY} characters or more.")


class Signer:
    """Signs and reads JSON objects for one purpose (the salt); raises ValueError for keys missing or too short."""

    def __init__(self, keys: Sequence[str], salt: str) -> None:
        _check_keys(keys, "keys")
        stock = _StockSigner(list(keys), salt=salt, key_derivation="hmac", digest_method=sha256)
        self._derived = tuple(stock.derive_key(key) for key in keys)

    def sign(self, values: Mapping[str, Any]) -> str:
        """Return the one text for these values under the newest key; raises ValueError if none would read it."""
        payload = _encoded(values)
        text = (payload + b"." + _signature(payload, self._derived[-1])).decode("ascii")
        if len(text) > MAX_LENGTH:
            raise ValueError(f"A token of {len(text)} characters would be refused: {MAX_LENGTH} is the limit.")
        return text

    def signatures(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the signature of the values under each key, oldest first."""
        payload = _encoded(values)
        return tuple(_signature(payload, key).decode("ascii") for key in self._derived)

    def read(self, text: object) -> dict[str, Any]:
        """Return the signed values; raises TokenInvalid unless some key would have made exactly this text."""
        if not isinstance(text, str) or not text.isascii():
            raise TokenInvalid("damaged")
        if len(text) > MAX_LENGTH:
            raise TokenInvalid("oversized")
        payload, _, signature = text.encode("ascii").rpartition(b".")
        # A list, not a generator: every key is tried, so the time does not tell which one signed.
        if not any([hmac.compare_digest(_signature(payload, key), signature) for key in self._derived]):
            raise TokenInvalid("damaged")
        try:
            values = json.loads(base64_decode(payload).decode("ascii"))
        except (BadData, ValueError):
            raise TokenInvalid("shape") from None
        if not isinstance(values, dict) or _encoded(values) != payload:
            raise TokenInvalid("shape")
        return values


# Keys are derived once in a process, not once a request.
_signer = lru_cache(maxsize=64)(Signer)


def _signature(payload: bytes, derived: bytes) -> bytes:
    return base64_encode(hmac.digest(derived, payload, "sha256"))


def _encoded(values: Mapping[str, Any]) -> bytes:
    return base64_encode(_json.encode(values))


def _check(token: _Token, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Raise ValueError for fields no reader would accept."""
    if type(token.generation) is not int or token.generation < 0:  # bool is a subclass of int
        raise ValueError("generation must be a whole number, not negative.")
    for name in (*required, *optional):
        text = getattr(token, name)
        fits = isinstance(text, str) and text and text.isascii() and text.isprintable() and " " not in text
        if not fits and not (text is None and name in optional):
            raise ValueError(f"{name} must be printable ASCII text without spaces.")


class _Token:
    """What the credentials share: fields under short names in the payload, one text each, and a generation."""

    __slots__ = ()
    SALT: ClassVar[str]
    _SHORT: ClassVar[Mapping[str, str]]
    generation: int

    def sign(self, keys: Sequence[str]) -> str:
        """Return the token's text, signed by the newest key; raises ValueError if it would pass 512 characters."""
        return _signer(tuple(keys), self.SALT).sign(self._payload())

    def check_generation(self, lowest: int) -> None:
        """Raise TokenRevoked if the token is older than the lowest generation still accepted."""
        if self.generation < lowest:
            raise TokenRevoked

    def _payload(self) -> dict[str, Any]:
        named = self._SHORT.items()
        return {short: value for short, name in named if (value := getattr(self, name)) not in (None, "")}

    @staticmethod
    def _restored(fields: dict[str, Any]) -> dict[str, Any]:
        return fields

    @classmethod
    def _proved(cls, text: str, keys: Sequence[str]) -> Self:
        """Return the token as signed; a field missing, unknown, of a wrong type or spelled otherwise is "shape"."""
        values = _signer(tuple(keys), cls.SALT).read(text)
        try:
            token = cls(**cls._restored({cls._SHORT[short]: value for short, value in values.items()}))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise TokenInvalid("shape") from None
        if token._payload() != values:
            raise TokenInvalid("shape")
        return token


@dataclass(frozen=True, slots=True)
class EmbedToken(_Token):
    """Pasted in a clinic's page, never expires: it pins the clinic and may narrow the offer; it opens nothing personal."""

    SALT: ClassVar[str] = "okienko.embed.v1"
    _SHORT: ClassVar[Mapping[str, str]] = {"c": "clinic", "g": "generation", "a": "origin"} | _LOCKS
    clinic: str
    generation: int
    service: str | None = None
    practitioner: str | None = None
    category: str | None = None
    origin: str | None = None
    """The only site that may frame it, "https://clinic.example"; it narrows the clinic's own list, never widens it."""

    def __post_init__(self) -> None:
        _check(self, ["clinic"], ["origin", *_LOCKS.values()])

    @classmethod
    def read(cls, text: str, keys: Sequence[str]) -> EmbedToken:
        """Return the token, narrowed if its text says so; raises TokenInvalid."""
        try:
            return cls._proved(text, keys)
        except TokenInvalid as refused:
            if refused.reason != "damaged":
                raise
            return _read_narrowed(text, keys)

    def secret(self, keys: Sequence[str]) -> str:
        """Return the secret by which the clinic's own server may narrow this very token, and no other, with :func:`narrow`."""
        return self._secrets(keys)[-1]

    def _secrets(self, keys: Sequence[str]) -> tuple[str, ...]:
        return _signer(tuple(keys), _NARROW_SALT).signatures(self._payload())


def narrow(
    text: str,
    secret: str,
    *,
    service: str | None = None,
    practitioner: str | None = None,
    category: str | None = None,
    origin: str | None = None,
) -> str:
    """Return the text of a token with more locks, signed by the token's own secret; no key of the server is needed.

    Cutting the result never yields the wider token: it carries what the old one said, not its signature. Raises ValueError for no
    lock at all, one that contradicts the token's own, a token narrowed before, or no clinic's token.
    """
    values = _unproved(text)
    if _EXTRA in values:
        raise ValueError("The token is narrowed already; narrow the clinic's own, with every lock at once.")
    if origin and not is_origin(origin):
        raise ValueError("origin is written like https://klinika.example, without a path.")
    asked = {"s": service, "p": practitioner, "k": category, "a": origin}
    extra = {short: value for short, value in asked.items() if value not in (None, "")}
    _merged(values, extra)
    return Signer((secret,), _NARROW_SALT).sign(values | {_EXTRA: extra})


def is_origin(text: str) -> bool:
    """Return whether a text names a site as browsers do, "https://clinic.example": no path, no wildcard, nothing to end a policy."""
    found = _ORIGIN.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= 65535


def _merged(values: Mapping[str, Any], extra: Any) -> EmbedToken:
    """Return the token of some base values and extra locks; raises ValueError unless the locks narrow it."""
    if not (isinstance(extra, dict) and extra) or not extra.keys() <= {"s", "p", "k", "a"}:
        raise ValueError("A token is narrowed by service, practitioner, category or origin.")
    for short, value in extra.items():
        if values.get(short) not in (None, value) or not value:
            raise ValueError(f"{EmbedToken._SHORT[short]} contradicts the token: locks can only narrow.")
    try:
        return EmbedToken(**{EmbedToken._SHORT[short]: value for short, value in {**values, **extra}.items()})
    except (KeyError, TypeError):
        raise ValueError("Only a clinic's token can be narrowed.") from None


def _read_narrowed(text: str, keys: Sequence[str]) -> EmbedToken:
    try:
        values = _unproved(text)
        extra = values.pop(_EXTRA)
        base = EmbedToken(**{EmbedToken._SHORT[short]: value for short, value in values.items()})
        # What the text claims only picks the secret; the signature under that secret is what proves it.
        _signer(base._secrets(keys), _NARROW_SALT).read(text)
    except (KeyError, TypeError, ValueError, TokenInvalid):
        raise TokenInvalid("damaged") from None
    try:
        if base._payload() != values:
            raise ValueError
        return _merged(values, extra)
    except ValueError:
        raise TokenInvalid("shape") from None


def _unproved(text: object) -> dict[str, Any]:
    """Return what a text claims to be, unproved; raises TokenInvalid for no token at all."""
    if not isinstance(text, str) or not text.isascii() or len(text) > MAX_LENGTH:
        raise TokenInvalid("shape")
    try:
        values = json.loads(base64_decode(text.rpartition(".")[0].encode("ascii")).decode("ascii"))
    except (BadData, ValueError, RecursionError):
        raise TokenInvalid("shape") from None
    if not isinstance(values, dict):
        raise TokenInvalid("shape")
    return values


@dataclass(frozen=True, slots=True)
class PortalToken(_Token):
    """Pasted in a portal's page, never expires, pins nothing."""

    SALT: ClassVar[str] = "okienko.portal.v1"
    _SHORT: ClassVar[Mapping[str, str]] = {"o": "portal", "g": "generation"}
    portal: str
    generation: int

    def __post_init__(self) -> None:
        _check(self, ["portal"])

    @classmethod
    def read(cls, text: str, keys: Sequence[str]) -> PortalToken:
        """Return the token; raises TokenInvalid."""
        return cls._proved(text, keys)


def public_id(text: str) -> tuple[Literal["clinic", "portal"], str]:
    """Return whose page a pasted token is for, ("clinic" | "portal", public id), without proving it; raises TokenInvalid."""
    values = _unproved(text)
    kind: Literal["clinic", "portal"] = "clinic" if "c" in values else "portal"
    found = values.get("c" if kind == "clinic" else "o")
    if not isinstance(found, str) or not found:
        raise TokenInvalid("shape")
    return kind, found


def read_any(text: str, keys: Sequence[str]) -> EmbedToken | PortalToken:
    """Return whichever pasted token the text is; raises TokenInvalid, which does not tell what the text was meant for."""
    try:
        return EmbedToken.read(text, keys)
    except TokenInvalid:
        return PortalToken.read(text, keys)


@dataclass(frozen=True, slots=True)
class WidgetSession(_Token):
    """One visitor's hour: kept in the page's memory, sent with every step, stored nowhere. `issued_at` is UTC, in seconds."""

    SALT: ClassVar[str] = "okienko.session.v1"
    _SHORT: ClassVar[Mapping[str, str]] = _LOCKS | {
        "i": "id", "c": "clinic", "q": "portal", "g": "generation", "d": "source", "o": "origin", "t": "issued_at"
    }  # fmt: skip
    id: str
    kind: Literal["portal", "clinic"]
    clinic: str | None
    generation: int
    source: str
    origin: str = ""
    service: str | None = None
    practitioner: str | None = None
    category: str | None = None
    portal: str | None = None
    issued_at: datetime = field(kw_only=True)

    def __post_init__(self) -> None:
        _check(self, ["id"] if self.origin == "" else ["id", "origin"], ["clinic", "portal", *_LOCKS.values()])
        if self.kind != ("portal" if self.clinic is None else "clinic") or self.source not in _SOURCES:
            raise ValueError("A session is a portal's, or a clinic's and names it; its source is one of the known.")
        if self.issued_at.tzinfo is None or self.issued_at.timestamp() < 0:
            raise ValueError("issued_at must be aware, and not before 1970.")
        object.__setattr__(self, "issued_at", self.issued_at.astimezone(UTC).replace(microsecond=0))

    def _payload(self) -> dict[str, Any]:
        return _Token._payload(self) | {"t": int(self.issued_at.timestamp())}

    @staticmethod
    def _restored(fields: dict[str, Any]) -> dict[str, Any]:
        if type(fields["issued_at"]) is not int:
            raise ValueError("issued_at must be whole seconds.")
        kind, issued_at = "clinic" if "clinic" in fields else "portal", datetime.fromtimestamp(fields["issued_at"], UTC)
        return {"clinic": None} | fields | {"kind": kind, "issued_at": issued_at}

    @classmethod
    def read(cls, text: str, keys: Sequence[str], now: datetime) -> WidgetSession:
        """Return the session; raises TokenExpired an hour after it was issued, TokenInvalid for anything else."""
        session = cls._proved(text, keys)
        if session.issued_at - now > _CLOCK_SKEW:
            raise TokenInvalid("not_yet")
        if now - session.issued_at >= _SESSION_LIFE:
            raise TokenExpired(session)
        return session

    def renewed(self, now: datetime) -> WidgetSession:
        """Return the same visitor's session with a fresh hour."""
        return replace(self, issued_at=now)


def new_session_id() -> str:
    """Return a random visitor id of 128 bits."""
    return secrets.token_urlsafe(16)
