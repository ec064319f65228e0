"""Which problems at which ages somebody here can really treat: what the clinic declares and nobody covers, and the other way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from okienko_server.domain.offer import Offer, Practitioner
from okienko_server.domain.problem import MAX_AGE_MONTHS, AgeRange, ProblemCategory


@dataclass(frozen=True, slots=True)
class Gap:
    """A declared problem and the ages at which nobody treats it; `whole` when nobody does at any age."""

    category: ProblemCategory
    ages: tuple[AgeRange, ...]

    @property
    def whole(self) -> bool:
        return self.ages == (AgeRange(0, MAX_AGE_MONTHS),)


def covered(offer: Offer, category: ProblemCategory) -> tuple[AgeRange, ...]:
    """Return the ages at which somebody competent gives a service meant for a problem, as ranges that do not touch, the youngest first."""
    ranges = sorted(
        (competence.ages.lowest, competence.ages.highest)
        for person in offer.practitioners.values()
        if treats(person, category, offer)
        for competence in person.competences
        if competence.category is category
    )
    joined: list[tuple[int, int]] = []
    for lowest, highest in ranges:
        if joined and lowest <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], highest))
        else:
            joined.append((lowest, highest))
    return tuple(AgeRange(*one) for one in joined)


def treats(person: Practitioner, category: ProblemCategory, offer: Offer) -> bool:
    """Return whether a person gives a service meant for a problem: a competence nobody can be booked for covers nothing."""
    return any(key in offer.services and offer.services[key].meant_for(category) for key in person.services)


def uncovered(offer: Offer) -> tuple[Gap, ...]:
    """Return the problems the clinic declares that nobody treats at some age, in screen order, as patients would find it."""
    seen = offer.public
    gaps = ((category, _missing(covered(seen, category))) for category in seen.clinic.categories)
    return tuple(Gap(category, ages) for category, ages in gaps if ages)


def idle(offer: Offer) -> tuple[tuple[Practitioner, ProblemCategory], ...]:
    """Return the competences for which their person gives no service, in the order of people and problems."""
    seen = offer.public
    return tuple(
        (person, category)
        for person in seen.practitioners.values()
        for category in ProblemCategory
        if any(one.category is category for one in person.competences) and not treats(person, category, seen)
    )


def _missing(ranges: Iterable[AgeRange]) -> tuple[AgeRange, ...]:
    found, begin = [], 0
    for one in ranges:
        if one.lowest > begin:
            found.append(AgeRange(begin, one.lowest - 1))
        begin = one.highest + 1
    if begin <= MAX_AGE_MONTHS:
        found.append(AgeRange(begin, MAX_AGE_MONTHS))
    return tuple(found)
