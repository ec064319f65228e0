"""What the messages of an appointment say: one GSM-7 segment each, no word about health."""

from __future__ import annotations

from datetime import datetime

from okienko_server.domain.clinic import Address, Clinic
from okienko_server.domain.phone import spoken
from okienko_server.domain.sms_text import SEGMENT, fold, one_segment, septets
from okienko_server.domain.verification import CODE_MINUTES
from okienko_widget.texts import Texts
from okienko_widget.when import When

VERIFICATION = "verification"
CONFIRMATION = "confirmation"
DECLINED = "declined"
CANCELLED = "cancelled"
MOVED = "moved"
REMINDER = "reminder"
MAX_STREET = 40
"""Places of an SMS a street may take."""


def verification_text(texts: Texts, clinic: Clinic, code: str, host: str = "") -> str:
    """Return the SMS that carries the code; only the clinic's name is shortened when it must be.

    With the `host` the patient's page stands at, a last line "@host #code" lets browsers offer the code there and nowhere else; it is
    left out where it does not fit beside the whole name.
    """
    template = texts("sms.verification", clinic="{clinic}", code="{code}", minutes=str(CODE_MINUTES))
    text = one_segment(template, shrink="clinic", clinic=clinic.name, code=code)
    bound = f"{text}\n@{host} #{code}"
    return bound if host and fold(bound) == bound and septets(bound) <= SEGMENT else text


def confirmation_text(texts: Texts, clinic: Clinic, starts_at: datetime) -> str:
    """Return the SMS that follows a right code: clinic, time, telephone for changes."""
    return _about_time(texts, CONFIRMATION, clinic, starts_at)


def declined_text(texts: Texts, clinic: Clinic, starts_at: datetime) -> str:
    """Return the SMS after the clinic declined a reservation: which one, and where to call. Never why."""
    return _about_time(texts, DECLINED, clinic, starts_at)


def cancelled_text(texts: Texts, clinic: Clinic, starts_at: datetime) -> str:
    """Return the SMS after the clinic cancelled a visit: which one, and where to call. Never why."""
    return _about_time(texts, CANCELLED, clinic, starts_at)


def moved_text(texts: Texts, clinic: Clinic, starts_at: datetime, address: Address | None = None) -> str:
    """Return the SMS after the clinic moved a visit: its new time, the address when that is new, and where to call if it does not suit."""
    if address is None:
        return _about_time(texts, MOVED, clinic, starts_at)
    template = texts("sms.moved_place", clinic="{clinic}", when="{when}", place="{place}", phone="{phone}")
    return _placed(texts, template, clinic, starts_at, address)


def reminder_text(texts: Texts, clinic: Clinic, starts_at: datetime, address: Address | None = None) -> str:
    """Return the SMS that reminds of a visit: when, the address where the clinic has several, and where to call."""
    if address is None:
        return _about_time(texts, REMINDER, clinic, starts_at)
    template = texts("sms.reminder_place", clinic="{clinic}", when="{when}", place="{place}", phone="{phone}")
    return _placed(texts, template, clinic, starts_at, address)


def _placed(texts: Texts, template: str, clinic: Clinic, starts_at: datetime, address: Address) -> str:
    when = When(texts, clinic.zone).sms(starts_at)
    parts = {"when": when, "place": _cut(address.street), "phone": spoken(clinic.phone)}
    return one_segment(template, shrink="clinic", clinic=clinic.name, **parts)


def previews(texts: Texts, clinic: Clinic, starts_at: datetime, host: str = "") -> dict[str, str]:
    """Return what the clinic's patients read, by kind of message, for an invented code and time."""
    return {
        VERIFICATION: verification_text(texts, clinic, "123456", host),
        CONFIRMATION: confirmation_text(texts, clinic, starts_at),
        DECLINED: declined_text(texts, clinic, starts_at),
        CANCELLED: cancelled_text(texts, clinic, starts_at),
        MOVED: moved_text(texts, clinic, starts_at),
        REMINDER: reminder_text(texts, clinic, starts_at),
    }


def _cut(street: str) -> str:
    """Return as much of a street as an SMS holds."""
    return next(street[:length] for length in range(MAX_STREET, -1, -1) if septets(fold(street[:length])) <= MAX_STREET)


def _about_time(texts: Texts, kind: str, clinic: Clinic, starts_at: datetime) -> str:
    template = texts(f"sms.{kind}", clinic="{clinic}", when="{when}", phone="{phone}")
    when = When(texts, clinic.zone).sms(starts_at)
    return one_segment(template, shrink="clinic", clinic=clinic.name, when=when, phone=spoken(clinic.phone))
