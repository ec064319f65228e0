"""`okienko messages`: the operator's lines and a clinic's log, which leak no number, no text and no name."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import update

from okienko_server.cli import main
from okienko_server.storage.tables import SmsDayRow
from okienko_server.web import house as web_house
from tests.conftest import KEYS, PEPPER, Clock
from tests.operations.test_money import MONTH, booked, budget, send_all
from tests.web.patients import FormPatient, house_of
from tests.web.staff_world import OWNER, StaffWorld

Run = Callable[..., str]
LEAKS = re.compile(r"601.?234|\+48|kod \d|\d{6}|Żółkiewska|Zolkiewska|Jan\b")


@pytest.fixture
def world(app: Flask, clock: Clock) -> StaffWorld:
    """One booking finished and one that waits for its code."""
    made = StaffWorld.of(app)
    patient = booked(app, made.opened, 9)
    patient.verify(patient.phone.code())
    booked(app, made.opened, 14)
    send_all(app, clock.now)
    return made


@pytest.fixture
def run(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on the test's database and clock."""
    monkeypatch.setattr(web_house, "wall_clock", clock)
    environment = {
        "OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": house_of(app).settings.database_url, "OKIENKO_PEPPER": PEPPER,
        "OKIENKO_EMBED_KEYS": KEYS.embed[0], "OKIENKO_SESSION_KEYS": KEYS.session[0],
    }  # fmt: skip

    def call(*asked: str, status: int = 0) -> str:
        result = CliRunner(env=environment).invoke(main, ["messages", *asked])
        assert result.exit_code == status, result.output
        return result.output

    return call


def test_a_line_for_each_clinic(world: StaffWorld, run: Run) -> None:
    said = run()
    assert "kazimierz: 4 messages, pool 3/400, billed 0.00 zł, today 0.80 of " in said
    assert "failed 0, unsure 0, lost 0 ▁" in said and said.rstrip().endswith("█")
    assert "0 messages, pool 0/0" in run("--month", "2024-02") and "today" not in run("--month", "2024-02")
    assert "must be like" in run("--month", "x", status=2) and "no clinic" in run("--clinic", "nobody", status=2)


def test_the_log_shows_masked_numbers_and_leaks_nothing(world: StaffWorld, run: Run) -> None:
    said = run("--month", MONTH, "--clinic", "kazimierz")
    assert len(said.splitlines()) == 4 and "601\u00a0•••\u00a0567" in said and "verification  sent  pool  20 gr" in said
    assert not LEAKS.search(said) and not LEAKS.search(run())


def test_a_number_shown_whole_is_found(world: StaffWorld, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(sys.modules["okienko_server.cli.messages"], "masked", str)
    assert LEAKS.search(run("--month", MONTH, "--clinic", "kazimierz"))


def test_the_page_tells_the_day_and_each_messages_entries(world: StaffWorld, app: Flask) -> None:
    world.sign_in(OWNER)

    def page(query: str = "") -> str:
        return world.client.get(f"/staff/messages{query}").get_data(as_text=True).replace("\u00a0", " ")

    calm = page()
    assert "Dziś: 0,80 zł z " in calm and "prośbę o telefon" not in calm
    assert "zapłacono · 0,20 zł · z puli" in calm and "zarezerwowano" in calm and "Stan kont" in calm
    assert "Dziś:" not in page("?month=2024-02")
    budget(app, world.opened, 80)
    assert "budżet na kody się skończył" in page()
    budget(app, world.opened, 100_000)
    house_of(app).desk.database.write(
        lambda connection: connection.execute(update(SmsDayRow).values(codes=60, verified=1))
    )
    assert "Zbyt mało dzisiejszych kodów" in page()


def test_the_preview_shows_the_bound_line_and_a_frames_code_goes_without(app: Flask, clock: Clock) -> None:
    object.__setattr__(house_of(app).desk, "code_host", "okienko.example")
    made = StaffWorld.of(app)
    framed = booked(app, made.opened, 9)
    assert "@okienko.example" not in framed.phone.messages()[0].body
    made.sign_in(OWNER)
    assert "@okienko.example #123456" in made.client.get("/staff/messages").text


def test_a_code_asked_for_at_our_own_address_is_bound_to_it(app: Flask, clock: Clock) -> None:
    object.__setattr__(house_of(app).desk, "code_host", "okienko.example")
    StaffWorld.of(app)
    patient = FormPatient(app, "/g/kazimierz")
    code = patient.awaiting_code()
    assert patient.phone.messages()[0].body.splitlines()[-1] == f"@okienko.example #{code}"
    assert patient.code(code).says("done.title")
