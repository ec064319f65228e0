"""The fewest rows an appointment needs, and day masks worked out a second time from the cell rows, with datetimes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.contract import BEGINNING
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.occupancy import mask_of
from okienko_server.storage.tables import (
    CellRow,
    ClinicRow,
    ContractTermRow,
    DayOccupancyRow,
    LocationRow,
    PractitionerRow,
    ServiceRow,
)

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
SESSION = "visitor-1"
Masks = dict[tuple[str, str, date], int]


def scope_of(clinic_id: str = "klinika", session: str = SESSION) -> Scope:
    return Scope(ScopeKind.CLINIC, clinic_id, session, Source.IFRAME)


def staff_of(clinic_id: str = "klinika", role: str = "owner", practitioner_id: str = "") -> Scope:
    return Scope(
        ScopeKind.STAFF, clinic_id, source=Source.STAFF, staff_id="s1", role=role, practitioner_id=practitioner_id
    )


def add_clinic(connection: Connection, clinic_id: str = "klinika", resources: Iterable[str] = ("anna",)) -> None:
    """Write a clinic with one address, one service and some therapists; ids other than the clinic's are always the same."""
    connection.execute(
        insert(ClinicRow).values(
            clinic_id=clinic_id, slug=clinic_id, name=clinic_id, phone="+48122345678", zone="Europe/Warsaw",
            registration=True, listed=True, generation=1, allowed_origins="", notice_minutes=0, horizon_days=60,
            slot_step_minutes=15, open_on_holidays=False, revision=1,
        )
    )  # fmt: skip
    connection.execute(
        insert(ContractTermRow).values(clinic_id=clinic_id, starts_at=BEGINNING, ends_at=None, status="active")
    )
    connection.execute(
        insert(LocationRow).values(
            clinic_id=clinic_id, id="adres", name="", street="Długa 1", postcode="", city="Kraków", offered=True
        )
    )
    connection.execute(
        insert(ServiceRow).values(
            clinic_id=clinic_id, id="wizyta", name="Wizyta", kind="visit", minutes=60, price=18_000, buffer_before=0,
            buffer_after=0, categories="", position=0, offered=True,
        )
    )  # fmt: skip
    for position, resource in enumerate(resources):
        connection.execute(
            insert(PractitionerRow).values(
                clinic_id=clinic_id,
                id=resource,
                title="mgr",
                first_name=resource,
                last_name="Nowak",
                position=position,
                offered=True,
            )
        )


def proposed(appointment_id: str = "a1", clinic_id: str = "klinika", **more: Any) -> Appointment:
    """Return a held appointment of the therapist `anna`, tomorrow at noon."""
    start = NOW + timedelta(days=1, hours=4)
    made = Appointment(
        id=appointment_id, clinic_id=clinic_id, practitioner_id="anna", location_id="adres", service_id="wizyta",
        status=Status.PROPOSED, source=Source.IFRAME, session_id=SESSION, kind=ServiceKind.VISIT,
        category=ProblemCategory.SPINE, age=ADULT, any_practitioner=False, starts_at=start,
        ends_at=start + timedelta(hours=1), created_at=NOW, held_until=NOW + timedelta(minutes=10),
    )  # fmt: skip
    return replace(made, **more)


def add_appointment(
    connection: Connection, appointment_id: str = "a1", clinic_id: str = "klinika", **more: Any
) -> Appointment:
    """Write a held appointment without any cells."""
    made = proposed(appointment_id, clinic_id, **more)
    AppointmentStore(connection, scope_of(clinic_id)).add(made)
    return made


def masks_of_cells(connection: Connection, alive_at: datetime | None = None) -> Masks:
    """Return the masks the cell rows stand for; with `alive_at` only of cells somebody still has at that instant."""
    masks: Masks = {}
    for clinic, resource, cell, until in connection.execute(
        select(CellRow.clinic_id, CellRow.resource_id, CellRow.cell, CellRow.held_until)
    ):
        if alive_at is not None and until is not None and until <= alive_at:
            continue
        instant = datetime.fromtimestamp(cell * 300, UTC)
        day = instant.astimezone(WARSAW).date()
        midnight = datetime(day.year, day.month, day.day, tzinfo=WARSAW).astimezone(UTC)
        bit = (instant - midnight) // timedelta(minutes=5)
        masks[clinic, resource, day] = masks.get((clinic, resource, day), 0) | 1 << bit
    return masks


def kept_masks(connection: Connection) -> Masks:
    """Return the stored day masks that are not empty."""
    rows = connection.execute(select(DayOccupancyRow.__table__))
    found = {(r.clinic_id, r.resource_id, r.day): mask_of([r.w0, r.w1, r.w2, r.w3, r.w4]) for r in rows}
    return {key: mask for key, mask in found.items() if mask}


def differences(connection: Connection) -> Masks:
    """Return every day on which stored mask and cell rows disagree, with the bits they disagree about."""
    counted, kept = masks_of_cells(connection), kept_masks(connection)
    every = {key: counted.get(key, 0) ^ kept.get(key, 0) for key in counted.keys() | kept.keys()}
    return {key: bits for key, bits in every.items() if bits}
