"""Words and places of appointments in the schedule, without any web; and the catalogue behind them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from okienko_server import texts
from okienko_server.domain.appointment import Appointment, Person, Status
from okienko_server.domain.offer import Absence, OpeningHours, ServiceKind
from okienko_server.domain.problem import ADULT, SENIOR, AgeRange, ProblemCategory, age_in_months, age_in_years
from okienko_server.domain.scope import Source
from okienko_server.web.pages.assets import ASSETS
from okienko_server.web.pages.staff.card import card_of
from okienko_server.web.pages.staff.grid import Grid, grid_of
from tests.domain.worlds import every_day, local, offer_of, therapist

NOW = local("2026-11-23 10:40")
ANNA = therapist(hours=every_day(9 * 60, 15 * 60))
DOORS = [OpeningHours("adres", weekday, 8 * 60, 17 * 60) for weekday in range(6)]
OFFER = offer_of(ANNA, opening=DOORS, open_on_holidays=False)


def made(start: datetime, minutes: int = 60, **more: Any) -> Appointment:
    values: dict[str, Any] = {
        "id": "a1", "clinic_id": "klinika", "practitioner_id": ANNA.id, "location_id": "adres", "service_id": "wizyta",
        "status": Status.PENDING, "source": Source.PORTAL, "session_id": "", "kind": ServiceKind.VISIT,
        "category": ProblemCategory.SPINE, "age": ADULT, "any_practitioner": False, "starts_at": start,
        "ends_at": start + timedelta(minutes=minutes), "created_at": NOW, "held_until": None,
        "patient": Person("Łucja", "Żółkiewska"),
    } | more  # fmt: skip
    return Appointment(**values)


def grid(*appointments: Appointment, day: str = "2026-11-24", offer: Any = OFFER, now: datetime = NOW) -> Grid:
    return grid_of([(date.fromisoformat(day), ANNA)], appointments, offer, now)


@pytest.mark.parametrize(
    ("age", "name"),
    [(ADULT, "Łucja Żółkiewska"), (SENIOR, "Łucja Żółkiewska"), (age_in_months(5), "Łucja Żółkiewska, 5 mies."),
     (age_in_months(30), "Łucja Żółkiewska, 2 lata"), (age_in_years(1), "Łucja Żółkiewska, 1 rok"),
     (age_in_years(12), "Łucja Żółkiewska, 12 lat"), (AgeRange(0, 11), "Łucja Żółkiewska, niemowlę")],
)  # fmt: skip
def test_a_childs_age_is_said_the_way_people_say_it(age: AgeRange, name: str) -> None:
    card = card_of(made(NOW, age=age), OFFER, NOW)
    assert card.name == name and ("65+" in card.what) is (age == SENIOR)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "przed chwilą"), (4, "4 min temu"), (63, "1 godz. temu"), (11 * 60, "11 godz. temu"), (26 * 60, "wczoraj"),
     (3 * 24 * 60, "3 dni temu")],
)  # fmt: skip
def test_how_long_a_reservation_waits(minutes: int, words: str) -> None:
    card = card_of(made(NOW, pending_at=NOW - timedelta(minutes=minutes)), OFFER, NOW)
    assert card.made == f"{words}, z portalu"


def test_a_block_lies_where_the_clock_says_in_cells_from_the_first_hour() -> None:
    (block,) = grid(made(local("2026-11-24 09:15"), 45)).columns[0].blocks
    assert (block.place, block.size, block.card.start) == ("r15 h9", "middle", "9:15")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"])
def test_on_the_days_of_the_clock_change_the_place_is_still_the_walls(day: str) -> None:
    column = grid(made(local(f"{day} 10:00")), day=day).columns[0]
    assert column.blocks[0].place == "r24 h12"
    assert column.opened == () and column.closed == ("święto" if day == "2027-03-28" else "nieczynne")  # Easter


def test_the_doubled_hour_is_told_apart() -> None:
    shown = grid(made(local("2026-10-25 02:30", fold=1)), day="2026-10-25")
    assert shown.columns[0].blocks[0].card.start == "2:30 (czas zimowy)"
    assert shown.hours[0].words == "2:00"


def test_hours_reach_from_the_earliest_to_the_latest_thing_shown() -> None:
    assert [span.words for span in grid().hours] == [f"{hour}:00" for hour in range(8, 17)]
    late = grid(made(local("2026-11-24 19:30"), 50))
    assert late.hours[-1].words == "20:00" and late.whole == "r0 h156"


def test_working_hours_holidays_and_the_present_are_marked() -> None:
    column = grid().columns[0]
    assert [span.place for span in column.opened] == ["r12 h72"] and column.hours == "9:00–15:00"
    assert grid().now is None
    today = grid(day="2026-11-23")
    assert (
        today.columns[0].today and today.now is not None and (today.now.words, today.now.place) == ("10:40", "r32 h1")
    )
    assert grid(day="2026-12-25").columns[0].closed == "święto"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [("2026-11-24 06:00", "2026-11-24 12:00", "nieobecność do\u00a012:00"),
     ("2026-11-24 13:00", "2026-11-30 00:00", "nieobecność od\u00a013:00"),
     ("2026-11-24 10:00", "2026-11-24 11:00", "nieobecność 10:00\u2060–\u206011:00"),
     ("2026-11-20 00:00", "2026-11-30 00:00", "nieobecność")],
)  # fmt: skip
def test_an_absence_names_the_ends_that_can_be_seen(start: str, end: str, words: str) -> None:
    offer = offer_of(ANNA, opening=DOORS, absences=[Absence(ANNA.id, local(start), local(end))])
    assert [span.words for span in grid(offer=offer).columns[0].away] == [words]


def test_every_place_a_block_can_have_is_a_rule_of_the_style_sheet() -> None:
    rules = ASSETS["staff.css"].text
    assert (
        ".r0{grid-row-start:1}" in rules
        and ".r287{grid-row-start:288}" in rules
        and ".h288{grid-row-end:span 288}" in rules
    )


CHOSEN_AT_RUN_TIME = (
    "places.access.",
    "nav.", "audit.act.", "audit.object.", "refusal.", "wrong.", "notice.", "role.", "state.", "door.", "schedule.previous_",
    "schedule.next_", "schedule.empty_", "schedule.week", "schedule.day", "convert.kind.",
    "messages.kind.", "messages.state.", "messages.paid.", "ledger.event.", "ledger.account.", "ledger.purse.",
    "sms_wishes.country.", "services.ready.", "help.join.", "help.paste.", "help.handle.", "help.prices.",
    "operator.status.", "operator.message.",
    "website.mode.", "website.snippet.", "website.when.",
    "therapists.", "reminders.choice.", "reminders.ahead.",
    "settings.state.", "settings.state_lead.", "settings.contract.", "settings.lack.",
    "settings.would_see.", "settings.part.", "settings.about.",
    "convert.conflict", "convert.save",
    "record.field.", "record.hint.",
    "record.kind.", "patient.", "hours.answer_of.", "role_name.", "account.did.", "link.", "convert.same_", "doctor.fault.",
    "doctor.snippet.", "doctor.trouble.",
)  # fmt: skip


def test_the_catalogue_holds_what_the_pages_ask_for_and_nothing_besides() -> None:
    server = Path(texts.__file__).parents[1] / "web"
    doctor = [*server.parent.rglob("doctor/*.py"), *server.parent.rglob("doctor.py")]
    sources = [
        *server.rglob("*.jinja"),
        *(server / "pages" / "staff").rglob("*.py"),
        *(server / "pages" / "operator").rglob("*.py"),
        *doctor,
        server / "pages" / "help.py",
    ]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    asked = set(re.findall(r"""\b(?:t|load\(\))(?:\.plural)?\(\s*f?["']([a-z_.]+)["']""", source))
    known = {re.sub(r"\.(one|few|many)$", "", key) for key in texts.load()}
    assert {key for key in asked - known if not key.startswith(CHOSEN_AT_RUN_TIME)} == set()
    assert {key for key in known - asked if not key.startswith(CHOSEN_AT_RUN_TIME)} == set()
