"""What a patient of some age with some problem would be offered: for the clinic's people, whether its doors are open or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.cells import instant_of, local_day
from okienko_server.domain.offer import HealthcareService, Offer, Practitioner, ServiceKind
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.domain.slots import first_start, start_masks, window
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import SOON_DAYS


@dataclass(frozen=True, slots=True)
class Offered:
    """One service a patient could choose, with whom, and its first free start within a fortnight (aware UTC; None: none)."""

    service: HealthcareService
    people: tuple[Practitioner, ...]
    soonest: datetime | None


def preview_offer(
    category: ProblemCategory, age: AgeRange, *, scope: Scope, desk: Desk, now: datetime
) -> tuple[Offer, tuple[Offered, ...]]:
    """Return the offer and what of it would be shown, first visits first, without services nobody qualified gives. Raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)

    def look(connection: Connection) -> tuple[Offer, tuple[Offered, ...]]:
        whole, busy = desk.offer_and_busy(connection, scope, None, SOON_DAYS, now)
        offer, today = whole.public, local_day(now, whole.clinic.zone)
        span = window(offer, today, today + timedelta(days=SOON_DAYS - 1), now)
        found = []
        for kind in ServiceKind:
            for service in offer.services_for(kind, category):
                people = offer.qualified(service.id, category, age)
                free = 0
                for mask in start_masks(offer, span, people, service.length, busy).values():
                    free |= mask
                first = first_start(span, free)
                if people:
                    found.append(Offered(service, tuple(people), instant_of(first) if first is not None else None))
        return offer, tuple(found)

    return desk.database.read(look)
