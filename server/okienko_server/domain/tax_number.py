"""The Polish tax number, NIP: ten digits, the last a check digit (weights 6 5 7 2 3 4 5 6 7, modulo 11)."""

from __future__ import annotations

from okienko_server.domain.errors import FieldRefused

_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)


def nip_of(typed: str, *, field: str = "nip") -> str:
    """Return the digits of "526-025-02-74" or "PL 5260250274", "" for nothing typed; raises FieldRefused (nip_invalid)."""
    tight = "".join(typed.split()).replace("-", "").removeprefix("PL")
    if not tight:
        return ""
    if not (tight.isascii() and tight.isdigit() and len(tight) == 10):
        raise FieldRefused("nip_invalid", field=field)
    if sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, tight, strict=False)) % 11 != int(tight[9]):
        raise FieldRefused("nip_invalid", field=field)
    return tight
