"""A week drawn once is shown again only while the database says that nothing in it changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from okienko_server.domain.appointment import Person
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.web.pages.staff.team import team_of
from tests.conftest import Clock
from tests.web.staff_world import MICHAL, RECEPTIONIST, TUESDAY_NINE, StaffWorld

WEEK = "?day=2026-11-24&view=week&practitioner=all"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.add("first")
    made.sign_in(RECEPTIONIST)
    return made


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When a week was drawn anew."""
    drawn: list[datetime] = []

    def counted(*values: Any) -> Any:
        drawn.append(values[-1])
        return team_of(*values)

    monkeypatch.setattr("okienko_server.web.pages.staff.schedule.team_of", counted)
    return drawn


def test_a_week_is_drawn_once_while_nothing_changes(world: StaffWorld, drawings: list[datetime]) -> None:
    assert world.page(WEEK).count("Żółkiewska Ł.") == world.page(WEEK).count("Żółkiewska Ł.") == 1
    assert len(drawings) == 1


def test_every_change_is_seen_at_once(world: StaffWorld, drawings: list[datetime]) -> None:
    world.page(WEEK)
    world.add("second", MICHAL, patient=Person("Ewa", "Nowa"))
    assert "Nowa E." in world.page(WEEK)
    world.answer("second", "confirm")
    assert 's-brief s-booked" id="t-second"' in world.page(WEEK)
    world.answer("first", "decline", reason="urlop")
    assert 'id="t-first"' not in world.page(WEEK)
    assert len(drawings) == 4


def test_one_in_and_one_out_is_a_change_too(world: StaffWorld) -> None:
    world.page(WEEK)
    world.answer("first", "decline", reason="")
    world.add("third", patient=Person("Ewa", "Nowa"))
    page = world.page(WEEK)
    assert 'id="t-third"' in page and 'id="t-first"' not in page


def test_the_offer_the_day_and_the_age_of_a_reservation_count(
    world: StaffWorld, drawings: list[datetime], clock: Clock
) -> None:
    made = clock.now
    world.add("old", MICHAL, TUESDAY_NINE + timedelta(hours=2), pending_at=made - timedelta(days=89, hours=20))
    assert 'id="t-old"' in world.page(WEEK)
    clock.forward(hours=5)
    world.sign_in(RECEPTIONIST)
    assert 'id="t-old"' not in world.page(WEEK) and len(drawings) == 2, (
        "it left the schedule without anybody changing it"
    )
    clock.now = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    world.sign_in(RECEPTIONIST)
    assert 'class="s-today"' in world.page(WEEK) and len(drawings) == 3, "in Poland it is Tuesday already"


def test_without_asking_for_the_state_an_old_week_would_stay(
    world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AppointmentStore, "state", lambda *_: "always the same")
    world.page(WEEK)
    world.add("second", MICHAL, patient=Person("Ewa", "Nowa"))
    assert "Nowa E." not in world.page(WEEK).partition('class="s-team"')[2]
