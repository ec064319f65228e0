"""Which treatments are to be had in which towns: what the portal's own pages and its sitemap are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.scope import Scope
from okienko_server.domain.towns import Town, towns_like
from okienko_server.operations.desk import Desk
from okienko_server.storage.directory import PortalStore
from okienko_server.storage.next_starts import category_bit

KEPT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Treatments:
    """Category -> town -> number of clinics; towns nobody knows are left out."""

    known: dict[ProblemCategory, dict[Town, int]] = field(default_factory=dict)

    def towns_of(self, category: ProblemCategory) -> dict[Town, int]:
        """Return the towns of a category, most clinics first."""
        found = self.known.get(category, {})
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0].name)))

    def in_town(self, town: Town) -> list[ProblemCategory]:
        """Return what is treated in a town, in screen order."""
        return [category for category in ProblemCategory if town in self.known.get(category, {})]


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

    def look(connection: Connection) -> list[tuple[str, int, str]]:
        return PortalStore(connection, scope).treated(now)

    there: dict[tuple[ProblemCategory, Town], set[str]] = {}
    for city, bits, clinic_id in desk.database.read(look):
        town = next(iter(towns_like(city, 1)), None)
        for category in ProblemCategory:
            if town is not None and bits & category_bit(category):
                there.setdefault((category, town), set()).add(clinic_id)
    known: dict[ProblemCategory, dict[Town, int]] = {}
    for (category, town), clinics in there.items():
        known.setdefault(category, {})[town] = len(clinics)
    return Treatments(known)


def clinics_in(
    category: ProblemCategory, town: Town, *, scope: Scope, desk: Desk, now: datetime
) -> list[tuple[str, str, str]]:
    """Return (short name, name, street) of the published clinics that treat a category in a town, by name."""
    return desk.database.read(
        lambda connection: PortalStore(connection, scope).treating_in([town.name], category_bit(category), now)
    )
