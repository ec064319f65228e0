"""Writing a clinic's services; the revision is taken by the operation before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from okienko_server.storage.store import ClinicStore
from okienko_server.storage.tables import AppointmentRow, PractitionerServiceRow, ServiceRow

_R, _A, _G = ServiceRow, AppointmentRow, PractitionerServiceRow


class ServiceStore(ClinicStore):
    """The services of the scope's clinic."""

    def add(self, service_id: str, **columns: Any) -> None:
        """Write a new service, offered, after all others."""
        last = select(_R.position).where(_R.clinic_id == self.clinic_id).order_by(_R.position.desc()).limit(1)
        position = (self.connection.execute(last).scalar() or 0) + 1
        row = {"clinic_id": self.clinic_id, "id": service_id, "position": position, "offered": True, **columns}
        self.connection.execute(insert(_R), row)

    def change(self, service_id: str, **columns: Any) -> None:
        """Write columns of a service."""
        self.connection.execute(update(_R).where(*self._this(service_id)).values(**columns))

    def order(self, ids: Sequence[str]) -> None:
        """Give the services the order of `ids`."""
        for position, service_id in enumerate(ids):
            self.change(service_id, position=position)

    def give(self, service_id: str, practitioner_ids: Sequence[str]) -> None:
        """Say who gives a service, and nobody else."""
        mine = (_G.clinic_id == self.clinic_id, _G.service_id == service_id)
        self.connection.execute(delete(_G).where(*mine))
        rows = [
            {"clinic_id": self.clinic_id, "service_id": service_id, "practitioner_id": one} for one in practitioner_ids
        ]
        if rows:
            self.connection.execute(insert(_G), rows)

    def used(self, service_id: str) -> bool:
        """Return whether some appointment ever was of a service."""
        mine = (_A.clinic_id == self.clinic_id, _A.service_id == service_id)
        return self.connection.execute(select(_A.id).where(*mine).limit(1)).first() is not None

    def remove(self, service_id: str) -> None:
        """Delete a service nobody ever used."""
        self.give(service_id, ())
        self.connection.execute(delete(_R).where(*self._this(service_id)))

    def _this(self, service_id: str) -> tuple[Any, Any]:
        return _R.clinic_id == self.clinic_id, _R.id == service_id
