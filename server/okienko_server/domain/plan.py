"""What has to be known to open a clinic, as plain values: addresses, hours, services, people. Names tie the parts together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import available_timezones

from okienko_server.domain.access import Access, Language
from okienko_server.domain.cells import CELL_MINUTES
from okienko_server.domain.clinic import NOWHERE, Address
from okienko_server.domain.contract import BEGINNING, ContractStatus
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.offer import DURATIONS, ServiceKind
from okienko_server.domain.problem import MAX_AGE_MONTHS, AgeRange, Competence, ProblemCategory

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
_AGES = re.compile(r"(\d+)([my])(?:\+|-(\d+)([my]))")
_PHONE = re.compile(r"\+48\d{9}")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class PlanRefused(Exception):
    """The plan cannot be carried out; the message says in one sentence what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A span of every such weekday: 0 = Monday, minutes of the wall clock."""

    weekday: int
    start: int
    end: int


Week = tuple[Shift, ...]


def weekly(text: str) -> Week:
    """Return the hours of "mon-fri 8:00-12:00 12:30-16:00, sat 9:00-13:00"; raises PlanRefused."""
    shifts: list[Shift] = []
    for part in text.split(","):
        days, *spans = part.split() or [""]
        for weekday in _weekdays(days):
            shifts += [_shift(weekday, span) for span in spans]
    return tuple(sorted(shifts, key=lambda shift: (shift.weekday, shift.start)))


def _weekdays(text: str) -> range:
    first, _, last = text.partition("-")
    if first in WEEKDAYS and (last or first) in WEEKDAYS:
        days = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
        if days:
            return days
    raise PlanRefused(f"{text!r} is no weekday and no span of weekdays from Monday to Sunday.")


def _shift(weekday: int, text: str) -> Shift:
    found = _SPAN.fullmatch(text)
    if not found:
        raise PlanRefused(f"{text!r} is no span of hours.")
    hour, minute, end_hour, end_minute = (int(part) for part in found.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if not 0 <= start < end <= 24 * 60 or start % CELL_MINUTES or end % CELL_MINUTES:
        raise PlanRefused(f"The hours {text} must lie within a day, in steps of {CELL_MINUTES} minutes.")
    return Shift(weekday, start, end)


def competent(text: str) -> tuple[Competence, ...]:
    """Return the competences of "spine 18y+, paediatrics 0m-17y, sports" (no ages: all of them); raises PlanRefused."""
    return tuple(_competence(part) for part in text.split(","))


def _competence(text: str) -> Competence:
    category, _, ages = text.strip().partition(" ")
    found = _AGES.fullmatch(ages or "0m+")
    if not found or category not in list(ProblemCategory):
        raise PlanRefused(f"{text!r} is no competence.")
    low, low_unit, high, high_unit = found.groups()
    lowest = int(low) * (12 if low_unit == "y" else 1)
    highest = MAX_AGE_MONTHS
    if high:
        highest = int(high) * 12 + 11 if high_unit == "y" else int(high)
    try:
        return Competence(ProblemCategory(category), AgeRange(lowest, highest))
    except FieldRefused:
        raise PlanRefused(f"{text!r} spans no possible ages.") from None


@dataclass(frozen=True, slots=True)
class LocationPlan:
    """One address and when its doors are open."""

    name: str
    street: str
    postcode: str
    city: str
    opening: Week
    latitude: float | None = None
    longitude: float | None = None
    """Degrees, WGS 84."""
    access: frozenset[Access] = frozenset()


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One service: minutes, price in grosze, buffers in minutes; no categories means all."""

    name: str
    kind: ServiceKind
    minutes: int
    price: int
    buffer_before: int = 0
    buffer_after: int = 0
    categories: frozenset[ProblemCategory] = frozenset()


@dataclass(frozen=True, slots=True)
class AbsencePlan:
    """A span of aware time without work; half-open."""

    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PractitionerPlan:
    """A therapist. No services means all; no hours means whenever the first location is open."""

    title: str
    first_name: str
    last_name: str
    competences: tuple[Competence, ...]
    services: tuple[str, ...] = ()
    """Names of services."""
    hours: Mapping[str, Week] = field(default_factory=dict)
    """Name of a location -> hours there."""
    absences: tuple[AbsencePlan, ...] = ()
    pwz: str = ""
    """Number of the licence to practise physiotherapy, digits only."""
    languages: frozenset[Language] = frozenset()
    """Spoken beside Polish."""

    @property
    def name(self) -> str:
        """First and last name: what the rest of the plan calls this person."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class StaffPlan:
    """An account: `role` is owner, administrator, consultant, therapist or receptionist."""

    email: str
    name: str
    role: str
    password_hash: str
    practitioner: str = ""
    """First and last name of the therapist the account belongs to."""


@dataclass(frozen=True, slots=True)
class ClinicPlan:
    """A whole clinic. `id` empty: a random one is made."""

    slug: str
    name: str
    locations: tuple[LocationPlan, ...]
    services: tuple[ServicePlan, ...]
    practitioners: tuple[PractitionerPlan, ...]
    staff: tuple[StaffPlan, ...] = ()
    id: str = ""
    phone: str = "+48126345678"
    zone: str = "Europe/Warsaw"
    contract: ContractStatus | str = ContractStatus.ACTIVE
    contract_since: datetime = BEGINNING
    signed_on: date | None = None
    nip: str = ""
    contract_address: Address = NOWHERE
    registration: bool = True
    """False: the clinic switches online registration on by itself later, and its offer may still be empty."""
    listed: bool = True
    generation: int = 1
    allowed_origins: tuple[str, ...] = ()
    notice_minutes: int = 120
    horizon_days: int = 60
    slot_step_minutes: int = 15
    open_on_holidays: bool = False

    def check(self) -> None:
        """Raise PlanRefused when the parts do not fit together."""
        if not _SLUG.fullmatch(self.slug):
            raise PlanRefused(f"The short name {self.slug!r} may hold only a-z, 0-9 and single hyphens.")
        if not _PHONE.fullmatch(self.phone):
            raise PlanRefused(f"The telephone {self.phone!r} must be written as +48 and nine digits, without spaces.")
        if self.zone not in available_timezones():
            raise PlanRefused(f"There is no time zone {self.zone!r}.")
        if self.slot_step_minutes < CELL_MINUTES or min(self.notice_minutes, self.horizon_days) < 0:
            raise PlanRefused("Starts need a step of at least one cell; notice and horizon cannot be negative.")
        if self.contract not in list(ContractStatus):
            raise PlanRefused(f"There is no status of a contract {self.contract!r}.")
        needed = self.registration
        places = _known("location", (place.name for place in self.locations), needed=needed)
        services = _known("service", (service.name for service in self.services), needed=needed)
        people = _known("practitioner", (person.name for person in self.practitioners), needed=needed)
        _known("account", (one.email for one in self.staff), needed=False)
        for service in self.services:
            if service.minutes not in DURATIONS or min(service.price, service.buffer_before, service.buffer_after) < 0:
                raise PlanRefused(f"The service {service.name!r} must take one of {DURATIONS} minutes, at a price.")
        for person in self.practitioners:
            _all_known(f"{person.name} works at", person.hours, places)
            _all_known(f"{person.name} gives", person.services, services)
        _all_known("An account belongs to", (one.practitioner for one in self.staff if one.practitioner), people)


def _known(what: str, names: Iterable[str], *, needed: bool = True) -> frozenset[str]:
    listed = list(names)
    if (needed and not listed) or len(set(listed)) < len(listed):
        raise PlanRefused(f"A clinic needs at least one {what}, each under a name of its own.")
    return frozenset(listed)


def _all_known(sentence: str, named: Iterable[str], known: frozenset[str]) -> None:
    for name in named:
        if name not in known:
            raise PlanRefused(f"{sentence} {name!r}, which the plan does not have.")


@dataclass(frozen=True, slots=True)
class OpenedClinic:
    """The ids a plan got: names of locations, services and practitioners ("Zofia Wróblewska"), e-mails of staff -> id."""

    id: str
    slug: str
    locations: Mapping[str, str]
    services: Mapping[str, str]
    practitioners: Mapping[str, str]
    staff: Mapping[str, str]
