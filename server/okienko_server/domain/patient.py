"""Patients, their episodes, and how a reservation finds the patient it belongs to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from okienko_server.domain.appointment import Person
from okienko_server.domain.details import MAX_NAME, printable
from okienko_server.domain.errors import FieldsRefused
from okienko_server.domain.problem import MAX_AGE_MONTHS, ProblemCategory

MAX_TITLE = 120
_STROKES = str.maketrans("łŁøØđĐß", "lLoOdDs")


@dataclass(frozen=True, slots=True)
class Patient:
    """Somebody treated in the clinic; `guardian` is empty for an adult, `phone` E.164 or empty."""

    id: str
    person: Person
    phone: str
    guardian: Person
    birth_date: date | None
    version: int

    def age_on(self, day: date) -> int | None:
        """Return whole years of life on a day, None while no date of birth is known."""
        born = self.birth_date
        if born is None:
            return None
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True)
class Episode:
    """One medical problem of one patient; `title` is the staff's own word for it, empty for the category's name."""

    id: str
    patient_id: str
    category: ProblemCategory
    title: str
    practitioner_id: str
    opened_at: datetime
    closed_at: datetime | None
    version: int

    @property
    def open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Encounter:
    """An appointment tied to its patient and episode."""

    appointment_id: str
    patient_id: str
    episode_id: str
    practitioner_id: str
    made_at: datetime
    made_by: str


def surname_key(surname: str) -> str:
    """Return a surname folded for comparison: "Żółkiewska-Łoś" -> "zolkiewska los"."""
    plain = unicodedata.normalize("NFKD", surname.translate(_STROKES))
    kept = "".join(ch if ch.isalnum() else " " for ch in plain if not unicodedata.combining(ch))
    return " ".join(kept.casefold().split())


def likeliest_first(found: Iterable[Patient], person: Person, phone: str) -> list[Patient]:
    """Return candidates for a reservation, the likeliest first: same telephone and first name, telephone, then name."""
    first, last = surname_key(person.first_name), surname_key(person.last_name)

    def distance(one: Patient) -> tuple[bool, bool, bool, str]:
        same_phone = bool(phone) and one.phone == phone
        return (
            not same_phone,
            surname_key(one.person.last_name) != last,
            surname_key(one.person.first_name) != first,
            one.id,
        )

    return sorted(found, key=distance)


def checked_person(first_name: str, last_name: str, birth_date: str, today: date) -> tuple[Person, date | None]:
    """Return a patient's name and date of birth as typed (ISO, or empty); raises FieldsRefused with one code per field."""
    errors: dict[str, str] = {}
    person = Person(" ".join(first_name.split()), " ".join(last_name.split()))
    for field, value in (("first_name", person.first_name), ("last_name", person.last_name)):
        if not value:
            errors[field] = "required"
        elif len(value) > MAX_NAME:
            errors[field] = "name_too_long"
        elif not printable(value):
            errors[field] = "bad_request"
    born: date | None = None
    if birth_date.strip():
        try:
            born = date.fromisoformat(birth_date.strip())
        except ValueError:
            errors["birth_date"] = "date_invalid"
        else:
            if not today.replace(day=1, month=1).year - MAX_AGE_MONTHS // 12 <= born.year or born > today:
                errors["birth_date"] = "date_invalid"
    if errors:
        raise FieldsRefused(errors)
    return person, born
