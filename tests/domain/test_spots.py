"""Spots: whole metres that order addresses as the way along the ground does, and squares that miss none within reach."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from okienko_server.domain.cells import cell_at, instant_of, local_day
from okienko_server.domain.spots import NOWHERE, apart, lot_of, reach, spot_of, strips_within, tile_of
from okienko_server.domain.starts import day_count
from okienko_server.domain.towns import DEGREE_KM, distance_km

WARSAW = ZoneInfo("Europe/Warsaw")
POINTS = st.tuples(st.floats(49, 55), st.floats(14, 24))


@given(POINTS, POINTS, POINTS)
def test_what_is_nearer_along_the_ground_is_less_apart(
    here: tuple[float, float], one: tuple[float, float], other: tuple[float, float]
) -> None:
    near, far = sorted((one, other), key=lambda point: distance_km(*here, *point))
    if distance_km(*here, *far) - distance_km(*here, *near) > 0.004:
        assert apart(spot_of(*here), spot_of(*near)) < apart(spot_of(*here), spot_of(*far))


@given(POINTS, POINTS, st.sampled_from([1.0, 15.0, 40.0, 100.0, 400.0]))
def test_within_reach_is_within_the_kilometres_and_in_one_of_the_squares(
    here: tuple[float, float], there: tuple[float, float], km: float
) -> None:
    away = distance_km(*here, *there)
    if abs(away - km) > 0.004:
        assert (apart(spot_of(*here), spot_of(*there)) <= reach(km)) == (away < km)
    if away <= km:
        assert any(first <= tile_of(*there) <= last for first, last in strips_within(*here, km))


def test_an_address_nobody_can_place_lies_beyond_every_reach() -> None:
    assert apart(spot_of(52.0, 19.0), NOWHERE) > reach(1000)


def test_a_lot_is_always_the_same_and_each_address_has_its_own() -> None:
    assert lot_of("a", "b") == lot_of("a", "b")
    assert len({lot_of(f"clinic{n}", "place") for n in range(1000)} | {lot_of("clinic", "0place")}) == 1001


@given(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.integers(0, 29 * 288))
def test_days_are_counted_as_the_calendar_counts_them_over_both_clock_changes(today: date, ahead: int) -> None:
    first = cell_at(datetime(today.year, today.month, today.day, tzinfo=WARSAW))
    days = (local_day(instant_of(first + ahead), WARSAW) - today) // timedelta(days=1)
    assert day_count(WARSAW, today).of(first + ahead) == days


@given(st.floats(49, 53), st.sampled_from([15.0, 40.0, 100.0]), st.sampled_from([1, -1]))
@example(50.0 - 100 / 111.32 - 1e-6, 100.0, 1)
def test_an_address_due_north_or_south_at_the_very_edge_is_in_a_strip(latitude: float, km: float, way: int) -> None:
    there = latitude + way * (km - 0.01) / DEGREE_KM
    assert distance_km(latitude, 19.0, there, 19.0) < km
    assert any(first <= tile_of(there, 19.0) <= last for first, last in strips_within(latitude, 19.0, km))
