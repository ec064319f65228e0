"""One tree of exceptions: catch OkienkoError for all."""

from __future__ import annotations

from typing import Any


class OkienkoError(Exception):
    """Anything this package refuses."""


class TokenInvalid(OkienkoError):
    """The text is no token of ours; `reason` is "oversized", "damaged" or "shape"."""

    def __init__(self, reason: str = "damaged") -> None:
        super().__init__(f"token refused: {reason}")
        self.reason = reason


class TokenExpired(TokenInvalid):
    """The token was ours and is too old; `token` is what it proved."""

    def __init__(self, token: Any) -> None:
        super().__init__("expired")
        self.token = token
