"""Three hundred tokens of each kind, the same in every run, and one way to read all of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from itsdangerous import Signer as StockSigner
from itsdangerous import URLSafeSerializer
from itsdangerous.encoding import base64_encode

from okienko.tokens import EmbedToken, PortalToken, WidgetSession

KEY = "the only key of most tests, long enough"
KEYS = (KEY,)
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
COUNT = 300
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Kind:
    """One purpose: its tokens, how they are read, and the salt they are signed with."""

    name: str
    salt: str
    make: Callable[[random.Random], EmbedToken | PortalToken | WidgetSession]
    read: Callable[[str, Sequence[str]], EmbedToken | PortalToken | WidgetSession]

    def texts(self) -> list[str]:
        """Return the texts of the 300 tokens, no two alike."""
        chance = random.Random(self.name)
        texts = [self.make(chance).sign(KEYS) for _ in range(COUNT)]
        assert len(set(texts)) == COUNT and max(map(len, texts)) < 400
        return texts

    def stock(self) -> URLSafeSerializer:
        """Return the stock serializer for the same salt and key."""
        options = {"key_derivation": "hmac", "digest_method": sha256}
        return URLSafeSerializer(KEY, salt=self.salt, signer_kwargs=options)


def forged(payload: bytes | str, salt: str) -> str:
    """Return any JSON, or what is none, signed with the right key by the stock signer."""
    return forged_raw(base64_encode(payload), salt)


def forged_raw(payload: bytes, salt: str) -> str:
    """Return text that need not even be base64, signed with the right key by the stock signer."""
    return StockSigner(KEY, salt=salt, key_derivation="hmac", digest_method=sha256).sign(payload).decode("latin-1")


def _identifier(chance: random.Random) -> str:
    return "".join(chance.choices(_ALPHABET, k=12))


def _locks(chance: random.Random) -> dict[str, Any]:
    names = [name for name in ("service", "practitioner", "category") if chance.random() < 0.3]
    return {name: _identifier(chance) for name in names}


def _embed(chance: random.Random) -> EmbedToken:
    return EmbedToken(_identifier(chance), chance.randrange(20), **_locks(chance))


def _portal(chance: random.Random) -> PortalToken:
    return PortalToken(_identifier(chance), chance.randrange(20))


def _session(chance: random.Random) -> WidgetSession:
    pinned = chance.random() < 0.5
    return WidgetSession(
        _identifier(chance) + _identifier(chance)[:10],
        "clinic" if pinned else "portal",
        _identifier(chance) if pinned else None,
        chance.randrange(20),
        chance.choice(("portal", "link", "iframe", "api")),
        origin=f"https://{_identifier(chance)}.example" if pinned else "",
        issued_at=NOW - timedelta(seconds=chance.randrange(3600)),
        **_locks(chance),
    )


KINDS = (
    Kind("embed", EmbedToken.SALT, _embed, EmbedToken.read),
    Kind("portal", PortalToken.SALT, _portal, PortalToken.read),
    Kind("session", WidgetSession.SALT, _session, lambda text, keys: WidgetSession.read(text, keys, NOW)),
)
