"""Whole lists of clinics at once: what stands of some clinics, and rows written by the thousand. For the house's own imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import (
    AuditHeadRow,
    AuditRow,
    ClinicRow,
    CompetenceRow,
    ContractTermRow,
    LocationRow,
    OpeningHoursRow,
    PractitionerRow,
    PractitionerServiceRow,
    ServiceRow,
    WorkingHoursRow,
)

TABLES: dict[str, Any] = {
    "term": ContractTermRow,
    "place": LocationRow,
    "service": ServiceRow,
    "therapist": PractitionerRow,
    "competence": CompetenceRow,
    "gives": PractitionerServiceRow,
    "opening": OpeningHoursRow,
    "working": WorkingHoursRow,
}
"""Parts of a clinic by the name the import gives them."""


class BulkStore(OperatorStore):
    """Rows of many clinics."""

    def clinics(self, slugs: Sequence[str]) -> dict[str, Row[Any]]:
        """Return the clinics under some short names."""
        statement = select(ClinicRow.__table__).where(ClinicRow.slug.in_(slugs))
        return {row.slug: row for row in self.connection.execute(statement)}

    def known(self, slugs: Sequence[str]) -> set[str]:
        """Return which short names are taken."""
        return set(self.connection.execute(select(ClinicRow.slug).where(ClinicRow.slug.in_(slugs))).scalars())

    def parts(self, part: str, clinic_ids: Sequence[str]) -> list[Row[Any]]:
        """Return the rows of one part of some clinics."""
        table = TABLES[part]
        return list(self.connection.execute(select(table.__table__).where(table.clinic_id.in_(clinic_ids))))

    def add_clinics(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(insert(ClinicRow), rows)

    def add(self, part: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(insert(TABLES[part]), rows)

    def change_clinics(self, rows: list[tuple[str, dict[str, Any]]]) -> None:
        """Write columns of clinics, and raise each one's revision."""
        for clinic_id, columns in rows:
            statement = update(ClinicRow).where(ClinicRow.clinic_id == clinic_id)
            self.connection.execute(statement.values(**columns, revision=ClinicRow.revision + 1))

    def change(self, part: str, rows: list[tuple[str, str, dict[str, Any]]]) -> None:
        """Write columns of rows by clinic id and id."""
        table = TABLES[part]
        for clinic_id, key, columns in rows:
            statement = update(table).where(table.clinic_id == clinic_id, table.id == key)
            self.connection.execute(statement.values(**columns))

    def drop(self, part: str, keys: Iterable[dict[str, str]]) -> None:
        """Delete rows by some of their columns."""
        table = TABLES[part]
        for key in keys:
            where = [getattr(table, name) == bindparam(f"k_{name}") for name in key]
            self.connection.execute(delete(table).where(*where), {f"k_{name}": value for name, value in key.items()})

    def begin_trails(self, heads: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        """Write the first audit rows of new clinics with their heads."""
        if heads:
            self.connection.execute(insert(AuditHeadRow), heads)
            self.connection.execute(insert(AuditRow), rows)
