"""Small clinics for the rules, and free starts worked out a second time the slow way: datetimes, one five-minute step at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from okienko_server.domain.cells import cell_at, day_grid, local_day
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import BEGINNING, ContractStatus, Term
from okienko_server.domain.offer import (
    Absence,
    HealthcareService,
    Location,
    Offer,
    OpeningHours,
    Practitioner,
    ServiceKind,
    WorkingHours,
)
from okienko_server.domain.problem import ADULT, Competence, ProblemCategory

WARSAW = ZoneInfo("Europe/Warsaw")
FIVE = timedelta(minutes=5)
EVERY_DAY = range(7)
CLINIC = Clinic(
    id="klinika", slug="klinika", name="Klinika", phone="+48122345678", zone=WARSAW,
    terms=(Term(BEGINNING, ContractStatus.ACTIVE),), generation=1,
    allowed_origins=(), notice_minutes=0, horizon_days=60, slot_step_minutes=15, open_on_holidays=True,
)  # fmt: skip
VISIT = HealthcareService("wizyta", "Wizyta", ServiceKind.VISIT, 60, 18_000, 0, 0, frozenset())
ADULT_SPINE = Competence(ProblemCategory.SPINE, ADULT)


def local(text: str, fold: int = 0) -> datetime:
    """Return the aware Warsaw time of an ISO text; `fold` 1 is the second of a doubled hour."""
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW, fold=fold)


def every_day(start: int, end: int, place: str = "adres") -> tuple[WorkingHours, ...]:
    return tuple(WorkingHours(place, weekday, start, end) for weekday in EVERY_DAY)


def therapist(name: str = "anna", hours: Sequence[WorkingHours] = (), **more: Any) -> Practitioner:
    """Return an adult-spine therapist who gives VISIT all day long, unless told otherwise."""
    known = Practitioner(
        name, "mgr", "Anna", "Nowak", (ADULT_SPINE,), frozenset({VISIT.id}), tuple(hours or every_day(0, 1440))
    )
    return replace(known, **more)


def offer_of(
    *people: Practitioner,
    opening: Sequence[OpeningHours] = (),
    absences: Sequence[Absence] = (),
    services: Sequence[HealthcareService] = (VISIT,),
    **clinic: Any,
) -> Offer:
    """Return an offer whose locations are those of the people's hours, open day and night unless told otherwise."""
    places = sorted({hours.location_id for person in people for hours in person.hours})
    doors = opening or [OpeningHours(place, weekday, 0, 1440) for place in places for weekday in EVERY_DAY]
    return Offer(
        replace(CLINIC, **clinic), 1, {place: Location(place, place, "Długa 1", "31-147", "Kraków") for place in places},
        {service.id: service for service in services}, {person.id: person for person in people}, tuple(doors),
        tuple(absences),
    )  # fmt: skip


def busy_masks(cells: Collection[int]) -> dict[date, int]:
    """Return occupied cells as masks by local day."""
    masks: dict[date, int] = {}
    for cell in cells:
        grid = day_grid(WARSAW, local_day(datetime.fromtimestamp(cell * 300, WARSAW), WARSAW))
        masks[grid.day] = masks.get(grid.day, 0) | 1 << (cell - grid.first)
    return masks


@dataclass(frozen=True)
class Slow:
    """The same question asked of datetimes. `taken` are the occupied five-minute steps of the one practitioner, as instants."""

    offer: Offer
    person: Practitioner
    place: str
    taken: frozenset[datetime]
    holidays: frozenset[date]

    def receives(self, step: datetime) -> bool:
        """Return whether the doors are open, the therapist works and is present, the whole step long."""
        wall = step.astimezone(WARSAW)
        minute = wall.hour * 60 + wall.minute
        if wall.date() in self.holidays and not self.offer.clinic.open_on_holidays:
            return False
        doors = [h for h in self.offer.opening if h.location_id == self.place and h.weekday == wall.weekday()]
        works = [h for h in self.person.hours if h.location_id == self.place and h.weekday == wall.weekday()]
        if not any(h.start <= minute < h.end for h in doors) or not any(h.start <= minute < h.end for h in works):
            return False
        mine = (a for a in self.offer.absences if a.practitioner_id == self.person.id)
        return not any(a.start < step + FIVE and a.end > step for a in mine)

    def starts(self, first: date, last: date, now: datetime, service: HealthcareService) -> Iterator[datetime]:
        """Yield the free starts of the days asked whose whole length, buffers included, lies within those days."""
        clinic = self.offer.clinic
        today = now.astimezone(WARSAW).date()
        first, last = max(first, today), min(last, today + timedelta(days=clinic.horizon_days))
        steps = list(_steps(first, last)) if first <= last else []
        receives = [self.receives(step) for step in steps]
        taken = [step in self.taken for step in steps]
        before, body, after = (
            len(range(0, minutes, 5)) for minutes in (service.buffer_before, service.minutes, service.buffer_after)
        )
        for at, step in enumerate(steps):
            wall = step.astimezone(WARSAW)
            if (wall.hour * 60 + wall.minute) % clinic.slot_step_minutes:
                continue
            if step < now + timedelta(minutes=clinic.notice_minutes):
                continue
            if at - before < 0 or at + body + after > len(steps):
                continue
            if all(receives[at : at + body]) and not any(taken[at - before : at + body + after]):
                yield step


def _steps(first: date, last: date) -> Iterator[datetime]:
    """Yield every five minutes that really pass between two local midnights."""
    step = datetime(first.year, first.month, first.day, tzinfo=WARSAW).astimezone(ZoneInfo("UTC"))
    following = last + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=WARSAW).astimezone(ZoneInfo("UTC"))
    while step < end:
        yield step
        step += FIVE


def cells_between(start: datetime, end: datetime) -> range:
    """Return the cells from one aware time to another."""
    return range(cell_at(start), cell_at(end))
