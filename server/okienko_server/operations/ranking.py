"""Addresses of the portal's search in order, worked out exactly only as far as a page needs."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from okienko_server.domain.access import Access, bits_of, words_of
from okienko_server.domain.cells import CELL_SECONDS, instant_of, local_day
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.offer import Location
from okienko_server.domain.scope import Scope
from okienko_server.domain.starts import SHOWN_DAYS, When, bookable, cut, first_bits, tiles_within, unfold
from okienko_server.domain.towns import distance_km
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import FreeTimes, free_times
from okienko_server.operations.keep_starts import point_of
from okienko_server.operations.portal_search import ClinicFound, Order, Search
from okienko_server.storage.next_starts import Candidate, PortalStartsStore, Wanted

NEXT_STARTS = 3
MOST_BEHIND = 20
"""So many clinics that are behind are worked out for one search; the worker sees to the others soon."""
BATCH = 24
WALK = 160
"""Rows read at once where no place narrows the search."""
HOME = ZoneInfo("Europe/Warsaw")


@dataclass(frozen=True, slots=True)
class Look:
    """One search being answered on one connection."""

    connection: Connection
    scope: Scope
    desk: Desk
    now: datetime
    store: PortalStartsStore


Where = tuple[str, str]
"""Clinic id, location id."""


class Ranking:
    """Addresses in order: ranked by bounds that lie never after the truth, worked out exactly only as far as a page needs."""

    def __init__(self, look: Look, search: Search, km: float) -> None:
        self.look, self.search, self.km = look, search, km
        asked = search.question
        language = bits_of([asked.language]) if asked.language else 0
        self.wanted = Wanted(asked.category, asked.age, asked.kind.value, search.when, bits_of(search.access), language)
        last = local_day(look.now, HOME) + timedelta(days=(7 if search.when is When.WEEK else SHOWN_DAYS) + 1)
        self.end = int(datetime(last.year, last.month, last.day, tzinfo=HOME).timestamp()) // CELL_SECONDS
        self.begin = int(look.now.timestamp()) // CELL_SECONDS
        self.exact: dict[Where, ClinicFound | None] = {}
        self.worked_out = 0

    def first(self, count: int) -> list[ClinicFound]:
        """Return the first so many addresses, fewer when there are no more."""
        behind = self.look.store.behind(self.look.now, MOST_BEHIND)
        limit = 0 if self.search.place else WALK
        while True:
            candidates, ceiling = self._candidates(limit)
            found, complete = self._best(self._bounds(candidates), behind, count, ceiling)
            if complete:
                return found
            limit *= 4

    def _candidates(self, limit: int) -> tuple[list[Candidate], int | None]:
        """Return what may be found, and the bound beyond which nothing was read, None when everything was."""
        store, place = self.look.store, self.search.place
        if place is None:
            return store.everywhere(self.wanted, self.end, self.look.now, limit)
        if not self.km:
            return store.everywhere(self.wanted, self.end, self.look.now, 1 << 20)
        tiles = tiles_within(place.latitude, place.longitude, self.km)
        return store.around(self.wanted, tiles, self.end, self.look.now), None

    def _bounds(self, candidates: Sequence[Candidate]) -> dict[Where, tuple[int, float | None]]:
        """Return each address' lowest bound and its distance, those within reach only."""
        found: dict[Where, tuple[int, float | None]] = {}
        for one in candidates:
            key = one.clinic_id, one.location_id
            there = found.get(key)
            if there is not None:
                if one.bound < there[0]:
                    found[key] = one.bound, there[1]
                continue
            km = self._away(one.latitude, one.longitude)
            if not self.km or (km is not None and km <= self.km):
                found[key] = one.bound, km
        return found

    def _away(self, latitude: float | None, longitude: float | None) -> float | None:
        place = self.search.place
        if place is None or latitude is None or longitude is None:
            return None
        return distance_km(place.latitude, place.longitude, latitude, longitude)

    def _key(self, cell: int, km: float | None, where: Where) -> tuple[Any, ...]:
        far = 1e9 if km is None else km
        if self.search.place is None:
            return (cell, *where)
        if self.search.order is Order.NEAREST:
            return (far, cell, *where)
        return (local_day(instant_of(cell), HOME).toordinal(), far, cell, *where)

    def _best(
        self, bounds: dict[Where, tuple[int, float | None]], behind: Sequence[str], count: int, ceiling: int | None
    ) -> tuple[list[ClinicFound], bool]:
        heap: list[tuple[Any, ...]] = []
        for clinic_id in behind:
            bounds = {where: bound for where, bound in bounds.items() if where[0] != clinic_id}
            for fresh in self._worked_out(clinic_id):
                heap.append((self._key(fresh.starts[0], fresh.km, _where(fresh)), True, _where(fresh)))
        for where, (bound, km) in bounds.items():
            heap.append((self._key(max(bound, self.begin), km, where), False, where))
        heapq.heapify(heap)
        found: list[ClinicFound] = []
        while heap and len(found) < count:
            key, sure, where = heapq.heappop(heap)
            if ceiling is not None and key[0] >= ceiling:
                return found, False
            if sure:
                if (done := self.exact[where]) is not None:
                    found.append(done)
                continue
            self._look_up(where, [entry[2] for entry in heapq.nsmallest(BATCH, heap) if not entry[1]])
            one = self.exact[where]
            if one is not None:
                heapq.heappush(heap, (self._key(one.starts[0], one.km, where), True, where))
        return found, len(found) == count or ceiling is None

    def _look_up(self, where: Where, next_ones: Sequence[Where]) -> None:
        """Work an address out exactly, and those that are likely to be asked for next in the same reading."""
        if where in self.exact:
            return
        asked = [where, *(one for one in next_ones if one not in self.exact)]
        rows = self.look.store.rows_at(self.wanted, asked)
        for key, group in groupby(rows, key=lambda row: (row.clinic_id, row.location_id)):
            self.exact[key] = self._of_rows(list(group))
        for one in asked:
            self.exact.setdefault(one, None)

    def _of_rows(self, rows: list[Row[Any]]) -> ClinicFound | None:
        row, now = rows[0], self.look.now
        # The clinic's own first choice among the services, as everywhere.
        rows = [one for one in rows if one.position == row.position]
        if any(one.good_until <= now for one in rows):
            self.worked_out += 1
            # Beyond what one search may work out, an address is rather left out than shown with a time that is taken.
            return self._at(row.clinic_id, row.location_id) if self.worked_out <= MOST_BEHIND else None
        zone = ZoneInfo(row.zone)
        span = bookable(now, zone, row.notice_minutes, row.horizon_days, self.search.when)
        base, whole = min(one.base for one in rows), 0
        for one in rows:
            whole |= cut(unfold(one.starts), one.base, span, zone, self.search.when) << (one.base - base)
        if not whole:
            return None
        place = Location(
            row.location_id, row.location_name, row.street, row.postcode, row.city, True, row.latitude, row.longitude,
            words_of(Access, row.access or ""),
        )  # fmt: skip
        return ClinicFound(
            row.clinic_id, row.slug, row.name, row.phone, zone, place, self._away(row.latitude, row.longitude),
            row.own_latitude is not None, row.service_name, row.minutes, row.price,
            tuple((one.practitioner_id, f"{one.title} {one.first_name} {one.last_name}".strip()) for one in rows),
            tuple(base + bit for bit in first_bits(whole, NEXT_STARTS)),
        )  # fmt: skip

    def _worked_out(self, clinic_id: str) -> list[ClinicFound]:
        """Return a clinic's addresses from its offer and occupancy themselves."""
        where = self.look.scope.at(clinic_id)
        try:
            offer = self.look.desk.current_offer(self.look.connection, where)
        except NotFound:
            return []
        found = [self._at(clinic_id, place_id) for place_id in offer.locations]
        return [one for one in found if one is not None]

    def _at(self, clinic_id: str, location_id: str) -> ClinicFound | None:
        asked = replace(
            self.search.question,
            service_id="",
            practitioner_id="",
            location_id=location_id,
            first=None,
            days=SHOWN_DAYS,
        )
        scope = self.look.scope.at(clinic_id)
        try:
            free = free_times(self.look.connection, asked, scope=scope, desk=self.look.desk, now=self.look.now)
        except (ClinicUnavailable, ClinicPaused, NotFound):
            return None
        one = self._of_free(free, location_id)
        self.exact[clinic_id, location_id] = one
        return one

    def _of_free(self, free: FreeTimes, location_id: str) -> ClinicFound | None:
        clinic, place, service = free.offer.clinic, free.offer.location(location_id), free.service
        point = point_of(place)
        km = self._away(*point) if point else None
        reached = not self.km or (km is not None and km <= self.km)
        if service is None or not reached or not self.search.access <= place.access:
            return None
        span = bookable(self.look.now, clinic.zone, clinic.notice_minutes, clinic.horizon_days, self.search.when)
        left = cut(free.any_start, free.span.base, span, clinic.zone, self.search.when)
        if not left:
            return None
        return ClinicFound(
            clinic.id, clinic.slug, clinic.name, clinic.phone, clinic.zone,
            replace(place, latitude=point[0], longitude=point[1]) if point else place,
            km, place.latitude is not None, service.name, service.minutes, service.price,
            tuple((person.id, person.name) for person in free.practitioners),
            tuple(free.span.base + bit for bit in first_bits(left, NEXT_STARTS)),
        )  # fmt: skip


def _where(one: ClinicFound) -> Where:
    return one.clinic_id, one.location.id
