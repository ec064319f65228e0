"""How an appointment is named outside: its clinic and its id in one opaque text, so an unpinned visitor's request finds its clinic."""

from __future__ import annotations

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.errors import NotFound
from okienko_server.domain.scope import Scope

_LONGEST = 64
_DIGITS = 9
NO_NUMBER = -1


def plain_id(text: str) -> str:
    """Return an id from a path of the staff's pages as it is; raises NotFound for what no id looks like."""
    if not text.isascii() or not text.isalnum() or len(text) > _LONGEST:
        raise NotFound
    return text


def strict_number(text: str) -> int:
    """Return the number a form carries, NO_NUMBER for what is none or has more than nine digits: where 0 is a choice of its own."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else NO_NUMBER


def whole_number(text: str) -> int:
    """Return the number a form or an address carries, 0 for what is none or has more than nine digits."""
    return max(0, strict_number(text))


def reference_of(appointment: Appointment) -> str:
    """Return the public reference of an appointment."""
    return f"{appointment.clinic_id}-{appointment.id}"


def resolve(reference: str, scope: Scope) -> tuple[Scope, str]:
    """Return (scope at the reference's clinic, appointment id); raises NotFound for no reference, ForeignClinic under a pin."""
    clinic_id, dash, appointment_id = reference.partition("-")
    if (
        not (dash and clinic_id and appointment_id)
        or len(reference) > _LONGEST
        or not reference.isascii()
        or not reference.isprintable()
    ):
        raise NotFound
    return scope.at(clinic_id), appointment_id
