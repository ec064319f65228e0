"""Many appointments at once: a diary a clinic brings along, or an invented one. Rows, cells and day masks as single bookings make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.cells import day_grid, instant_of, local_day
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.tables import CellRow


@dataclass(frozen=True, slots=True)
class Entry:
    """One appointment with the cells it occupies, buffers included."""

    appointment: Appointment
    cells: range


class DiaryStore(OccupancyStore):
    """The diary of the scope's clinic."""

    def fill(self, entries: Sequence[Entry], zone: ZoneInfo) -> None:
        """Write the appointments and occupy their cells; raises sqlalchemy's IntegrityError when any two overlap."""
        if not entries:
            return
        appointments = AppointmentStore(self.connection, self.scope)
        for entry in entries:
            appointments.add(entry.appointment)
        self.connection.execute(insert(CellRow), [row for entry in entries for row in self._rows(entry)])
        masks: dict[tuple[str, date], int] = defaultdict(int)
        for entry in entries:
            first, last = entry.cells[0], entry.cells[-1]
            for day in {local_day(instant_of(first), zone), local_day(instant_of(last), zone)}:
                masks[entry.appointment.practitioner_id, day] |= day_grid(zone, day).clip(first, last + 1)
        for (resource_id, day), mask in sorted(masks.items()):
            self._mark(resource_id, day, mask)
        self._fall_behind(sorted({resource_id for resource_id, _ in masks}))

    def _rows(self, entry: Entry) -> list[dict[str, object]]:
        made = entry.appointment
        common = {"clinic_id": self.clinic_id, "appointment_id": made.id, "held_until": made.held_until}
        return [{**common, "resource_id": made.practitioner_id, "cell": cell} for cell in entry.cells]
