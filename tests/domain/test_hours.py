"""Hours as people write them, and what a change of them leaves outside, against a plain loop over datetimes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.hours import Span, left_outside, spans_of, with_opening, with_working, written
from okienko_server.domain.offer import Offer, OpeningHours, ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Source
from tests.domain.worlds import every_day, local, offer_of, therapist

ANNA = therapist(hours=every_day(8 * 60, 16 * 60))
OFFER = offer_of(ANNA, opening=[OpeningHours("adres", day, 7 * 60, 20 * 60) for day in range(7)])


@pytest.mark.parametrize(
    ("text", "spans"),
    [("", ()), (" ; ", ()), ("8-16", ((480, 960),)), ("8:00–12:00, 13:00–18:30", ((480, 720), (780, 1110))),
     ("13.00-18.00; 8.30-12", ((510, 720), (780, 1080))), ("8 - 12 i 13 - 16", ((480, 720), (780, 960))), ("0-24", ((0, 1440),)),
     ("8-12, 12-16", ((480, 720), (720, 960)))],
)  # fmt: skip
def test_hours_are_understood_the_way_people_write_them(text: str, spans: tuple[Span, ...]) -> None:
    assert spans_of(text, field="day-0") == spans
    assert spans_of(written(spans), field="day-0") == spans


@pytest.mark.parametrize(
    ("text", "code"),
    [("rano", "hours_unreadable"), ("8", "hours_unreadable"), ("8-25", "hours_unreadable"), ("8:75-9", "hours_unreadable"),
     ("8-12-16", "hours_unreadable"), ("1-2,3-4,5-6,7-8,9-10,11-12,13-14", "hours_unreadable"), ("22-6", "hours_backwards"),
     ("8-8", "hours_backwards"), ("8:02-9", "hours_off_grid"), ("8-12, 11-13", "hours_overlap"), ("\0", "hours_unreadable")],
)  # fmt: skip
def test_hours_that_cannot_be_meant_are_told_apart(text: str, code: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        spans_of(text, field="day-3")
    assert (refused.value.code, refused.value.field) == (code, "day-3")


NOW = local("2026-03-27 12:00")


def booked(start: datetime, minutes: int, status: Status = Status.BOOKED) -> Appointment:
    return Appointment(
        id="a", clinic_id="k", practitioner_id=ANNA.id, location_id="adres", service_id="wizyta", status=status,
        source=Source.STAFF, session_id="", kind=ServiceKind.VISIT, category=ProblemCategory.SPINE, age=ADULT, any_practitioner=False,
        starts_at=start, ends_at=start + timedelta(minutes=minutes), created_at=start,
        held_until=NOW + timedelta(minutes=5) if status is Status.PROPOSED else None,
    )  # fmt: skip


def inside(one: Appointment, opening: list[Span], working: list[Span]) -> bool:
    """Walk the visit in steps of five minutes and ask the wall clock whether both doors and therapist are there."""
    at = one.starts_at
    while at < one.ends_at:
        wall = at.astimezone(OFFER.clinic.zone)
        minute = wall.hour * 60 + wall.minute
        if not all(any(start <= minute and minute + 5 <= end for start, end in spans) for spans in (opening, working)):
            return False
        at += timedelta(minutes=5)
    return True


def span(start: int, length: int) -> Span:
    return start * 5, min(start + length, 288) * 5


def moment(day: int, cell: int) -> datetime:
    return local("2026-03-28 00:00") + timedelta(days=day) + timedelta(minutes=5 * cell)


SPANS = st.lists(st.builds(span, st.integers(0, 280), st.integers(1, 60)), max_size=3)
STARTS = st.builds(moment, st.integers(0, 260), st.integers(0, 287))


@given(STARTS, st.sampled_from([30, 45, 60, 120]), SPANS, SPANS, st.sampled_from(list(Status)))
def test_what_is_left_outside_is_what_a_plain_loop_finds(
    start: datetime, minutes: int, opening: list[Span], working: list[Span], status: Status
) -> None:
    """Over both clock changes of 2026."""
    one = booked(start, minutes, status)
    before = everywhere(OFFER, [(0, 1440)], [(0, 1440)])
    after = everywhere(OFFER, opening, working)
    crosses = (
        start.astimezone(OFFER.clinic.zone).date()
        != (one.ends_at - timedelta(minutes=1)).astimezone(OFFER.clinic.zone).date()
    )
    if crosses:
        return
    expected = status in (Status.PROPOSED, Status.PENDING, Status.BOOKED) and not inside(one, opening, working)
    assert (left_outside([one], before, after, NOW) == [one]) is expected


def everywhere(offer: Offer, opening: list[Span], working: list[Span]) -> Offer:
    changed = with_working(offer, ANNA.id, "adres", [tuple(working)] * 7)
    changed = with_opening(changed, "adres", [tuple(opening)] * 7)
    return replace(changed, clinic=replace(changed.clinic, open_on_holidays=True))


def test_an_offer_with_other_hours_does_not_remember_the_old_ones() -> None:
    day = date(2026, 11, 24)
    assert OFFER.open_mask(ANNA.id, "adres", day)
    assert not with_working(OFFER, ANNA.id, "adres", [()] * 7).open_mask(ANNA.id, "adres", day)
    assert not with_opening(OFFER, "adres", [()] * 7).open_mask(ANNA.id, "adres", day)
    assert OFFER.open_mask(ANNA.id, "adres", day)


def test_what_was_outside_before_is_no_news() -> None:
    late = booked(local("2026-11-24 21:00"), 60)
    assert left_outside([late], OFFER, with_opening(OFFER, "adres", [()] * 7), NOW) == []


def test_a_hold_that_lapsed_stands_in_nobodys_way() -> None:
    held = booked(local("2026-11-24 10:00"), 60, Status.PROPOSED)
    nothing = with_opening(OFFER, "adres", [()] * 7)
    assert left_outside([held], OFFER, nothing, NOW) == [held]
    assert left_outside([held], OFFER, nothing, NOW + timedelta(minutes=5)) == []
