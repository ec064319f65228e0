"""What staff read of prices: the month's own on every page of that month, and a change sixty days before it begins."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from okienko_server.cli import main
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import Tariff
from okienko_server.operations.statement import see_month
from okienko_server.operations.tariffs import set_tariff
from okienko_server.storage.tariffs import TariffStore
from okienko_server.web import house as web_house
from okienko_server.web.pages.staff.alone import standing_alone
from tests.conftest import KEYS, PEPPER, Clock
from tests.operations.test_money import booked, send_all, unlimited
from tests.tariffs import priced
from tests.web.patients import house_of
from tests.web.staff_world import OWNER, StaffWorld
from tests.web.test_statement_page import counted, summed, tables

JANUARY = Tariff("2027-01", 22, 100)
SAID = "Od 1 stycznia 2027 SMS kosztuje 22 gr brutto, a pula to 100 SMS-ów na osobę."


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    unlimited(app)
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def text(world: StaffWorld, part: str = "") -> str:
    answer = world.client.get(f"/staff/messages{part}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\u00a0", " ")


def test_a_change_set_today_is_told_at_once(world: StaffWorld, clock: Clock) -> None:
    assert "stycznia 2027" not in text(world) and "potem po 20 gr brutto" in text(world)
    set_tariff("2027-01", 22, 100, scope=operator_scope(), desk=world.desk, now=clock.now)
    assert f'<p class="s-info s-coming">{SAID}</p>' in text(world)
    assert SAID in text(world, "/reminders") and "potem 0,20 zł brutto" in text(world, "/reminders")
    assert SAID not in text(world, "?month=2026-10"), "an old month speaks of itself"


def test_it_is_told_from_sixty_days_before_until_it_holds(app: Flask, world: StaffWorld, clock: Clock) -> None:
    priced(app, JANUARY)
    for now, told in (
        (datetime(2026, 11, 1, 12, tzinfo=UTC), False),
        (datetime(2026, 11, 2, 12, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), False),
    ):
        clock.now = now
        world.sign_in(OWNER)
        assert (SAID in text(world)) is told, now
    assert "potem po 22 gr brutto" in text(world) and "× 0,22 zł" in text(world)


@pytest.mark.parametrize(
    ("tariff", "said"),
    [
        (Tariff("2026-12", 150, 1), "Od 1 grudnia 2026 SMS kosztuje 1,50 zł brutto, a pula to 1 SMS na osobę."),
        (Tariff("2026-12", 20, 53), "Od 1 grudnia 2026 SMS kosztuje 20 gr brutto, a pula to 53 SMS-y na osobę."),
        (Tariff("2026-12", 25, 0), "Od 1 grudnia 2026 SMS kosztuje 25 gr brutto i nie ma już puli."),
        (Tariff("2026-12", 0, 100), "Od 1 grudnia 2026 SMS-y nic nie kosztują."),
    ],
)
def test_each_kind_of_change_has_its_sentence(app: Flask, world: StaffWorld, tariff: Tariff, said: str) -> None:
    priced(app, tariff)
    assert said in text(world)


def two_months(app: Flask, world: StaffWorld, clock: Clock, *tariffs: Tariff) -> None:
    """Three bookings at the end of November, of which one is not finished, and two at the beginning of December."""
    priced(app, *tariffs)
    clock.now = datetime(2026, 11, 30, 22, 50, tzinfo=UTC)
    for hour in (9, 10, 11):
        patient = booked(app, world.opened, hour, days=14)
        if hour < 11:
            patient.verify(patient.phone.code())
    send_all(app, clock.now)
    clock.forward(minutes=15)
    for hour in (14, 15):
        patient = booked(app, world.opened, hour, days=14)
        patient.verify(patient.phone.code())
    send_all(app, clock.now)
    world.sign_in(OWNER)


def test_every_month_is_counted_at_its_own_price(app: Flask, world: StaffWorld, clock: Clock) -> None:
    two_months(app, world, clock, Tariff("2026-12", 27, 1))
    old, new = text(world, "?month=2026-11"), text(world, "?month=2026-12")
    assert "5 z 400" in old and "0 × 0,20 zł" in old and "potem po 20 gr" in old
    assert "4 z 4" in new and "0 × 0,27 zł" in new and "potem po 27 gr" in new
    assert len(re.findall(r"jeden SMS · 0,27 zł", old)) == 6, "what is sent now costs what it costs now"


def test_a_statement_of_an_old_month_keeps_the_old_price(app: Flask, world: StaffWorld, clock: Clock) -> None:
    two_months(app, world, clock, Tariff("2026-12", 27, 1))
    clock.now = datetime(2027, 1, 2, 10, tzinfo=UTC)
    for month, price, pool, sent, waits in (("2026-11", 20, 400, 5, 1), ("2026-12", 27, 4, 4, 0)):
        seen = see_month(month, scope=world.scope, desk=world.desk, now=clock.now)
        page = standing_alone(seen).replace("\u00a0", " ")
        for rows in tables(page):
            assert summed(rows[-1:]) == summed(rows[:-1]) == [sent * price, 0, 0, waits * price, 0]
            assert counted(rows[-1:]) == [sent + waits, sent, 0, 0, waits, 0]
        assert f"Cena jednej wiadomości to 0,{price} zł" in page
        parts = re.findall(r"<div><dt>[^<]+</dt><dd>(\d+)<small>([^<]+)</small>", page)
        counts = [int(count) for count, _ in parts]
        sums = [int(re.sub(r"\D", "", shown)) for _, shown in parts]
        assert counts == [pool, sent, *([waits] if waits else []), pool - sent - waits]
        assert sums == [count * price for count in counts]


def test_the_bill_of_a_dearer_month_is_in_its_log_and_file(app: Flask, world: StaffWorld, clock: Clock) -> None:
    two_months(app, world, clock, Tariff("2026-12", 27, 0))
    page = text(world, "?month=2026-12")
    assert "4 × 0,27 zł" in page and "1,08 zł" in page and "0 z 0" in page
    assert page.count("<summary>27 gr<") == 4 and '<span class="s-before">■</span> 27 gr' in page
    lines = text(world, ".csv?month=2026-12").splitlines()
    assert [line.split(",")[4:] for line in lines if line.startswith("2026-12")] == [["bill", "27"]] * 4
    assert ",,total,owed,,108" in lines and ",,total,owed,,0" in text(world, ".csv?month=2026-11").splitlines()


def test_a_free_month_counts_what_it_sent(app: Flask, world: StaffWorld, clock: Clock) -> None:
    two_months(app, world, clock, Tariff("2026-12", 0, 100))
    page = text(world, "?month=2026-12")
    assert "W tym miesiącu nic nie kosztują" in page and "<dt>Z puli</dt><dd>4</dd>" in page and "4 z 0" not in page
    assert "<svg viewBox" in page and "Pula na miesiąc" not in text(world, "/statement?month=2026-12")
    (kinds, _) = tables(text(world, "/statement?month=2026-12"))
    assert counted(kinds[-1:]) == [4, 4, 0, 0, 0, 0]


def test_a_reminder_of_next_month_is_shown_at_next_months_price(app: Flask, world: StaffWorld, clock: Clock) -> None:
    priced(app, Tariff("2026-12", 27, 100))
    clock.now = datetime(2026, 11, 25, 10, tzinfo=UTC)
    world.sign_in(OWNER)
    assert "· 0,27 zł" in text(world, "/reminders"), "of a visit on the second of December, the day before"
    assert re.findall(r"jeden SMS · (0,\d\d) zł", text(world)).count("0,27") == 1
    clock.now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert "· 0,20 zł" in text(world, "/reminders")


def test_the_operators_line_counts_at_the_months_price(app: Flask, world: StaffWorld, clock: Clock) -> None:
    from okienko_server.cli.messages import _line

    two_months(app, world, clock, Tariff("2026-12", 27, 2))
    for month, words in (("2026-11", "pool 5/400, billed 0.00"), ("2026-12", "pool 4/8, billed 0.00")):
        assert words in _line(see_month(month, scope=world.scope, desk=world.desk, now=clock.now))


def test_each_month_is_closed_at_its_own_price(
    app: Flask, world: StaffWorld, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_months(app, world, clock, Tariff("2026-12", 27, 0))
    clock.now = datetime(2027, 1, 2, 10, tzinfo=UTC)
    monkeypatch.setattr(web_house, "wall_clock", clock)
    environment = {
        "OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": house_of(app).settings.database_url, "OKIENKO_PEPPER": PEPPER,
        "OKIENKO_EMBED_KEYS": KEYS.embed[0], "OKIENKO_SESSION_KEYS": KEYS.session[0],
    }  # fmt: skip
    for month, words in (
        ("2026-11", "pool 100, bill 0, house 0, reserved 20"),
        ("2026-12", "pool 0, bill 108, house 0"),
    ):
        said = CliRunner(env=environment).invoke(main, ["close-month", "--month", month, "--to", str(tmp_path)]).output
        assert words in said
    sheet = (tmp_path / "2026-12-kazimierz.html").read_text(encoding="utf-8")
    assert "0,27" in sheet and "1,08" in sheet and "0,20" not in sheet


def wishes(world: StaffWorld) -> str:
    answer = world.client.get("/staff/settings/sms")
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\u00a0", " ")


def test_the_settings_name_the_price_that_holds_and_the_one_to_come(app: Flask, world: StaffWorld) -> None:
    priced(app, Tariff("2026-11", 25, 1), JANUARY)
    page = wishes(world)
    assert "kosztuje placówkę 0,25 zł brutto" in page and "Pula: 1 SMS miesięcznie" in page and "0 z 4" in page
    assert SAID in page and "wystarcza na 160 rezerwacji dziennie, licząc 0,50 zł" in page


def test_free_messages_break_no_settings(app: Flask, world: StaffWorld) -> None:
    priced(app, Tariff("2026-11", 0, 0))
    assert "wystarcza na 200 rezerwacji" in wishes(world) and "Pula: 0 SMS-ów" in wishes(world)


def test_the_list_is_read_once_for_a_page(app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[TariffStore] = []
    whole = TariffStore.listed

    def listed(store: TariffStore) -> tuple[Tariff, ...]:
        read.append(store)
        return whole(store)

    monkeypatch.setattr(TariffStore, "listed", listed)
    text(world)
    assert len(read) == 1
