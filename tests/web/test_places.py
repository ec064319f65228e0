"""A clinic with several addresses: the schedule of one of them, and who is busy at another."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from okienko_server.domain.appointment import Status
from okienko_server.operations.onboard_clinic import LocationPlan, weekly
from tests.plans import clinic
from tests.web.staff_world import HANNA, MICHAL, OWNER, RECEPTIONIST, TUESDAY_NINE, ZOFIA, StaffWorld

DAY = "?day=2026-11-24&view=day&practitioner=all"
WEEK = "?day=2026-11-24&view=week&practitioner=all"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    """Zofia works at both addresses in turn, Michał at the first only, Hanna at the second only."""
    early, late = weekly("mon-fri 8:00-12:00"), weekly("mon-fri 13:00-18:00")
    places = (
        LocationPlan("Główna", "ul. Józefa 12", "31-056", "Kraków", weekly("mon-fri 8:00-18:00")),
        LocationPlan("Wola", "ul. Wolska 1", "30-663", "Kraków", weekly("mon-fri 8:00-18:00")),
    )
    zofia, michal, hanna = clinic().practitioners
    people = (
        replace(zofia, hours={"Główna": early, "Wola": late}),
        replace(michal, hours={"Główna": early}),
        replace(hanna, hours={"Wola": late}),
    )
    made = StaffWorld.of(app, locations=places, practitioners=people)
    made.add("morning", ZOFIA)
    made.add("afternoon", ZOFIA, TUESDAY_NINE + timedelta(hours=5), place="Wola", status=Status.BOOKED)
    made.sign_in(RECEPTIONIST)
    return made


def columns(page: str) -> list[str]:
    return re.findall(r'<section class="s-day.*?<b>(.*?)</b>', page, re.S)


def blocks(page: str) -> list[str]:
    return re.findall(r'<li class="s-block.*?id="b-([\w-]+)"', page, re.S)


def at(world: StaffWorld, name: str) -> str:
    return f"&location={world.opened.locations[name]}"


def test_every_address_is_shown_until_one_is_chosen(world: StaffWorld) -> None:
    page = world.page(DAY)
    assert blocks(page) == ["morning", "afternoon"] and len(columns(page)) == 3
    assert "Wszystkie adresy" in page and all(at(world, name).lstrip("&") in page for name in ("Główna", "Wola"))


def test_one_address_shows_who_works_there_and_what_stands_there(world: StaffWorld) -> None:
    main, wola = world.page(DAY + at(world, "Główna")), world.page(DAY + at(world, "Wola"))
    assert blocks(main) == ["morning"] and [ZOFIA in columns(main)[0], MICHAL in columns(main)[1]] == [True, True]
    assert blocks(wola) == ["afternoon"] and [ZOFIA in columns(wola)[0], HANNA in columns(wola)[1]] == [True, True]
    assert re.search(r'class="s-away [^"]+"><span>14:00–15:00 Wola</span>', main)
    assert "przyjmuje 13:00–18:00" in wola and "przyjmuje 8:00–12:00" not in wola


def test_everybodys_week_is_told_by_address_too(world: StaffWorld) -> None:
    page = world.page(WEEK + at(world, "Wola"))
    assert 'id="t-afternoon"' in page and 'id="t-morning"' not in page
    table = page.partition('class="s-team"')[2]
    assert HANNA in table and MICHAL not in table


def test_the_choice_stays_while_one_leafs_and_answers(world: StaffWorld) -> None:
    place = at(world, "Główna").lstrip("&")
    page = world.page(DAY + "&" + place)
    for link in ("previous", "next", "today", "view-2"):
        found = re.search(rf'id="{link}" href="([^"]+)"', page)
        assert found and place in found[1]
    answered = world.client.post(
        "/staff/appointments/morning/confirm",
        data={
            "csrf": world.csrf(),
            "view": "day",
            "day": "2026-11-24",
            "practitioner": "all",
            "location": place.partition("=")[2],
        },
    )
    assert place in answered.headers["Location"]


def test_an_address_one_does_not_have_is_every_address(world: StaffWorld) -> None:
    assert blocks(world.page(DAY + "&location=nowhere")) == ["morning", "afternoon"]


def test_one_address_needs_no_choice(app: Flask) -> None:
    world = StaffWorld.of(app)
    world.sign_in(OWNER)
    assert "Wszystkie adresy" not in world.page(DAY + at(world, "Główna"))


def test_free_time_leads_to_the_form_filled_in(world: StaffWorld) -> None:
    page = world.page(DAY + at(world, "Wola"))
    found = re.search(r'data-plan="([^"]+)"', page)
    assert found
    form = world.client.get(found[1].replace("&amp;", "&") + "&time=14:15").get_data(as_text=True)
    assert 'value="2026-11-24"' in form and 'value="14:15"' in form
    chosen = re.findall(r'<option value="([^"]+)" selected', form)
    assert {world.opened.locations["Wola"], world.opened.practitioners[ZOFIA]} <= set(chosen)
