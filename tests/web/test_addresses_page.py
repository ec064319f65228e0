"""The clinic's addresses: what people type, the map they click on, and what patients find there at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from okienko_server.domain.access import Access
from okienko_server.domain.clinic import Address
from okienko_server.domain.towns import distance_km, towns_named
from okienko_server.storage.tables import AuditRow, LocationRow
from okienko_server.web.pages.staff.map import around, country
from tests.plans import clinic, one_therapist
from tests.web.patients import ApiPatient, opened, rows_of, standing
from tests.web.staff_world import OWNER, StaffWorld

BASE = "/staff/settings/places"
CRACOW = towns_named("Kraków")[0]


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def form(world: StaffWorld, **changes: Any) -> dict[str, Any]:
    days = {f"day-{n}": "8-16" for n in range(5)} | {"day-5": "", "day-6": ""}
    return days | {
        "csrf": world.csrf(), "revision": str(world.offer().revision), "name": "Podgórze", "street": "ul. Kalwaryjska 5",
        "postcode": "30504", "city": "Kraków", "latitude": "50,0401", "longitude": "19,9478",
    } | changes  # fmt: skip


def save(world: StaffWorld, path: str = "/new", **changes: Any) -> TestResponse:
    return world.client.post(BASE + path, data=form(world, **changes))


def shown_point(page: str) -> tuple[float, float]:
    found = [
        re.search(rf'id="{name}" name="{name}" type="text" value="([^"]*)"', page) for name in ("latitude", "longitude")
    ]
    assert all(found)
    return tuple(float(one[1]) for one in found if one)  # type: ignore[return-value]


def test_a_new_address_is_written_with_its_hours(app: Flask, world: StaffWorld) -> None:
    assert save(world).status_code == 303
    (place,) = [one for one in world.offer().locations.values() if one.name == "Podgórze"]
    assert (place.postcode, place.latitude, place.longitude, place.offered) == ("30-504", 50.0401, 19.9478, True)
    doors = [(door.weekday, door.start, door.end) for door in world.offer().opening if door.location_id == place.id]
    assert sorted(doors) == [(day, 480, 960) for day in range(5)]
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_offer"]
    page = world.client.get(BASE).text
    assert "zaznaczony na mapie" in page
    assert "8:00–16:00" in page


def test_a_change_leaves_the_hours_alone(world: StaffWorld) -> None:
    place, hours = world.opened.locations["Główna"], world.offer().opening
    assert save(world, f"/{place}", name="Główna", street="ul. Józefa 14").status_code == 303
    assert world.offer().location(place).street == "ul. Józefa 14"
    assert world.offer().opening == hours


def ticked(page: str, name: str = "access") -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)" checked', page)


def test_what_makes_coming_easier_is_kept_in_its_own_order(app: Flask, world: StaffWorld) -> None:
    place, revision = world.opened.locations["Główna"], world.offer().revision
    assert ticked(world.client.get(f"{BASE}/{place}").text) == []
    assert save(world, f"/{place}", name="Główna", access=["parking", "step_free"]).status_code == 303
    assert world.offer().location(place).access == {Access.STEP_FREE, Access.PARKING}
    assert world.offer().revision == revision + 1
    assert [row.access for row in rows_of(app, LocationRow)] == ["step_free parking"]
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_offer"]
    page = world.client.get(f"{BASE}/{place}").text
    assert ticked(page) == ["step_free", "parking"]
    for words in ("Bez schodów", "Parking dla pacjentów", "Przyjaźnie dla dzieci", "Wizyty domowe"):
        assert words in page.replace("\u00a0", " ")
    save(world, f"/{place}", name="Główna")
    assert [row.access for row in rows_of(app, LocationRow)] == [None]


def test_a_new_address_may_say_everything_at_once(app: Flask, world: StaffWorld) -> None:
    assert ticked(world.client.get(f"{BASE}/new").text) == []
    assert save(world, access=list(Access)).status_code == 303
    (place,) = [one for one in world.offer().locations.values() if one.name == "Podgórze"]
    assert place.access == frozenset(Access)


@pytest.mark.parametrize("kept", [[], ["home_visits"], ["step_free", "child_friendly"]])
def test_a_form_nobody_touched_changes_no_row(app: Flask, world: StaffWorld, kept: list[str]) -> None:
    place = f"/{world.opened.locations['Główna']}"
    save(world, place, access=kept)
    before, page = standing(app, LocationRow), world.client.get(BASE + place).text
    fields = dict(
        re.findall(r'name="(name|street|postcode|city|latitude|longitude)" type="text" value="([^"]*)"', page)
    )
    assert len(fields) == 6
    assert save(world, place, **fields, access=ticked(page)).status_code == 303
    assert standing(app, LocationRow) == before


@pytest.mark.parametrize(
    "press", [{"postcode": "ABC"}, {"find": "yes"}, {"map.x": "3", "map.y": "3"}, {"revision": "0"}]
)
def test_ticks_survive_whatever_saves_nothing(app: Flask, world: StaffWorld, press: dict[str, str]) -> None:
    answer = save(world, access=["parking", "home_visits"], **press)
    assert answer.status_code in (200, 409, 422)
    assert ticked(answer.text) == ["parking", "home_visits"]
    assert len(rows_of(app, LocationRow)) == 1


@pytest.mark.parametrize("posted", [["lift"], ["<b>", "parking\x00"], ["PARKING"], ["x" * 50_000], [""]])
def test_a_code_that_is_none_is_passed_over(app: Flask, world: StaffWorld, posted: list[str]) -> None:
    place = world.opened.locations["Główna"]
    assert save(world, f"/{place}", name="Główna", access=[*posted, "child_friendly"]).status_code == 303
    assert [row.access for row in rows_of(app, LocationRow)] == ["child_friendly"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "główna"), ("name", "x" * 61), ("street", " "), ("street", "a\x00b"), ("city", ""),
        ("postcode", ""), ("postcode", "3-0504"), ("postcode", "ABC"), ("latitude", "52.52"), ("latitude", "nan"), ("latitude", "1e309"),
        ("longitude", ""), ("latitude", "0"), ("day-2", "8-25"), ("day-2", "16-8"), ("day-2", "22-2"), ("day-2", "8-12, 11-13"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    app: Flask, world: StaffWorld, field: str, value: str
) -> None:
    longitude = {"longitude": "13.40"} if value == "52.52" else {"longitude": "0"} if value == "0" else {}
    answer = save(world, **{field: value} | longitude)
    assert answer.status_code == 422
    assert f'id="{"latitude" if field == "longitude" else field}-wrong"' in answer.text
    for kept in ("Podgórze", "Kalwaryjska 5", "8-16"):
        assert kept in answer.text or field in ("name", "street")
    assert len(rows_of(app, LocationRow)) == 1


def test_swapped_coordinates_get_a_hint(world: StaffWorld) -> None:
    answer = save(world, latitude="19.9478", longitude="50.0401")
    assert answer.status_code == 422
    assert "nie są zamienione" in answer.text.replace("\u00a0", " ")


def test_the_first_address_begins_with_the_contracts(app: Flask) -> None:
    plan: dict[str, Any] = {"locations": (), "practitioners": (), "staff": clinic().staff[:1], "registration": False}
    world = StaffWorld.of(app, contract_address=Address("ul. Szkolna 7", "34-500", "Zakopane"), **plan)
    world.sign_in(OWNER)
    page = world.client.get(f"{BASE}/new").text
    for known in ("ul. Szkolna 7", "34-500", "Zakopane", "8:00–18:00"):
        assert f'value="{known}"' in page
    zakopane = towns_named("Zakopane")[0]
    assert distance_km(*shown_point(page), zakopane.latitude, zakopane.longitude) < 0.01


def test_a_town_is_found_and_one_of_several_is_asked_for(world: StaffWorld) -> None:
    found = save(world, city="krakow", latitude="", longitude="", find="yes")
    assert found.status_code == 200
    assert distance_km(*shown_point(found.text), CRACOW.latitude, CRACOW.longitude) < 0.01
    assert "Kalwaryjska 5" in found.text
    several = save(world, city="Józefów", latitude="", longitude="", find="yes").text
    choices = re.findall(r'name="town" value="([^"]+)"', several)
    assert len(choices) > 2
    assert "lubelskie" in several
    chosen = save(world, city="Józefów", latitude="", longitude="", town=choices[1]).text
    latitude, longitude = (float(part) for part in choices[1].split())
    assert shown_point(chosen) == pytest.approx((latitude, longitude), abs=1e-6)
    assert "Nie znamy" in save(world, city="Xyz", find="yes").text
    assert len(world.offer().locations) == 1, "looking writes nothing"


def test_a_click_on_the_map_is_the_place_clicked(world: StaffWorld) -> None:
    x, y = (round(one) for one in country().pixel(CRACOW.latitude, CRACOW.longitude))
    page = save(world, latitude="", longitude="", **{"map.x": str(x), "map.y": str(y)}).text
    first = shown_point(page)
    assert distance_km(*first, CRACOW.latitude, CRACOW.longitude) < 2.5, "a pixel is some two kilometres"
    near = around(*first)
    x, y = (round(one) for one in near.pixel(50.0401, 19.9478))
    fields = {
        "near-latitude": f"{first[0]:.6f}",
        "near-longitude": f"{first[1]:.6f}",
        "near.x": str(x),
        "near.y": str(y),
    }
    fine = shown_point(save(world, **fields).text)
    assert distance_km(*fine, 50.0401, 19.9478) < 0.08


@pytest.mark.parametrize("click", [("0", "0"), ("9999", "1"), ("-1", "5"), ("x", "y")])
def test_a_click_beside_the_country_changes_nothing(world: StaffWorld, click: tuple[str, str]) -> None:
    page = save(world, **{"map.x": click[0], "map.y": click[1]})
    assert page.status_code == 200
    assert 'value="50,0401"' in page.text


def test_the_map_is_a_drawing_that_runs_nothing(world: StaffWorld) -> None:
    for query in (
        "",
        "?latitude=50.06&longitude=19.94",
        "?latitude=50.06&longitude=19.94&near=yes",
        "?latitude=<x>&near=yes",
    ):
        answer = world.client.get(f"{BASE}/map.svg{query}")
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "<x>" not in answer.text
    assert ">Wieliczka</text>" in world.client.get(f"{BASE}/map.svg?latitude=50.06&longitude=19.94&near=yes").text


def test_a_withheld_address_is_gone_for_patients_and_stays_in_the_schedule(app: Flask, world: StaffWorld) -> None:
    place = world.opened.locations["Główna"]
    world.add("visit")
    patient = ApiPatient(app, world.opened.id)
    assert patient.starts()
    world.client.post(f"{BASE}/{place}/offered", data={"csrf": world.csrf(), "offered": "no"})
    assert patient.starts() == []
    assert patient.slots(location_id=place).status_code == 404
    assert "Żółkiewska" in world.page("?view=day&day=2026-11-24&practitioner=all")
    world.client.post(f"{BASE}/{place}/offered", data={"csrf": world.csrf(), "offered": "yes"})
    assert patient.starts()


def test_an_address_with_visits_is_not_removed(world: StaffWorld) -> None:
    save(world)
    (fresh,) = [one.id for one in world.offer().locations.values() if one.name == "Podgórze"]
    world.add("visit")
    kept = world.client.post(f"{BASE}/{world.opened.locations['Główna']}/remove", data={"csrf": world.csrf()})
    assert kept.status_code == 409
    assert "więc zostaje" in kept.text
    assert world.client.post(f"{BASE}/{fresh}/remove", data={"csrf": world.csrf()}).status_code == 303
    assert list(world.offer().locations) == [world.opened.locations["Główna"]]


def test_two_who_save_at_once(world: StaffWorld) -> None:
    revision = str(world.offer().revision)
    assert save(world, revision=revision).status_code == 303
    second = save(world, name="Krowodrza", revision=revision)
    assert second.status_code == 409
    assert 'value="Krowodrza"' in second.text


def test_another_clinics_address_does_not_exist(app: Flask, world: StaffWorld) -> None:
    other = opened(app, one_therapist())
    foreign = other.locations["Główna"]
    before = [row for row in rows_of(app, LocationRow) if row.clinic_id == other.id]
    assert world.client.get(f"{BASE}/{foreign}").status_code == 404
    for path in ("", "/offered", "/remove"):
        assert world.client.post(f"{BASE}/{foreign}{path}", data=form(world, name="Inna")).status_code == 404
    assert [row for row in rows_of(app, LocationRow) if row.clinic_id == other.id] == before


def test_a_browser_without_script_clicks_the_map(world: StaffWorld, browser: Browser) -> None:
    """The page as the server sent it, in a browser that runs nothing: the click arrives as the pixel it was on."""
    page = world.client.get(f"{BASE}/new").text
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    tab = context.new_page()
    sent: list[str] = []

    def answer(route: Any) -> None:
        request, path = route.request, route.request.url.removeprefix("http://clinic.test")
        if request.method == "POST":
            sent.append(request.post_data or "")
            route.fulfill(status=204)
            return
        got = world.client.get(path)
        route.fulfill(status=200, body=got.data, content_type=got.content_type or "text/html")

    tab.route("**/*", answer)
    tab.goto(f"http://clinic.test{BASE}/new")
    x, y = (round(one) for one in country().pixel(CRACOW.latitude, CRACOW.longitude))
    tab.locator("input[name=map]").click(position={"x": x + 1, "y": y + 1})
    tab.wait_for_timeout(300)
    context.close()
    assert "Nowy adres" in page
    (body,) = sent
    fields = dict(part.split("=") for part in body.split("&") if part.startswith("map."))
    assert abs(int(fields["map.x"]) - x) <= 1
    assert abs(int(fields["map.y"]) - y) <= 1
