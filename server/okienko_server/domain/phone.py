"""Telephone numbers: what may receive the code, how it is kept (E.164) and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from okienko_server.domain.errors import FieldRefused

_SPECIAL = (PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN)
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
"""In some countries, such as the United States, the number does not tell."""
_MAX_TYPED = 40
HOME = ("PL",)


def known_country(code: str) -> bool:
    """Return whether this is an ISO 3166 code of a country with telephone numbers."""
    return code in phonenumbers.SUPPORTED_REGIONS


def polish_mobile(typed: str, *, field: str = "phone") -> str:
    """Return a typed Polish mobile number as E.164 ("+48601234567"); raises as `mobile`."""
    return mobile(typed, HOME, field=field)


def mobile(typed: str, countries: Sequence[str], *, field: str = "phone") -> str:
    """Return a typed mobile number of one of these countries (ISO codes) as E.164; without +.. it is taken for a Polish one.

    Raises FieldRefused: phone_landline, phone_premium, phone_foreign or phone_invalid.
    """
    if len(typed) > _MAX_TYPED or any(ch.isalpha() for ch in typed):
        raise FieldRefused("phone_invalid", field=field)
    try:
        number = phonenumbers.parse(typed, "PL")
    except phonenumbers.NumberParseException:
        raise FieldRefused("phone_invalid", field=field) from None
    if not phonenumbers.is_valid_number(number):
        raise FieldRefused("phone_invalid", field=field)
    kind = phonenumbers.number_type(number)
    if kind in _SPECIAL:
        raise FieldRefused("phone_premium", field=field)
    if phonenumbers.region_code_for_number(number) not in countries:
        raise FieldRefused("phone_foreign", field=field)
    if kind not in _MOBILE:
        raise FieldRefused("phone_landline" if kind == PhoneNumberType.FIXED_LINE else "phone_invalid", field=field)
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def any_polish(typed: str, *, field: str = "phone") -> str:
    """Return a Polish number of any kind as E.164: staff may note a landline too. Raises FieldRefused: phone_invalid, phone_foreign."""
    try:
        return polish_mobile(typed.strip(), field=field)
    except FieldRefused as refused:
        if refused.code != "phone_landline":
            raise
    return str(phonenumbers.format_number(phonenumbers.parse(typed, "PL"), PhoneNumberFormat.E164))


def spoken(e164: str) -> str:
    """Return a kept number the way Poles read it: "601 234 567"; a foreign one with its country: "+49 1512 3456789"."""
    if not e164.startswith("+48"):
        number = phonenumbers.parse(e164) if e164 else None
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL) if number else ""
    digits = e164.removeprefix("+48")
    return " ".join(digits[i : i + 3] for i in range(0, len(digits), 3))


def masked(e164: str) -> str:
    """Return the number with its middle hidden: "601 ••• 567", in one piece."""
    digits = e164.removeprefix("+48")
    return f"{digits[:3]}\u00a0•••\u00a0{digits[-3:]}"
