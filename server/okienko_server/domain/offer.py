"""A clinic's public offer as one frozen value: what may be booked, with whom, where and when the doors are open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from okienko_server.domain.access import Access, Language
from okienko_server.domain.cells import CELL_SECONDS, DayGrid, Length, cell_at, day_grid, days_from
from okienko_server.domain.clinic import Address, Clinic
from okienko_server.domain.errors import NotFound
from okienko_server.domain.holidays import is_public_holiday
from okienko_server.domain.problem import AgeRange, Competence, ProblemCategory
from okienko_server.domain.scope import NO_LOCKS, Locks


class ServiceKind(StrEnum):
    """A consultation opens an episode (first visit), a visit continues it."""

    CONSULTATION = "consultation"
    VISIT = "visit"


T = TypeVar("T")
MAX_KEPT = 20_000
"""Opening masks an offer keeps before it begins anew."""

NEAR_MIDNIGHT = 120
"""Minutes a visit and its buffers may reach over midnight."""
DURATIONS = (30, 45, 50, 60)
"""Lengths of a HealthcareService in minutes."""


@dataclass(frozen=True, slots=True)
class Location:
    """One address of a clinic."""

    id: str
    name: str
    street: str
    postcode: str
    city: str
    offered: bool = True
    """False: patients cannot choose it; what was made there stays."""
    latitude: float | None = None
    longitude: float | None = None
    """Degrees, WGS 84; None: not on the map yet."""
    access: frozenset[Access] = frozenset()

    @property
    def postal(self) -> Address:
        return Address(self.street, self.postcode, self.city)

    @property
    def address(self) -> str:
        return self.postal.short


@dataclass(frozen=True, slots=True)
class HealthcareService:
    """What is booked: minutes of treatment, buffers around it, price in grosze."""

    id: str
    name: str
    kind: ServiceKind
    minutes: int
    price: int
    buffer_before: int
    buffer_after: int
    categories: frozenset[ProblemCategory]
    """Problem categories it is meant for; empty means all."""
    offered: bool = True
    """False: patients cannot choose it."""

    @property
    def length(self) -> Length:
        """How long an appointment takes that is made of it now."""
        return Length(self.minutes, self.buffer_before, self.buffer_after)

    def meant_for(self, category: ProblemCategory) -> bool:
        return not self.categories or category in self.categories

    def suits(self, kind: ServiceKind, category: ProblemCategory) -> bool:
        return self.kind is kind and self.meant_for(category)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """A practitioner's weekly hours at one location: weekday 0 = Monday, minutes of the wall clock."""

    location_id: str
    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A location's weekly opening hours, the outer bound of everybody's working hours there."""

    location_id: str
    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Absence:
    """A span of aware time in which a practitioner does not work; half-open."""

    practitioner_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A therapist: competences decide who may book, working hours decide when."""

    id: str
    title: str
    first_name: str
    last_name: str
    competences: tuple[Competence, ...]
    services: frozenset[str]
    hours: tuple[WorkingHours, ...]
    offered: bool = True
    """False: patients cannot choose this person; the staff can."""
    pwz: str = ""
    """Number of the licence to practise physiotherapy, without its prefix."""
    languages: frozenset[Language] = frozenset()
    """Spoken beside Polish."""

    @property
    def name(self) -> str:
        return f"{self.title} {self.first_name} {self.last_name}".strip()

    @property
    def initials(self) -> str:
        return f"{self.first_name[:1]}{self.last_name[:1]}"

    def works_at(self, location_id: str) -> bool:
        """True when some of the weekly hours are at that location; an empty id means any."""
        return not location_id or any(hours.location_id == location_id for hours in self.hours)

    def only(self, category: str) -> Practitioner:
        """Return the same person with no competence but for one category."""
        return replace(self, competences=tuple(one for one in self.competences if one.category == category))

    def qualified(self, category: ProblemCategory, age: AgeRange) -> bool:
        return any(competence.allows(category, age) for competence in self.competences)


@dataclass(frozen=True, eq=False)
class Offer:
    """Everything public about one clinic at one revision; opening masks are worked out once and kept with it."""

    clinic: Clinic
    revision: int
    locations: Mapping[str, Location]
    services: Mapping[str, HealthcareService]
    practitioners: Mapping[str, Practitioner]
    opening: tuple[OpeningHours, ...]
    absences: tuple[Absence, ...]
    withheld: Offer | None = None
    """The whole offer behind a public one: an appointment made before something was withheld still names it."""
    _masks: dict[tuple[str, str, date], int] = field(default_factory=dict)
    _spans: dict[tuple[str, str, date, int], int] = field(default_factory=dict)

    @cached_property
    def near_midnight(self) -> bool:
        """True when a visit with its buffers could reach into another day."""
        return any(door.start < NEAR_MIDNIGHT or door.end > 24 * 60 - NEAR_MIDNIGHT for door in self.opening)

    def practitioner(self, practitioner_id: str) -> Practitioner:
        """Raises NotFound for a stranger."""
        return _known(self.practitioners, practitioner_id, self.withheld.practitioners if self.withheld else None)

    def service(self, service_id: str) -> HealthcareService:
        """Raises NotFound for a stranger."""
        return _known(self.services, service_id, self.withheld.services if self.withheld else None)

    def location(self, location_id: str) -> Location:
        """Raises NotFound for a stranger."""
        return _known(self.locations, location_id, self.withheld.locations if self.withheld else None)

    def categories(self) -> list[ProblemCategory]:
        """Return the categories somebody here is competent for and gives a service for, in screen order."""
        return [category for category in ProblemCategory if self._treats(category)]

    def _treats(self, category: ProblemCategory) -> bool:
        given = {service.id for service in self.services.values() if service.meant_for(category)}
        people = (p for p in self.practitioners.values() if not given.isdisjoint(p.services))
        return any(competence.category is category for person in people for competence in person.competences)

    @cached_property
    def public(self) -> Offer:
        """What patients see: without the addresses, services and people the clinic withholds."""
        places = {key: one for key, one in self.locations.items() if one.offered}
        services = {key: one for key, one in self.services.items() if one.offered}
        people = {key: one for key, one in self.practitioners.items() if one.offered}
        if (places, services, people) == (self.locations, self.services, self.practitioners):
            return self
        people = {
            key: replace(one, hours=tuple(span for span in one.hours if span.location_id in places))
            for key, one in people.items()
        }
        return replace(
            self, locations=places, services=services, practitioners=people, withheld=self, _masks={}, _spans={}
        )

    def narrowed(self, locks: Locks) -> Offer:
        """Return what a token's locks leave of the offer: nothing outside them exists any more."""
        if locks == NO_LOCKS:
            return self
        services = {key: one for key, one in self.services.items() if locks.service in ("", key)}
        people = {key: one for key, one in self.practitioners.items() if locks.practitioner in ("", key)}
        if locks.category:
            people = {key: one.only(locks.category) for key, one in people.items()}
        return replace(self, services=services, practitioners=people, withheld=None)

    def grids(self, first: date, count: int) -> list[DayGrid]:
        """Return the grids of `count` local days from `first`."""
        return [day_grid(self.clinic.zone, day) for day in days_from(first, count)]

    def services_for(self, kind: ServiceKind, category: ProblemCategory) -> list[HealthcareService]:
        return [service for service in self.services.values() if service.suits(kind, category)]

    def qualified(self, service_id: str, category: ProblemCategory, age: AgeRange) -> list[Practitioner]:
        """Return who gives this service and may treat this problem at this age."""
        return [p for p in self.practitioners.values() if service_id in p.services and p.qualified(category, age)]

    def open_mask(self, practitioner_id: str, location_id: str, day: date) -> int:
        """Return the day mask of cells in which the practitioner receives patients at that location."""
        key = (practitioner_id, location_id, day)
        mask = self._masks.get(key)
        if mask is None:
            if len(self._masks) > MAX_KEPT:
                self._masks.clear()
            mask = self._masks[key] = self._work_out(*key)
        return mask

    def open_span(self, practitioner_id: str, location_id: str, days: Sequence[DayGrid]) -> int:
        """Return the same over consecutive days as one mask that begins with the first day."""
        key = (practitioner_id, location_id, days[0].day, len(days))
        whole = self._spans.get(key)
        if whole is None:
            whole, base = 0, days[0].first
            for grid in days:
                whole |= self.open_mask(practitioner_id, location_id, grid.day) << (grid.first - base)
            if len(self._spans) > MAX_KEPT:
                self._spans.clear()
            self._spans[key] = whole
        return whole

    def _work_out(self, practitioner_id: str, location_id: str, day: date) -> int:
        if is_public_holiday(day) and not self.clinic.open_on_holidays:
            return 0
        grid, weekday = day_grid(self.clinic.zone, day), day.weekday()
        opening = working = away = 0
        for door in self.opening:
            if door.location_id == location_id and door.weekday == weekday:
                opening |= grid.between(door.start, door.end)
        for hours in self.practitioners[practitioner_id].hours:
            if hours.location_id == location_id and hours.weekday == weekday:
                working |= grid.between(hours.start, hours.end)
        for absence in self._absences_of(practitioner_id):
            away |= grid.clip(cell_at(absence.start), -(-int(absence.end.timestamp()) // CELL_SECONDS))
        return opening & working & ~away

    def _absences_of(self, practitioner_id: str) -> Iterator[Absence]:
        return (absence for absence in self.absences if absence.practitioner_id == practitioner_id)


def _known(things: Mapping[str, T], key: str, withheld: Mapping[str, T] | None) -> T:
    found = things.get(key) or (withheld or {}).get(key)
    if found is None:
        raise NotFound
    return found
