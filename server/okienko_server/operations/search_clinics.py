"""The portal's question: which clinics can treat this, and how soon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable
from okienko_server.domain.scope import Scope
from okienko_server.domain.slots import bits
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import FreeTimes, Question, free_times
from okienko_server.storage.directory import PortalStore

NEXT_STARTS = 3
SEARCH_DAYS = 14


@dataclass(frozen=True, slots=True)
class ClinicFound:
    """One clinic with somebody qualified; `starts` are its next free start cells (may be empty: nothing within a fortnight)."""

    free: FreeTimes
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClinicsFound:
    """Clinics soonest first, and the cities to narrow by with the number of clinics in each."""

    clinics: tuple[ClinicFound, ...]
    cities: tuple[tuple[str, int], ...]
    everywhere: int
    """Clinics without the narrowing by city."""


def search_clinics(question: Question, city: str, *, scope: Scope, desk: Desk, now: datetime) -> ClinicsFound:
    """Return every visible clinic where a qualified practitioner gives a fitting service; raises ForeignClinic when pinned."""

    def work(connection: Connection) -> ClinicsFound:
        portal = PortalStore(connection, scope)
        age = question.age
        everywhere = portal.clinics_treating(question.category, age.lowest, age.highest, now)
        ids = portal.clinics_treating(question.category, age.lowest, age.highest, now, city) if city else everywhere
        found = [_look(connection, replace(question, city=city), scope.at(clinic_id), desk, now) for clinic_id in ids]
        offering = [one for one in found if one is not None]
        offering.sort(key=lambda one: (one.starts or (1 << 62,), one.free.offer.clinic.name))
        return ClinicsFound(tuple(offering), tuple(portal.cities(everywhere)), len(everywhere))

    return desk.database.read(work)


def _look(connection: Connection, question: Question, scope: Scope, desk: Desk, now: datetime) -> ClinicFound | None:
    asked = replace(question, service_id="", practitioner_id="", location_id="", first=None, days=SEARCH_DAYS)
    try:
        free = free_times(connection, asked, scope=scope, desk=desk, now=now)
    except (ClinicUnavailable, ClinicPaused):
        return None
    if not free.practitioners:
        return None
    starts = []
    for bit in bits(free.any_start):
        starts.append(free.span.base + bit)
        if len(starts) == NEXT_STARTS:
            break
    return ClinicFound(free, tuple(starts))
