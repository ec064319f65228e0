"""What a query asks of the schedule: which day, day or week, whose, and at which address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import url_for

from okienko_server.domain.cells import local_day
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope

WEEK, DAY = "week", "day"
EVERYBODY = "all"
FARTHEST = timedelta(days=3 * 366)
"""How far from today the schedule can be leafed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the schedule a page shows; an empty practitioner means everybody, an empty location every address."""

    day: date
    view: str
    practitioner: str
    today: date
    location: str = ""

    @property
    def first(self) -> date:
        return self.day - timedelta(days=self.day.weekday()) if self.view == WEEK else self.day

    @property
    def whole_week(self) -> bool:
        """True for everybody's week, which is a table instead of a grid."""
        return self.view == WEEK and not self.practitioner

    @property
    def days(self) -> int:
        return 7 if self.view == WEEK else 1

    def fields(self) -> dict[str, Any]:
        """Return it as the fields of a query or a form."""
        where = {"location": self.location} if self.location else {}
        return {"day": self.day.isoformat(), "view": self.view, "practitioner": self.practitioner or EVERYBODY} | where

    def url(self, **more: str) -> str:
        """Return the address of this part of the schedule; `_anchor` names a spot on the page."""
        # A page has fifty of them, and building each by name took a tenth of it.
        anchor = more.pop("_anchor", "")
        return f"{url_for('staff.schedule')}?{urlencode(self.fields() | more)}" + (f"#{anchor}" if anchor else "")


def asked_of(fields: Mapping[str, str], offer: Offer, who: Scope, now: datetime) -> Asked:
    """Return what a query asks for; whatever makes no sense, or lies beyond the asker's reach, becomes the nearest that does."""
    today = local_day(now, offer.clinic.zone)
    own = who.practitioner_id if who.practitioner_id in offer.practitioners else ""
    view = fields.get("view", "")
    if view not in (WEEK, DAY):
        view = WEEK if own else DAY
    try:
        day = min(max(date.fromisoformat(fields.get("day", "")), today - FARTHEST), today + FARTHEST)
    except ValueError:
        day = today
    person = fields.get("practitioner", "")
    if person not in offer.practitioners:
        person = "" if person == EVERYBODY else own
    if bound := who.own_only(Right.SEE_SCHEDULE):
        person = bound
    if not person and view == WEEK and fields.get("practitioner") != EVERYBODY:
        person = own or next(iter(offer.practitioners), "")
    place = fields.get("location", "")
    return Asked(day, view, person, today, place if place in offer.locations and len(offer.locations) > 1 else "")
