"""The table of towns, the outline, what people type for coordinates, and the maps they click on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.coordinates import map_around, map_of_poland, point_of, postcode_of
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.towns import distance_km, in_poland, nearest_town, outline, towns, towns_around, towns_named


def test_the_table_is_whole() -> None:
    assert len(towns()) == 3021
    assert [town.name for town in towns()[:3]] == ["Warszawa", "Kraków", "Wrocław"]
    assert {town.voivodeship for town in towns()} >= {"małopolskie", "zachodniopomorskie"}
    assert [town.people for town in towns()] == sorted((town.people for town in towns()), reverse=True)


def test_every_town_lies_in_poland() -> None:
    assert [town.name for town in towns() if not in_poland(town.latitude, town.longitude)] == []


@given(st.sampled_from(towns()))
def test_the_nearest_town_to_a_town_is_itself(town: object) -> None:
    from okienko_server.domain.towns import Town

    assert isinstance(town, Town)
    found = nearest_town(town.latitude, town.longitude)
    assert (found.latitude, found.longitude) == (town.latitude, town.longitude)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (52.52, 13.40), (55.2, 17.5), (0, 0), (50.09, 14.42), (48.14, 17.11), (54.69, 25.28), (19.94, 50.06), (float("nan"), 20),
        (float("inf"), 20), (50.45, 30.52), (51.5, -0.1), (49.83, 24.02),
    ],
)  # fmt: skip
def test_berlin_the_baltic_and_the_neighbours_are_not_poland(latitude: float, longitude: float) -> None:
    assert not in_poland(latitude, longitude)


def test_the_outline_is_closed() -> None:
    assert outline()[0] == outline()[-1]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("krakow", "Kraków"),
        ("ŁÓDŹ", "Łódź"),
        ("bielsko biala", "Bielsko-Biala"),
        ("War", "Warszawa"),
        ("zakopane", "Zakopane"),
    ],
)
def test_a_town_is_found_with_and_without_polish_letters(text: str, first: str) -> None:
    assert towns_named(text)[0].name in (first, "Bielsko-Biała")


def test_several_of_one_name_are_all_named_and_a_beginning_gives_ten_at_most() -> None:
    assert len({town.voivodeship for town in towns_named("Zalesie")}) > 1 or len(towns_named("Zalesie")) > 1
    assert len(towns_named("Z")) == 10
    assert towns_named("") == towns_named("Xyz") == []


def test_distances_are_the_known_ones() -> None:
    assert distance_km(52.2298, 21.0118, 50.0614, 19.9366) == pytest.approx(252, abs=2)
    assert distance_km(50, 20, 50, 20) == 0
    assert "Wieliczka" in {town.name for town in towns_around(50.0614, 19.9366, 20)}


@pytest.mark.parametrize(
    ("latitude", "longitude", "point"),
    [
        ("50.0523", "19.9449", (50.0523, 19.9449)), ("50,0523", "19,9449", (50.0523, 19.9449)),
        (" 50.0523° ", "19.9449", (50.0523, 19.9449)),
        ("50.0523, 19.9449", "", (50.0523, 19.9449)), ("50.0523 19.9449", "", (50.0523, 19.9449)),
        ("50.0523,19.9449", "", (50.0523, 19.9449)),
        ("50°03'08\"N", "19°56'42\"E", (50.052222, 19.945)), ("50°03′08″ N", "19°56′42″ E", (50.052222, 19.945)), ("", " ", None),
    ],
)  # fmt: skip
def test_coordinates_are_read_as_people_write_them(latitude: str, longitude: str, point: object) -> None:
    assert point_of(latitude, longitude) == point


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [
        ("19.9449", "50.0523", "coordinates_swapped"), ("52.52", "13.40", "coordinates_outside"), ("0", "0", "coordinates_outside"),
        ("nan", "20", "coordinates_invalid"), ("inf", "20", "coordinates_invalid"), ("1e309", "20", "coordinates_invalid"),
        ("50", "", "coordinates_invalid"), ("", "20", "coordinates_invalid"), ("pięćdziesiąt", "20", "coordinates_invalid"),
        ("٥٠", "20", "coordinates_invalid"), ("50.0523, 19.9449", "19", "coordinates_invalid"), ("999", "20", "coordinates_outside"),
    ],
)  # fmt: skip
def test_coordinates_that_are_none_are_refused(latitude: str, longitude: str, code: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        point_of(latitude, longitude)
    assert (refused.value.code, refused.value.field) == (code, "latitude")


@given(latitude=st.text(max_size=30), longitude=st.text(max_size=30))
def test_whatever_is_taken_lies_in_poland(latitude: str, longitude: str) -> None:
    try:
        point = point_of(latitude, longitude)
    except FieldRefused:
        return
    assert point is None or in_poland(*point)


@pytest.mark.parametrize(("typed", "kept"), [("31-056", "31-056"), ("31056", "31-056"), (" 31 056 ", "31-056")])
def test_a_postcode_is_read_as_people_write_it(typed: str, kept: str) -> None:
    assert postcode_of(typed) == kept


@pytest.mark.parametrize("typed", ["", "3-1056", "310567", "31-05", "AB-123", "٣١-٠٥٦", "31--056", "31–056"])
def test_a_postcode_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        postcode_of(typed)
    assert refused.value.code == "postcode_invalid"


@given(st.sampled_from(towns()), st.sampled_from([map_of_poland(320), map_around(50.06, 19.94, 12, 320)]))
def test_a_pixel_and_its_point_are_the_same_place(town: object, drawn: object) -> None:
    from okienko_server.domain.coordinates import FlatMap
    from okienko_server.domain.towns import Town

    assert isinstance(town, Town)
    assert isinstance(drawn, FlatMap)
    x, y = drawn.pixel(town.latitude, town.longitude)
    latitude, longitude = drawn.point(x, y)
    assert distance_km(latitude, longitude, town.latitude, town.longitude) < 0.001


def test_the_whole_country_fits_its_map() -> None:
    drawn = map_of_poland(320)
    assert all(
        0 <= drawn.pixel(y, x)[0] <= drawn.width and 0 <= drawn.pixel(y, x)[1] <= drawn.height for x, y in outline()
    )
