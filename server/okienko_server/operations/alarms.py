"""Alarms for the house: what somebody must look at today, said at once and once for each clinic (or the house), time and reason."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from enum import StrEnum

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.money import day_of

log = logging.getLogger("okienko.alarm")


class Reason(StrEnum):
    """Why an alarm is raised."""

    BUDGET = "the day's budget of messages is used up"
    PUMPED = "too few codes come back right"
    DIFFERENT = "the gateway's account and our messages differ"
    DOUBT = "nobody knows whether messages arrived at the gateway"
    REFUSED = "the gateway takes no message"


class Alarms:
    """What this process has said already; each server process says it once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._day = ""
        self._said: set[tuple[str, Reason]] = set()
        self._of_the_house: dict[Reason, str] = {}

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

    def raise_in_house(self, reason: Reason, detail: str, when: str) -> bool:
        """Log an alarm about no clinic in particular unless it was said in this `when` (a day, an hour); `detail` holds counts only."""
        with self._lock:
            if self._of_the_house.get(reason) == when:
                return False
            self._of_the_house[reason] = when
        log.error("%s: %s", reason.value, detail)
        return True
