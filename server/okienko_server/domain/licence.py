"""The number of the licence to practise physiotherapy (PWZFz), given by the Polish Chamber of Physiotherapists.

Act of 25 September 2015 on the profession of physiotherapist, art. 13 and 24; the register is at kif.info.pl/rejestr. Numbers are given
in turn and have no check digit: 48,062 were given until May 2018.
"""

from __future__ import annotations

import re

from okienko_server.domain.errors import FieldRefused

_WRITTEN = re.compile(r"(?:n(?:r|umer)\.?:?)?(?:pwz(?:fz)?)?[:.#]?(?:nr\.?)?([1-9][0-9]{0,5})", re.IGNORECASE)


def licence_of(typed: str, *, field: str = "pwz") -> str:
    """Return the digits of "PWZFz 12345", "nr 12345" or "12 345", "" for nothing typed; raises FieldRefused (pwz_invalid)."""
    tight = "".join(typed.split())
    if not tight:
        return ""
    found = _WRITTEN.fullmatch(tight) if len(tight) <= 30 else None
    if found is None:
        raise FieldRefused("pwz_invalid", field=field)
    return found[1]
