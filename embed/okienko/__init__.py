"""Okienko for host developers: the tokens a page may carry."""

from __future__ import annotations

from okienko.exceptions import OkienkoError, TokenExpired, TokenInvalid, TokenRevoked
from okienko.tokens import EmbedToken, Keys, PortalToken, WidgetSession, read_any

__all__ = [
    "EmbedToken",
    "Keys",
    "OkienkoError",
    "PortalToken",
    "TokenExpired",
    "TokenInvalid",
    "TokenRevoked",
    "WidgetSession",
    "read_any",
]
