"""What all tables share: their base, the type of instants, the keys to clinic and neighbours."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Dialect, Float, ForeignKeyConstraint, MetaData, Text
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
    type_annotation_map = {datetime: Instant(), str: Text(), int: BigInteger(), float: Float()}  # noqa: RUF012 - SQLAlchemy's own contract


class OfClinic(Base):
    """A row that belongs to one clinic."""

    __abstract__ = True
    clinic_id: Mapped[str] = mapped_column(primary_key=True, sort_order=-2)


class OfClinicById(OfClinic):
    """A row with its own opaque id within the clinic."""

    __abstract__ = True
    id: Mapped[str] = mapped_column(primary_key=True, sort_order=-1)


def to_clinic() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"])


def to(table: str, column: str, *, cascade: bool = False) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["clinic_id", column], [f"{table}.clinic_id", f"{table}.id"], ondelete="CASCADE" if cascade else None
    )
