"""A clinic's next free times for a card elsewhere on the web: first visits, anybody there, any problem. Nothing is saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from okienko_server.domain.cells import local_day
from okienko_server.domain.offer import HealthcareService, Offer, Practitioner, ServiceKind
from okienko_server.domain.problem import ADULT
from okienko_server.domain.scope import Scope
from okienko_server.domain.slots import Busy, Window, by_day, start_masks, window
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import SOON_DAYS

NOON, MIDNIGHT = 12 * 60, 24 * 60
Giving = tuple[HealthcareService, list[Practitioner]]


@dataclass(frozen=True, slots=True)
class NextStarts:
    """The clinic and its next free start cells in time order; no cells: nothing within a fortnight."""

    offer: Offer
    cells: tuple[int, ...]


def next_starts(count: int, *, scope: Scope, desk: Desk, now: datetime) -> NextStarts:
    """Return up to `count` starts of an adult's first visit at the scope's clinic, at most one in each half of a day.

    Where nobody treats adults, a first visit of anybody's counts. Raises NotFound for an unknown clinic, ClinicUnavailable.
    """

    def look(connection: Connection) -> NextStarts:
        offer, busy = desk.offer_and_busy(connection, scope, None, SOON_DAYS, now)
        today = local_day(now, offer.clinic.zone)
        span = window(offer, today, today + timedelta(days=SOON_DAYS - 1), now)
        return NextStarts(offer, tuple(islice(_one_each_half_day(span, _whole(offer, span, busy)), count)))

    return desk.database.read(look)


def _whole(offer: Offer, span: Window, busy: Busy) -> int:
    """Return the window mask of starts at which somebody is free for a first visit."""
    whole = 0
    for service, who in first_visits(offer):
        for mask in start_masks(offer, span, who, service.length, busy).values():
            whole |= mask
    return whole


def first_visits(offer: Offer) -> list[Giving]:
    """Return each first visit with those who give it to an adult with some problem; at a children's clinic, to anybody."""
    first = [service for service in offer.services.values() if service.kind is ServiceKind.CONSULTATION]
    to_adults = [(service, _giving(offer, service, adults=True)) for service in first]
    if any(who for _, who in to_adults):
        return to_adults
    return [(service, _giving(offer, service, adults=False)) for service in first]


def _giving(offer: Offer, service: HealthcareService, *, adults: bool) -> list[Practitioner]:
    return [
        person
        for person in offer.practitioners.values()
        if service.id in person.services
        and any(
            service.meant_for(one.category) and (one.ages.covers(ADULT) or not adults) for one in person.competences
        )
    ]


def _one_each_half_day(span: Window, starts: int) -> Iterator[int]:
    for grid, mask in by_day(span, starts):
        for begin, end in ((0, NOON), (NOON, MIDNIGHT)):
            if half := mask & grid.between(begin, end):
                yield grid.first + (half & -half).bit_length() - 1
