"""Free starts: the arithmetic on masks against datetimes, and the rules one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from okienko_server.domain.cells import cell_at, instant_of
from okienko_server.domain.offer import Absence, HealthcareService, Offer, OpeningHours, Practitioner, WorkingHours
from okienko_server.domain.slots import (
    bits,
    nearest_starts,
    runs,
    start_masks,
    window,
)
from tests.domain.worlds import VISIT, Slow, busy_masks, local, offer_of, therapist

MONDAY = date(2026, 11, 23)
LONG_AGO = local("2026-11-20T12:00")


ANCHORS = st.sampled_from(
    [
        date(2026, 3, 29),
        date(2026, 10, 25),
        date(2027, 3, 28),
        date(2027, 10, 31),
        date(2026, 11, 11),
        date(2026, 12, 25),
        date(2026, 12, 31),
        date(2026, 6, 4),
        date(2026, 9, 9),
    ]
)
HOLIDAYS = frozenset(
    {date(2026, 11, 11), date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1), date(2026, 6, 4)}
    | {date(2026, 11, 1), date(2027, 3, 28), date(2027, 3, 29), date(2027, 11, 1)}
)
SPANS = st.tuples(st.integers(0, 288), st.integers(1, 288)).map(lambda s: (s[0] * 5, min(s[0] + s[1], 288) * 5))
SERVICES = st.builds(
    lambda minutes, before, after: replace(VISIT, minutes=minutes, buffer_before=before, buffer_after=after),
    st.sampled_from([30, 45, 50, 60]), st.sampled_from([0, 0, 5, 10, 12]), st.sampled_from([0, 0, 5, 15, 30]),
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Offer, Practitioner, frozenset[int], date, date, datetime, HealthcareService]:
    """A clinic of two addresses and one therapist around some day, with absences and visits at any five minutes."""
    first = draw(ANCHORS) + timedelta(days=draw(st.integers(-2, 1)))
    last = first + timedelta(days=draw(st.integers(0, 2)))
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    minutes = st.integers(-600, 4 * 1440)
    hours = draw(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6), SPANS), max_size=8))
    whole = [(place, weekday, (0, 1440)) for place in "ab" for weekday in range(7)]
    doors = whole if draw(st.booleans()) else draw(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6), SPANS)))
    works = whole if draw(st.booleans()) else hours
    away = draw(st.lists(st.tuples(minutes, st.integers(1, 900)), max_size=2))
    visits = draw(st.lists(st.tuples(minutes, st.integers(1, 30)), max_size=6))
    person = therapist(hours=[WorkingHours(p, w, *span) for p, w, span in works] or [WorkingHours("a", 0, 0, 5)])
    offer = offer_of(
        person,
        opening=[OpeningHours(p, w, *span) for p, w, span in doors] or [OpeningHours("a", 0, 0, 5)],
        absences=[
            Absence("anna", begin + timedelta(minutes=at), begin + timedelta(minutes=at + n)) for at, n in away
        ],
        notice_minutes=draw(st.sampled_from([0, 7, 60, 1440])), horizon_days=draw(st.sampled_from([0, 1, 2, 30])),
        slot_step_minutes=draw(st.sampled_from([5, 10, 15, 20, 30, 60])), open_on_holidays=draw(st.booleans()),
    )  # fmt: skip
    taken = {cell_at(begin + timedelta(minutes=at)) + i for at, length in visits for i in range(length)}
    now = begin + timedelta(minutes=draw(st.integers(-1500, 2000)), seconds=draw(st.sampled_from([0, 0, 1, 299])))
    return offer, person, frozenset(taken), first, last, now, draw(SERVICES)


@settings(max_examples=1000, deadline=None)
@given(worlds())
def test_masks_find_the_starts_that_datetimes_find(
    world: tuple[Offer, Practitioner, frozenset[int], date, date, datetime, HealthcareService],
) -> None:
    offer, person, taken, first, last, now, service = world
    span = window(offer, first, last, now)
    found = start_masks(offer, span, [person], service.length, {person.id: busy_masks(taken)})
    before, after = -(-service.buffer_before // 5), -(-service.minutes // 5) - (-service.buffer_after // 5)
    whole = range(0)
    if span.days:
        whole = range(span.days[0].first + before, span.days[-1].first + span.days[-1].length - after + 1)
    for place in offer.locations:
        slow = Slow(offer, person, place, frozenset(map(instant_of, taken)), HOLIDAYS)
        cells = (span.base + bit for bit in bits(found.get((person.id, place), 0)))
        expected = list(slow.starts(first, last, now, service))
        assert [instant_of(cell) for cell in cells if cell in whole] == expected


@settings(max_examples=200, deadline=None)
@given(worlds(), st.sampled_from("ab"))
def test_an_address_asked_for_narrows_the_answer_and_changes_nothing_else(
    world: tuple[Offer, Practitioner, frozenset[int], date, date, datetime, HealthcareService], place: str
) -> None:
    offer, person, taken, first, last, now, service = world
    span, busy = window(offer, first, last, now), {person.id: busy_masks(taken)}
    everywhere = start_masks(offer, span, [person], service.length, busy)
    narrowed = start_masks(offer, span, [person], service.length, busy, place)
    assert narrowed == {key: mask for key, mask in everywhere.items() if key[1] == place}


@given(st.integers(0, 2**80), st.integers(1, 40))
def test_runs_finds_every_position_with_enough_free_cells_after_it(free: int, length: int) -> None:
    expected = [i for i in range(90) if all(free >> (i + step) & 1 for step in range(length))]
    assert list(bits(runs(free, length))) == expected


@given(st.sets(st.integers(0, 900)), st.integers(-100, 1000), st.integers(0, 5))
def test_the_nearest_starts_are_the_nearest_and_stand_in_time_order(free: set[int], asked: int, count: int) -> None:
    span = window(offer_of(therapist()), MONDAY, MONDAY + timedelta(days=3), LONG_AGO)
    mask = sum(1 << bit for bit in free)
    found = nearest_starts(span, mask, span.base + asked, count)
    assert found == sorted(found) and len(found) == min(count, len(free))
    farthest = max((abs(cell - span.base - asked) for cell in found), default=0)
    assert all(abs(bit - asked) >= farthest for bit in free if span.base + bit not in found)
