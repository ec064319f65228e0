"""What open screens take in after a change is drawn once for all who see the same, and is never another's or an older one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from okienko_server.domain.appointment import Person
from okienko_server.web.pages.staff import schedule, schedule_view
from tests.conftest import Clock
from tests.plans import PASSWORD
from tests.web.staff_world import ANOTHER_THERAPIST, MICHAL, OWNER, RECEPTIONIST, THERAPIST, StaffWorld

WEEK = "/staff/?day=2026-11-24&view=week"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.add("first")
    return made


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose page was drawn anew."""
    drawn: list[str] = []

    def counted(*values: Any) -> Any:
        drawn.append(values[2].role)
        return schedule_view.page_of(*values)

    monkeypatch.setattr(schedule, "page_of", counted)
    return drawn


def screen(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/staff/sign-in", data={"email": email, "password": PASSWORD}).status_code == 303
    return client


def redrawn(client: FlaskClient, url: str = WEEK) -> str:
    answer = client.get(url, headers={"X-Okienko": "redraw"})
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    return answer.get_data(as_text=True)


def arrives(world: StaffWorld, clock: Clock) -> None:
    """Write a reservation made this moment."""
    world.add("second", MICHAL, patient=Person("Ewa", "Zielińska"), created_at=clock.now, pending_at=clock.now)


def token_of(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found
    return found[1]


def main_of(html: str) -> str:
    return html[html.index("<main ") : html.index("</main>")]


def test_many_screens_cost_one_drawing_and_keep_their_own_form_token(
    app: Flask, world: StaffWorld, drawings: list[str]
) -> None:
    screens = [screen(app, RECEPTIONIST) for _ in range(5)]
    pages = [redrawn(one) for one in screens]
    assert drawings == ["receptionist"]
    tokens = [token_of(page) for page in pages]
    assert len(set(tokens)) == 5, "another one's token would send every form back"
    sent = screens[4].post("/staff/appointments/first/confirm", data={"csrf": tokens[4]})
    assert sent.status_code == 303 and world.get("first").status == "booked"


def test_what_is_taken_in_is_the_main_part_of_the_page(app: Flask, world: StaffWorld) -> None:
    client = screen(app, OWNER)
    part = redrawn(client)
    assert main_of(part) == main_of(client.get(WEEK).get_data(as_text=True))
    assert "<title>" in part and "<header" not in part and "\x00" not in part


def test_every_change_is_drawn_at_once(app: Flask, world: StaffWorld, drawings: list[str], clock: Clock) -> None:
    client = screen(app, RECEPTIONIST)
    redrawn(client)
    arrives(world, clock)
    assert "Zielińska" in redrawn(client) and len(drawings) == 2
    client.post("/staff/appointments/second/decline", data={"csrf": token_of(redrawn(client)), "reason": ""})
    assert "Zielińska" not in redrawn(client) and len(drawings) == 3


def test_time_goes_by_on_open_screens(app: Flask, world: StaffWorld, clock: Clock) -> None:
    client = screen(app, RECEPTIONIST)
    assert "5 min" in redrawn(client).replace("\u00a0", " ")
    clock.forward(minutes=3)
    assert "8 min" in redrawn(client).replace("\u00a0", " ")


PAIRS = [(OWNER, THERAPIST), (THERAPIST, ANOTHER_THERAPIST), (RECEPTIONIST, OWNER)]


def strangers(app: Flask) -> list[bool]:
    """Let two people look one after the other; tell for each pair whether the second got the first one's page."""
    shared = []
    for first, second in PAIRS:
        given, own = main_of(redrawn(screen(app, first))), main_of(redrawn(screen(app, second)))
        shared.append(re.sub(r'value="[^"]*"', "", given) == re.sub(r'value="[^"]*"', "", own))
    return shared


def test_nobody_gets_what_another_reach_sees(app: Flask, world: StaffWorld) -> None:
    world.add("foreign", MICHAL, patient=Person("Obcy", "Pacjent"))
    redrawn(screen(app, OWNER))
    assert "Pacjent" not in redrawn(screen(app, THERAPIST)) and "Pacjent" in redrawn(screen(app, ANOTHER_THERAPIST))
    assert strangers(app)[1] is False


def test_without_the_reach_in_the_key_they_would(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: everybody under one key."""
    world.add("foreign", MICHAL, patient=Person("Obcy", "Pacjent"))
    mains = app.extensions["okienko"].mains
    get, keep = mains.get, mains.keep
    monkeypatch.setattr(type(mains), "get", lambda self, key: get("all"))
    monkeypatch.setattr(type(mains), "keep", lambda self, key, text: keep("all", text))
    redrawn(screen(app, OWNER))
    assert "Pacjent" in redrawn(screen(app, THERAPIST))


def test_without_the_state_in_the_key_an_old_page_would_stay(
    app: Flask, world: StaffWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the database is not asked."""
    monkeypatch.setattr(schedule, "schedule_changes", lambda *_, **__: "the same")
    client = screen(app, RECEPTIONIST)
    redrawn(client)
    arrives(world, clock)
    assert "Zielińska" not in redrawn(client)
