"""Who may treat whom: category and age decide before any time is looked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.problem import (
    ADULT,
    MAX_AGE_MONTHS,
    SENIOR,
    AgeRange,
    Competence,
    ProblemCategory,
    age_in_months,
    age_in_years,
    category_of,
)
from tests.domain.worlds import VISIT, offer_of, therapist

CHILDREN = ProblemCategory.PAEDIATRICS
RANGES = st.tuples(st.integers(0, MAX_AGE_MONTHS), st.integers(0, MAX_AGE_MONTHS)).map(
    lambda ends: AgeRange(min(ends), max(ends))
)


@pytest.mark.parametrize(
    ("name", "competences", "may"),
    [
        ("for babies", [Competence(CHILDREN, AgeRange(0, 36))], True),
        ("for all children", [Competence(CHILDREN, AgeRange(0, 215))], True),
        ("exactly that month", [Competence(CHILDREN, AgeRange(5, 5))], True),
        ("from half a year", [Competence(CHILDREN, AgeRange(6, 215))], False),
        ("up to four months", [Competence(CHILDREN, AgeRange(0, 4))], False),
        ("babies with another problem", [Competence(ProblemCategory.NEUROLOGY, AgeRange(0, 215))], False),
        ("adults of every sort", [Competence(category, ADULT) for category in ProblemCategory], False),
        ("nothing at all", [], False),
        (
            "babies in neurology, children in paediatrics",
            [Competence(ProblemCategory.NEUROLOGY, AgeRange(0, 24)), Competence(CHILDREN, AgeRange(24, 215))],
            False,
        ),
    ],
)
def test_a_baby_of_five_months_meets_only_those_who_treat_babies(
    name: str, competences: list[Competence], may: bool
) -> None:
    offer = offer_of(therapist(competences=tuple(competences)))
    found = offer.qualified(VISIT.id, CHILDREN, age_in_months(5))
    assert bool(found) is may, name


def test_a_therapist_qualified_for_babies_who_does_not_give_the_service_is_not_offered() -> None:
    offer = offer_of(therapist(competences=(Competence(CHILDREN, AgeRange(0, 36)),), services=frozenset()))
    assert offer.qualified(VISIT.id, CHILDREN, age_in_months(5)) == []


@given(RANGES, RANGES)
def test_a_competence_allows_an_age_range_only_when_it_covers_every_month_of_it(
    held: AgeRange, asked: AgeRange
) -> None:
    allowed = Competence(CHILDREN, held).allows(CHILDREN, asked)
    assert allowed == all(held.lowest <= month <= held.highest for month in (asked.lowest, asked.highest))


def test_an_adult_of_unknown_age_needs_somebody_for_all_adults() -> None:
    young = Competence(ProblemCategory.SPINE, AgeRange(18 * 12, 50 * 12 - 1))
    old = Competence(ProblemCategory.SPINE, AgeRange(50 * 12, MAX_AGE_MONTHS))
    assert not therapist(competences=(young,)).qualified(ProblemCategory.SPINE, ADULT)
    assert not therapist(competences=(old,)).qualified(ProblemCategory.SPINE, ADULT)
    whole = Competence(ProblemCategory.SPINE, AgeRange(18 * 12, MAX_AGE_MONTHS))
    assert therapist(competences=(whole,)).qualified(ProblemCategory.SPINE, ADULT)
    assert therapist(competences=(whole,)).qualified(ProblemCategory.SPINE, SENIOR)


def test_a_child_is_whoever_is_not_yet_eighteen() -> None:
    assert [age_in_years(years).is_child for years in (0, 17, 18, 64)] == [True, True, False, False]
    assert not ADULT.is_child and not SENIOR.is_child
    assert age_in_months(215).is_child and not age_in_months(216).is_child


def test_an_age_in_years_is_its_twelve_months() -> None:
    assert age_in_years(0) == AgeRange(0, 11)
    assert age_in_years(17) == AgeRange(204, 215)
    assert (ADULT.lowest, ADULT.highest + 1, SENIOR.lowest) == (216, 780, 780)


@pytest.mark.parametrize("years", [-1, 120, 1000, 10**30])
def test_impossible_years_are_refused(years: int) -> None:
    with pytest.raises(FieldRefused) as refused:
        age_in_years(years)
    assert (refused.value.code, refused.value.field) == ("age_invalid", "age")


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (5, 4), (0, MAX_AGE_MONTHS + 1), (-3, -1)])
def test_impossible_months_are_refused(low: int, high: int) -> None:
    with pytest.raises(FieldRefused, match="age_invalid"):
        AgeRange(low, high)


@pytest.mark.parametrize("text", ["", "Spine", " spine", "spine\0", "kręgosłup", "x" * 10_000, "\ud800"])
def test_an_unknown_category_is_refused(text: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        category_of(text)
    assert (refused.value.code, refused.value.field) == ("category_unknown", "category")


def test_the_ten_categories_answer_to_their_codes() -> None:
    assert len(ProblemCategory) == 10
    assert all(category_of(category.value) is category for category in ProblemCategory)


def test_an_offer_names_the_categories_somebody_holds_in_screen_order() -> None:
    anna = therapist(competences=(Competence(ProblemCategory.JAW_HEAD, ADULT),))
    ewa = therapist("ewa", competences=(Competence(ProblemCategory.SPINE, ADULT), Competence(CHILDREN, AgeRange(0, 9))))
    assert offer_of(anna, ewa).categories() == [ProblemCategory.SPINE, CHILDREN, ProblemCategory.JAW_HEAD]
