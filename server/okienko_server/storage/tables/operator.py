"""The people who run the house: accounts, links, sessions, what they did. They belong to no clinic."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from okienko_server.storage.tables.base import Base


class OperatorRow(Base):
    __tablename__ = "operator"
    operator_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    """Empty until an invitation was taken."""
    totp_nonce: Mapped[str]
    """What the second factor's secret is derived from, together with the pepper; there is no account without one."""
    totp_step: Mapped[int | None]
    """The last time step a code was taken for: none is taken twice."""
    closed_at: Mapped[datetime | None]


class OperatorLinkRow(Base):
    """An invitation: it sets the password and the second factor, once. Its random part is kept only as its SHA-256."""

    __tablename__ = "operator_link"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OperatorSessionRow(Base):
    """A signed-in browser; the cookie's random part is kept only as its SHA-256."""

    __tablename__ = "operator_session"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[str] = mapped_column(index=True)
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class OperatorActRow(Base):
    """What an operator did; what was done to a clinic stands in that clinic's own trail besides."""

    __tablename__ = "operator_act"
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    operator_id: Mapped[str]
    """Empty: the command line."""
    action: Mapped[str]
    object_id: Mapped[str]
    detail: Mapped[str]
