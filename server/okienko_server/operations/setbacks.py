"""Clinics whose part of a chore met a fault: left alone for a while, so that they hold up nobody else's."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

LEFT_ALONE = timedelta(minutes=10)
MOST = 20_000
"""Clinics left alone at once: as many as there are likely to be, and fewer than a statement takes values."""


class Setbacks:
    """Kept in the process: after a restart everybody is tried again."""

    def __init__(self) -> None:
        self._noted: dict[str, datetime] = {}
        self._lock = Lock()

    def note(self, clinic_id: str, now: datetime) -> None:
        """Leave a clinic alone from now on; beyond MOST the one noted first is tried again."""
        with self._lock:
            self._noted.pop(clinic_id, None)
            self._noted[clinic_id] = now
            while len(self._noted) > MOST:
                del self._noted[next(iter(self._noted))]

    def at(self, now: datetime) -> list[str]:
        """Return the ids of those to be left alone; a clock that was put back lets everybody be tried."""
        with self._lock:
            self._noted = {one: at for one, at in self._noted.items() if timedelta(0) <= now - at < LEFT_ALONE}
            return list(self._noted)
