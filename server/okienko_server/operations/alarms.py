"""Alarms for the house: what somebody must look at today, said at once and once for each clinic, day and reason."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from enum import StrEnum

from okienko_server.domain.money import day_of
from okienko_server.domain.offer import Clinic

log = logging.getLogger("okienko.alarm")


class Reason(StrEnum):
    """Why an alarm is raised."""

    BUDGET = "the day's budget of messages is used up"
    PUMPED = "too few codes come back right"


class Alarms:
    """What this process has said already; each server process says it once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._day = ""
        self._said: set[tuple[str, Reason]] = set()

    def raise_once(self, reason: Reason, clinic: Clinic, now: datetime) -> bool:
        """Log the alarm unless it was said today; a transaction rolled back after it takes nothing back."""
        day = day_of(now, clinic.zone)
        with self._lock:
            # Days of clinics in two zones may alternate at midnight: then an alarm is said twice, never left out.
            if day != self._day:
                self._day, self._said = day, set()
            if (clinic.id, reason) in self._said:
                return False
            self._said.add((clinic.id, reason))
        log.error("clinic %s: %s", clinic.id, reason.value)
        return True
