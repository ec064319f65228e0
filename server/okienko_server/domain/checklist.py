"""What a clinic still lacks before patients can come: worked out of its offer each time, never stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from okienko_server.domain.coverage import uncovered
from okienko_server.domain.offer import HealthcareService, Offer, Practitioner, ServiceKind


class Part(StrEnum):
    """Where a lack is put right: the parts of the settings, in the order the clinic's people know."""

    PLACES = "places"
    HOURS = "hours"
    SERVICES = "services"
    THERAPISTS = "therapists"
    SMS = "sms"
    WEBSITE = "website"


class Lack(StrEnum):
    """One thing that is missing; each has a sentence in the staff's catalogue, and the stopping ones what patients would see."""

    NO_ADDRESS = "no_address"
    NO_HOURS = "no_hours"
    NO_SERVICES = "no_services"
    NO_THERAPISTS = "no_therapists"
    NOBODY_GIVES = "nobody_gives"
    """There are services and people, but no competent person gives a service meant for the problem."""
    NEVER_IN = "never_in"
    """Somebody would, but is never in while the doors are open long enough."""
    NOT_ON_MAP = "not_on_map"
    NO_FIRST_VISIT = "no_first_visit"
    NO_FOLLOW_UP = "no_follow_up"
    IDLE_THERAPIST = "idle_therapist"
    NO_LICENCE = "no_licence"
    UNCOVERED = "uncovered"
    """A problem the clinic declares, and nobody treats at any age; `about` is its code."""
    NO_WEBSITE = "no_website"


PART_OF = {
    Lack.NO_ADDRESS: Part.PLACES,
    Lack.NO_HOURS: Part.HOURS,
    Lack.NO_SERVICES: Part.SERVICES,
    Lack.NO_THERAPISTS: Part.THERAPISTS,
    Lack.NOBODY_GIVES: Part.THERAPISTS,
    Lack.NEVER_IN: Part.HOURS,
    Lack.NOT_ON_MAP: Part.PLACES,
    Lack.NO_FIRST_VISIT: Part.SERVICES,
    Lack.NO_FOLLOW_UP: Part.SERVICES,
    Lack.IDLE_THERAPIST: Part.THERAPISTS,
    Lack.NO_LICENCE: Part.THERAPISTS,
    Lack.UNCOVERED: Part.THERAPISTS,
    Lack.NO_WEBSITE: Part.WEBSITE,
}
STOPPING = frozenset(
    {Lack.NO_ADDRESS, Lack.NO_HOURS, Lack.NO_SERVICES, Lack.NO_THERAPISTS, Lack.NOBODY_GIVES, Lack.NEVER_IN}
)
"""With one of these no patient finds a free time."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist; `about` names the address or the person it is about, empty for the whole clinic."""

    lack: Lack
    about: str = ""

    @property
    def part(self) -> Part:
        return PART_OF[self.lack]

    @property
    def stops(self) -> bool:
        return self.lack in STOPPING


def checklist(offer: Offer) -> tuple[Item, ...]:
    """Return what is missing, what stops patients first, then in the order of the settings; empty: the clinic is ready."""
    seen = offer.public
    return (*_stopping(seen), *_hints(seen))


def _stopping(offer: Offer) -> Iterator[Item]:
    if not offer.locations:
        yield Item(Lack.NO_ADDRESS)
    elif not any(door.location_id in offer.locations for door in offer.opening):
        yield Item(Lack.NO_HOURS)
    if not offer.services:
        yield Item(Lack.NO_SERVICES)
    if not offer.practitioners:
        yield Item(Lack.NO_THERAPISTS)
    if offer.services and offer.practitioners:
        giving = [(person, one) for person in offer.practitioners.values() for one in _given_by(person, offer)]
        if not giving:
            yield Item(Lack.NOBODY_GIVES)
        elif offer.opening and not any(_fits(person, service, offer) for person, service in giving):
            yield Item(Lack.NEVER_IN)


def _hints(offer: Offer) -> Iterator[Item]:
    for place in offer.locations.values():
        if place.latitude is None:
            yield Item(Lack.NOT_ON_MAP, place.name or place.address)
    kinds = {service.kind for service in offer.services.values()}
    if kinds == {ServiceKind.VISIT}:
        yield Item(Lack.NO_FIRST_VISIT)
    if kinds == {ServiceKind.CONSULTATION}:
        yield Item(Lack.NO_FOLLOW_UP)
    for person in offer.practitioners.values():
        if offer.services and not any(_fits(person, service, offer) for service in _given_by(person, offer)):
            yield Item(Lack.IDLE_THERAPIST, person.name)
    for person in offer.practitioners.values():
        if not person.pwz:
            yield Item(Lack.NO_LICENCE, person.name)
    for gap in uncovered(offer):
        if gap.whole:
            yield Item(Lack.UNCOVERED, gap.category.value)
    if not offer.clinic.allowed_origins:
        yield Item(Lack.NO_WEBSITE)


def _given_by(person: Practitioner, offer: Offer) -> list[HealthcareService]:
    """Return the services a person gives and is competent for some problem of."""
    given = [offer.services[key] for key in person.services if key in offer.services]
    return [one for one in given if any(one.meant_for(competence.category) for competence in person.competences)]


def _fits(person: Practitioner, service: HealthcareService, offer: Offer) -> bool:
    """Return whether some weekly span of the person within the opening hours holds the service."""
    doors = [door for door in offer.opening if door.location_id in offer.locations]
    return any(
        min(hours.end, door.end) - max(hours.start, door.start) >= service.minutes
        for hours in person.hours
        for door in doors
        if (hours.location_id, hours.weekday) == (door.location_id, door.weekday)
    )
