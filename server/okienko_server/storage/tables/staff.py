"""A clinic's people: accounts, sessions, links, what they did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from okienko_server.storage.tables.base import Base, OfClinic, OfClinicById, to, to_clinic


class StaffRow(OfClinicById):
    __tablename__ = "staff"
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    """Empty until an invitation was taken."""
    practitioner_id: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    """Since when the account opens nothing any more; accounts are never deleted, because signatures name them."""
    totp_nonce: Mapped[str | None]
    """What the second factor's secret is derived from, together with the pepper; None: no second factor."""
    totp_step: Mapped[int | None]
    """The last time step a code was taken for: none is taken twice."""
    guest_of: Mapped[str | None]
    """Id of the operator whose guest account it is; it has no password."""
    __table_args__ = (
        to("practitioner", "practitioner_id"),
        Index("uq_staff_email", "clinic_id", "email", unique=True),
    )


class StaffSessionRow(OfClinic):
    """A signed-in browser; the cookie's random part is kept only as its SHA-256."""

    __tablename__ = "staff_session"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str]
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    agent: Mapped[str | None]
    """The browser as it called itself, for the list of own sessions."""
    __table_args__ = (to("staff", "staff_id", cascade=True), Index("ix_staff_session_staff", "clinic_id", "staff_id"))


class OneTimeLinkRow(OfClinic):
    """A link that sets a password once: an invitation or a reset. Its random part is kept only as its SHA-256."""

    __tablename__ = "one_time_link"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str]
    purpose: Mapped[str]
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (to("staff", "staff_id", cascade=True),)


class RateCounterRow(Base):
    """How often something was tried since the beginning of its window; belongs to no clinic, because a try may name none."""

    __tablename__ = "rate_counter"
    key: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash: whoever reads the table learns no address and no name."""
    window_start: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]


class AuditRow(OfClinic):
    """Who did or read what, and when: only ever added, each row's digest covers the row before it."""

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[str]
    """Empty: the house itself (command line, worker)."""
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    detail: Mapped[str]
    """A few words without any personal or medical content."""
    digest: Mapped[str]
    __table_args__ = (to_clinic(), Index("ix_audit_object", "clinic_id", "object_kind", "object_id"))


class AuditHeadRow(OfClinic):
    """The newest audit row of a clinic: locking it gives the next its number, losing the last row contradicts it."""

    __tablename__ = "audit_head"
    number: Mapped[int]
    digest: Mapped[str]
    __table_args__ = (to_clinic(),)


class CalendarFeedRow(OfClinic):
    """A private calendar address of one therapist; its random part is kept only as its SHA-256, deleting the row revokes it."""

    __tablename__ = "calendar_feed"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    practitioner_id: Mapped[str]
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (to("practitioner", "practitioner_id"),)
