"""When reminders are due: the lead, the quiet hours, both changes of the clock, and the bound the worker asks the database with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okienko_server.domain.reminder import CLOSES, EVENING, LEADS, OPENS, moment, quiet_until, reach, wanted

WARSAW = ZoneInfo("Europe/Warsaw")
TWO_HOURS, DAY, TWO_DAYS = 120, 1440, 2880


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


@pytest.mark.parametrize(
    ("starts", "lead", "due"),
    [
        ("2026-11-25 10:00", DAY, "2026-11-24 10:00"),
        ("2026-11-25 10:00", TWO_DAYS, "2026-11-23 10:00"),
        ("2026-11-25 10:00", TWO_HOURS, "2026-11-25 08:00"),
        # Too early in the morning: the evening before, so that it is never later than the clinic chose.
        ("2026-11-25 09:55", TWO_HOURS, "2026-11-24 19:00"),
        ("2026-11-25 07:00", DAY, "2026-11-23 19:00"),
        ("2026-11-25 19:00", DAY, "2026-11-24 19:00"),
        ("2026-11-25 19:30", DAY, "2026-11-24 19:00"),
        ("2026-11-25 21:30", TWO_HOURS, "2026-11-25 19:00"),
        # 29 March 2026 has 23 hours, 25 October 25: a day before stays a day before, two hours stay two hours.
        ("2026-03-29 10:00", DAY, "2026-03-28 10:00"),
        ("2026-03-30 10:00", TWO_DAYS, "2026-03-28 10:00"),
        ("2026-10-25 10:00", DAY, "2026-10-24 10:00"),
        ("2026-10-26 10:00", TWO_DAYS, "2026-10-24 10:00"),
        ("2026-03-29 10:30", TWO_HOURS, "2026-03-29 08:30"),
        ("2026-10-25 09:30", TWO_HOURS, "2026-10-24 19:00"),
        ("2026-03-29 03:30", TWO_HOURS, "2026-03-28 19:00"),
    ],
)
def test_a_reminder_is_due_the_chosen_time_before_or_the_evening_before(starts: str, lead: int, due: str) -> None:
    assert moment(local(starts), lead, WARSAW) == local(due)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24 07:59", "2026-11-24 08:00"),
        ("2026-11-24 08:00", None),
        ("2026-11-24 19:59", None),
        ("2026-11-24 20:00", "2026-11-25 08:00"),
        ("2026-03-28 23:00", "2026-03-29 08:00"),
        ("2026-10-25 02:30", "2026-10-25 08:00"),
    ],
)
def test_the_quiet_hours_end_in_the_morning(now: str, until: str | None) -> None:
    assert quiet_until(local(now), WARSAW) == (local(until) if until else None)


def test_the_quiet_hours_of_a_changed_clock_are_an_hour_shorter_or_longer() -> None:
    for evening, hours in (("2026-03-28 20:00", 11), ("2026-10-24 20:00", 13), ("2026-11-24 20:00", 12)):
        begins = local(evening).astimezone(UTC)
        assert quiet_until(begins, WARSAW) == begins + timedelta(hours=hours)


def test_nobody_is_reminded_of_what_was_arranged_after_the_moment() -> None:
    starts, due = local("2026-11-25 10:00"), local("2026-11-24 10:00")
    assert wanted(starts, due - timedelta(seconds=1), DAY, WARSAW)
    assert not wanted(starts, due, DAY, WARSAW)
    assert not wanted(starts, due - timedelta(days=30), 0, WARSAW)


minutes = st.integers(0, 4 * 365 * 24 * 60).map(lambda n: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=n))


@given(minutes, st.integers(1, 4 * 24 * 60), st.sampled_from(LEADS[1:]))
@example(datetime(2026, 3, 28, 18, 30, tzinfo=UTC), 13 * 60, TWO_HOURS)
@example(datetime(2026, 10, 24, 9, 0, tzinfo=UTC), 25 * 60, DAY)
def test_the_bound_holds_just_the_visits_whose_moment_is_over(now: datetime, ahead: int, lead: int) -> None:
    # Visits begin by day: in the hour that comes twice nobody is treated.
    starts, bound = now + timedelta(minutes=ahead), reach(now, lead, WARSAW)
    clock = now.astimezone(WARSAW).time()
    if bound is None:
        assert clock < OPENS or clock >= CLOSES
    elif starts.astimezone(WARSAW).hour >= 4:
        assert (starts < bound) == (moment(starts, lead, WARSAW) < now)


@given(minutes, st.sampled_from(LEADS[1:]))
def test_no_moment_lies_in_the_quiet_hours_and_none_is_later_than_chosen(starts: datetime, lead: int) -> None:
    due = moment(starts, lead, WARSAW)
    assert OPENS <= due.astimezone(WARSAW).time() <= EVENING
    assert due <= starts - timedelta(minutes=lead - 60)
    assert quiet_until(due, WARSAW) is None
