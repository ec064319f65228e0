"""One tree of exceptions: catch OkienkoError for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from okienko.tokens import WidgetSession


class OkienkoError(Exception):
    """Anything this package refuses."""


class TokenInvalid(OkienkoError):
    """The text is no token of ours; `reason` is "damaged", "oversized", "shape" or "not_yet" (issued in the future)."""

    def __init__(self, reason: str = "damaged") -> None:
        super().__init__(f"token refused: {reason}")
        self.reason = reason


class TokenExpired(TokenInvalid):
    """The session was ours and its hour is over; `token` is what it proved, so that a new one can be minted from it."""

    def __init__(self, token: WidgetSession) -> None:
        super().__init__("expired")
        self.token = token


class TokenRevoked(TokenInvalid):
    """The token was ours, and its clinic or portal has since raised the lowest generation it accepts."""

    def __init__(self) -> None:
        super().__init__("revoked")


class OptionRefused(OkienkoError, ValueError):
    """A snippet cannot be made like this; `option` names what is wrong."""

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(f"{option} {reason}.")
        self.option = option
