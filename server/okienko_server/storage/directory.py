"""What stands above single clinics: the public list the portal shows, and the look-ups by slug, e-mail and due time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Subquery,
    Text,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from okienko_server.domain.appointment import Status
from okienko_server.domain.cells import local_day
from okienko_server.domain.contract import Use
from okienko_server.domain.errors import ForeignClinic, NotFound
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.storage.contracts import opens_now
from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import (
    AppointmentRow,
    ClinicRow,
    CompetenceRow,
    IdempotencyRow,
    Instant,
    LocationRow,
    StaffRow,
    StartBoundRow,
)

_HOME = ZoneInfo("Europe/Warsaw")
_ADDRESS = (StartBoundRow.clinic_id, StartBoundRow.location_id)


def visible(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that the portal lists a ClinicRow at an instant.

    One on a pause is not; the day it ends is Warsaw's here.
    """
    return _visible(literal(now, Instant()), literal(local_day(now, _HOME).isoformat()))


def visible_at(now: datetime) -> dict[str, Any]:
    """Return what VISIBLE has to be told for an instant: with the latest day it is anywhere on earth."""
    return {"visible_now": now, "visible_today": (local_day(now, _HOME) + timedelta(days=1)).isoformat()}


def _visible(now: ColumnElement[datetime], today: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        ClinicRow.registration.is_(True),
        ClinicRow.listed.is_(True),
        or_(ClinicRow.paused_at.is_(None), ClinicRow.back_on <= today),
        opens_now(Use.PORTAL, now),
    )


VISIBLE = _visible(bindparam("visible_now", type_=Instant()), bindparam("visible_today", type_=Text()))
"""The same conditions for statements that are made once; `visible_at` tells them the instant.

A pause that ends on a later day in the clinic's own zone is left to whoever knows that zone.
"""


class PortalStore:
    """Public facts about visible clinics, for an unpinned visitor; writes nothing. Raises ForeignClinic for a pinned scope."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        if scope.kind not in (ScopeKind.PORTAL, ScopeKind.OPERATOR):
            raise ForeignClinic
        self.connection = connection

    def clinic_by_slug(self, slug: str, now: datetime) -> str:
        """Return the id of the clinic with that slug or public id that takes appointments by its link; raises NotFound."""
        statement = (
            select(ClinicRow.clinic_id)
            .where(or_(ClinicRow.slug == slug, ClinicRow.clinic_id == slug))
            .where(ClinicRow.registration, opens_now(Use.LINK, now))
            .order_by(ClinicRow.clinic_id)
        )
        found = self.connection.execute(statement).scalar()
        if found is None:
            raise NotFound
        return found

    def cities(self, category: ProblemCategory, age: AgeRange, now: datetime) -> list[tuple[str, int]]:
        """Return (city, number of clinics there that the portal lists and where somebody is competent for that), most clinics first."""
        treating = (
            select(CompetenceRow.clinic_id)
            .join(ClinicRow, ClinicRow.clinic_id == CompetenceRow.clinic_id)
            .where(
                *visible(now),
                CompetenceRow.category == category.value,
                CompetenceRow.lowest_months <= age.lowest,
                CompetenceRow.highest_months >= age.highest,
            )
        )
        count = func.count(LocationRow.clinic_id.distinct()).label("clinics")
        statement = (
            select(LocationRow.city, count).where(LocationRow.clinic_id.in_(treating)).group_by(LocationRow.city)
        )
        rows = [(city, clinics) for city, clinics in self.connection.execute(statement)]
        return sorted(rows, key=lambda row: (-row[1], row[0]))

    def published_pages(self, size: int, now: datetime) -> list[int]:
        """Return which pages, counted from 1, hold a clinic that is published for programs: the portal lists it, engines may keep it."""
        clinics = _paged(size)
        statement = select(clinics.c.page).join(ClinicRow, ClinicRow.clinic_id == clinics.c.clinic_id)
        return list(
            self.connection.execute(statement.where(*_published(now)).distinct().order_by(clinics.c.page)).scalars()
        )

    def published(self, page: int, size: int, now: datetime) -> list[str]:
        """Return the ids of one page's published clinics in their order."""
        clinics = _paged(size)
        statement = select(ClinicRow.clinic_id).join(clinics, ClinicRow.clinic_id == clinics.c.clinic_id)
        wanted = statement.where(clinics.c.page == page, *_published(now))
        return list(self.connection.execute(wanted.order_by(ClinicRow.clinic_id)).scalars())

    def published_names(self, page: int, size: int, now: datetime) -> list[str]:
        """Return the short names of one page's published clinics in their order."""
        clinics = _paged(size)
        statement = select(ClinicRow.slug).join(clinics, ClinicRow.clinic_id == clinics.c.clinic_id)
        wanted = statement.where(clinics.c.page == page, *_published(now))
        return list(self.connection.execute(wanted.order_by(ClinicRow.clinic_id)).scalars())

    def treated(self, now: datetime) -> list[Treated]:
        """Return the addresses of published clinics and what is treated at each, as the kept starts know it, by name."""
        each = select(*_ADDRESS, StartBoundRow.category).distinct().subquery()
        codes = func.aggregate_strings(each.c.category, " ").label("codes")
        address = (each.c.clinic_id, each.c.location_id)
        known = select(*address, codes).group_by(*address).subquery()
        place = LocationRow
        statement = (
            select(
                known.c.codes, place.city, place.latitude, place.longitude, ClinicRow.slug, ClinicRow.name, place.street
            )
            .select_from(known)
            .join(ClinicRow, ClinicRow.clinic_id == known.c.clinic_id)
            .join(place, (place.clinic_id == known.c.clinic_id) & (place.id == known.c.location_id))
            .where(*_published(now))
        )
        found = [
            Treated(tuple(map(ProblemCategory, codes.split())), *place)
            for codes, *place in self.connection.execute(statement)
        ]
        return sorted(found, key=lambda one: (one.name, one.street, one.slug))


@dataclass(frozen=True, slots=True)
class Treated:
    """One address and the categories treated there; no point: it is not on the map itself."""

    categories: tuple[ProblemCategory, ...]
    city: str
    latitude: float | None
    longitude: float | None
    slug: str
    name: str
    street: str


def _published(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (*visible(now), ClinicRow.indexed.is_not(False))


def _paged(size: int) -> Subquery:
    """Return every clinic with its page of so many, by id.

    Pages are cut over all clinics: one that pauses or comes back moves no other into another file between two downloads.
    """
    rank = func.row_number(type_=Integer).over(order_by=ClinicRow.clinic_id)
    return select(ClinicRow.clinic_id, ((rank - 1) // size + 1).label("page")).subquery()


@dataclass(frozen=True, slots=True)
class Account:
    """A staff member as the sign-in sees one."""

    clinic_id: str
    id: str
    name: str
    role: str
    password_hash: str
    practitioner_id: str
    totp_nonce: str
    totp_step: int
    clinic: str = ""
    """The clinic's name, where the look-up was by address."""

    @property
    def key(self) -> str:
        """What the account's tries are counted under."""
        return f"{self.clinic_id}|{self.id}"


class DirectoryStore(OperatorStore):
    """Look-ups across clinics that only the house itself may make."""

    def accounts(self, email: str) -> list[Account]:
        """Return every living account under an e-mail address, of whatever clinic."""
        statement = (
            select(StaffRow.__table__, ClinicRow.name.label("clinic"))
            .join(ClinicRow, ClinicRow.clinic_id == StaffRow.clinic_id)
            .where(StaffRow.email == email.strip().lower(), StaffRow.closed_at.is_(None))
        )
        return [_account(row) for row in self.connection.execute(statement.order_by(StaffRow.clinic_id))]

    def account(self, clinic_id: str, staff_id: str) -> Account | None:
        """Return a living account by its ids, None when there is none."""
        statement = select(StaffRow.__table__).where(
            StaffRow.clinic_id == clinic_id, StaffRow.id == staff_id, StaffRow.closed_at.is_(None)
        )
        row = self.connection.execute(statement).first()
        return _account(row) if row else None

    def lapsed_holds(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (clinic id, appointment id) of holds whose time is over."""
        statement = (
            select(AppointmentRow.clinic_id, AppointmentRow.id)
            .where(AppointmentRow.status == Status.PROPOSED, AppointmentRow.held_until <= now)
            .order_by(AppointmentRow.clinic_id, AppointmentRow.id)
            .limit(limit)
        )
        return [(clinic_id, appointment_id) for clinic_id, appointment_id in self.connection.execute(statement)]

    def unanswered(self, made_before: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (clinic id, appointment id) of reservations made before an instant and never answered."""
        statement = (
            select(AppointmentRow.clinic_id, AppointmentRow.id)
            .where(AppointmentRow.status == literal_column("'pending'"), AppointmentRow.pending_at <= made_before)
            .order_by(AppointmentRow.pending_at)
            .limit(limit)
        )
        return [(clinic_id, appointment_id) for clinic_id, appointment_id in self.connection.execute(statement)]

    def forget_answers(self, before: datetime) -> None:
        """Drop kept answers made before that instant."""
        self.connection.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < before))


def _account(r: Row[Any]) -> Account:
    return Account(
        r.clinic_id, r.id, r.name, r.role, r.password_hash, r.practitioner_id or "", r.totp_nonce or "", r.totp_step or 0,
        getattr(r, "clinic", ""),
    )  # fmt: skip
