"""Which treatments are to be had in which towns: what the portal's own pages and its sitemap are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.scope import Scope
from okienko_server.domain.towns import Town, named_exactly
from okienko_server.operations.desk import Desk
from okienko_server.storage.directory import PortalStore, Treated

KEPT = timedelta(minutes=5)
TOWN_KM = 25.0
"""So far from its middle an address still lies in a town."""


@dataclass(frozen=True, slots=True)
class Treatments:
    """(Category, town) -> the addresses there, by clinic's name; those in towns nobody knows are left out."""

    known: dict[tuple[ProblemCategory, Town], list[Treated]] = field(default_factory=dict)

    def at(self, category: ProblemCategory, town: Town) -> list[Treated]:
        """Return the addresses in a town where a category is treated."""
        return self.known.get((category, town), [])

    def clinics(self, category: ProblemCategory, town: Town) -> int:
        """Return how many clinics these are."""
        return len({one.slug for one in self.at(category, town)})

    def towns_of(self, category: ProblemCategory) -> dict[Town, int]:
        """Return the towns of a category with their numbers of clinics, most clinics first."""
        found = {town: self.clinics(category, town) for one, town in self.known if one is category}
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0].name)))

    def in_town(self, town: Town) -> list[ProblemCategory]:
        """Return what is treated in a town, in screen order."""
        return [category for category in ProblemCategory if (category, town) in self.known]


class KeptTreatments:
    """What is treated where, asked of the database once in five minutes and process."""

    def __init__(self) -> None:
        self._seen: tuple[datetime, Treatments] | None = None

    def of(self, *, scope: Scope, desk: Desk, now: datetime) -> Treatments:
        """Return the treatments, five minutes old at most."""
        seen = self._seen
        if seen is None or abs(now - seen[0]) >= KEPT:
            seen = self._seen = now, treatments(scope=scope, desk=desk, now=now)
        return seen[1]


def treatments(*, scope: Scope, desk: Desk, now: datetime) -> Treatments:
    """Return what published clinics treat and where, as the kept starts know it; a clinic opened a moment ago follows soon."""

    rows = desk.database.read(lambda connection: PortalStore(connection, scope).treated(now))
    known: dict[tuple[ProblemCategory, Town], list[Treated]] = {}
    for row in rows:
        if (town := _town_of(row)) is None:
            continue
        for category in row.categories:
            there = known.setdefault((category, town), [])
            if not any((one.slug, one.street) == (row.slug, row.street) for one in there[-3:]):
                there.append(row)
    return Treatments(known)


def _town_of(row: Treated) -> Town | None:
    """Return the town an address says, among namesakes the one nearest to it; None for one nobody knows."""
    named = named_exactly(row.city)
    if row.latitude is None or row.longitude is None or not named:
        return named[0] if named else None
    nearest = min(named, key=lambda town: town.away(row.latitude or 0.0, row.longitude or 0.0))
    return nearest if nearest.away(row.latitude, row.longitude) <= TOWN_KM else None
