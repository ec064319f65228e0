"""Reading a clinic's offer, and the shelf that keeps it while its revision is current."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, select, update

from okienko_server.domain.access import Access, Language, words_of
from okienko_server.domain.clinic import ANSWER_MINUTES, SMS_DAY_BUDGET, Address, Clinic, Pause
from okienko_server.domain.contract import ContractStatus, Term
from okienko_server.domain.errors import NotFound
from okienko_server.domain.offer import (
    Absence,
    HealthcareService,
    Location,
    Offer,
    OpeningHours,
    Practitioner,
    ServiceKind,
    WorkingHours,
)
from okienko_server.domain.phone import HOME
from okienko_server.domain.problem import AgeRange, Competence, ProblemCategory
from okienko_server.storage.store import ClinicStore, OperatorStore, padded
from okienko_server.storage.tables import (
    AbsenceRow,
    ClinicRow,
    CompetenceRow,
    ContractTermRow,
    LocationRow,
    OfClinic,
    OpeningHoursRow,
    PractitionerRow,
    PractitionerServiceRow,
    ServiceRow,
    WorkingHoursRow,
)

_REVISION = select(ClinicRow.revision).where(ClinicRow.clinic_id == bindparam("clinic"))
_REVISIONS = select(ClinicRow.clinic_id, ClinicRow.revision).where(
    ClinicRow.clinic_id.in_(bindparam("clinics", expanding=True))
)
_ORDERS: dict[type[OfClinic], tuple[str, ...]] = {
    # The clinic itself first: what changes while the others are read leaves the offer with a revision that is not current.
    ClinicRow: (),
    ContractTermRow: ("starts_at",),
    ServiceRow: ("position", "id"),
    LocationRow: ("name", "id"),
    CompetenceRow: (),
    PractitionerServiceRow: (),
    WorkingHoursRow: (),
    PractitionerRow: ("position", "id"),
    OpeningHoursRow: (),
    AbsenceRow: (),
}
"""Table an offer is read from -> the columns its rows come in order of, the same whether one clinic's are read or many's."""


class OfferStore(ClinicStore):
    """The public offer of one clinic."""

    def load(self) -> Offer:
        """Return the whole offer as it stands; raises NotFound when there is no such clinic."""
        asked = {"clinic": self.clinic_id}
        return OfferRows({one: list(self.connection.execute(_every(one), asked)) for one in _ORDERS}).offer()

    def revision(self) -> int | None:
        """Return the offer's current revision, None when there is no such clinic."""
        return self.connection.execute(_REVISION, {"clinic": self.clinic_id}).scalar()

    def raise_revision(self) -> None:
        """Tell every reader that the offer changed; belongs in the transaction that changes it."""
        self.connection.execute(
            update(ClinicRow).where(ClinicRow.clinic_id == self.clinic_id).values(revision=ClinicRow.revision + 1)
        )


class OffersStore(OperatorStore):
    """The offers of several clinics at once."""

    def revisions(self, clinic_ids: Collection[str]) -> dict[str, int]:
        """Return the current revision of each clinic there is."""
        rows = self.connection.execute(_REVISIONS, {"clinics": padded(clinic_ids)})
        return {row.clinic_id: row.revision for row in rows}

    def rows(self, clinic_ids: Collection[str]) -> list[OfferRows]:
        """Return what the tables say of each clinic, in as many statements as for one."""
        found: dict[str, dict[type[OfClinic], list[Row[Any]]]] = {
            one: {table: [] for table in _ORDERS} for one in clinic_ids
        }
        asked = {"clinics": padded(clinic_ids)}
        for table in _ORDERS:
            for row in self.connection.execute(_every_of_some(table), asked):
                found[row.clinic_id][table].append(row)
        return [OfferRows(tables) for tables in found.values()]


@dataclass(frozen=True, slots=True)
class OfferRows:
    """What the tables say of one clinic, not made into an offer yet."""

    tables: Mapping[type[OfClinic], list[Row[Any]]]

    def offer(self) -> Offer:
        """Return the offer; raises NotFound when there is no such clinic."""
        if not self.tables[ClinicRow]:
            raise NotFound
        (row,) = self.tables[ClinicRow]
        terms = tuple(Term(r.starts_at, ContractStatus(r.status)) for r in self.tables[ContractTermRow])
        services = {r.id: _service(r) for r in self.tables[ServiceRow]}
        return Offer(
            clinic=_clinic(row, terms),
            revision=row.revision,
            locations={r.id: _location(r) for r in self.tables[LocationRow]},
            services=services,
            practitioners=self._practitioners(),
            opening=tuple(
                OpeningHours(r.location_id, r.weekday, r.start_minute, r.end_minute)
                for r in self.tables[OpeningHoursRow]
            ),
            absences=tuple(Absence(r.practitioner_id, r.starts_at, r.ends_at) for r in self.tables[AbsenceRow]),
        )

    def _practitioners(self) -> dict[str, Practitioner]:
        competences: dict[str, list[Competence]] = defaultdict(list)
        for r in self.tables[CompetenceRow]:
            ages = AgeRange(r.lowest_months, r.highest_months)
            competences[r.practitioner_id].append(Competence(ProblemCategory(r.category), ages))
        services: dict[str, set[str]] = defaultdict(set)
        for r in self.tables[PractitionerServiceRow]:
            services[r.practitioner_id].add(r.service_id)
        hours: dict[str, list[WorkingHours]] = defaultdict(list)
        for r in self.tables[WorkingHoursRow]:
            hours[r.practitioner_id].append(WorkingHours(r.location_id, r.weekday, r.start_minute, r.end_minute))
        return {
            r.id: Practitioner(
                r.id,
                r.title,
                r.first_name,
                r.last_name,
                tuple(competences[r.id]),
                frozenset(services[r.id]),
                tuple(hours[r.id]),
                r.offered,
                r.pwz or "",
                words_of(Language, r.languages or ""),
            )
            for r in self.tables[PractitionerRow]
        }


@cache
def _every(table: type[OfClinic]) -> Select[Any]:
    """Return the statement that reads a clinic's rows of one table; kept, because making it takes longer than running it."""
    return _in_order(select(table.__table__).where(table.clinic_id == bindparam("clinic")), table)


@cache
def _every_of_some(table: type[OfClinic]) -> Select[Any]:
    some = table.clinic_id.in_(bindparam("clinics", expanding=True))
    return _in_order(select(table.__table__).where(some), table)


def _in_order(statement: Select[Any], table: type[OfClinic]) -> Select[Any]:
    return statement.order_by(*(getattr(table, name) for name in _ORDERS[table]))


class OfferShelf:
    """Keeps the offers a process used last; a kept one is only good for the revision it carries."""

    def __init__(self, limit: int = 2000) -> None:
        self._offers: OrderedDict[str, Offer] = OrderedDict()
        self._limit = limit
        self._lock = Lock()

    def get(self, scope_clinic: str) -> Offer | None:
        return self._offers.get(scope_clinic)

    def put(self, offer: Offer) -> None:
        with self._lock:
            self._offers[offer.clinic.id] = offer
            self._offers.move_to_end(offer.clinic.id)
            while len(self._offers) > self._limit:
                self._offers.popitem(last=False)


def _clinic(r: Row[Any], terms: tuple[Term, ...]) -> Clinic:
    return Clinic(
        id=r.clinic_id,
        slug=r.slug,
        name=r.name,
        phone=r.phone,
        zone=ZoneInfo(r.zone),
        terms=terms,
        generation=r.generation if r.graced is None else r.graced,
        allowed_origins=tuple(r.allowed_origins.split()),
        notice_minutes=r.notice_minutes,
        horizon_days=r.horizon_days,
        slot_step_minutes=r.slot_step_minutes,
        open_on_holidays=r.open_on_holidays,
        answer_minutes=r.answer_minutes or ANSWER_MINUTES,
        sms_day_budget=SMS_DAY_BUDGET if r.sms_day_budget is None else r.sms_day_budget,
        sms_notifications=r.sms_notifications is not False,
        sms_countries=tuple(r.sms_countries.split()) if r.sms_countries else HOME,
        reminder_minutes=r.reminder_minutes or 0,
        registration=r.registration,
        listed=r.listed,
        pause=_pause(r),
        signed_on=_day(r.signed_on),
        nip=r.nip or "",
        contract_address=Address(r.contract_street or "", r.contract_postcode or "", r.contract_city or ""),
        categories=tuple(ProblemCategory(code) for code in (r.categories or "").split()),
        cancel_minutes=r.cancel_minutes or 0,
        accent=r.accent or "",
        embed_mode=r.embed_mode or "",
        guests_until=r.guests_until,
        indexed=r.indexed is not False,
    )


def _pause(r: Row[Any]) -> Pause | None:
    if r.paused_at is None:
        return None
    return Pause(r.paused_at, r.pause_message or "", r.pause_phone or "", _day(r.back_on))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _location(r: Row[Any]) -> Location:
    access = words_of(Access, r.access or "")
    return Location(r.id, r.name, r.street, r.postcode, r.city, r.offered, r.latitude, r.longitude, access)


def _service(r: Row[Any]) -> HealthcareService:
    categories = frozenset(ProblemCategory(code) for code in r.categories.split())
    return HealthcareService(
        r.id, r.name, ServiceKind(r.kind), r.minutes, r.price, r.buffer_before, r.buffer_after, categories, r.offered
    )
