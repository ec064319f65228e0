"""A country of clinics to search: one address, two services and five therapists each, sixty days ahead, 60 % taken.

Real: every row of every offer, the day masks of every therapist, and what `operations.keep_starts` makes of them: which rows an
offer asks for with what traits (`rows_of`, clinic by clinic) and the masks and bounds in them (`worked_out`).
Shared: two hundred diaries (hours and what is taken in them); each therapist has one of them, and as all clinics open alike and
give the same two lengths of visit, what is worked out for a diary holds for everybody who has it at the same notice.
Left out: appointments and cells, which neither the search nor the reading of free times touches.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, insert

from okienko_server.domain.access import Access, Language, text_of
from okienko_server.domain.cells import cells_of, day_grid, days_from, local_day
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import BEGINNING, ContractStatus, Term
from okienko_server.domain.holidays import is_public_holiday
from okienko_server.domain.offer import (
    HealthcareService,
    Location,
    Offer,
    OpeningHours,
    Practitioner,
    ServiceKind,
    WorkingHours,
)
from okienko_server.domain.problem import MAX_AGE_MONTHS, AgeRange, Competence, ProblemCategory
from okienko_server.domain.starts import whole_window
from okienko_server.domain.towns import Town, towns
from okienko_server.operations.keep_starts import rows_of, worked_out
from okienko_server.storage.ids import ALPHABET
from okienko_server.storage.next_starts import RowKey, Worked, bound_rows
from okienko_server.storage.occupancy import words_of
from okienko_server.storage.session import Database
from okienko_server.storage.tables import Base
from tests.bench.world import NOW, ZONE

PEOPLE = 5
DIARIES = 200
DAYS = 60
TAKEN = 0.6
NOTICES = (0, 60, 120, 180)
"""Minutes of notice clinics ask for."""
TODAY = local_day(NOW, ZONE)
AT_ONCE = 500
"""Clinics whose rows are kept in memory before they are written."""
SPANS = (
    dict.fromkeys(range(5), (8 * 60, 15 * 60)),
    dict.fromkeys(range(5), (9 * 60, 17 * 60)),
    dict.fromkeys(range(5), (12 * 60, 20 * 60)),
    {1: (10 * 60, 18 * 60), 2: (10 * 60, 18 * 60), 3: (10 * 60, 18 * 60), 4: (8 * 60, 16 * 60), 5: (9 * 60, 13 * 60)},
    {0: (14 * 60, 20 * 60), 2: (14 * 60, 20 * 60), 4: (8 * 60, 14 * 60)},
)
"""Weekly hours: weekday -> (first minute, last minute)."""
COMMON = (30, 20, 12, 10, 10, 6, 3, 3, 4, 2)
"""How often each category is treated, and asked for; in their own order."""
ADULTS, CHILDREN, SENIORS = (
    AgeRange(16 * 12, MAX_AGE_MONTHS),
    AgeRange(0, 17 * 12 + 11),
    AgeRange(60 * 12, MAX_AGE_MONTHS),
)
AGES = {ProblemCategory.PAEDIATRICS: [CHILDREN], ProblemCategory.GERIATRICS: [SENIORS]}
EVERY_AGE = [ADULTS, AgeRange(18 * 12, MAX_AGE_MONTHS), AgeRange(0, MAX_AGE_MONTHS), AgeRange(7 * 12, MAX_AGE_MONTHS)]
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Diary:
    """Weekly hours, the day masks of what is taken in them, and what is worked out at each notice for each service in order."""

    week: dict[int, tuple[int, int]]
    days: dict[date, int]
    worked: dict[int, tuple[Worked, ...]]


def build(database: Database, count: int, seed: int = 1) -> list[str]:
    """Fill an empty database with so many clinics and return their ids."""
    chance = random.Random(seed)
    diaries = list(_diaries(chance))
    places = chance.choices(towns(), [max(town.people, 500) for town in towns()], k=count)
    made, ids = (_clinic(number, town, diaries, chance) for number, town in enumerate(places)), []
    with database.writing() as connection:
        while batch := list(islice(made, AT_ONCE)):
            rows: Rows = defaultdict(list)
            for offer, kept in batch:
                ids.append(offer.clinic.id)
                _add_rows(rows, offer, kept)
            for table in Base.metadata.sorted_tables:
                if table.name in rows:
                    _pour(connection, table, rows[table.name])
    return ids


def _diaries(chance: random.Random) -> Iterator[Diary]:
    """Yield the shared diaries, worked out by the real function."""
    for number in range(DIARIES):
        week = SPANS[number % len(SPANS)]
        days = {day: mask for day in days_from(TODAY, DAYS) if (mask := _taken(week, day, chance))}
        made = _offer("shape", [("someone", week)], chance, towns()[0])
        worked = {}
        for notice in NOTICES:
            offer = replace(made, clinic=replace(made.clinic, notice_minutes=notice))
            person = offer.practitioners["someone"]
            found = worked_out(offer, person, whole_window(offer, TODAY), days, [], NOW)
            worked[notice] = tuple(found[RowKey("place", "someone", service)] for service in offer.services)
        yield Diary(week, days, worked)


def _taken(week: dict[int, tuple[int, int]], day: date, chance: random.Random) -> int:
    """Return the mask of one day's appointments: at least TAKEN of the hours."""
    if day.weekday() not in week or is_public_holiday(day):
        return 0
    start, end = week[day.weekday()]
    grid, mask = day_grid(ZONE, day), 0
    while mask.bit_count() < cells_of(end - start) * TAKEN:
        minutes = chance.choice((30, 45, 60))
        begins = chance.randrange(start, end - minutes + 1, 15)
        one = grid.between(begins, begins + minutes)
        mask |= 0 if mask & one else one
    return mask


def _clinic(number: int, town: Town, diaries: list[Diary], chance: random.Random) -> tuple[Offer, dict[str, Diary]]:
    kept = {_new_id(chance): chance.choice(diaries) for _ in range(PEOPLE)}
    weeks = [(person, diary.week) for person, diary in kept.items()]
    return _offer(f"klinika-{number:05d}", weeks, chance, town), kept


def _new_id(chance: random.Random) -> str:
    return "".join(chance.choices(ALPHABET, k=12))


def _offer(slug: str, weeks: list[tuple[str, dict[int, tuple[int, int]]]], chance: random.Random, town: Town) -> Offer:
    clinic = Clinic(
        _new_id(chance), slug, f"Rehabilitacja {town.name} {slug[-5:]}", "+48126345678", ZONE,
        (Term(BEGINNING, ContractStatus.ACTIVE),), 1, (), chance.choice(NOTICES), 60, 15, open_on_holidays=False,
    )  # fmt: skip
    access = frozenset(one for one in Access if chance.random() < 0.4)
    place = Location(
        "place", "Główna", f"ul. Długa {chance.randrange(1, 200)}", "31-001", town.name, True,
        town.latitude + chance.gauss(0, 0.02), town.longitude + chance.gauss(0, 0.03), access,
    )  # fmt: skip
    services = {
        kind.value: HealthcareService(kind.value, name, kind, minutes, price * chance.randrange(8, 14), 0, 0, frozenset())
        for kind, name, minutes, price in (
            (ServiceKind.CONSULTATION, "Konsultacja", 60, 2000), (ServiceKind.VISIT, "Wizyta", 45, 1500),
        )
    }  # fmt: skip
    people = {person: _person(person, week, frozenset(services), chance) for person, week in weeks}
    opening = tuple(OpeningHours("place", weekday, 7 * 60, 21 * 60) for weekday in range(6))
    return Offer(clinic, 1, {"place": place}, services, people, opening, ())


def _person(
    person: str, week: dict[int, tuple[int, int]], services: frozenset[str], chance: random.Random
) -> Practitioner:
    treated = dict.fromkeys(chance.choices(list(ProblemCategory), COMMON, k=chance.randrange(1, 4)))
    hours = tuple(WorkingHours("place", weekday, *span) for weekday, span in week.items())
    return Practitioner(
        person, "mgr", chance.choice(("Anna", "Łucja", "Piotr")), chance.choice(("Nowak", "Żółkiewska", "Lis")),
        tuple(Competence(one, chance.choice(AGES.get(one, EVERY_AGE))) for one in treated), services, hours,
        languages=frozenset(one for one in Language if chance.random() < 0.2),
    )  # fmt: skip


def _add_rows(rows: Rows, offer: Offer, kept: dict[str, Diary]) -> None:
    """Add an offer's rows, its therapists' day masks and their next starts."""
    clinic, place = offer.clinic, offer.locations["place"]
    rows["clinic"].append((
        clinic.id, clinic.slug, clinic.name, clinic.phone, "Europe/Warsaw", True, True, 1, "", clinic.notice_minutes,
        clinic.horizon_days, clinic.slot_step_minutes, False, 1, 1,
    ))  # fmt: skip
    rows["contract_term"].append((clinic.id, BEGINNING, None, "active"))
    rows["location"].append((
        clinic.id, place.id, place.name, place.street, place.postcode, place.city, True, place.latitude, place.longitude,
        text_of(place.access),
    ))  # fmt: skip
    rows["service"] += [
        (clinic.id, s.id, s.name, s.kind.value, s.minutes, s.price, 0, 0, "", position, True)
        for position, s in enumerate(offer.services.values())
    ]
    rows["opening_hours"] += [
        (clinic.id, f"o{n}", one.location_id, one.weekday, one.start, one.end) for n, one in enumerate(offer.opening)
    ]
    for position, person in enumerate(offer.practitioners.values()):
        _add_person(rows, clinic.id, position, person, kept[person.id])
    _add_starts(rows, offer, kept)


def _add_starts(rows: Rows, offer: Offer, kept: dict[str, Diary]) -> None:
    clinic, order = offer.clinic, list(offer.services)
    for key, traits in rows_of(offer.public).items():
        worked = kept[key.practitioner_id].worked[clinic.notice_minutes][order.index(key.service_id)]
        rows["next_start"].append((
            clinic.id, key.location_id, key.practitioner_id, key.service_id, traits.position, 0, worked.good_until,
            worked.due_at, worked.base, worked.starts,
        ))  # fmt: skip
        names = COLUMNS["start_bound"].split()
        found_by = bound_rows(clinic.id, key, traits, worked.bounds)
        rows["start_bound"] += [tuple(row[name] for name in names) for row in found_by]


def _add_person(rows: Rows, clinic_id: str, position: int, person: Practitioner, diary: Diary) -> None:
    spoken = text_of(person.languages)
    rows["practitioner"].append(
        (clinic_id, person.id, person.title, person.first_name, person.last_name, position, True, spoken)
    )
    rows["competence"] += [
        (clinic_id, person.id, one.category.value, one.ages.lowest, one.ages.highest) for one in person.competences
    ]
    rows["practitioner_service"] += [(clinic_id, person.id, service) for service in sorted(person.services)]
    rows["working_hours"] += [
        (clinic_id, f"{person.id}{n}", person.id, "place", one.weekday, one.start, one.end)
        for n, one in enumerate(person.hours)
    ]
    rows["day_occupancy"] += [(clinic_id, day, person.id, *words_of(mask)) for day, mask in diary.days.items()]


COLUMNS = {
    "clinic": "clinic_id slug name phone zone registration listed generation allowed_origins notice_minutes horizon_days "
    "slot_step_minutes open_on_holidays revision searched",
    "contract_term": "clinic_id starts_at ends_at status",
    "location": "clinic_id id name street postcode city offered latitude longitude access",
    "service": "clinic_id id name kind minutes price buffer_before buffer_after categories position offered",
    "opening_hours": "clinic_id id location_id weekday start_minute end_minute",
    "practitioner": "clinic_id id title first_name last_name position offered languages",
    "competence": "clinic_id practitioner_id category lowest_months highest_months",
    "practitioner_service": "clinic_id practitioner_id service_id",
    "working_hours": "clinic_id id practitioner_id location_id weekday start_minute end_minute",
    "day_occupancy": "clinic_id day resource_id w0 w1 w2 w3 w4",
    "next_start": "clinic_id location_id practitioner_id service_id position version good_until due_at base starts",
    "start_bound": "clinic_id location_id practitioner_id service_id category lowest_months highest_months kind access "
    "languages tile x y z lot soonest evening weekend",
}
"""The columns of every tuple above, in order."""


def _pour(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write rows: COPY on PostgreSQL, executemany on SQLite."""
    names = COLUMNS[table.name].split()
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
