"""Free starts, one rule at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from okienko_server.domain.cells import cell_at, day_grid, instant_of
from okienko_server.domain.offer import Absence, HealthcareService, Offer, OpeningHours
from okienko_server.domain.slots import bits, by_day, first_start, refusal, start_masks, window
from tests.domain.worlds import VISIT, WARSAW, busy_masks, cells_between, every_day, local, offer_of, therapist

MONDAY = date(2026, 11, 23)
LONG_AGO = local("2026-11-20T12:00")


def starts_of(
    offer: Offer,
    first: date,
    last: date,
    now: datetime,
    service: HealthcareService = VISIT,
    occupied: set[int] | range = range(0),
    place: str = "",
) -> list[datetime]:
    """Return the free starts of the offer's first practitioner, as aware UTC."""
    person = next(iter(offer.practitioners.values()))
    span = window(offer, first, last, now)
    found = start_masks(offer, span, [person], service.length, {person.id: busy_masks(occupied)}, place)
    return sorted(instant_of(span.base + bit) for mask in found.values() for bit in bits(mask))


def clock_times(starts: list[datetime]) -> list[str]:
    return [start.astimezone(WARSAW).strftime("%H:%M") for start in starts]


def test_a_visit_takes_the_starts_that_would_run_into_it_and_no_others() -> None:
    offer = offer_of(therapist(hours=every_day(9 * 60, 14 * 60)), slot_step_minutes=30)
    visit = cells_between(local("2026-11-23T11:00"), local("2026-11-23T12:00"))
    starts = starts_of(offer, MONDAY, MONDAY, LONG_AGO, occupied=visit)
    assert clock_times(starts) == ["09:00", "09:30", "10:00", "12:00", "12:30", "13:00"]


def test_a_start_inside_another_visit_is_not_free() -> None:
    offer = offer_of(therapist(), slot_step_minutes=5)
    visit = cells_between(local("2026-11-23T11:00"), local("2026-11-23T12:00"))
    starts = {cell_at(start) for start in starts_of(offer, MONDAY, MONDAY, LONG_AGO, occupied=visit)}
    assert starts.isdisjoint(range(visit.start - 11, visit.stop))
    assert {visit.start - 12, visit.stop} <= starts


def test_buffers_keep_their_distance_from_other_visits_but_may_lie_outside_the_hours() -> None:
    offer = offer_of(therapist(hours=every_day(9 * 60, 14 * 60)), slot_step_minutes=15)
    visit = cells_between(local("2026-11-23T11:00"), local("2026-11-23T12:00"))
    service = replace(VISIT, buffer_before=10, buffer_after=20)
    starts = clock_times(starts_of(offer, MONDAY, MONDAY, LONG_AGO, service, visit))
    assert starts == ["09:00", "09:15", "09:30", "12:15", "12:30", "12:45", "13:00"]


@pytest.mark.parametrize("fold", [0, 1])
def test_a_visit_in_one_of_the_doubled_hours_leaves_the_other_free(fold: int) -> None:
    sunday = date(2026, 10, 25)
    offer = offer_of(therapist(hours=every_day(60, 4 * 60)), slot_step_minutes=60)
    visit = range(cell_at(local("2026-10-25T02:00", fold=fold)), cell_at(local("2026-10-25T02:00", fold=fold)) + 12)
    starts = starts_of(offer, sunday, sunday, LONG_AGO - timedelta(days=60), occupied=visit)
    assert [start.astimezone(WARSAW).isoformat()[11:] for start in starts] == [
        "01:00:00+02:00",
        "02:00:00+01:00" if fold == 0 else "02:00:00+02:00",
        "03:00:00+01:00",
    ]


@pytest.mark.parametrize("sunday", [date(2026, 10, 25), date(2027, 10, 31)])
def test_both_doubled_hours_are_offered_under_their_own_offsets(sunday: date) -> None:
    offer = offer_of(therapist(hours=every_day(2 * 60, 3 * 60)), slot_step_minutes=60)
    span = window(
        offer, sunday, sunday, local("2026-10-20T12:00") if sunday.year == 2026 else local("2027-10-20T12:00")
    )
    mask = start_masks(offer, span, list(offer.practitioners.values()), VISIT.length, {})["anna", "adres"]
    (grid, starts), *_ = by_day(span, mask)
    assert grid.iso_of(starts) == [f"{sunday}T02:00:00+02:00", f"{sunday}T02:00:00+01:00"]


@pytest.mark.parametrize("sunday", [date(2026, 3, 29), date(2027, 3, 28)])
def test_no_start_at_an_hour_that_does_not_exist(sunday: date) -> None:
    offer = offer_of(therapist(hours=every_day(60, 5 * 60)), slot_step_minutes=30)
    now = datetime(sunday.year, 3, 20, tzinfo=UTC)
    assert clock_times(starts_of(offer, sunday, sunday, now)) == ["01:00", "01:30", "03:00", "03:30", "04:00"]
    night = offer_of(therapist(hours=every_day(2 * 60, 3 * 60)), slot_step_minutes=5)
    assert starts_of(night, sunday, sunday, now) == []


def test_an_absence_takes_every_cell_it_touches() -> None:
    away = Absence("anna", local("2026-11-23T10:03"), local("2026-11-23T11:01"))
    offer = offer_of(therapist(hours=every_day(9 * 60, 13 * 60)), absences=[away], slot_step_minutes=5)
    starts = clock_times(starts_of(offer, MONDAY, MONDAY, LONG_AGO))
    assert starts == ["09:00", *(f"11:{minute:02}" for minute in range(5, 60, 5)), "12:00"]


def test_someone_elses_absence_and_visits_do_not_count() -> None:
    away = Absence("ewa", local("2026-11-23T00:00"), local("2026-11-24T00:00"))
    anna = therapist(hours=every_day(9 * 60, 11 * 60))
    offer = offer_of(anna, absences=[away], slot_step_minutes=30)
    span = window(offer, MONDAY, MONDAY, LONG_AGO)
    found = start_masks(offer, span, [anna], VISIT.length, {"ewa": {MONDAY: (1 << 288) - 1}})
    assert found["anna", "adres"].bit_count() == 3


def test_a_public_holiday_is_closed_unless_the_clinic_says_otherwise() -> None:
    holiday = date(2026, 11, 11)
    now = local("2026-11-10T08:00")
    anna = therapist(hours=every_day(9 * 60, 12 * 60))
    assert starts_of(offer_of(anna, open_on_holidays=False), holiday, holiday, now) == []
    assert len(starts_of(offer_of(anna, open_on_holidays=True), holiday, holiday, now)) == 9


def test_the_therapists_hours_never_reach_beyond_the_doors() -> None:
    doors = [OpeningHours("adres", 0, 10 * 60, 12 * 60)]
    offer = offer_of(therapist(hours=every_day(8 * 60, 20 * 60)), opening=doors, slot_step_minutes=60)
    assert clock_times(starts_of(offer, MONDAY, MONDAY + timedelta(days=6), LONG_AGO)) == ["10:00", "11:00"]


def test_a_visit_may_cross_midnight_where_the_clinic_is_open() -> None:
    offer = offer_of(therapist(hours=every_day(0, 1440)), slot_step_minutes=30)
    starts = starts_of(offer, MONDAY, MONDAY + timedelta(days=1), LONG_AGO)
    assert local("2026-11-23T23:30").astimezone(UTC) in starts


def test_a_start_before_midnight_sees_the_buffer_of_the_next_days_first_visit() -> None:
    offer = offer_of(therapist(), slot_step_minutes=30)
    visit = cells_between(local("2026-11-24T00:00"), local("2026-11-24T01:00"))
    service = replace(VISIT, buffer_after=10)
    starts = starts_of(offer, MONDAY, MONDAY + timedelta(days=1), LONG_AGO, service, visit)
    assert local("2026-11-23T23:00").astimezone(UTC) not in starts
    assert local("2026-11-23T22:30").astimezone(UTC) in starts


def test_the_last_day_asked_sees_the_visit_after_its_midnight_as_well() -> None:
    offer = offer_of(therapist(), slot_step_minutes=30)
    visit = cells_between(local("2026-11-24T00:00"), local("2026-11-24T01:00"))
    starts = starts_of(offer, MONDAY, MONDAY, LONG_AGO, replace(VISIT, buffer_after=10), visit)
    assert local("2026-11-23T23:00").astimezone(UTC) not in starts


def test_the_first_day_asked_sees_the_visit_before_its_midnight_as_well() -> None:
    offer = offer_of(therapist(), slot_step_minutes=30)
    visit = cells_between(local("2026-11-22T23:00"), local("2026-11-23T00:00"))
    starts = starts_of(offer, MONDAY, MONDAY, LONG_AGO, replace(VISIT, buffer_before=10), visit)
    assert local("2026-11-23T00:00").astimezone(UTC) not in starts


def test_a_day_has_the_same_starts_asked_alone_or_within_its_week() -> None:
    offer = offer_of(therapist(), slot_step_minutes=30)
    alone = starts_of(offer, MONDAY, MONDAY, LONG_AGO)
    week = starts_of(offer, MONDAY - timedelta(days=1), MONDAY + timedelta(days=5), LONG_AGO)
    grid = day_grid(offer.clinic.zone, MONDAY)
    assert alone == [start for start in week if grid.first <= cell_at(start) < grid.first + grid.length]


def test_the_window_begins_today_and_ends_at_the_horizon() -> None:
    offer = offer_of(therapist(), horizon_days=10)
    now = local("2026-11-23T08:00")
    span = window(offer, date.min, date(2100, 1, 1), now)
    assert (span.days[0].day, span.days[-1].day) == (MONDAY, MONDAY + timedelta(days=10))
    assert window(offer, date(2026, 11, 1), date(2026, 11, 22), now).days == ()
    assert window(offer, date(2026, 12, 4), date(2026, 12, 5), now).days == ()


def test_today_is_the_clinics_day_not_the_days_of_utc() -> None:
    span = window(offer_of(therapist()), MONDAY, MONDAY, local("2026-11-23T00:30"))
    assert span.days[0].day == MONDAY
    assert span.base + (span.bookable & -span.bookable).bit_length() - 1 == cell_at(local("2026-11-23T00:30"))


def test_a_window_without_days_answers_nothing() -> None:
    offer = offer_of(therapist())
    span = window(offer, date(2026, 11, 1), date(2026, 11, 2), local("2026-11-23T08:00"))
    assert start_masks(offer, span, list(offer.practitioners.values()), VISIT.length, {}) == {}
    assert first_start(span, 0) is None


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-11-23T07:45", "slot_past"),
        ("2026-11-20T09:00", "slot_past"),
        ("2026-11-23T08:30", "slot_short_notice"),
        ("2026-11-23T09:59", "slot_short_notice"),
        ("2026-12-24T10:00", "slot_beyond_horizon"),
        ("2036-11-23T10:00", "slot_beyond_horizon"),
        ("2026-11-23T10:05", "slot_off_grid"),
        ("2026-11-23T10:15:01", "slot_off_grid"),
        ("2026-11-23T10:15:00.5", "slot_off_grid"),
        ("2026-11-23T10:00", None),
        ("2026-12-23T23:45", None),
    ],
)
def test_a_start_that_was_never_on_offer_is_refused_for_its_reason(start: str, code: str | None) -> None:
    offer = offer_of(therapist(), notice_minutes=120, horizon_days=30, slot_step_minutes=15)
    refused = refusal(offer, local(start), local("2026-11-23T08:00"))
    assert (refused.code if refused else None) == code


@pytest.mark.parametrize("notice", [0, 1, 60])
@pytest.mark.parametrize("now", ["2026-11-23T08:00", "2026-11-23T08:00:01", "2026-11-23T08:14:59"])
def test_whatever_the_window_offers_first_is_not_refused(notice: int, now: str) -> None:
    offer = offer_of(therapist(), notice_minutes=notice, slot_step_minutes=15)
    soonest = starts_of(offer, MONDAY, MONDAY, local(now))[0]
    assert refusal(offer, soonest, local(now)) is None
    assert refusal(offer, soonest - timedelta(minutes=15), local(now)) is not None
