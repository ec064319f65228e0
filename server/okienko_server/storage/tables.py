"""The tables, as typed models. `clinic_id` comes first in every primary, foreign and unique key, so that the same schema may be
sharded by clinic; no extension, no database clock, no exclusion constraint."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import BigInteger, Dialect, ForeignKeyConstraint, Index, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime, TypeDecorator

DAY_WORDS = 5
WORD_BITS = 60
"""A day mask is kept in five words of 60 cells (5 hours): 300 cells, the longest day there is."""


class Instant(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out, also on SQLite, which keeps no zone. Raises ValueError on a naive value."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Names of constraints are fixed, so that migrations can name them on both engines."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant(), str: Text(), int: BigInteger()}  # noqa: RUF012 - SQLAlchemy's own contract


class OfClinic(Base):
    """A row that belongs to one clinic."""

    __abstract__ = True
    clinic_id: Mapped[str] = mapped_column(primary_key=True, sort_order=-2)


class OfClinicById(OfClinic):
    """A row with its own opaque id within the clinic."""

    __abstract__ = True
    id: Mapped[str] = mapped_column(primary_key=True, sort_order=-1)


_HELD = text("held_until IS NOT NULL")


def _to_clinic() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"])


def _to(table: str, column: str, *, cascade: bool = False) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["clinic_id", column], [f"{table}.clinic_id", f"{table}.id"], ondelete="CASCADE" if cascade else None
    )


class PortalRow(Base):
    """A page of somebody else that hosts the widget unpinned; belongs to no clinic."""

    __tablename__ = "portal"
    portal_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    generation: Mapped[int]
    allowed_origins: Mapped[str | None]
    graced: Mapped[int | None]
    grace_until: Mapped[datetime | None]


class ClinicRow(OfClinic):
    __tablename__ = "clinic"
    slug: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    phone: Mapped[str]
    zone: Mapped[str]
    contract: Mapped[str]
    generation: Mapped[int]
    allowed_origins: Mapped[str]
    notice_minutes: Mapped[int]
    horizon_days: Mapped[int]
    slot_step_minutes: Mapped[int]
    open_on_holidays: Mapped[bool]
    revision: Mapped[int]
    """Raised by every change of the offer; a reader's kept copy is good while it is equal."""
    graced: Mapped[int | None]
    grace_until: Mapped[datetime | None]
    """Until then tokens of the generation `graced` and later are accepted still."""


class LocationRow(OfClinicById):
    __tablename__ = "location"
    name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str] = mapped_column(index=True)
    __table_args__ = (_to_clinic(),)


class OpeningHoursRow(OfClinicById):
    __tablename__ = "opening_hours"
    location_id: Mapped[str]
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    __table_args__ = (_to("location", "location_id"),)


class ServiceRow(OfClinicById):
    __tablename__ = "service"
    name: Mapped[str]
    kind: Mapped[str]
    minutes: Mapped[int]
    price: Mapped[int]
    buffer_before: Mapped[int]
    buffer_after: Mapped[int]
    categories: Mapped[str]
    """Codes separated by spaces; empty = all."""
    position: Mapped[int]
    __table_args__ = (_to_clinic(),)


class PractitionerRow(OfClinicById):
    __tablename__ = "practitioner"
    title: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    position: Mapped[int]
    __table_args__ = (_to_clinic(),)


class CompetenceRow(OfClinic):
    __tablename__ = "competence"
    practitioner_id: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    lowest_months: Mapped[int] = mapped_column(primary_key=True)
    highest_months: Mapped[int]
    __table_args__ = (_to("practitioner", "practitioner_id"),)


class PractitionerServiceRow(OfClinic):
    __tablename__ = "practitioner_service"
    practitioner_id: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(primary_key=True)
    __table_args__ = (_to("practitioner", "practitioner_id"), _to("service", "service_id"))


class WorkingHoursRow(OfClinicById):
    __tablename__ = "working_hours"
    practitioner_id: Mapped[str]
    location_id: Mapped[str]
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    __table_args__ = (_to("practitioner", "practitioner_id"), _to("location", "location_id"))


class AbsenceRow(OfClinicById):
    __tablename__ = "absence"
    practitioner_id: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    __table_args__ = (_to("practitioner", "practitioner_id"),)


class AppointmentRow(OfClinicById):
    __tablename__ = "appointment"
    practitioner_id: Mapped[str]
    location_id: Mapped[str]
    service_id: Mapped[str]
    status: Mapped[str]
    source: Mapped[str]
    session_id: Mapped[str]
    kind: Mapped[str]
    category: Mapped[str]
    age_lowest: Mapped[int]
    age_highest: Mapped[int]
    any_practitioner: Mapped[bool]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int]
    """Raised by every change: the schedule's sign that something moved."""
    held_until: Mapped[datetime | None]
    pending_at: Mapped[datetime | None]
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    booker_first_name: Mapped[str] = mapped_column(default="")
    booker_last_name: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    comment: Mapped[str] = mapped_column(default="")
    decline_reason: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        _to("practitioner", "practitioner_id"),
        _to("location", "location_id"),
        _to("service", "service_id"),
        Index("ix_appointment_start", "clinic_id", "starts_at"),
        Index("ix_appointment_session", "clinic_id", "session_id"),
        Index("ix_appointment_held", "held_until", sqlite_where=_HELD, postgresql_where=_HELD),
    )


class CellRow(OfClinic):
    """One occupied 5-minute cell of one resource (therapist, later room or device). Its primary key decides every race."""

    __tablename__ = "cell"
    resource_id: Mapped[str] = mapped_column(primary_key=True)
    cell: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[str]
    held_until: Mapped[datetime | None]
    """When a hold lets go; empty for good."""
    __table_args__ = (
        _to("appointment", "appointment_id", cascade=True),
        Index("ix_cell_appointment", "clinic_id", "appointment_id"),
        Index("ix_cell_held", "clinic_id", "held_until", sqlite_where=_HELD, postgresql_where=_HELD),
        {"sqlite_with_rowid": False},
    )


class DayOccupancyRow(OfClinic):
    """The occupied cells of one resource on one local day as a mask, changed in the transaction that changes the cells."""

    __tablename__ = "day_occupancy"
    day: Mapped[date] = mapped_column(primary_key=True)
    resource_id: Mapped[str] = mapped_column(primary_key=True)
    w0: Mapped[int]
    w1: Mapped[int]
    w2: Mapped[int]
    w3: Mapped[int]
    w4: Mapped[int]
    __table_args__ = (_to_clinic(), {"sqlite_with_rowid": False})


class ConsentRow(OfClinic):
    """What was agreed to, in which wording, when: evidence, never changed."""

    __tablename__ = "consent"
    appointment_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    given_at: Mapped[datetime] = mapped_column(primary_key=True)
    text_version: Mapped[str]
    text_sha256: Mapped[str]
    given_by: Mapped[str]
    __table_args__ = (_to("appointment", "appointment_id", cascade=True),)


class ChallengeRow(OfClinic):
    """The SMS code of one appointment, kept only as a keyed hash."""

    __tablename__ = "challenge"
    appointment_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    expires_at: Mapped[datetime]
    tries: Mapped[int]
    sends: Mapped[int]
    sent_at: Mapped[datetime]
    used: Mapped[bool]
    __table_args__ = (_to("appointment", "appointment_id", cascade=True),)


class IdempotencyRow(OfClinic):
    """The answer a key got, for the same request coming again."""

    __tablename__ = "idempotency"
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    answer: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
    __table_args__ = (_to_clinic(),)


class SmsMessageRow(OfClinicById):
    """The outbox: written in the booking's transaction, sent after commit by whoever holds the lease."""

    __tablename__ = "sms_message"
    appointment_id: Mapped[str]
    kind: Mapped[str]
    phone: Mapped[str]
    body: Mapped[str]
    status: Mapped[str]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    tries: Mapped[int]
    leased_until: Mapped[datetime | None]
    gateway: Mapped[str] = mapped_column(default="")
    gateway_id: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        _to("appointment", "appointment_id", cascade=True),
        Index("ix_sms_message_due", "status", "due_at"),
    )


class StaffRow(OfClinicById):
    __tablename__ = "staff"
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    practitioner_id: Mapped[str | None]
    __table_args__ = (_to("practitioner", "practitioner_id"),)


class StaffSessionRow(OfClinic):
    """A signed-in browser; the cookie's random part is kept only as its SHA-256."""

    __tablename__ = "staff_session"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str]
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    __table_args__ = (_to("staff", "staff_id", cascade=True),)
