"""Sowing: opens the invented clinics, fills their diaries, leaves a few online reservations waiting for an answer."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Person, Status
from okienko_server.domain.cells import day_grid, instant_of, local_day
from okienko_server.domain.plan import ClinicPlan, OpenedClinic
from okienko_server.domain.roles import Role
from okienko_server.domain.scope import Scope, Source, operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import add_clinic
from okienko_server.operations.seed.diaries import DiaryMaker
from okienko_server.operations.seed.plans import ZONE, plans, portal
from okienko_server.operations.seed.records import known, treatments, write_records
from okienko_server.operations.sign_in import password_hash
from okienko_server.operations.verify import CONSENT
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.diary import DiaryStore, Entry
from okienko_server.storage.ids import ALPHABET
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.onboarding import Ids, OnboardingStore
from okienko_server.storage.staff import MemberStore

DEMO_PASSWORD = "okienko-w-krakowie"  # noqa: S105 - opens invented clinics only
_WAITING = (
    (Source.PORTAL, "Pierwszy raz korzystam z fizjoterapii, mam opis rezonansu."),
    (Source.IFRAME, ""),
    (Source.LINK, "Wolę ćwiczenia, które mogę potem robić w domu."),
)
"""Doors and comments of the reservations still to be confirmed in the first clinic."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What was sown; `clinics` in the order of the portal's file, the first one with reservations to confirm."""

    clinics: tuple[OpenedClinic, ...]
    appointments: int
    pending: int


def seed(desk: Desk, today: date, *, seed: int = 2026, password: str = DEMO_PASSWORD) -> SeedReport:
    """Fill an empty database with the invented clinics, as they stand on the morning of `today`: for development only.

    The same day and seed give the same ids and diaries. Raises PlanRefused when the clinics are there already.
    """
    opened, counts, hashed = [], [], password_hash(password)
    for place, plan in enumerate(plans(today, hashed)):
        sown = _Sown(plan, today, f"{seed} {plan.slug}", _WAITING if place == 0 else ())
        clinic, count = desk.database.write(lambda connection, sown=sown: sown.write(connection, desk))  # type: ignore[misc]
        opened.append(clinic)
        counts.append(count)
    desk.database.write(lambda connection: OnboardingStore(connection, operator_scope()).add_portal(*portal()))
    return SeedReport(tuple(opened), sum(counts), len(_WAITING))


def seeded(desk: Desk) -> bool:
    """Return whether the database holds any clinic already."""
    return desk.database.read(lambda connection: OnboardingStore(connection, operator_scope()).any_clinic())


@dataclass(frozen=True, slots=True)
class _Sown:
    """One clinic to write; the randomness begins anew each time, so that a transaction may run again."""

    plan: ClinicPlan
    today: date
    seed: str
    waiting: tuple[tuple[Source, str], ...]

    def write(self, connection: Connection, desk: Desk) -> tuple[OpenedClinic, int]:
        chance = random.Random(self.seed)  # noqa: S311 - invented people, not secrets
        ids: Ids = lambda length: "".join(chance.choices(ALPHABET, k=length))  # noqa: E731
        clinic = add_clinic(connection, operator_scope(), self.plan, ids=ids)
        scope = operator_scope().at(clinic.id)
        offer = OfferStore(connection, scope).load()
        entries = DiaryMaker(offer, self.today, chance, ids).entries()
        entries = _with_waiting(entries, self.waiting, self.today, chance, ids)
        on_file = treatments(offer, self.today, ids) if self.waiting else []
        if on_file:
            entries = [*known(entries), *(entry for one in on_file for entry in one.entries)]
        DiaryStore(connection, scope).fill(entries, offer.clinic.zone)
        write_records(connection, scope, on_file, _accounts(connection, scope), ids)
        for entry in entries:
            if entry.appointment.status is Status.PENDING:
                _consent(connection, scope, desk, entry.appointment)
        return clinic, len(entries)


def _accounts(connection: Connection, scope: Scope) -> dict[str, str]:
    found = MemberStore(connection, scope).all()
    return {one.practitioner_id: one.id for one in found if one.practitioner_id and one.role == Role.THERAPIST}


def _with_waiting(
    entries: list[Entry], waiting: tuple[tuple[Source, str], ...], today: date, chance: random.Random, ids: Ids
) -> list[Entry]:
    """Return the entries with some turned into online reservations of last evening, each on a day of its own with somebody else."""
    changed, used = list(entries), set[object]()
    left = list(waiting)
    for place, entry in enumerate(entries):
        made = entry.appointment
        marks = {made.practitioner_id, local_day(made.starts_at, ZONE)}
        if left and not used & marks and _soon(made, today) and not made.age.is_child:
            source, comment = left.pop(0)
            evening = _evening_before(today, chance)
            changed[place] = replace(
                entry,
                appointment=replace(
                    made, status=Status.PENDING, source=source, session_id=ids(20), any_practitioner=source is Source.PORTAL,
                    created_at=evening, pending_at=evening + timedelta(minutes=3), comment=comment, booker=Person(),
                ),
            )  # fmt: skip
            used |= marks
    return changed


def _evening_before(today: date, chance: random.Random) -> datetime:
    midnight = instant_of(day_grid(ZONE, today).first)
    return midnight - timedelta(minutes=chance.randrange(90, 240))


def _soon(made: Appointment, today: date) -> bool:
    return today < local_day(made.starts_at, ZONE) <= today + timedelta(days=5)


def _consent(connection: Connection, scope: Scope, desk: Desk, made: Appointment) -> None:
    text, version = desk.texts(f"consent.{CONSENT}.text"), desk.texts(f"consent.{CONSENT}.version")
    digest, when = sha256(text.encode()).hexdigest(), made.pending_at or made.created_at
    AppointmentStore(connection, scope).add_consent(made.id, CONSENT, version, digest, made.patient.name, when)
