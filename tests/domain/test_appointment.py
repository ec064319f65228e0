"""The life of an appointment, and how long a time is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.agreement import Agreement
from okienko_server.domain.appointment import (
    OCCUPYING,
    STEPS,
    Appointment,
    Person,
    Status,
    Step,
    after,
    starting_points,
)
from okienko_server.domain.cells import cell_at
from okienko_server.domain.errors import StepNotAllowed
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Source
from tests.domain.worlds import VISIT

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
MADE = Appointment(
    id="a", clinic_id="k", practitioner_id="p", location_id="l", service_id=VISIT.id, status=Status.PROPOSED,
    source=Source.IFRAME, session_id="s", kind=ServiceKind.VISIT, category=ProblemCategory.SPINE, age=ADULT,
    any_practitioner=False, starts_at=NOON, ends_at=NOON + timedelta(hours=1), created_at=NOON - timedelta(days=1),
    held_until=None,
)  # fmt: skip
ALLOWED = {
    ("proposed", "verify"): "pending",
    ("proposed", "expire"): "expired",
    ("proposed", "release"): "cancelled",
    ("pending", "confirm"): "booked",
    ("pending", "decline"): "cancelled",
    ("pending", "cancel"): "cancelled",
    ("pending", "lapse"): "expired",
    ("booked", "cancel"): "cancelled",
    ("booked", "fulfil"): "fulfilled",
    ("booked", "miss"): "noshow",
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("step", Step)
def test_a_step_is_allowed_exactly_where_the_table_has_it(status: Status, step: Step) -> None:
    expected = ALLOWED.get((status.value, step.value))
    if expected is None:
        with pytest.raises(StepNotAllowed):
            after(status, step)
    else:
        assert after(status, step).value == expected
    assert (status in starting_points(step)) is (expected is not None)


def test_every_step_begins_somewhere_and_nothing_leaves_an_end() -> None:
    assert all(starting_points(step) for step in Step)
    ends = {Status.CANCELLED, Status.EXPIRED, Status.FULFILLED, Status.NOSHOW}
    assert {status for status, _ in STEPS} == set(Status) - ends


def test_every_status_can_be_reached_from_a_held_time() -> None:
    reached = {Status.PROPOSED}
    for _ in Status:
        reached |= {end for (begin, _step), end in STEPS.items() if begin in reached}
    assert reached == set(Status)


def test_whatever_gives_its_time_back_occupies_nothing() -> None:
    assert set(Status) - OCCUPYING == {Status.CANCELLED, Status.EXPIRED}


@given(st.integers(0, 60 * 60))
def test_a_hold_lasts_ten_minutes_more_but_never_beyond_forty_from_its_making(seconds: int) -> None:
    now = MADE.created_at + timedelta(seconds=seconds)
    ends = MADE.hold_ends(now)
    assert ends <= MADE.created_at + timedelta(minutes=40)
    assert ends == now + timedelta(minutes=10) or seconds > 30 * 60


@pytest.mark.parametrize(("before", "after_", "cells"), [(0, 0, 12), (5, 0, 13), (0, 7, 14), (10, 15, 17)])
def test_an_appointment_occupies_its_minutes_and_both_buffers(before: int, after_: int, cells: int) -> None:
    occupied = replace(MADE, agreement=Agreement(buffer_before=before, buffer_after=after_)).occupied
    assert len(occupied) == cells
    assert occupied.start == cell_at(NOON) - -(-before // 5)


def test_a_length_off_the_grid_is_rounded_up_to_whole_cells() -> None:
    assert len(replace(MADE, ends_at=NOON + timedelta(minutes=52)).occupied) == 11


def test_a_name_is_its_parts_without_loose_spaces() -> None:
    assert [Person(*parts).name for parts in (("Ewa", "Nowak"), ("Ewa", ""), ("", "Nowak"), ("", ""))] == [
        "Ewa Nowak",
        "Ewa",
        "Nowak",
        "",
    ]
