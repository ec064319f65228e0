"""Finding free times: who can treat this problem at this age, and when they are free. Nothing is saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.access import Language
from okienko_server.domain.cells import DayGrid
from okienko_server.domain.errors import FieldRefused, NotFound
from okienko_server.domain.offer import HealthcareService, Offer, Practitioner, ServiceKind
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.scope import Scope
from okienko_server.domain.slots import Window, by_day, first_start, start_masks, window
from okienko_server.operations.desk import Desk

MAX_DAYS = 62
SOON_DAYS = 14
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Question:
    """What a patient looks for; empty ids mean "any". `first` None means today."""

    category: ProblemCategory
    age: AgeRange
    kind: ServiceKind
    service_id: str = ""
    practitioner_id: str = ""
    location_id: str = ""
    language: Language | None = None
    """Only with therapists who speak it."""
    first: date | None = None
    days: int = 7

    def narrowed(self, scope: Scope) -> Question:
        """Return the question within the locks of the scope's token; raises FieldRefused when it asks for something else."""
        locks = scope.locks
        if locks.category and self.category != locks.category:
            raise FieldRefused("category_unknown", field="category")
        service = _locked(self.service_id, locks.service, "service")
        return replace(
            self, service_id=service, practitioner_id=_locked(self.practitioner_id, locks.practitioner, "practitioner")
        )


def _locked(asked: str, lock: str, field: str) -> str:
    if lock and asked not in ("", lock):
        raise FieldRefused("not_found", field=field)
    return asked or lock


@dataclass(frozen=True, slots=True)
class FreeTimes:
    """The answer: masks of free starts per (practitioner id, location id) over a window of days."""

    offer: Offer
    service: HealthcareService | None
    services: tuple[HealthcareService, ...]
    practitioners: tuple[Practitioner, ...]
    """Everybody qualified, whether the question named one of them or not."""
    span: Window
    starts: dict[tuple[str, str], int]
    busy: dict[str, dict[date, int]]

    @property
    def any_start(self) -> int:
        """Mask of starts at which at least one of the asked practitioners is free."""
        whole = 0
        for mask in self.starts.values():
            whole |= mask
        return whole

    def days(self) -> Iterator[tuple[DayGrid, int]]:
        """Yield every day of the window with the mask of its free starts."""
        return by_day(self.span, self.any_start)

    def free_at(self, cell: int) -> list[tuple[str, str]]:
        """Return who is free at a start, the least occupied that day first (ties in the clinic's own order)."""
        bit = cell - self.span.base
        free = [key for key, mask in self.starts.items() if bit >= 0 and mask >> bit & 1]
        grid = next((day for day in self.span.days if day.first <= cell < day.first + day.length), None)
        if grid is None:
            return []
        order = {person.id: position for position, person in enumerate(self.practitioners)}
        return sorted(free, key=lambda key: (self.busy.get(key[0], {}).get(grid.day, 0).bit_count(), order[key[0]]))


def find_slots(question: Question, *, scope: Scope, desk: Desk, now: datetime) -> FreeTimes:
    """Return the free times that answer the question within the scope's clinic.

    Raises NotFound for an unknown clinic, service or practitioner, ClinicUnavailable, FieldRefused for a broken lock.
    """
    return desk.database.read(lambda connection: free_times(connection, question, scope=scope, desk=desk, now=now))


def soonest_starts(
    questions: Sequence[Question], *, scope: Scope, desk: Desk, now: datetime
) -> list[tuple[Offer, int | None]]:
    """Return for each question the offer and the cell of its first free start within a fortnight, all from one read.

    Raises NotFound for an unknown clinic, ClinicUnavailable.
    """

    def look(connection: Connection) -> list[tuple[Offer, int | None]]:
        offer, busy = desk.offer_and_busy(connection, scope, None, SOON_DAYS, now)
        today = _today(offer, now)
        span = window(offer, today, today + timedelta(days=SOON_DAYS - 1), now)
        found = []
        for question in questions:
            service = _first_given(offer, tuple(offer.services_for(question.kind, question.category)), question)
            whole = 0
            if service:
                who = offer.qualified(service.id, question.category, question.age)
                for mask in start_masks(offer, span, who, service.length, busy).values():
                    whole |= mask
            found.append((offer, first_start(span, whole)))
        return found

    return desk.database.read(look)


def free_times(connection: Connection, question: Question, *, scope: Scope, desk: Desk, now: datetime) -> FreeTimes:
    """The same on a connection already open."""
    question = question.narrowed(scope)
    if question.first and not FIRST_DAY <= question.first <= LAST_DAY:
        raise FieldRefused("bad_request", field="from")
    days = min(max(question.days, 1), MAX_DAYS)
    offer, busy = desk.offer_and_busy(connection, scope, question.first, days, now)
    named = (
        (question.practitioner_id, offer.practitioners),
        (question.location_id, offer.locations),
        (question.service_id, offer.services),
    )
    if any(asked and asked not in offered for asked, offered in named):
        raise NotFound
    if scope.locks.service:
        # Whoever may book one service only is not asked which kind it is.
        question = replace(question, kind=offer.service(scope.locks.service).kind)
    services = tuple(offer.services_for(question.kind, question.category))
    service = offer.service(question.service_id) if question.service_id else _first_given(offer, services, question)
    span = window(
        offer, question.first or date.min, (question.first or _today(offer, now)) + timedelta(days=days - 1), now
    )
    if service is None or service not in services:
        return FreeTimes(offer, None, services, (), span, {}, busy)
    qualified = tuple(
        person
        for person in offer.qualified(service.id, question.category, question.age)
        if question.language in (None, *person.languages) and person.works_at(question.location_id)
    )
    who = [p for p in qualified if question.practitioner_id in ("", p.id)]
    starts = start_masks(offer, span, who, service.length, busy, question.location_id)
    return FreeTimes(offer, service, services, qualified, span, starts, busy)


def _today(offer: Offer, now: datetime) -> date:
    return now.astimezone(offer.clinic.zone).date()


def _first_given(offer: Offer, services: tuple[HealthcareService, ...], question: Question) -> HealthcareService | None:
    """Return the first fitting service given by somebody the question asks for, or else by anybody qualified."""
    given = [(service, offer.qualified(service.id, question.category, question.age)) for service in services]
    for service, people in given:
        if any(_asked_for(person, question) for person in people):
            return service
    return next((service for service, people in given if people), None)


def _asked_for(person: Practitioner, question: Question) -> bool:
    return (
        question.practitioner_id in ("", person.id)
        and person.works_at(question.location_id)
        and question.language in (None, *person.languages)
    )
