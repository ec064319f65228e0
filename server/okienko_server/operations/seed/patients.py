"""Invented patients: names that agree, mobile numbers, an age their therapist may treat."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from okienko_server.domain.appointment import Person
from okienko_server.domain.problem import (
    ADULT,
    SENIOR,
    AgeRange,
    Competence,
    ProblemCategory,
    age_in_months,
    age_in_years,
)

_NAMES: dict[str, list[str]] = tomllib.loads(files(__package__).joinpath("patients.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class InventedPatient:
    """Somebody who might come; `booker` is empty for a grown-up."""

    person: Person
    booker: Person
    phone: str
    age: AgeRange


def invent(chance: random.Random, competence: Competence) -> InventedPatient:
    """Return a patient within the competence's ages."""
    age = _age(chance, competence.ages)
    surname = chance.choice(_NAMES["surnames"])
    woman = competence.category is ProblemCategory.WOMENS_HEALTH or chance.random() < 0.6
    person = _person(chance, surname, woman=woman)
    booker = _person(chance, surname, woman=chance.random() < 0.7) if age.is_child else Person()
    phone = f"+48{chance.choice(_NAMES['mobile'])}{chance.randrange(10**7):07d}"
    return InventedPatient(person, booker, phone, age)


def _person(chance: random.Random, surname: str, *, woman: bool) -> Person:
    hers, _, his = surname.partition("/")
    return Person(chance.choice(_NAMES["women" if woman else "men"]), hers if woman else his or hers)


def _age(chance: random.Random, ages: AgeRange) -> AgeRange:
    possible = [group for group in (ADULT, SENIOR) if ages.covers(group)]
    months = chance.randint(ages.lowest, min(ages.highest, 85 * 12))
    asked = age_in_months(months) if months < 24 else age_in_years(months // 12)
    if not asked.is_child and possible:
        return chance.choice(possible)
    return asked if ages.covers(asked) else age_in_months(months)
