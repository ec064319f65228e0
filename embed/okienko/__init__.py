"""Okienko for host developers: the tokens a page may carry."""

from __future__ import annotations

from okienko.exceptions import OkienkoError, TokenExpired, TokenInvalid
from okienko.tokens import EmbedToken, PortalToken

__all__ = ["EmbedToken", "OkienkoError", "PortalToken", "TokenExpired", "TokenInvalid"]
