"""What a patient types: trimmed, bounded, checked field by field."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from okienko_server.domain.appointment import Person
from okienko_server.domain.errors import FieldRefused, FieldsRefused
from okienko_server.domain.phone import HOME, mobile

MAX_NAME = 80
MAX_COMMENT = 500


@dataclass(frozen=True, slots=True)
class Details:
    """What the patient typed. `booker` is the guardian when the patient is a child, else empty."""

    patient: Person
    booker: Person
    phone: str
    comment: str
    consent: bool
    key: str = ""
    proof: str = ""
    """Answer to the challenge of a ProofNeeded; empty when none was asked for."""


def checked(details: Details, *, child: bool, countries: Sequence[str] = HOME) -> Details:
    """Return the details trimmed, the phone (a mobile of one of these countries) as E.164; raises FieldsRefused with one code per field."""
    errors: dict[str, str] = {}
    patient = _name(details.patient, "", errors)
    booker = _name(details.booker, "booker_", errors) if child else Person()
    phone = ""
    if not details.phone.strip():
        errors["phone"] = "required"
    else:
        try:
            phone = mobile(details.phone.strip(), countries)
        except FieldRefused as refused:
            errors["phone"] = refused.code
    comment = details.comment.replace("\r\n", "\n").strip()  # a browser counts a line break once and sends two
    if len(comment) > MAX_COMMENT or not printable(comment):
        errors["comment"] = "text_too_long" if len(comment) > MAX_COMMENT else "bad_request"
    if not details.consent:
        errors["consent"] = "consent_required"
    if errors:
        raise FieldsRefused(errors)
    return Details(patient, booker, phone, comment, consent=True, key=details.key, proof=details.proof)


def _name(person: Person, prefix: str, errors: dict[str, str]) -> Person:
    typed = {"first_name": " ".join(person.first_name.split()), "last_name": " ".join(person.last_name.split())}
    for field, value in typed.items():
        if not value:
            errors[prefix + field] = "required"
        elif len(value) > MAX_NAME:
            errors[prefix + field] = "name_too_long"
        elif not printable(value):
            errors[prefix + field] = "bad_request"
    return Person(**typed)


def printable(text: str) -> bool:
    """NUL breaks PostgreSQL's text, a lone surrogate every encoder, other control characters every list they are shown in."""
    return all(ch in "\n\r\t" or unicodedata.category(ch) not in ("Cc", "Cs") for ch in text)
