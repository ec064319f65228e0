"""Telephone numbers: what may receive the code, how it is kept (E.164) and how it is shown."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from okienko_server.domain.errors import FieldRefused

_SPECIAL = (PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN)
_MAX_TYPED = 40


def polish_mobile(typed: str, *, field: str = "phone") -> str:
    """Return a typed Polish mobile number as E.164 ("+48601234567").

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
    if number.country_code != 48:
        raise FieldRefused("phone_foreign", field=field)
    if kind != PhoneNumberType.MOBILE:
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
    """Return a kept number the way Poles read it: "601 234 567"."""
    digits = e164.removeprefix("+48")
    return " ".join(digits[i : i + 3] for i in range(0, len(digits), 3))


def masked(e164: str) -> str:
    """Return the number with its middle hidden: "601 ••• 567", in one piece."""
    digits = e164.removeprefix("+48")
    return f"{digits[:3]}\u00a0•••\u00a0{digits[-3:]}"
