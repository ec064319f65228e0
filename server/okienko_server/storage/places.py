"""Writing a clinic's addresses; the revision is taken by the operation before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update

from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import AppointmentRow, LocationRow, OpeningHoursRow, WorkingHoursRow

_L, _A = LocationRow, AppointmentRow


class PlaceStore(ClinicStore):
    """The addresses of the scope's clinic."""

    def add(self, location_id: str, **columns: Any) -> None:
        """Write a new address, offered."""
        self.connection.execute(
            insert(_L), {"clinic_id": self.clinic_id, "id": location_id, "offered": True, **columns}
        )

    def change(self, location_id: str, **columns: Any) -> None:
        """Write columns of an address."""
        self.connection.execute(
            update(_L).where(_L.clinic_id == self.clinic_id, _L.id == location_id).values(**columns)
        )

    def used(self, location_id: str) -> bool:
        """Return whether some appointment ever was at an address."""
        mine = (_A.clinic_id == self.clinic_id, _A.location_id == location_id)
        return self.connection.execute(select(_A.id).where(*mine).limit(1)).first() is not None

    def remove(self, location_id: str) -> None:
        """Delete an address nobody ever came to, with its hours and everybody's hours there."""
        for table in (OpeningHoursRow, WorkingHoursRow):
            mine = (table.clinic_id == self.clinic_id, table.location_id == location_id)
            self.connection.execute(delete(table).where(*mine))
        self.connection.execute(delete(_L).where(_L.clinic_id == self.clinic_id, _L.id == location_id))
