"""Amounts of money as people type them."""

from __future__ import annotations

import re

from okienko_server.domain.errors import FieldRefused

_AMOUNT = re.compile(r"([0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,6})(?:[.,]([0-9]{1,2}|-))? *(?:zł)?")


def grosze_of(typed: str, highest: int, *, field: str) -> int:
    """Return "180", "1 200", "80,50" or "80.5 zł" in grosze.

    Raises FieldRefused (price_invalid) for what is no amount, or more than `highest`.
    """
    found = _AMOUNT.fullmatch(" ".join(typed.split()))
    if found is None:
        raise FieldRefused("price_invalid", field=field)
    pence = (found[2] or "0").replace("-", "0").ljust(2, "0")
    grosze = int(found[1].replace(" ", "")) * 100 + int(pence)
    if grosze > highest:
        raise FieldRefused("price_invalid", field=field)
    return grosze


def as_typed(grosze: int) -> str:
    """Return grosze as a field shows them: "180", "80,50"."""
    return f"{grosze // 100}" if grosze % 100 == 0 else f"{grosze // 100},{grosze % 100:02d}"
