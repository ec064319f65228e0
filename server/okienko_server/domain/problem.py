"""Problem categories, patients' ages, and who is qualified for what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from okienko_server.domain.errors import FieldRefused

MAX_AGE_MONTHS = 120 * 12
ADULT_FROM_MONTHS = 18 * 12
SENIOR_FROM_MONTHS = 65 * 12


class ProblemCategory(StrEnum):
    """The ten categories of medical problems, in the order the screen shows them."""

    SPINE = "spine"
    ORTHOPAEDICS = "orthopaedics"
    SPORTS = "sports"
    NEUROLOGY = "neurology"
    PAEDIATRICS = "paediatrics"
    WOMENS_HEALTH = "womens_health"
    CARDIO_PULMONARY = "cardio_pulmonary"
    ONCOLOGY_LYMPH = "oncology_lymph"
    GERIATRICS = "geriatrics"
    JAW_HEAD = "jaw_head"


def category_of(text: str) -> ProblemCategory:
    """Return the category named by its code; raises FieldRefused (category_unknown)."""
    try:
        return ProblemCategory(text)
    except ValueError:
        raise FieldRefused("category_unknown", field="category") from None


@dataclass(frozen=True, slots=True)
class AgeRange:
    """Ages in whole months of life, both ends included; 0-11 is a baby in the first year."""

    lowest: int
    highest: int

    def __post_init__(self) -> None:
        if not 0 <= self.lowest <= self.highest <= MAX_AGE_MONTHS:
            raise FieldRefused("age_invalid", field="age")

    def covers(self, other: AgeRange) -> bool:
        return self.lowest <= other.lowest and other.highest <= self.highest

    @property
    def is_child(self) -> bool:
        """True when somebody else has to act for the patient (Polish civil law: under 18)."""
        return self.lowest < ADULT_FROM_MONTHS


ADULT = AgeRange(ADULT_FROM_MONTHS, SENIOR_FROM_MONTHS - 1)
SENIOR = AgeRange(SENIOR_FROM_MONTHS, MAX_AGE_MONTHS)


def age_in_months(months: int) -> AgeRange:
    """Return the range of one age in months."""
    return AgeRange(months, months)


def age_in_years(years: int) -> AgeRange:
    """Return the twelve months during which a person is that many years old; raises FieldRefused (age_invalid)."""
    if not 0 <= years < MAX_AGE_MONTHS // 12:
        raise FieldRefused("age_invalid", field="age")
    return AgeRange(years * 12, years * 12 + 11)


@dataclass(frozen=True, slots=True)
class Competence:
    """What a practitioner is qualified for: one category, over a range of ages."""

    category: ProblemCategory
    ages: AgeRange

    def allows(self, category: ProblemCategory, age: AgeRange) -> bool:
        """Unknown part of a patient's age range counts against: a competence must cover all of it."""
        return self.category is category and self.ages.covers(age)
