"""A clinic with somebody's own and a colleague's things, another clinic, and what each of the staff's forms can carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from flask import Flask

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.roles import Role
from okienko_server.domain.scope import Source
from okienko_server.storage.clinic_settings import ClinicSettingsStore
from okienko_server.storage.places import PlaceStore
from tests.web.matrix_rows import Kept, Line, keep, lines_of, put_back
from tests.web.records_world import Records
from tests.web.staff_world import ACCOUNTS, HANNA, MICHAL, TUESDAY_NINE, ZOFIA

OWN, COLLEAGUE, FOREIGN = "own", "colleague", "foreign"
EMPTY = {"kazimierz": "emptyhere000", "inna": "emptythere00"}
"""Short name of a clinic -> an address nobody ever came to."""
NUMBER = {OWN: 0, COLLEAGUE: 1, FOREIGN: 2}


@dataclass(frozen=True)
class World:
    """One of the three: the ids of its things by the name a path gives them, and the word planted in all of them."""

    name: str
    ids: dict[str, str]
    secret: str
    location: str
    service: str
    spare: str
    """A therapist nothing is tied to."""
    empty: str
    """An address nobody ever came to."""

    def ids_for(self, endpoint: str) -> dict[str, str]:
        """Return the ids a path of an endpoint needs: documentation needs a tied visit, its outcome one that has begun."""
        if endpoint.startswith("records."):
            return self.ids | {"appointment_id": f"booked{self.name}"}
        if endpoint in ("planning.missed", "planning.fulfilled"):
            return self.ids | {"appointment_id": f"begun{self.name}"}
        if endpoint.startswith("places."):
            return self.ids | {"location_id": self.empty}
        if endpoint == "therapists.remove":
            return self.ids | {"practitioner_id": self.spare}
        return self.ids


@dataclass
class Town:
    """The two clinics, and who is signed in."""

    app: Flask
    here: Records
    there: Records
    worlds: tuple[World, ...]
    kept: Kept = field(default_factory=dict)
    lines: frozenset[Line] = frozenset()
    role: Role | None = None
    token: str = ""

    def csrf(self, role: Role) -> str:
        """Return the form token of somebody of that role, signed in once and again after a sign-out."""
        if self.role is not role or self.here.client.get("/staff/changes").status_code != 200:
            self.here.sign_in(ACCOUNTS[role])
            self.role, self.token = role, self.here.csrf()
        return self.token

    def remember(self) -> None:
        """Take what stands now as what every request finds."""
        self.kept, self.lines = self.here.desk.database.read(keep), self.here.desk.database.read(lines_of)

    def changes(self) -> frozenset[Line]:
        """Return every row that came, went or changed since, and put everything back."""
        found = self.here.desk.database.read(lines_of) ^ self.lines
        if found:
            put_back(self.here.desk.database, self.kept, {name for name, _, _ in found})
        return found


def town_of(app: Flask) -> Town:
    """Open both clinics and plant everything."""
    here, there = Records.of(app), Records.of(app, slug="inna", staff=())
    assert isinstance(here, Records) and isinstance(there, Records)
    for one in (here, there):
        columns = {"name": "Pusta", "street": "Długa 1", "postcode": "31-147", "city": "Kraków"}
        with one.desk.database.writing() as connection:
            PlaceStore(connection, one.scope).add(EMPTY[one.opened.slug], **columns)
        # A pause there is can be ended, and keeps nobody of the staff from anything.
        with one.desk.database.writing() as connection:
            ClinicSettingsStore(connection, one.scope).change(paused_at=TUESDAY_NINE - timedelta(days=4))
    worlds = (plant(here, OWN, ZOFIA), plant(here, COLLEAGUE, MICHAL), plant(there, FOREIGN, ZOFIA))
    made = Town(app, here, there, worlds)
    made.remember()
    return made


def plant(records: Records, name: str, who: str) -> World:
    """Write one of everything for a therapist, each thing with a word found nowhere else."""
    secret, phone, jan = f"Sekret{name}", f"+4860{NUMBER[name]}234567", Person("Jan", f"Sekret{name}")
    waiting, booked, begun = f"waiting{name}", f"booked{name}", f"begun{name}"
    records.add(waiting, who, patient=jan, comment=secret, phone=phone)
    records.add(booked, who, TUESDAY_NINE + timedelta(hours=3), status=Status.BOOKED, patient=jan)
    records.add(begun, who, TUESDAY_NINE - timedelta(days=4), status=Status.BOOKED, patient=jan)
    records.add(f"rehearsed{name}", who, TUESDAY_NINE + timedelta(hours=1), source=Source.REHEARSAL)
    patient, episode = f"patient{name}", f"episode{name}"
    records.patient(patient, "Jan", secret, phone)
    records.episode(episode, patient, who, title=secret)
    records.tie(booked, patient, episode, who)
    ids = {
        "appointment_id": waiting, "practitioner_id": records.opened.practitioners[who], "patient_id": patient,
        "episode_id": episode, "staff_id": records.account(who), "absence_id": records.away(who, secret),
        "service_id": records.opened.services["Wizyta"],
    }  # fmt: skip
    return World(
        name,
        ids,
        secret,
        records.opened.locations["Główna"],
        records.opened.services["Konsultacja"],
        records.opened.practitioners[HANNA],
        EMPTY[records.opened.slug],
    )


def _move(town: Town, about: World, world: World) -> dict[str, str]:
    owner = town.there if about.name == FOREIGN else town.here
    seen = owner.get(about.ids["appointment_id"]).starts_at.isoformat()
    return {"day": "2026-11-26", "time": f"{14 + NUMBER[about.name]}:00", "seen": seen}


def _hours(town: Town, about: World, world: World) -> dict[str, str]:
    return {"revision": str(town.here.offer().revision)} | {f"day-{n}": "9:00-11:00" for n in range(7)}


def _document(town: Town, about: World, world: World) -> dict[str, str]:
    return {"based_on": "0", "revision": "0", "reason": "", "assessment": "ból", "procedures": "ból"}


def _revision(town: Town, about: World, world: World) -> dict[str, str]:
    return {"revision": str(town.here.offer().revision)}


def _service(town: Town, about: World, world: World) -> dict[str, str]:
    return _revision(town, about, world) | {
        "name": "Inna usługa",
        "minutes": "45",
        "givers": world.ids["practitioner_id"],
    }


def _therapist(town: Town, about: World, world: World) -> dict[str, str]:
    return _revision(town, about, world) | {"c-spine": "all", "pwz": "777", "services": world.service}


def _place(town: Town, about: World, world: World) -> dict[str, str]:
    days = {f"day-{n}": "8-16" for n in range(7)}
    point = {"latitude": "50.05", "longitude": "19.94", "postcode": "31-056", "street": "Długa 1", "city": "Kraków"}
    return _revision(town, about, world) | days | point | {"name": "Inny adres"}


MORE: dict[str, Callable[[Town, World, World], dict[str, str]]] = {
    "planning.moved": _move,
    "hours.change": _hours,
    "pauses.begin": _revision,
    "rules.change": _revision,
    "therapists.add": _therapist,
    "therapists.change": _therapist,
    "website.change": _revision,
    "places.add": _place,
    "places.change": _place,
    "services.add": _service,
    "services.change": _service,
    "records.draft": _document,
    "records.sign": _document,
}
"""What one form alone needs beside the fields of all: (town, the path's world, the fields' world) -> fields."""


def fields_of(town: Town, endpoint: str, about: World, world: World) -> dict[str, str]:
    """Return what a form of the staff's pages can carry so that it passes every check of form, each id leading into a world."""
    ids = {**world.ids, **{name.removesuffix("_id"): key for name, key in world.ids.items()}}
    common = {
        "choice": f"{world.ids['patient_id']}.{world.ids['episode_id']}", "kind": "visit", "category": "spine",
        "about": world.ids["appointment_id"], "location": world.location, "service": world.service,
        "day": "2026-11-25", "time": "14:00", "outside": "1", "first_name": "Ewa", "last_name": "Nowa", "phone": "601 234 111",
        "from_day": "2026-12-21", "until_day": "2026-12-22", "sure": "1", "title": "Inaczej", "version": "1",
        "minutes": "60", "email": "nowa@example.test", "name": "Ewa Nowa", "role": "therapist", "reason": "Powód",
        "lead": "1440", "on": "no", "categories": "spine", "sites": "klinika.pl", "mode": "popup",
        "accent": "#112233", "when": "week", "age": "5", "unit": "y",
        "price": "99", "buffer_before": "0", "buffer_after": "5", "offered": "no", "way": "up",
        "listed": "no", "message": "Urlop", "back_on": "2026-12-24",
        "notice_minutes": "240", "horizon_days": "30", "slot_step_minutes": "30", "cancel_minutes": "1440",
        "answer_minutes": "480", "notifications": "no", "budget": "12", "hours": "24", "country": "UA",
    }  # fmt: skip
    more = MORE.get(endpoint)
    return ids | common | (more(town, about, world) if more else {})
