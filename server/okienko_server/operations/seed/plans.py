"""The clinics of clinics.toml as plans."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from okienko_server.domain.access import Access, Language
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.plan import (
    AbsencePlan,
    ClinicPlan,
    LocationPlan,
    PractitionerPlan,
    ServicePlan,
    StaffPlan,
    Week,
    competent,
    weekly,
)
from okienko_server.domain.problem import ProblemCategory

ZONE = ZoneInfo("Europe/Warsaw")
_PLAIN = str.maketrans("ąćęłńóśźż", "acelnoszz")
_SETTINGS = ("phone", "contract", "notice_minutes", "horizon_days", "slot_step_minutes")


def portal() -> tuple[str, str]:
    """Return (id, name) of the demonstration's portal."""
    made: dict[str, str] = _read()["portal"]
    return made["id"], made["name"]


def plans(today: date, password_hash: str) -> list[ClinicPlan]:
    """Return the plans of all invented clinics; holidays fall into the week after `today`, all accounts share one password."""
    return [_clinic(table, today, password_hash) for table in _read()["clinic"]]


def _read() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("clinics.toml").read_text("utf-8"))


def _clinic(table: dict[str, Any], today: date, password_hash: str) -> ClinicPlan:
    locations = tuple(_location(place) for place in table["location"])
    return ClinicPlan(
        slug=table["slug"],
        name=table["name"],
        locations=locations,
        services=tuple(_service(text) for text in table["services"]),
        practitioners=tuple(_practitioner(person, locations[0].name, today) for person in table["practitioner"]),
        staff=_staff(table, password_hash),
        **{key: table[key] for key in _SETTINGS if key in table},
    )


def _location(table: dict[str, Any]) -> LocationPlan:
    access = frozenset(Access(code) for code in table.get("access", "").split())
    return LocationPlan(**{**table, "opening": weekly(table["opening"]), "access": access})


def _service(text: str) -> ServicePlan:
    name, kind, minutes, price, after, *only = (part.strip() for part in text.split("|"))
    categories = frozenset[ProblemCategory]()
    if only:
        named = frozenset(ProblemCategory(code) for code in only[0].removeprefix("-").split())
        categories = frozenset(ProblemCategory) - named if only[0].startswith("-") else named
    kept = {"buffer_after": int(after), "categories": categories}
    return ServicePlan(name, ServiceKind(kind), int(minutes), int(price), **kept)  # type: ignore[arg-type]


def _practitioner(table: dict[str, Any], only_location: str, today: date) -> PractitionerPlan:
    title, first_name, last_name = (part.strip() for part in table["name"].split("|"))
    hours: dict[str, Week] = {}
    if isinstance(table["hours"], str):
        hours[only_location] = weekly(table["hours"])
    else:
        for line in table["hours"]:
            place, _, week = line.partition(": ")
            hours[place] = weekly(week)
    away = (_next_week(today, table["away"].partition("|")[2].strip()),) if "away" in table else ()
    spoken = frozenset(Language(code) for code in table.get("languages", "").split())
    return PractitionerPlan(
        title, first_name, last_name, competent(table["competences"]), hours=hours, absences=away, languages=spoken
    )


def _next_week(today: date, reason: str) -> AbsencePlan:
    monday = today + timedelta(days=7 - today.weekday())
    start, end = (datetime(day.year, day.month, day.day, tzinfo=ZONE) for day in (monday, monday + timedelta(days=7)))
    return AbsencePlan(start, end, reason)


def _staff(table: dict[str, Any], password_hash: str) -> tuple[StaffPlan, ...]:
    people = {
        " ".join(part.strip() for part in p["name"].split("|")[1:]): p.get("email") for p in table["practitioner"]
    }
    host, owner = f"{table['slug']}.example.test", table["owner"]
    first_name = owner.split()[0].lower().translate(_PLAIN)
    accounts = [StaffPlan(f"{first_name}@{host}", owner, "owner", password_hash, owner if owner in people else "")]
    for name, email in people.items():
        if email:
            accounts.append(StaffPlan(f"{email}@{host}", name, "therapist", password_hash, name))
    for line in table.get("team", ()):
        role, name, email = (part.strip() for part in line.split("|"))
        accounts.append(StaffPlan(f"{email}@{host}", name, role, password_hash))
    return tuple(accounts)
