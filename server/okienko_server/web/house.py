"""What the routes reach for: desk, settings, gateway and the clock, hung on the app once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import current_app, request

from okienko_server.config import Settings
from okienko_server.operations.desk import Desk
from okienko_server.operations.treatments import KeptTreatments
from okienko_server.sms.gateway import Gateway
from okienko_server.web.pages.staff.drawn import DrawnMains, DrawnWeeks

HOME = ZoneInfo("Europe/Warsaw")


def wall_clock() -> datetime:
    """Return the present instant, aware UTC: the only place that asks the machine."""
    return datetime.now(UTC)  # noqa: TID251


@dataclass(frozen=True)
class House:
    """One running server."""

    settings: Settings
    desk: Desk
    gateway: Gateway
    clock: Callable[[], datetime] = wall_clock
    weeks: DrawnWeeks = field(default_factory=DrawnWeeks)
    home: ZoneInfo = HOME
    """Whose clock the house's own people read."""
    treatments: KeptTreatments = field(default_factory=KeptTreatments)
    mains: DrawnMains = field(default_factory=DrawnMains)


def public_url() -> str:
    """Return where patients reach this server, "https://host": the setting, or else what the request says."""
    return house().settings.public_url or request.url_root.rstrip("/")


def house() -> House:
    """Return the house of the current app."""
    found: House = current_app.extensions["okienko"]
    return found
