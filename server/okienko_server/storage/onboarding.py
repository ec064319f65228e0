"""Writing a clinic's offer: a whole one from its plan, and the few changes that come later. Each change raises the revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, insert, select, update

from okienko_server.domain.access import text_of
from okienko_server.domain.plan import ClinicPlan, OpenedClinic, PlanRefused, PractitionerPlan, Shift
from okienko_server.domain.scope import Scope
from okienko_server.storage.ids import new_id
from okienko_server.storage.store import ClinicStore, OperatorStore
from okienko_server.storage.tables import (
    AbsenceRow,
    Base,
    ClinicRow,
    CompetenceRow,
    ContractTermRow,
    LocationRow,
    OpeningHoursRow,
    PortalRow,
    PractitionerRow,
    PractitionerServiceRow,
    ServiceRow,
    StaffRow,
    WorkingHoursRow,
)

Ids = Callable[[int], str]
"""Makes an id of that many characters."""
Row = dict[str, Any]


class OnboardingStore(OperatorStore):
    """New clinics and portals; only for the house itself."""

    def __init__(self, connection: Connection, scope: Scope, ids: Ids = new_id) -> None:
        super().__init__(connection, scope)
        self._new_id = ids

    def add_clinic(self, plan: ClinicPlan) -> OpenedClinic:
        """Write everything the plan names and return the ids it got; raises PlanRefused when the short name is in use."""
        taken = select(ClinicRow.clinic_id).where(ClinicRow.slug == plan.slug)
        if self.connection.execute(taken).first():
            raise PlanRefused(f"There is a clinic under the short name {plan.slug!r} already.")
        opened = OpenedClinic(
            plan.id or self._new_id(12),
            plan.slug,
            self._named(place.name for place in plan.locations),
            self._named(service.name for service in plan.services),
            self._named(person.name for person in plan.practitioners),
            self._named(one.email for one in plan.staff),
        )
        self._write(ClinicRow, opened.id, [_clinic(plan)])
        term = {"starts_at": plan.contract_since, "ends_at": None, "status": str(plan.contract)}
        self._write(ContractTermRow, opened.id, [term])
        self._write_offer(plan, opened)
        for person in plan.practitioners:
            self._write_practitioner(plan, person, opened)
        self._write(StaffRow, opened.id, [_account(plan, n, opened) for n in range(len(plan.staff))])
        return opened

    def add_portal(self, portal_id: str, name: str, origins: tuple[str, ...] = ()) -> None:
        """Write a page of somebody else that may host the widget unpinned, on those sites."""
        row = {"portal_id": portal_id, "name": name, "generation": 1, "allowed_origins": " ".join(origins)}
        self.connection.execute(insert(PortalRow), row)

    def any_clinic(self) -> bool:
        """Return whether there is a clinic at all."""
        return self.connection.execute(select(ClinicRow.clinic_id).limit(1)).first() is not None

    def clinics(self) -> list[tuple[str, str]]:
        """Return (clinic id, short name) of all clinics by short name."""
        rows = self.connection.execute(select(ClinicRow.clinic_id, ClinicRow.slug).order_by(ClinicRow.slug))
        return [(row[0], row[1]) for row in rows]

    def clinic_of_slug(self, slug: str) -> tuple[str, int] | None:
        """Return (clinic id, generation) of a short name, invisible clinics included, or None."""
        statement = select(ClinicRow.clinic_id, ClinicRow.generation).where(ClinicRow.slug == slug)
        row = self.connection.execute(statement).first()
        return (row[0], row[1]) if row else None

    def _named(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self._new_id(12) for name in names}

    def _write(self, table: type[Base], clinic_id: str, rows: list[Row]) -> None:
        if rows:
            self.connection.execute(insert(table), [{"clinic_id": clinic_id, **row} for row in rows])

    def _write_offer(self, plan: ClinicPlan, opened: OpenedClinic) -> None:
        places = [
            {
                "id": opened.locations[p.name],
                "name": p.name,
                "street": p.street,
                "postcode": p.postcode,
                "city": p.city,
                "offered": True,
                "latitude": p.latitude,
                "longitude": p.longitude,
                "access": text_of(p.access) or None,
            }
            for p in plan.locations
        ]
        doors = [
            {"id": self._new_id(12), "location_id": opened.locations[p.name], **_span(shift)}
            for p in plan.locations
            for shift in p.opening
        ]
        services = [
            {
                "id": opened.services[s.name], "name": s.name, "kind": s.kind, "minutes": s.minutes, "price": s.price,
                "buffer_before": s.buffer_before, "buffer_after": s.buffer_after, "categories": " ".join(sorted(s.categories)),
                "position": position, "offered": True,
            }
            for position, s in enumerate(plan.services)
        ]  # fmt: skip
        for table, rows in ((LocationRow, places), (OpeningHoursRow, doors), (ServiceRow, services)):
            self._write(table, opened.id, rows)

    def _write_practitioner(self, plan: ClinicPlan, person: PractitionerPlan, opened: OpenedClinic) -> None:
        own = {"practitioner_id": opened.practitioners[person.name]}
        position = plan.practitioners.index(person)
        gives = person.services or tuple(opened.services)
        hours = person.hours or {place.name: place.opening for place in plan.locations[:1]}
        rows: dict[type[Base], list[Row]] = {
            PractitionerRow: [{"id": own["practitioner_id"], **_person(person), "position": position, "offered": True}],
            CompetenceRow: [
                {**own, "category": c.category, "lowest_months": c.ages.lowest, "highest_months": c.ages.highest}
                for c in person.competences
            ],
            PractitionerServiceRow: [{**own, "service_id": opened.services[name]} for name in gives],
            WorkingHoursRow: [
                {"id": self._new_id(12), **own, "location_id": opened.locations[place], **_span(shift)}
                for place, week in hours.items()
                for shift in week
            ],
            AbsenceRow: [
                {"id": self._new_id(12), **own, "starts_at": a.start, "ends_at": a.end, "reason": a.reason}
                for a in person.absences
            ],
        }
        for table, written in rows.items():
            self._write(table, opened.id, written)


class ClinicRecordStore(ClinicStore):
    """Later changes of one clinic's record."""

    def allow_origins(self, origins: tuple[str, ...]) -> None:
        """Say which sites may frame the widget, from now on."""
        self.connection.execute(
            update(ClinicRow)
            .where(ClinicRow.clinic_id == self.clinic_id)
            .values(allowed_origins=" ".join(origins), revision=ClinicRow.revision + 1)
        )


def _span(shift: Shift) -> dict[str, int]:
    return {"weekday": shift.weekday, "start_minute": shift.start, "end_minute": shift.end}


def _clinic(plan: ClinicPlan) -> Row:
    return {
        "slug": plan.slug, "name": plan.name, "phone": plan.phone, "zone": plan.zone,
        "registration": plan.registration, "listed": plan.listed, "nip": plan.nip or None,
        "signed_on": plan.signed_on.isoformat() if plan.signed_on else None,
        "contract_street": plan.contract_address.street or None, "contract_postcode": plan.contract_address.postcode or None,
        "contract_city": plan.contract_address.city or None,
        "generation": plan.generation, "allowed_origins": " ".join(plan.allowed_origins), "notice_minutes": plan.notice_minutes,
        "horizon_days": plan.horizon_days, "slot_step_minutes": plan.slot_step_minutes,
        "open_on_holidays": plan.open_on_holidays, "revision": 1,
    }  # fmt: skip


def _person(person: PractitionerPlan) -> Row:
    return {
        "title": person.title, "first_name": person.first_name, "last_name": person.last_name, "pwz": person.pwz or None,
        "languages": text_of(person.languages) or None,
    }  # fmt: skip


def _account(plan: ClinicPlan, n: int, opened: OpenedClinic) -> Row:
    one = plan.staff[n]
    return {
        "id": opened.staff[one.email], "email": one.email.strip().lower(), "name": one.name, "role": one.role,
        "password_hash": one.password_hash, "practitioner_id": opened.practitioners.get(one.practitioner),
    }  # fmt: skip
