"""What the portal's search reads: addresses in order by bounds alone, then the few that are shown with everything said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row

from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.spots import Spot
from okienko_server.domain.starts import DayCount, When
from okienko_server.storage.directory import PortalStore, visible_at
from okienko_server.storage.portal_statements import ANYBODY, Ranked, first_statement, rows_statement
from okienko_server.storage.store import padded


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the search looks for; `access` are bits that all have to be there, `language` bits one of which does, 0: any."""

    category: ProblemCategory
    age: AgeRange
    kind: str
    when: When
    begin: int
    """The cell it is now: an earlier bound says no more than this one."""
    end: int
    """The cell from which on no start is looked for."""
    days: DayCount
    access: int = 0
    language: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """Where: a spot, how far from it in square metres, and the strips of squares of the map all of that lies in."""

    spot: Spot
    within: int
    strips: tuple[tuple[int, int], ...] = ()
    """Empty: the whole country."""


class Candidate(NamedTuple):
    """A row as it is ranked: a cell before which it holds no start, and how far off it lies, square metres."""

    clinic_id: str
    location_id: str
    bound: int
    lot: int
    apart: int


class Read(NamedTuple):
    """What one reading found."""

    rows: list[Candidate]
    """In whatever order; some may be of clinics not listed any more."""
    behind: set[str]
    """Ids of listed clinics whose offer changed since their rows were made, MOST_CHANGED at most."""
    shown: list[Row[Any]]
    """What `rows_at` says of the first AT_ONCE addresses among the rows: mostly all that a page needs."""


class PortalStartsStore(PortalStore):
    """The next starts of every clinic the portal lists."""

    def first(self, wanted: Wanted, around: Around | None, ranked: Ranked, now: datetime, limit: int) -> Read:
        """Return the first `limit` rows that may hold a fitting start; one round trip for nearly every page."""
        strips = padded(around.strips) if around else []
        narrowed = bool(wanted.access), bool(wanted.language)
        statement = first_statement(wanted.when, ranked, len(strips), *narrowed, self.connection.dialect.name)
        asked = _told(wanted) | visible_at(now) | {"end": wanted.end, "rows": limit}
        if ranked is Ranked.DAY:
            days = wanted.days
            asked |= {"begin": wanted.begin, "midnight": days.first, "turn": days.turn, "shift": days.shift}
        if around:
            asked |= {**around.spot._asdict(), "within": around.within}
            for number, (low, high) in enumerate(strips):
                # One that only fills up holds no square.
                asked |= {f"low{number}": low, f"high{number}": high if number < len(around.strips) else low - 1}
        found = Read([], set(), [])
        for row in self.connection.execute(statement, asked):
            if row.practitioner_id is not None:
                found.shown.append(row)
            elif row.location_id:
                found.rows.append(Candidate(row.clinic_id, row.location_id, row.bound, row.lot, row.apart))
            else:
                found.behind.add(row.clinic_id)
        found.shown.sort(key=_in_order)
        return found

    def anybody(self, wanted: Wanted, now: datetime) -> bool:
        """Return whether anybody anywhere may treat that at that age in that kind of visit, whatever else is wished for."""
        told = _told(replace(wanted, access=0, language=0)) | visible_at(now)
        return self.connection.execute(ANYBODY, told).first() is not None

    def rows_at(self, wanted: Wanted, places: Sequence[tuple[str, str]], now: datetime) -> list[Row[Any]]:
        """Return the rows at (clinic id, location id), and maybe at others, with everything the search shows of them.

        In the order of clinic, address, service, therapist; nothing of a clinic that the portal does not list or whose offer has
        changed since. A therapist with two competences that fit comes twice.
        """
        asked = {
            "clinics": padded([clinic for clinic, _ in places]),
            "places": padded([place for _, place in places]),
        }
        statement = rows_statement(bool(wanted.access), bool(wanted.language))
        return sorted(self.connection.execute(statement, _told(wanted) | asked | visible_at(now)), key=_in_order)


def _in_order(row: Row[Any]) -> tuple[Any, ...]:
    return row.clinic_id, row.location_id, row.position, row.person_position, row.practitioner_id


def _told(wanted: Wanted) -> dict[str, Any]:
    asked = {
        "category": wanted.category.value,
        "kind": wanted.kind,
        "lowest": wanted.age.lowest,
        "highest": wanted.age.highest,
    }
    if wanted.access:
        asked["access"] = wanted.access
    if wanted.language:
        asked["language"] = wanted.language
    return asked
