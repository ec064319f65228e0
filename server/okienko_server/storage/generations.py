"""The tokens' side of clinics and portals: generations, allowed origins of portals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, update

from okienko_server.domain.errors import NotFound
from okienko_server.domain.generations import Generations
from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import ClinicRow, PortalRow

_Row = type[ClinicRow] | type[PortalRow]


@dataclass(frozen=True, slots=True)
class Portal:
    """A page of somebody else that hosts the widget unpinned."""

    id: str
    name: str
    allowed_origins: tuple[str, ...]


class TokenStore(OperatorStore):
    """What decides about pasted tokens, for the house itself."""

    def portals(self) -> list[Portal]:
        """Return every portal by id."""
        rows = self.connection.execute(select(PortalRow.__table__).order_by(PortalRow.portal_id))
        return [Portal(r.portal_id, r.name, tuple((r.allowed_origins or "").split())) for r in rows]

    def of_clinic(self, clinic_id: str, *, lock: bool = False) -> Generations:
        """Return the generations a clinic accepts; raises NotFound."""
        return self._generations(ClinicRow, ClinicRow.clinic_id == clinic_id, lock)

    def of_portal(self, portal_id: str, *, lock: bool = False) -> Generations:
        """Return the generations a portal accepts; raises NotFound."""
        return self._generations(PortalRow, PortalRow.portal_id == portal_id, lock)

    def keep_of_clinic(self, clinic_id: str, kept: Generations) -> None:
        """Write a clinic's generations; every kept copy of its offer is out of date from then on."""
        values = _values(kept) | {"revision": ClinicRow.revision + 1}
        self.connection.execute(update(ClinicRow).where(ClinicRow.clinic_id == clinic_id).values(values))

    def keep_of_portal(self, portal_id: str, kept: Generations) -> None:
        """Write a portal's generations."""
        self.connection.execute(update(PortalRow).where(PortalRow.portal_id == portal_id).values(_values(kept)))

    def allow_portal(self, portal_id: str, origins: tuple[str, ...]) -> None:
        """Say which sites may frame the widget under a portal's token."""
        self.connection.execute(
            update(PortalRow).where(PortalRow.portal_id == portal_id).values(allowed_origins=" ".join(origins))
        )

    def portal(self, portal_id: str) -> Portal:
        """Return a portal's record; raises NotFound."""
        row = self.connection.execute(select(PortalRow.__table__).where(PortalRow.portal_id == portal_id)).first()
        if row is None:
            raise NotFound
        return Portal(row.portal_id, row.name, tuple((row.allowed_origins or "").split()))

    def _generations(self, table: _Row, where: ColumnElement[bool], lock: bool) -> Generations:
        statement = select(table.generation, table.graced, table.grace_until).where(where)
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        if row is None:
            raise NotFound
        return Generations(row.generation, row.graced, row.grace_until)


def _values(kept: Generations) -> dict[str, Any]:
    return {"generation": kept.current, "graced": kept.graced, "grace_until": kept.grace_until}
