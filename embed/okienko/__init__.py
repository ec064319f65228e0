"""Okienko for host developers: the snippet a page carries, and the tokens behind it."""

from __future__ import annotations

from okienko.exceptions import OkienkoError, OptionRefused, TokenExpired, TokenInvalid, TokenRevoked
from okienko.snippet import Embed, NextSlot
from okienko.tokens import EmbedToken, Keys, PortalToken, WidgetSession, narrow, read_any

__all__ = [
    "Embed",
    "EmbedToken",
    "Keys",
    "NextSlot",
    "OkienkoError",
    "OptionRefused",
    "PortalToken",
    "TokenExpired",
    "TokenInvalid",
    "TokenRevoked",
    "WidgetSession",
    "narrow",
    "read_any",
]
