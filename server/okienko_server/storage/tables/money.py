"""What messages cost: the ledger, the month's pool, the day's budget, the tariffs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from okienko_server.storage.tables.base import Base, OfClinic, to_clinic


class LedgerRow(OfClinic):
    """One side of one event of one message: only ever added, unique by its key."""

    __tablename__ = "ledger"
    sms_id: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    purse: Mapped[str]
    month: Mapped[str]
    amount: Mapped[int]
    at: Mapped[datetime]
    __table_args__ = (to_clinic(), Index("ix_ledger_month", "clinic_id", "month"))


class SmsMonthRow(OfClinic):
    """A clinic's pool in one calendar month, in grosze: what was granted and what is left of it."""

    __tablename__ = "sms_month"
    month: Mapped[str] = mapped_column(primary_key=True)
    granted: Mapped[int]
    pool_left: Mapped[int]
    __table_args__ = (to_clinic(),)


class SmsDayRow(OfClinic):
    """A clinic's day: grosze of codes and what they promise, how many codes left, how many came back right."""

    __tablename__ = "sms_day"
    day: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int]
    codes: Mapped[int]
    verified: Mapped[int]
    __table_args__ = (to_clinic(),)


class SmsTariffRow(Base):
    """What a message costs and how many a person gives the pool, from a month on; the same for every clinic, so it belongs to none."""

    __tablename__ = "sms_tariff"
    since: Mapped[str] = mapped_column(primary_key=True)
    price: Mapped[int]
    pool_messages: Mapped[int]
    set_at: Mapped[datetime]
