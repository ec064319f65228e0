"""What programs elsewhere may know of free times: first visits of the next fortnight, without people or problems. Nothing is saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from sqlalchemy import Connection

from okienko_server.domain.cells import local_day
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.offer import HealthcareService, Location, Offer
from okienko_server.domain.scope import Scope
from okienko_server.domain.slots import Window, bits, start_masks, window
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import SOON_DAYS
from okienko_server.operations.next_starts import first_visits
from okienko_server.storage.directory import PortalStore

PAGE = 50
"""Clinics a page: at some three hundred starts each, an answer of about six megabytes."""


@dataclass(frozen=True, slots=True)
class PublishedSlots:
    """One clinic's first visits: for each (location id, service id) somebody gives, the window mask of its free starts."""

    offer: Offer
    span: Window
    starts: dict[tuple[str, str], int]

    def each(self) -> Iterator[tuple[Location, HealthcareService, list[int]]]:
        """Yield every place and service with its free start cells, full ones too."""
        for (place, service), mask in self.starts.items():
            yield (
                self.offer.locations[place],
                self.offer.services[service],
                [self.span.base + bit for bit in bits(mask)],
            )


def clinic_slots(*, scope: Scope, desk: Desk, now: datetime) -> PublishedSlots:
    """Return the free first visits at the scope's clinic, an adult's as `next_starts` decides.

    Raises NotFound for an unknown clinic, ClinicUnavailable, ClinicPaused.
    """
    return desk.database.read(lambda connection: _slots(connection, scope, desk, now))


def published_pages(*, scope: Scope, desk: Desk, now: datetime) -> list[int]:
    """Return the pages, counted from 1, that hold a clinic the portal lists and engines may keep."""
    return desk.database.read(lambda connection: PortalStore(connection, scope).published_pages(PAGE, now))


def published_slots(page: int, *, scope: Scope, desk: Desk, now: datetime) -> list[PublishedSlots]:
    """Return the free first visits at each such clinic of a page; raises NotFound when it holds none."""

    def look(connection: Connection) -> list[PublishedSlots]:
        found = []
        clinic_ids = PortalStore(connection, scope).published(page, PAGE, now)
        if not clinic_ids:
            raise NotFound
        for clinic_id in clinic_ids:
            # The list is judged by Warsaw's day and a moment earlier; the clinic's own door has the last word.
            with suppress(NotFound, ClinicUnavailable, ClinicPaused):
                found.append(_slots(connection, scope.at(clinic_id), desk, now))
        return found

    return desk.database.read(look)


def _slots(connection: Connection, scope: Scope, desk: Desk, now: datetime) -> PublishedSlots:
    offer, busy = desk.offer_and_busy(connection, scope, None, SOON_DAYS, now)
    today = local_day(now, offer.clinic.zone)
    span = window(offer, today, today + timedelta(days=SOON_DAYS - 1), now)
    starts: dict[tuple[str, str], int] = {}
    for service, who in first_visits(offer):
        free = start_masks(offer, span, who, service.length, busy)
        for place in offer.locations:
            if any(person.works_at(place) for person in who):
                starts[place, service.id] = reduce(or_, (mask for (_, at), mask in free.items() if at == place), 0)
    return PublishedSlots(offer, span, starts)
