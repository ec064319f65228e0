"""When a patient is reminded of a visit: a chosen time before it, never in the quiet hours, never of what was only just arranged."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LEADS = (0, 2 * 60, 4 * 60, 24 * 60, 48 * 60)
"""Minutes before a visit a clinic may choose; 0: no reminders."""
DAY = 24 * 60
OPENS, EVENING, CLOSES = time(8), time(19), time(20)
"""Reminders leave from OPENS to CLOSES of the clinic's clock. One that is due between EVENING and the next OPENS leaves at EVENING."""
LATEST = timedelta(minutes=30)
"""Closer before its start a reminder of a visit helps nobody."""


def moment(starts_at: datetime, lead: int, zone: ZoneInfo) -> datetime:
    """Return when the reminder of a visit is due, aware UTC: `lead` minutes before, or the evening before the night that would fall into.

    Whole days are taken on the clock of the wall: a day before ten o'clock is ten o'clock, also over a change of the clock.
    """
    local = _moved(starts_at, -lead, zone).astimezone(zone)
    if local.time() < OPENS:
        return _at(local.date() - timedelta(days=1), EVENING, zone)
    return _at(local.date(), EVENING, zone) if local.time() > EVENING else local.astimezone(UTC)


def reach(now: datetime, lead: int, zone: ZoneInfo) -> datetime | None:
    """Return up to which start reminders are due at `now`: visits before it have their `moment` behind them. None in the quiet hours."""
    local = now.astimezone(zone)
    if quiet_until(now, zone):
        return None
    if local.time() <= EVENING:
        return _moved(now, lead, zone)
    return _moved(_at(local.date() + timedelta(days=1), OPENS, zone), lead, zone)


def quiet_until(now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the present quiet hours end, aware UTC; None outside them."""
    local = now.astimezone(zone)
    if OPENS <= local.time() < CLOSES:
        return None
    return _at(local.date() + timedelta(days=local.time() >= CLOSES), OPENS, zone)


def wanted(starts_at: datetime, told_at: datetime, lead: int, zone: ZoneInfo) -> bool:
    """Return whether a visit the patient was last told about at `told_at` wants a reminder: not once its moment was over already."""
    return bool(lead) and told_at < moment(starts_at, lead, zone)


def _moved(at: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    if minutes % DAY:
        return at + timedelta(minutes=minutes)
    # On the wall clock, so neither 23 nor 25 hours move it.
    return (at.astimezone(zone).replace(fold=0) + timedelta(minutes=minutes)).astimezone(UTC)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)
