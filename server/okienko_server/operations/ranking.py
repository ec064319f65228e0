"""Addresses of the portal's search in order, worked out exactly only as far as a page needs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from okienko_server.domain.access import Access, bits_of, words_of
from okienko_server.domain.cells import cell_at, day_grid, local_day
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.offer import Location
from okienko_server.domain.scope import Scope
from okienko_server.domain.spots import NOWHERE, apart, lot_of, point_of, reach, spot_of, strips_within
from okienko_server.domain.starts import SHOWN_DAYS, Bookable, When, bookable, cut, day_count, first_bits, unfold
from okienko_server.domain.towns import distance_km
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import FreeTimes, Question, free_times
from okienko_server.operations.portal_search import ClinicFound, Order, Search
from okienko_server.storage.portal_starts import Around, Candidate, PortalStartsStore, Wanted
from okienko_server.storage.portal_statements import AT_ONCE, Ranked

NEXT_STARTS = 3
MOST_BEHIND = 20
"""So many addresses whose occupancy has changed are worked out for one search; the worker sees to the others soon."""
HOME = ZoneInfo("Europe/Warsaw")
WHOLE_COUNTRY = 1 << 60


Where = tuple[str, str]
"""Clinic id, location id."""


@dataclass(frozen=True, slots=True)
class Look:
    """One search being answered on one connection."""

    connection: Connection
    scope: Scope
    desk: Desk
    now: datetime
    store: PortalStartsStore
    free: dict[tuple[Where, Question], FreeTimes | None] = field(default_factory=dict)
    """What was worked out for it, None: the door is shut."""
    stale: set[Where] = field(default_factory=set)
    """Addresses among them whose occupancy had changed."""


Key = tuple[int, ...]
"""What an address is ranked by, the least first."""


class Ranking:
    """Addresses in order: ranked by bounds that lie never after the truth, worked out exactly only as far as a page needs."""

    def __init__(self, look: Look, search: Search, km: float) -> None:
        self.look, self.search, self.km = look, search, km
        asked, today = search.question, local_day(look.now, HOME)
        language = bits_of([asked.language]) if asked.language else 0
        self.days = day_count(HOME, today)
        last = today + timedelta(days=(7 if search.when is When.WEEK else SHOWN_DAYS) + 1)
        self.begin = cell_at(look.now)
        self.wanted = Wanted(
            asked.category, asked.age, asked.kind.value, search.when, self.begin, day_grid(HOME, last).first, self.days,
            bits_of(search.access), language,
        )  # fmt: skip
        self.around = self._around()
        self.ranked = Ranked.DAY if search.order is Order.SOONEST else Ranked.DISTANCE
        if self.around is None:
            self.ranked = Ranked.START
        self.exact: dict[Where, ClinicFound | None] = {}
        self.fresh: dict[str, list[ClinicFound]] = {}
        self.spans: dict[tuple[ZoneInfo, int, int], Bookable] = {}
        self.rows: dict[Where, list[Row[Any]]] = {}

    def _around(self) -> Around | None:
        place = self.search.place
        if place is None:
            return None
        spot = spot_of(place.latitude, place.longitude)
        if not self.km:
            return Around(spot, WHOLE_COUNTRY)
        return Around(spot, reach(self.km), strips_within(place.latitude, place.longitude, self.km))

    def hopeless(self) -> bool:
        """Return whether nobody treats that, wherever and whenever: no wider search need be made."""
        return not self.look.store.anybody(self.wanted, self.look.now)

    def first(self, count: int) -> list[ClinicFound]:
        """Return the first so many addresses, fewer when there are no more."""
        limit = 3 * count + 15
        while True:
            rows, behind, shown = self.look.store.first(self.wanted, self.around, self.ranked, self.look.now, limit)
            self._keep(shown)
            ceiling = max(map(self._ceiling, rows)) if len(rows) == limit else None
            heap = [
                (self._key_of(one), True, _where(one)) for clinic_id in behind for one in self._worked_out(clinic_id)
            ]
            known: dict[Where, Key] = {}
            for row in rows:
                where, key = (row.clinic_id, row.location_id), self._key(row)
                if row.clinic_id not in behind and key <= known.get(where, key):
                    known[where] = key
            best = self._best([*heap, *((key, False, where) for where, key in known.items())], count, ceiling)
            if best is not None:
                return best
            limit *= 4

    def _key(self, row: Candidate) -> Key:
        bound = max(row.bound, self.begin)
        if self.ranked is Ranked.START:
            return bound, row.lot
        if self.ranked is Ranked.DISTANCE:
            return row.apart, bound, row.lot
        return self.days.of(bound), row.apart, bound, row.lot

    def _ceiling(self, last: Candidate) -> Key:
        """Return the least key of whatever was not read; rows of passed bounds are in order by them, not by lot."""
        return self._key(last._replace(lot=last.lot if last.bound >= self.begin else -1))

    def _key_of(self, one: ClinicFound) -> Key:
        where = _where(one)
        point = one.location.latitude, one.location.longitude
        spot = NOWHERE if point[0] is None or point[1] is None else spot_of(point[0], point[1])
        away = apart(spot, self.around.spot) if self.around else 0
        return self._key(Candidate(*where, one.starts[0], lot_of(*where), away))

    def _best(self, heap: list[tuple[Key, bool, Where]], count: int, ceiling: Key | None) -> list[ClinicFound] | None:
        """Return the first addresses of a heap; None when what lies beyond the ceiling would have to be known."""
        heapq.heapify(heap)
        found: list[ClinicFound] = []
        while heap and len(found) < count:
            key, sure, where = heapq.heappop(heap)
            if ceiling is not None and key >= ceiling:
                return None
            if where not in self.exact:
                if where not in self.rows:
                    more = heapq.nsmallest(max(AT_ONCE, count - len(found)), heap)
                    self._look_up([where, *(other for _, known, other in more if not known and other not in self.rows)])
                rows = self.rows[where]
                self.exact[where] = self._of_rows(rows) if rows else None
            one = self.exact[where]
            if sure and one is not None:
                found.append(one)
            elif one is not None:
                heapq.heappush(heap, (self._key_of(one), True, where))
        return found if len(found) == count or ceiling is None else None

    def _look_up(self, places: Sequence[Where]) -> None:
        """Read the rows of the next address, and of those that are likely to be asked for after it."""
        self.rows |= {where: [] for where in places}
        self._keep(self.look.store.rows_at(self.wanted, places, self.look.now))

    def _keep(self, rows: Sequence[Row[Any]]) -> None:
        for where, group in groupby(rows, key=lambda row: (row.clinic_id, row.location_id)):
            self.rows[where] = list(group)

    def _away(self, point: tuple[float, float] | None) -> float | None:
        place = self.search.place
        return distance_km(place.latitude, place.longitude, *point) if place and point else None

    def _of_rows(self, rows: list[Row[Any]]) -> ClinicFound | None:
        first, now = rows[0], self.look.now
        # The clinic's own first choice among the services, as everywhere; somebody may be competent twice over.
        people = {row.practitioner_id: row for row in rows if row.position == first.position}
        if any(row.good_until <= now for row in people.values()):
            where = first.clinic_id, first.location_id
            # Beyond what one search may work out, an address is rather left out than shown with a time that is taken.
            if where not in self.look.stale and len(self.look.stale) >= MOST_BEHIND:
                return None
            self.look.stale.add(where)
            return self._at(*where)
        zone = ZoneInfo(first.zone)
        if first.paused_at and first.back_on and local_day(now, zone).isoformat() < first.back_on:
            return None
        span = self._bookable(zone, first.notice_minutes, first.horizon_days)
        base, whole = min(row.base for row in people.values()), 0
        for row in people.values():
            whole |= unfold(row.starts) << (row.base - base)
        left = cut(whole, base, span, zone, self.search.when)
        if not left:
            return None
        place = Location(
            first.location_id, first.location_name, first.street, first.postcode, first.city, True, first.latitude,
            first.longitude, words_of(Access, first.access or ""),
        )  # fmt: skip
        clinic = first.clinic_id, first.slug, first.name, first.phone, zone
        names = {key: f"{row.title} {row.first_name} {row.last_name}".strip() for key, row in people.items()}
        return self._found(clinic, place, (first.service_name, first.minutes, first.price), names, base, left)

    def _found(
        self,
        clinic: tuple[str, str, str, str, ZoneInfo],
        place: Location,
        service: tuple[str, int, int],
        names: Mapping[str, str],
        base: int,
        left: int,
    ) -> ClinicFound:
        """Return an address with the first of the starts left: bits of a mask from `base` on."""
        point = point_of(place)
        starts = tuple(base + bit for bit in first_bits(left, NEXT_STARTS))
        on_map = place.latitude is not None
        return ClinicFound(
            *clinic, _placed(place, point), self._away(point), on_map, *service, tuple(names.items()), starts
        )

    def _bookable(self, zone: ZoneInfo, notice_minutes: int, horizon_days: int) -> Bookable:
        key = zone, notice_minutes, horizon_days
        if key not in self.spans:
            self.spans[key] = bookable(self.look.now, *key, self.search.when)
        return self.spans[key]

    def _worked_out(self, clinic_id: str) -> list[ClinicFound]:
        """Return a clinic's addresses from its offer and occupancy themselves."""
        if clinic_id in self.fresh:
            return self.fresh[clinic_id]
        where = self.look.scope.at(clinic_id)
        try:
            offer = self.look.desk.current_offer(self.look.connection, where)
        except NotFound:
            return []
        found = [self._at(clinic_id, place_id) for place_id in offer.locations]
        self.fresh[clinic_id] = [one for one in found if one is not None]
        return self.fresh[clinic_id]

    def _at(self, clinic_id: str, location_id: str) -> ClinicFound | None:
        asked = replace(
            self.search.question,
            service_id="",
            practitioner_id="",
            location_id=location_id,
            first=None,
            days=SHOWN_DAYS,
        )
        look, where = self.look, (clinic_id, location_id)
        if (where, asked) not in look.free:
            try:
                free = free_times(look.connection, asked, scope=look.scope.at(clinic_id), desk=look.desk, now=look.now)
            except (ClinicUnavailable, ClinicPaused, NotFound):
                free = None
            look.free[where, asked] = free
        known = look.free[where, asked]
        self.exact[where] = self._of_free(known, location_id) if known else None
        return self.exact[where]

    def _of_free(self, free: FreeTimes, location_id: str) -> ClinicFound | None:
        clinic, place, service = free.offer.clinic, free.offer.location(location_id), free.service
        km = self._away(point_of(place))
        reached = not self.km or (km is not None and km <= self.km)
        if service is None or not reached or not self.search.access <= place.access:
            return None
        span = self._bookable(clinic.zone, clinic.notice_minutes, clinic.horizon_days)
        left = cut(free.any_start, free.span.base, span, clinic.zone, self.search.when)
        if not left:
            return None
        about = clinic.id, clinic.slug, clinic.name, clinic.phone, clinic.zone
        names = {person.id: person.name for person in free.practitioners}
        return self._found(about, place, (service.name, service.minutes, service.price), names, free.span.base, left)


def _where(one: ClinicFound) -> Where:
    return one.clinic_id, one.location.id


def _placed(place: Location, point: tuple[float, float] | None) -> Location:
    """Return an address with the point it is taken to lie at."""
    return replace(place, latitude=point[0], longitude=point[1]) if point and place.latitude is None else place
