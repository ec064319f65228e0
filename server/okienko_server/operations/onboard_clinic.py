"""Opening a clinic: its plan is checked and written in one transaction; later changes of its record."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from okienko.tokens import is_origin
from okienko_server.domain.errors import NotFound
from okienko_server.domain.plan import (
    AbsencePlan,
    ClinicPlan,
    LocationPlan,
    OpenedClinic,
    PlanRefused,
    PractitionerPlan,
    ServicePlan,
    Shift,
    StaffPlan,
    competent,
    weekly,
)
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.generations import TokenStore
from okienko_server.storage.hours import HoursStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.onboarding import ClinicRecordStore, Ids, OnboardingStore

__all__ = [
    "AbsencePlan",
    "ClinicPlan",
    "LocationPlan",
    "OpenedClinic",
    "PlanRefused",
    "PractitionerPlan",
    "ServicePlan",
    "Shift",
    "StaffPlan",
    "add_clinic",
    "add_portal",
    "allow_origins",
    "allow_portal_origins",
    "clinic_under",
    "competent",
    "open_clinic",
    "record_absence",
    "weekly",
]


_PORTAL = re.compile(r"[a-z0-9-]{1,40}")


def open_clinic(plan: ClinicPlan, *, desk: Desk) -> OpenedClinic:
    """Write the clinic the plan describes and return the ids of all its parts; raises PlanRefused."""
    return desk.database.write(lambda connection: add_clinic(connection, operator_scope(), plan))


def add_clinic(connection: Connection, scope: Scope, plan: ClinicPlan, *, ids: Ids = new_id) -> OpenedClinic:
    """The same within a transaction already open; `ids` makes the ids. Raises PlanRefused, ForeignClinic unless an operator asks."""
    plan.check()
    return OnboardingStore(connection, scope, ids).add_clinic(plan)


def clinic_under(slug: str, *, desk: Desk) -> str:
    """Return the id of the clinic under a short name, whatever its contract; raises NotFound."""
    found = desk.database.read(lambda connection: OnboardingStore(connection, operator_scope()).clinic_of_slug(slug))
    if found is None:
        raise NotFound
    return found[0]


def clinics(*, desk: Desk) -> list[tuple[str, str]]:
    """Return (id, short name) of every clinic, whatever its contract, by short name."""
    return desk.database.read(lambda connection: OnboardingStore(connection, operator_scope()).clinics())


def allow_origins(origins: tuple[str, ...], *, scope: Scope, desk: Desk) -> None:
    """Let exactly these sites ("https://clinic.example") frame the scope's clinic; raises PlanRefused."""
    _check_origins(origins)
    desk.database.write(lambda connection: ClinicRecordStore(connection, scope).allow_origins(origins))


def add_portal(portal_id: str, name: str, *, desk: Desk) -> None:
    """Record a page of somebody else that may host the widget unpinned; raises PlanRefused for an id that is no id, or taken."""
    if not _PORTAL.fullmatch(portal_id):
        raise PlanRefused(f"{portal_id!r} is no id of a portal: small letters, digits and dashes, at most 40.")

    def work(connection: Connection) -> None:
        with suppress(NotFound):
            TokenStore(connection, operator_scope()).portal(portal_id)
            raise PlanRefused(f"There is a portal {portal_id!r} already.")
        OnboardingStore(connection, operator_scope()).add_portal(portal_id, name)

    desk.database.write(work)


def allow_portal_origins(portal_id: str, origins: tuple[str, ...], *, desk: Desk) -> None:
    """Let exactly these sites frame the widget under the portal's token; raises PlanRefused, NotFound."""
    _check_origins(origins)

    def work(connection: Connection) -> None:
        store = TokenStore(connection, operator_scope())
        store.portal(portal_id)
        store.allow_portal(portal_id, origins)

    desk.database.write(work)


def _check_origins(origins: tuple[str, ...]) -> None:
    for origin in origins:
        if not is_origin(origin):
            raise PlanRefused(f"{origin!r} is no origin: write it as https://clinic.example, without a path.")


def record_absence(
    practitioner_id: str, start: datetime, end: datetime, reason: str = "", *, scope: Scope, desk: Desk
) -> None:
    """Take [start, end), aware, out of a practitioner's offer; appointments already made stay."""
    desk.database.write(
        lambda connection: HoursStore(connection, scope).add_absence(practitioner_id, start, end, reason)
    )
