"""The data set of the benchmark: 1 clinic, 10 therapists, 3 services, 40 working days, 63.8 % booked, fixed random seed.

Mon-Fri 8-16 h, lunch 12-13 h, 15-minute grid; every therapist-day is filled at random with the three services until at least
252 of 420 minutes are taken. The same set was put into the peers the ratios are compared with.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from okienko_server.domain.cells import cells_of, day_grid
from okienko_server.domain.contract import BEGINNING
from okienko_server.storage.occupancy import words_of
from okienko_server.storage.session import Database
from okienko_server.storage.tables import (
    AppointmentRow,
    CellRow,
    ClinicRow,
    CompetenceRow,
    ContractTermRow,
    DayOccupancyRow,
    LocationRow,
    OpeningHoursRow,
    PractitionerRow,
    PractitionerServiceRow,
    ServiceRow,
    WorkingHoursRow,
)

CLINIC = "benchclinic0"
ZONE = ZoneInfo("Europe/Warsaw")
FIRST_DAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
WORKING_DAYS = 40
MINUTES = (30, 45, 60)
HALVES = ((8 * 60, 12 * 60), (13 * 60, 16 * 60))
PEOPLE = tuple(f"person{n:06d}" for n in range(10))
SERVICES = tuple(f"service{minutes}" for minutes in MINUTES)


def build(database: Database) -> int:
    """Fill an empty database with the data set and return how many appointments it holds."""
    with database.writing() as connection:
        for table, rows in _offer().items():
            connection.execute(insert(table), rows)
    return fill(database, working_days(FIRST_DAY, WORKING_DAYS), seed=1)


def working_days(first: date, count: int) -> list[date]:
    """Return `count` days from Monday to Friday, beginning with `first`."""
    days: list[date] = []
    while len(days) < count:
        if first.weekday() < 5:
            days.append(first)
        first += timedelta(days=1)
    return days


def fill(database: Database, days: list[date], seed: int) -> int:
    """Book every therapist on the given days up to 60 %; rows and masks alike."""
    chance = random.Random(seed)
    appointments, cells, masks = [], [], []
    for day in days:
        for person in PEOPLE:
            grid, mask = day_grid(ZONE, day), 0
            for number, (start, minutes) in enumerate(_full_day(chance)):
                name = f"a{seed}{day:%y%m%d}{person[-2:]}{number:02d}"
                begins = datetime.fromtimestamp((grid.first + cells_of(start)) * 300, UTC)
                appointments.append(_appointment(name, person, begins, minutes))
                bit, length = cells_of(start), cells_of(minutes)
                mask |= ((1 << length) - 1) << bit
                cells += [
                    {
                        "clinic_id": CLINIC,
                        "resource_id": person,
                        "cell": grid.first + bit + i,
                        "appointment_id": name,
                        "held_until": None,
                    }
                    for i in range(length)
                ]
            words = {f"w{i}": word for i, word in enumerate(words_of(mask))}
            masks.append({"clinic_id": CLINIC, "day": day, "resource_id": person, **words})
    with database.writing() as connection:
        for table, rows in ((AppointmentRow, appointments), (CellRow, cells), (DayOccupancyRow, masks)):
            connection.execute(insert(table), rows)
    return len(appointments)


def _full_day(chance: random.Random) -> list[tuple[int, int]]:
    """Return (start minute, minutes) of one day's appointments: at least 252 of 420 minutes, none overlapping."""
    taken: list[tuple[int, int]] = []
    while sum(minutes for _, minutes in taken) < 252:
        minutes, half = chance.choice(MINUTES), chance.choice(HALVES)
        start = chance.randrange(half[0], half[1] - minutes + 1, 15)
        if all(start + minutes <= other or other + length <= start for other, length in taken):
            taken.append((start, minutes))
    return sorted(taken)


def _appointment(name: str, person: str, begins: datetime, minutes: int) -> dict[str, object]:
    return {
        "clinic_id": CLINIC, "id": name, "practitioner_id": person, "location_id": "place", "service_id": f"service{minutes}",
        "status": "booked", "source": "staff", "session_id": "", "kind": "visit", "category": "spine", "age_lowest": 216,
        "age_highest": 779, "any_practitioner": False, "starts_at": begins, "ends_at": begins + timedelta(minutes=minutes),
        "created_at": NOW, "changed_at": NOW, "version": 1, "held_until": None, "pending_at": None, "first_name": "Jan",
        "last_name": "Kowalski", "booker_first_name": "", "booker_last_name": "", "phone": "+48601234567", "comment": "",
        "decline_reason": "",
    }  # fmt: skip


def _offer() -> dict[type, list[dict[str, object]]]:
    clinic = {
        "clinic_id": CLINIC, "slug": "bench", "name": "Przychodnia Pomiar", "phone": "+48126345678", "zone": "Europe/Warsaw",
        "registration": True, "listed": True, "generation": 1, "allowed_origins": "", "notice_minutes": 0, "horizon_days": 400,
        "slot_step_minutes": 15, "open_on_holidays": False, "revision": 1,
    }  # fmt: skip
    hours = [(weekday, start, end) for weekday in range(5) for start, end in HALVES]
    return {
        ClinicRow: [clinic],
        ContractTermRow: [{"clinic_id": CLINIC, "starts_at": BEGINNING, "ends_at": None, "status": "active"}],
        LocationRow: [
            {
                "clinic_id": CLINIC, "id": "place", "name": "Główna", "street": "ul. Długa 1", "postcode": "31-001",
                "city": "Kraków", "offered": True,
            }
        ],
        ServiceRow: [
            {
                "clinic_id": CLINIC, "id": f"service{minutes}", "name": f"Wizyta {minutes} min", "kind": "visit", "minutes": minutes,
                "price": 300 * minutes, "buffer_before": 0, "buffer_after": 0, "categories": "", "position": minutes, "offered": True,
            }
            for minutes in MINUTES
        ],
        PractitionerRow: [
            {"clinic_id": CLINIC, "id": person, "title": "mgr", "first_name": f"Anna{person[-2:]}", "last_name": "Nowak", "position": n,
             "offered": True}
            for n, person in enumerate(PEOPLE)
        ],
        CompetenceRow: [
            {"clinic_id": CLINIC, "practitioner_id": person, "category": "spine", "lowest_months": 0, "highest_months": 1440}
            for person in PEOPLE
        ],
        PractitionerServiceRow: [
            {"clinic_id": CLINIC, "practitioner_id": person, "service_id": service} for person in PEOPLE for service in SERVICES
        ],
        OpeningHoursRow: [
            {"clinic_id": CLINIC, "id": f"o{n}", "location_id": "place", "weekday": weekday, "start_minute": start, "end_minute": end}
            for n, (weekday, start, end) in enumerate(hours)
        ],
        WorkingHoursRow: [
            {
                "clinic_id": CLINIC, "id": f"{person}{n}", "practitioner_id": person, "location_id": "place", "weekday": weekday,
                "start_minute": start, "end_minute": end,
            }
            for person in PEOPLE
            for n, (weekday, start, end) in enumerate(hours)
        ],
    }  # fmt: skip
