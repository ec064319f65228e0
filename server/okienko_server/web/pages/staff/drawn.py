"""Everybody's weeks as they were drawn: two hundred open screens reload after every change, and one drawing does for all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

KEPT = 64
"""Weeks kept in one process, about 60 kB each."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A week's table and the state of the appointments it shows; it holds until one of them leaves the schedule by itself."""

    state: str
    days: tuple[date, ...]
    table: Markup
    until: datetime | None


class DrawnMains:
    """What open screens take in after a change, drawn once for all who see the same. A key says everything it depends on."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> str:
        """Return what was drawn under a key, "" for nothing."""
        with self._lock:
            return self._kept.get(key, "")

    def keep(self, key: Hashable, text: str) -> str:
        """Keep a drawing; the oldest goes."""
        with self._lock:
            self._kept[key] = text
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return text


class DrawnWeeks:
    """The weeks drawn last, one for each place. A place says everything but the appointments: clinic, week, address, today."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Drawn] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, place: Hashable, now: datetime) -> Drawn | None:
        """Return what was drawn for a place; whether its state still holds is asked of the database."""
        with self._lock:
            drawn = self._kept.get(place)
            if drawn is None or (drawn.until and now >= drawn.until):
                return None
            self._kept.move_to_end(place)
            return drawn

    def keep(self, place: Hashable, drawn: Drawn) -> Drawn:
        """Keep a drawing instead of the one before."""
        with self._lock:
            self._kept[place] = drawn
            self._kept.move_to_end(place)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return drawn
