"""What a patient looks for on the portal, and what is found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from okienko_server.domain.access import Access
from okienko_server.domain.offer import Location
from okienko_server.domain.starts import When
from okienko_server.operations.find_slots import Question


class Order(StrEnum):
    """SOONEST: the nearer day first, on one day the nearer address. NEAREST: by distance alone."""

    SOONEST = "soonest"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the patient looks: a point, degrees WGS 84."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Search:
    """What a patient looks for on the portal."""

    question: Question
    place: Place | None = None
    """None: anywhere."""
    km: float = 0
    """How far at most; 0: as far as it takes to find enough."""
    when: When = When.ANY
    access: frozenset[Access] = frozenset()
    order: Order = Order.SOONEST
    page: int = 1


@dataclass(frozen=True, slots=True)
class ClinicFound:
    """One address with somebody qualified and free; `starts` are its next free start cells that fit the wish."""

    clinic_id: str
    slug: str
    name: str
    phone: str
    zone: ZoneInfo
    location: Location
    km: float | None
    placed: bool
    """Whether the address itself is on the map; else it is taken to lie in the middle of its town."""
    service: str
    minutes: int
    price: int
    practitioners: tuple[tuple[str, str], ...]
    """(id, name) of everybody qualified there, in the clinic's own order."""
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClinicsFound:
    """A page of addresses in order; what had to be given up to find any is told by the fields after it."""

    clinics: tuple[ClinicFound, ...]
    more: bool
    """Whether another page follows."""
    km: float = 0
    """The radius that was looked at; 0: the whole country."""
    widened: bool = False
    """Whether that is more than was asked for, or than is usual."""
    page: int = 1
    """Which page it is: the first where the one asked for holds nothing."""
    given_up: tuple[str, ...] = ()
    """Wishes left out because nothing fitted them all: "when", "access", "language"."""
