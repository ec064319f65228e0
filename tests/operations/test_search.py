"""The portal's search is exact: after any history its page equals what offers and occupancy themselves say, worker or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
from sqlalchemy import Connection, select, update

from okienko_server.domain.access import Access, Language, text_of
from okienko_server.domain.cells import instant_of, local_day
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, SlotRefused, SlotTaken
from okienko_server.domain.offer import Offer, ServiceKind
from okienko_server.domain.problem import ADULT, SENIOR, ProblemCategory, age_in_months
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.spots import lot_of, point_of
from okienko_server.domain.starts import When, bookable, cut, first_bits
from okienko_server.domain.towns import distance_km
from okienko_server.operations import search_clinics as searching
from okienko_server.operations.desk import Desk
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.hold import HoldRequest, hold, release
from okienko_server.operations.keep_starts import keep_starts
from okienko_server.operations.onboard_clinic import (
    ClinicPlan,
    LocationPlan,
    PractitionerPlan,
    ServicePlan,
    competent,
    open_clinic,
    record_absence,
    weekly,
)
from okienko_server.operations.portal_search import ClinicsFound, Order, Place, Search
from okienko_server.operations.ranking import HOME, NEXT_STARTS, Look
from okienko_server.storage.clinic_settings import ClinicSettingsStore
from okienko_server.storage.directory import visible
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.portal_starts import PortalStartsStore
from okienko_server.storage.tables import (
    ClinicRow,
    CompetenceRow,
    LocationRow,
    PractitionerRow,
    ServiceRow,
)
from tests.conftest import MONDAY, visitor

HISTORIES = 5000 if os.environ.get("OKIENKO_PROOF") else 60
ASKED = Question(ProblemCategory.SPINE, SENIOR, ServiceKind.CONSULTATION)
KRAKOW, WIELICZKA = Place(50.06, 19.94), Place(49.99, 20.06)
TOWNS = (("Kraków", "31-056"), ("Wieliczka", "32-020"), ("Warszawa", "00-001"), ("Nigdziewo", "00-002"))


def town(desk: Desk) -> list[str]:
    """Open six clinics: several addresses, services and therapists each; one in a town nobody knows."""
    ids = []
    for number in range(6):
        places = tuple(
            LocationPlan(f"Adres {at}", f"ul. Długa {at}", code, city, weekly("mon-sun 8:00-20:00"))
            for at, (city, code) in enumerate(TOWNS)
            if (number + at) % 3 == 0
        )
        services = (
            ServicePlan(
                "Konsultacja dzieci",
                ServiceKind.CONSULTATION,
                45,
                17_000,
                0,
                10,
                frozenset({ProblemCategory.PAEDIATRICS}),
            ),
            ServicePlan("Konsultacja", ServiceKind.CONSULTATION, 60, 18_000),
            ServicePlan("Wizyta", ServiceKind.VISIT, 30, 12_000, 5, 5),
        )
        skills = ("spine 16y+, sports 16y+", "paediatrics 0m-36m, spine 3y+", "spine 60y+")
        people = tuple(
            PractitionerPlan(
                "mgr", f"Osoba{who}", f"Nazwisko{number}", competent(skills[(number + who) % 3]),
                hours={place.name: weekly("mon-fri 9:00-18:30" if who else "sat-sun 10:00-14:00") for place in places},
            )
            for who in range(2)
        )  # fmt: skip
        plan = ClinicPlan(
            f"c{number}", f"Gabinet {number}", places, services, people, notice_minutes=60 * (number % 3), horizon_days=10 + 9 * number
        )  # fmt: skip
        ids.append(open_clinic(plan, desk=desk).id)
    return ids


@dataclass
class Town:
    """The clinics, and what has happened to them."""

    desk: Desk
    clinics: list[str]
    random: Random
    held: list[tuple[str, str, str]] = field(default_factory=list)
    now: datetime = MONDAY

    def happens(self) -> str:
        """Let one thing happen; returns which."""
        what: Callable[[], object] = self.random.choice(
            [self.take, self.take, self.take, self.give_back, self.time_passes, self.sweep, self.worker, self.away,
             self.offer_changes, self.listed]
        )  # fmt: skip
        what()
        return what.__name__

    def take(self) -> None:
        """Somebody holds one of the first free times."""
        clinic_id, session = self.random.choice(self.clinics), f"s{self.random.randrange(10**9)}"
        asked = some_question(self.random)
        scope = visitor(session=session).at(clinic_id)
        with suppress(SlotTaken, SlotRefused, ClinicUnavailable, ClinicPaused):
            free = find_slots(replace(asked, days=5), scope=scope, desk=self.desk, now=self.now)
            first = first_bits(free.any_start, 12)
            if first:
                cell = free.span.base + self.random.choice(first)
                made = hold(HoldRequest(asked, instant_of(cell)), scope=scope, desk=self.desk, now=self.now)
                self.held.append((clinic_id, made.appointment.id, session))

    def give_back(self) -> None:
        if self.held:
            clinic_id, appointment, session = self.held.pop(self.random.randrange(len(self.held)))
            release(appointment, scope=visitor(session=session).at(clinic_id), desk=self.desk, now=self.now)

    def time_passes(self) -> None:
        self.now += timedelta(minutes=self.random.choice([1, 4, 11, 11, 61, 60 * 13]))

    def sweep(self) -> None:
        expire_holds(desk=self.desk, now=self.now)

    def worker(self) -> None:
        while keep_starts(desk=self.desk, now=self.now):
            pass

    def away(self) -> None:
        clinic_id = self.random.choice(self.clinics)
        offer = self.offer(clinic_id)
        person = self.random.choice(list(offer.practitioners))
        start = self.now + timedelta(hours=self.random.randrange(60))
        record_absence(
            person, start, start + timedelta(hours=9), "urlop", scope=operator_scope().at(clinic_id), desk=self.desk
        )

    def offer_changes(self) -> None:
        """Something is withheld or offered again, eased, spoken; the revision is raised as every operation does."""
        clinic_id = self.random.choice(self.clinics)
        table, values = self.random.choice(
            [
                (ServiceRow, {"offered": self.random.random() < 0.8}),
                (LocationRow, {"offered": self.random.random() < 0.9}),
                (PractitionerRow, {"offered": self.random.random() < 0.8}),
                (LocationRow, {"access": text_of(self.random.sample(list(Access), 2))}),
                (PractitionerRow, {"languages": text_of(self.random.sample(list(Language), 1))}),
            ]
        )
        with self.desk.database.writing() as connection:
            ids = list(connection.execute(select(table.id).where(table.clinic_id == clinic_id)).scalars())
            one = self.random.choice(sorted(ids))
            row = (table.clinic_id == clinic_id, table.id == one)
            connection.execute(update(table).where(*row).values(cast(dict[str, Any], values)))
            OfferStore(connection, operator_scope().at(clinic_id)).raise_revision()

    def listed(self) -> None:
        clinic_id = self.random.choice(self.clinics)
        with self.desk.database.writing() as connection:
            store = ClinicSettingsStore(connection, operator_scope().at(clinic_id))
            assert store.change(listed=self.random.random() < 0.8)

    def offer(self, clinic_id: str) -> Offer:
        with self.desk.database.reading() as connection:
            return OfferStore(connection, operator_scope().at(clinic_id)).load()


def some_question(random: Random) -> Question:
    age = random.choice([ADULT, SENIOR, age_in_months(5), age_in_months(100)])
    category = ProblemCategory.PAEDIATRICS if age.highest < 36 else ProblemCategory.SPINE
    language = Language.ENGLISH if random.random() < 0.15 else None
    return Question(category, age, random.choice(list(ServiceKind)), language=language)


def some_search(random: Random) -> Search:
    place = random.choice([None, KRAKOW, WIELICZKA])
    return Search(
        some_question(random), place, random.choice([3.0, 15.0, 400.0]) if place else 0, random.choice(list(When)),
        frozenset({Access.PARKING}) if random.random() < 0.2 else frozenset(), random.choice(list(Order)),
    )  # fmt: skip


Shown = tuple[str, str, tuple[int, ...], str, tuple[str, ...]]


def computed(search: Search, desk: Desk, now: datetime) -> list[Shown]:
    """Return the whole answer from every clinic's offer and occupancy, without any kept start."""
    asked, rows = search.question, []
    with desk.database.reading() as connection:
        treated = (CompetenceRow.category == asked.category.value, CompetenceRow.lowest_months <= asked.age.lowest)
        competent = select(CompetenceRow.clinic_id).where(*treated, CompetenceRow.highest_months >= asked.age.highest)
        listed = select(ClinicRow.clinic_id).where(*visible(now), ClinicRow.clinic_id.in_(competent))
        ids = list(connection.execute(listed).scalars())
    for clinic_id in ids:
        scope = visitor().at(clinic_id)
        with desk.database.reading() as connection:
            offer = desk.offer(connection, scope)
        for place in offer.locations.values():
            point = point_of(place)
            km = distance_km(search.place.latitude, search.place.longitude, *point) if search.place and point else None
            if (search.place and (km is None or km > search.km)) or not search.access <= place.access:
                continue
            free = find_slots(replace(asked, location_id=place.id, days=28), scope=scope, desk=desk, now=now)
            clinic = offer.clinic
            span = bookable(now, clinic.zone, clinic.notice_minutes, clinic.horizon_days, search.when)
            left = cut(free.any_start, free.span.base, span, clinic.zone, search.when)
            if not left or free.service is None:
                continue
            starts = tuple(free.span.base + bit for bit in first_bits(left, NEXT_STARTS))
            names = tuple(person.id for person in free.practitioners)
            day = local_day(instant_of(starts[0]), HOME).toordinal()
            key = (
                (starts[0],)
                if km is None
                else (km, starts[0])
                if search.order is Order.NEAREST
                else (day, km, starts[0])
            )
            rows.append(((*key, lot_of(clinic_id, place.id)), (clinic_id, place.id, starts, free.service.name, names)))
    return [row for _, row in sorted(rows)]


def found(search: Search, desk: Desk, now: datetime) -> list[Shown]:
    """Return the first page of just this search, nothing widened."""

    def page(connection: Connection) -> ClinicsFound:
        return searching.page_of(
            search, search.km, Look(connection, visitor(), desk, now, PortalStartsStore(connection, visitor()))
        )

    return [
        (one.clinic_id, one.location.id, one.starts, one.service, tuple(person for person, _ in one.practitioners))
        for one in desk.database.read(page).clinics
    ]


def differing(desk: Desk, histories: int, *, seed: int = 0) -> tuple[int, int]:
    """Return after how many of so many histories a search differed, and how many addresses were compared."""
    there = Town(desk, town(desk), Random(seed))
    wrong = compared = 0
    for _ in range(histories):
        for _ in range(there.random.randrange(1, 7)):
            there.happens()
        search = some_search(there.random)
        truth = computed(search, desk, there.now)
        compared += len(truth)
        wrong += found(search, desk, there.now) != truth[: searching.PAGE]
    return wrong, compared


def test_after_any_history_the_search_equals_the_full_computation(desk: Desk) -> None:
    wrong, compared = differing(desk, HISTORIES)
    assert wrong == 0
    assert compared > HISTORIES


def test_the_control_without_falling_behind_shows_taken_times(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OccupancyStore, "_fall_behind", lambda self, ids, *, freed=False: None)
    assert differing(desk, 150)[0] > 0


def test_the_control_without_the_revision_shows_what_is_withheld(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OfferStore, "raise_revision", lambda self: None)
    assert differing(desk, 60)[0] > 0
