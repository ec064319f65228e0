"""Coverage against a brute-force oracle, licence numbers, and ages that come back as they were."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.ages import USUAL, ends_of, range_of, usual_name
from okienko_server.domain.coverage import covered, idle, uncovered
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.licence import licence_of
from okienko_server.domain.offer import Offer
from okienko_server.domain.problem import MAX_AGE_MONTHS, AgeRange, Competence, ProblemCategory, age_in_months
from tests.domain.test_checklist import ANNA, READY, VISIT

MONTHS = range(MAX_AGE_MONTHS + 1)
EVERYBODY = tuple(ProblemCategory)
ranges = st.tuples(st.integers(0, MAX_AGE_MONTHS), st.integers(0, MAX_AGE_MONTHS)).map(
    lambda ends: AgeRange(min(ends), max(ends))
)
competences = st.builds(Competence, st.sampled_from([ProblemCategory.SPINE, ProblemCategory.PAEDIATRICS]), ranges)


@given(
    people=st.lists(st.tuples(st.lists(competences, max_size=3), st.booleans(), st.booleans()), max_size=4),
    meant=st.sampled_from([frozenset(), frozenset({ProblemCategory.SPINE})]),
)
def test_a_gap_is_exactly_the_months_at_which_nobody_is_qualified(
    people: list[tuple[list[Competence], bool, bool]], meant: frozenset[ProblemCategory]
) -> None:
    offer = offer_of(people, meant)
    seen, gaps = offer.public, {gap.category: gap for gap in uncovered(offer)}
    for category in (ProblemCategory.SPINE, ProblemCategory.PAEDIATRICS):
        possible = seen.services["wizyta"].meant_for(category)
        missing = {
            month for month in MONTHS if not (possible and seen.qualified("wizyta", category, age_in_months(month)))
        }
        told = gaps[category].ages if category in gaps else ()
        assert {month for one in told for month in range(one.lowest, one.highest + 1)} == missing
        assert all(before.highest + 1 < after.lowest for before, after in pairwise(told))
        assert (category in gaps and gaps[category].whole) is (len(missing) == len(MONTHS))


def offer_of(people: list[tuple[list[Competence], bool, bool]], meant: frozenset[ProblemCategory]) -> Offer:
    made = {
        f"p{n}": replace(
            ANNA, id=f"p{n}", competences=tuple(own), services=frozenset({"wizyta"} if gives else ()), offered=offered
        )
        for n, (own, gives, offered) in enumerate(people)
    }
    clinic = replace(READY.clinic, categories=EVERYBODY)
    return replace(READY, clinic=clinic, practitioners=made, services={"wizyta": replace(VISIT, categories=meant)})


def test_what_is_not_declared_is_no_gap() -> None:
    assert uncovered(READY) == ()
    declared = replace(READY, clinic=replace(READY.clinic, categories=(ProblemCategory.JAW_HEAD,)))
    (gap,) = uncovered(declared)
    assert (gap.category, gap.whole) == (ProblemCategory.JAW_HEAD, True)


def test_ranges_that_touch_are_one() -> None:
    own = [Competence(ProblemCategory.SPINE, AgeRange(0, 11)), Competence(ProblemCategory.SPINE, AgeRange(12, 40))]
    assert covered(offer_of([(own, True, True)], frozenset()), ProblemCategory.SPINE) == (AgeRange(0, 40),)


def test_a_competence_without_a_service_is_idle() -> None:
    own = [Competence(ProblemCategory.PAEDIATRICS, AgeRange(0, 40))]
    offer = offer_of([(own, True, True)], frozenset({ProblemCategory.SPINE}))
    assert [(person.id, category) for person, category in idle(offer)] == [("p0", ProblemCategory.PAEDIATRICS)]
    assert idle(offer_of([(own, True, True)], frozenset())) == ()


@given(ages=ranges)
def test_ages_come_back_as_they_were(ages: AgeRange) -> None:
    low, low_unit, high, high_unit = ends_of(ages)
    assert range_of(str(low), low_unit, "" if high is None else str(high), high_unit, field="x") == ages


def test_the_usual_ages_have_names() -> None:
    assert [usual_name(ages) for ages in USUAL.values()] == list(USUAL)
    assert usual_name(AgeRange(1, 2)) == ""


@pytest.mark.parametrize(
    ("low", "low_unit", "high", "high_unit"),
    [
        ("", "y", "3", "y"), ("5", "y", "3", "y"), ("-1", "y", "", "y"), ("x", "y", "", "y"), ("1", "d", "", "y"),
        ("121", "y", "", "y"), ("0", "y", "200", "y"), ("0", "y", "99999", "m"), ("²", "y", "", "y"), ("1", "y", "1.5", "y"),
    ],
)  # fmt: skip
def test_ages_that_are_none_are_refused(low: str, low_unit: str, high: str, high_unit: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        range_of(low, low_unit, high, high_unit, field="c-spine")
    assert (refused.value.code, refused.value.field) == ("ages_invalid", "c-spine")


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("12345", "12345"), ("PWZFz 12345", "12345"), ("pwzfz:12345", "12345"), ("nr 1030", "1030"), ("12 345", "12345"),
        ("PWZ nr 7", "7"), ("", ""), ("  ", ""), ("Numer PWZFz 99999", "99999"),
    ],
)  # fmt: skip
def test_a_licence_number_is_read_as_people_write_it(typed: str, digits: str) -> None:
    assert licence_of(typed) == digits


@pytest.mark.parametrize(
    "typed", ["0123", "1234567", "PWZFz", "12a45", "-5", "٧٧", "12345;", "x" * 500, "1.2", "12/34"]
)
def test_what_is_no_licence_number_is_refused(typed: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        licence_of(typed)
    assert refused.value.code == "pwz_invalid"
