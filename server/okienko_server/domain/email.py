"""E-mail addresses of accounts: what is taken for one, and how it is kept."""

from __future__ import annotations

import re

from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused

MAX_EMAIL = 200
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")


def email_of(typed: str, *, field: str = "email") -> str:
    """Return an address as it is kept, trimmed and in small letters; raises FieldRefused (email_invalid)."""
    email = typed.strip().lower()
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email) or not printable(email):
        raise FieldRefused("email_invalid", field=field)
    return email
