"""Appointments, the cells they occupy, and what a booking leaves behind: consents, codes, answers, messages."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from okienko_server.storage.tables.base import OfClinic, OfClinicById, to, to_clinic

_HELD = text("held_until IS NOT NULL")
_PENDING = text("status = 'pending'")
_UNREMINDED = text("status = 'booked' AND reminder_settled_at IS NULL")


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
    reminder_settled_at: Mapped[datetime | None]
    """When the reminder was written, or found to be of no use; empty while neither is the case."""
    buffer_before: Mapped[int | None]
    buffer_after: Mapped[int | None]
    """Minutes kept free around it since it was made; None and 0: none."""
    agreed_service: Mapped[str | None]
    """What was agreed when it was made; None: not kept then."""
    agreed_price: Mapped[int | None]
    agreed_location: Mapped[str | None]
    agreed_street: Mapped[str | None]
    agreed_postcode: Mapped[str | None]
    agreed_city: Mapped[str | None]
    agreed_cancel_minutes: Mapped[int | None]
    agreed_texts: Mapped[str | None]
    __table_args__ = (
        to("practitioner", "practitioner_id"),
        to("location", "location_id"),
        to("service", "service_id"),
        Index("ix_appointment_start", "clinic_id", "starts_at"),
        Index("ix_appointment_session", "clinic_id", "session_id"),
        Index("ix_appointment_changed", "clinic_id", "changed_at"),
        Index("ix_appointment_pending", "pending_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index(
            "ix_appointment_unreminded",
            "clinic_id",
            "starts_at",
            sqlite_where=_UNREMINDED,
            postgresql_where=_UNREMINDED,
        ),
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
        to("appointment", "appointment_id", cascade=True),
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
    __table_args__ = (to_clinic(), {"sqlite_with_rowid": False})


class ConsentRow(OfClinic):
    """What was agreed to, in which wording, when: evidence, never changed."""

    __tablename__ = "consent"
    appointment_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    given_at: Mapped[datetime] = mapped_column(primary_key=True)
    text_version: Mapped[str]
    text_sha256: Mapped[str]
    given_by: Mapped[str]
    __table_args__ = (to("appointment", "appointment_id", cascade=True),)


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
    __table_args__ = (to("appointment", "appointment_id", cascade=True),)


class IdempotencyRow(OfClinic):
    """The answer a key got, for the same request coming again."""

    __tablename__ = "idempotency"
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    answer: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
    __table_args__ = (to_clinic(),)


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
    parts: Mapped[int | None]
    delivery: Mapped[str | None]
    reported_at: Mapped[datetime | None]
    purse: Mapped[str | None]
    price: Mapped[int | None]
    month: Mapped[str | None]
    useful_until: Mapped[datetime | None]
    """From then on it helps nobody any more, however long its kind lives; empty: only that counts."""
    __table_args__ = (
        to("appointment", "appointment_id", cascade=True),
        Index("ix_sms_message_due", "status", "due_at"),
        Index("ix_sms_message_gateway", "gateway_id"),
        Index("ix_sms_message_own", "id"),
    )
