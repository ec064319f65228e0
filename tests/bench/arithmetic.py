"""Slot arithmetic by bit masks against naive datetimes: 10 therapists, 60 days, the same answer from both."""

from __future__ import annotations

import timeit
from datetime import date, datetime, timedelta

from sqlalchemy import select

from okienko_server.domain.cells import days_from
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.domain.slots import bits, start_masks, window
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.session import Database
from okienko_server.storage.tables import AppointmentRow
from tests.bench import world

DAYS = 60
Visits = dict[tuple[str, date], list[tuple[datetime, datetime]]]


def run() -> None:
    """Print the ratio; both start from what a reader keeps: masks per day, or visits per day."""
    database = Database("sqlite://")
    upgrade(database)
    world.build(database)
    scope = Scope(ScopeKind.CLINIC, world.CLINIC)
    last = world.FIRST_DAY + timedelta(days=DAYS - 1)
    with database.reading() as connection:
        offer = OfferStore(connection, scope).load()
        busy = OccupancyStore(connection, scope).read(world.FIRST_DAY, last, world.NOW, world.ZONE).busy
        visits: Visits = {}
        for row in connection.execute(select(AppointmentRow.__table__)):
            local = row.starts_at.astimezone(world.ZONE)
            visits.setdefault((row.practitioner_id, local.date()), []).append((row.starts_at, row.ends_at))
    service, people = offer.services["service45"].length, list(offer.practitioners.values())

    def masks() -> int:
        span = window(offer, world.FIRST_DAY, last, world.NOW)
        return sum(mask.bit_count() for mask in start_masks(offer, span, people, service, busy).values())

    def listed() -> int:
        span = window(offer, world.FIRST_DAY, last, world.NOW)
        return sum(len(list(bits(mask))) for mask in start_masks(offer, span, people, service, busy).values())

    def plain() -> int:
        return sum(
            len(_naive(offer, person.id, day, visits)) for person in people for day in days_from(world.FIRST_DAY, DAYS)
        )

    assert masks() == listed() == plain()
    ours, full, theirs = (min(timeit.repeat(work, number=5, repeat=5)) / 5 for work in (masks, listed, plain))
    print(f"## Slot arithmetic, 10 therapists x {DAYS} days: {masks()} free starts by both methods")
    print(f"naive datetimes / bit masks: {theirs / ours:.0f}x (goal 8x); with every start listed: {theirs / full:.0f}x")


def _naive(offer: Offer, person: str, day: date, visits: Visits) -> list[datetime]:
    """Return the free 45-minute starts of one therapist's day, every quarter hour tried against every visit."""
    found: list[datetime] = []
    length = timedelta(minutes=45)
    taken = visits.get((person, day), [])
    if not offer.open_mask(person, "place", day):
        return found
    for begins, ends in world.HALVES:
        start = datetime(day.year, day.month, day.day, begins // 60, tzinfo=world.ZONE)
        close = datetime(day.year, day.month, day.day, ends // 60, tzinfo=world.ZONE)
        while start + length <= close:
            if all(start + length <= busy_from or busy_to <= start for busy_from, busy_to in taken):
                found.append(start)
            start += timedelta(minutes=15)
    return found
