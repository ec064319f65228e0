"""Staff change the schedule over HTTP: put in, move, cancel, hours and absences – by the same rules as everybody's times."""

from __future__ import annotations

import html
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from okienko_server.domain.appointment import Appointment, Person, Status
from okienko_server.domain.errors import EditConflict, SlotTaken
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.hold import HoldRequest, hold
from okienko_server.operations.plan_visit import NewVisit, Where, move, put_in
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.tables import AbsenceRow, AppointmentRow, CellRow, SmsMessageRow
from tests.conftest import Clock
from tests.storage.rows import differences
from tests.web.patients import ApiPatient
from tests.web.records_world import Records
from tests.web.staff_world import ANOTHER_THERAPIST, HANNA, MICHAL, OWNER, RECEPTIONIST, TUESDAY_NINE, ZOFIA


class Planner(Records):
    """Somebody with the schedule open."""

    def fields(self, **more: Any) -> dict[str, Any]:
        place = {"practitioner": self.opened.practitioners[ZOFIA], "location": self.opened.locations["Główna"]}
        visit = {
            "service": self.opened.services["Wizyta"],
            "category": "spine",
            "first_name": "Ewa",
            "last_name": "Król",
        }
        return {"csrf": self.csrf(), "day": "2026-11-24", "time": "10:00", **place, **visit} | more

    def send(self, path: str, **more: Any) -> TestResponse:  # type: ignore[override]
        return self.client.post(f"/staff/{path}", data=self.fields(**more))

    def visits(self) -> list[Any]:
        with self.desk.database.reading() as connection:
            return list(connection.execute(select(AppointmentRow.__table__).order_by(AppointmentRow.starts_at)))

    def told(self) -> list[tuple[str, str]]:
        with self.desk.database.reading() as connection:
            return [(row[0], row[1]) for row in connection.execute(select(SmsMessageRow.kind, SmsMessageRow.body))]

    def seen(self, appointment_id: str) -> str:
        return self.get(appointment_id).starts_at.isoformat()

    def free_at_ten(self, now: datetime) -> bool:
        """Return whether a patient would be offered Tuesday at ten with Zofia."""
        asked = Question(
            ProblemCategory.SPINE, ADULT, ServiceKind.VISIT, "", self.opened.practitioners[ZOFIA],
            first=datetime(2026, 11, 24, tzinfo=UTC).date(), days=1,
        )  # fmt: skip
        found = find_slots(asked, scope=Scope(ScopeKind.CLINIC, self.opened.id, "x"), desk=self.desk, now=now)
        bit = int((TUESDAY_NINE + timedelta(hours=1)).timestamp()) // 300 - found.span.base
        return bool(found.any_start >> bit & 1)


@pytest.fixture
def world(app: Flask) -> Planner:
    world = Planner.of(app)
    assert isinstance(world, Planner)
    return world


def text_of(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True)).replace("\u00a0", " ")


def sound(world: Planner) -> bool:
    with world.desk.database.reading() as connection:
        return differences(connection) == {}


def test_a_visit_put_in_stands_in_the_schedule_and_is_free_for_nobody(world: Planner, clock: Clock) -> None:
    world.sign_in()
    assert world.free_at_ten(clock.now)
    answer = world.send("plan", phone="12 345 67 89", comment="Skierowanie")
    assert answer.status_code == 303 and "did=planned" in answer.headers["Location"]
    (made,) = world.visits()
    assert (made.status, made.source, made.phone, made.starts_at) == (
        "booked",
        "staff",
        "+48123456789",
        TUESDAY_NINE + timedelta(hours=1),
    )
    page = world.page(answer.headers["Location"].removeprefix("/staff/"))
    assert "Wpisano do grafiku: Ewa Król" in page and f'id="b-{made.id}"' in page
    assert not world.free_at_ten(clock.now) and sound(world) and world.told() == []


def test_a_taken_time_keeps_what_was_typed_and_offers_the_nearest(world: Planner) -> None:
    world.add("a1", at=TUESDAY_NINE + timedelta(hours=1))
    world.sign_in()
    answer = world.send("plan", last_name="Brzęczyszczykiewicz")
    page = text_of(answer)
    assert answer.status_code == 409 and "już zajęty" in page and 'value="Brzęczyszczykiewicz"' in page
    near = re.findall(r'name="start" value="([^"]+)"', page)
    assert len(near) == 3
    assert world.send("plan", start=near[0], last_name="Brzęczyszczykiewicz").status_code == 303
    assert {row.starts_at for row in world.visits()} == {
        TUESDAY_NINE + timedelta(hours=1),
        datetime.fromisoformat(near[0]),
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"time": "12:30"}, "wtedy nie przyjmuje"), ({"day": "2026-11-28"}, "wtedy nie przyjmuje"), ({"day": "2026-11-20"}, "już minął"),
     ({"time": "10:03"}, "co 5 minut"), ({"day": "", "time": ""}, "Podaj dzień"), ({"day": "9999-12-31"}, "Podaj dzień"),
     ({"day": "0001-01-01"}, "Podaj dzień"), ({"day": "2150-01-01"}, "odległych"), ({"last_name": " "}, "Uzupełnij"),
     ({"phone": "123"}, "numer telefonu"), ({"comment": "x" * 501}, "Za długie"), ({"category": "x"}, "Wybierz"),
     ({"first_name": "\x07"}, "odczytać"), ({"start": "jutro"}, "Podaj dzień"), ({"start": "2026-11-24T10:00"}, "Podaj dzień")],
)  # fmt: skip
def test_what_cannot_be_put_in_is_told_beside_its_field(world: Planner, fields: dict[str, str], words: str) -> None:
    world.sign_in()
    answer = world.send("plan", **fields)
    assert answer.status_code == 422 and words in text_of(answer), text_of(answer)
    assert world.visits() == [] and sound(world)


def test_outside_the_hours_it_takes_a_tick(world: Planner) -> None:
    world.sign_in()
    assert world.send("plan", time="19:00", outside="yes").status_code == 303
    assert world.send("plan", time="8:00", day="2026-11-23").status_code == 422, "what no clock says is not understood"
    assert world.send("plan", time="08:00", day="2026-11-23").status_code == 303, "a walk-in of this morning"


def test_a_visit_moves_over_itself_and_the_patient_is_told(world: Planner, clock: Clock) -> None:
    world.add("a1", status=Status.BOOKED)
    world.sign_in()
    answer = world.send("appointments/a1/move", day="2026-11-24", time="09:15", seen=world.seen("a1"))
    assert answer.status_code == 303 and world.get("a1").starts_at == TUESDAY_NINE + timedelta(minutes=15)
    assert "SMS do pacjenta jest w drodze" in text_of(world.client.get(answer.headers["Location"]))
    ((kind, body),) = world.told()
    assert kind == "moved" and "wt. 24.11, 9:15" in body and sound(world)


def test_moving_to_a_colleague_takes_the_encounter_along(world: Planner) -> None:
    world.patient("p1", "Łucja", "Żółkiewska")
    world.episode("e1", "p1")
    world.add("a1", status=Status.BOOKED)
    world.tie("a1", "p1", "e1")
    world.sign_in(RECEPTIONIST)
    michal = world.opened.practitioners[MICHAL]
    answer = world.send("appointments/a1/move", practitioner=michal, time="09:00", seen=world.seen("a1"))
    assert answer.status_code == 303 and world.get("a1").practitioner_id == michal
    assert world.encounter("a1").practitioner_id == michal and sound(world)
    assert world.told() == [], "the time is the same"


def test_whoever_moves_second_sees_where_it_stands_now(world: Planner) -> None:
    world.add("a1", status=Status.BOOKED)
    world.sign_in()
    seen = world.seen("a1")
    assert world.send("appointments/a1/move", time="11:00", seen=seen).status_code == 303
    late = world.send("appointments/a1/move", time="14:00", seen=seen)
    assert late.status_code == 409 and "przeniósł tę wizytę na" in text_of(late) and 'value="14:00"' in text_of(late)
    assert world.get("a1").starts_at == TUESDAY_NINE + timedelta(hours=2)


def test_a_move_onto_somebody_leaves_everything_where_it_was(world: Planner) -> None:
    world.add("a1", status=Status.BOOKED)
    world.add("a2", at=TUESDAY_NINE + timedelta(hours=2))
    world.sign_in()
    answer = world.send("appointments/a1/move", time="10:30", seen=world.seen("a1"))
    assert answer.status_code == 409 and len(re.findall(r'name="start"', text_of(answer))) == 3
    assert world.get("a1").starts_at == TUESDAY_NINE and world.told() == [] and sound(world)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FULFILLED, Status.NOSHOW])
def test_what_is_over_moves_no_more(world: Planner, status: Status) -> None:
    world.add("a1", status=status)
    world.sign_in()
    assert world.send("appointments/a1/move", time="11:00", seen=world.seen("a1")).status_code == 409
    assert world.client.get("/staff/appointments/a1/cancel").status_code == 200
    assert world.send("appointments/a1/cancel").status_code == 409


@pytest.mark.parametrize(("tell", "kinds"), [({"tell": "yes"}, ["cancelled"]), ({}, [])])
def test_a_cancelled_visit_gives_its_time_back(
    world: Planner, clock: Clock, tell: dict[str, str], kinds: list[str]
) -> None:
    world.add("a1", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=1))
    world.sign_in()
    assert not world.free_at_ten(clock.now)
    assert ("Odwołano: Łucja" if tell else "Odwołano bez SMS-a: Łucja") in text_of(
        world.client.get(world.send("appointments/a1/cancel", reason="Awaria", **tell).headers["Location"])
    )
    assert (world.get("a1").status, world.get("a1").decline_reason) == (Status.CANCELLED, "Awaria")
    assert world.free_at_ten(clock.now) and [kind for kind, _ in world.told()] == kinds and sound(world)
    assert "Awaria" not in str(world.told())


def test_a_visit_is_settled_only_after_it_began(world: Planner, clock: Clock) -> None:
    world.add("a1", status=Status.BOOKED)
    world.add("a2", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=2))
    world.sign_in()
    assert (
        world.send("appointments/a1/missed").status_code == world.send("appointments/a2/fulfilled").status_code == 409
    )
    clock.now = TUESDAY_NINE + timedelta(hours=3)
    world.sign_in()
    assert "Pacjent się nie zgłosił" in world.page("?day=2026-11-24").replace("\u00a0", " ")
    assert (
        world.send("appointments/a1/missed").status_code == world.send("appointments/a2/fulfilled").status_code == 303
    )
    assert (world.get("a1").status, world.get("a2").status) == (Status.NOSHOW, Status.FULFILLED)


def test_a_therapist_plans_the_own_only(world: Planner, app: Flask) -> None:
    other = Planner.of(app, slug="inna", staff=())
    other.add("b1")
    world.add("a1")
    world.sign_in(ANOTHER_THERAPIST)
    zofia, foreign = world.opened.practitioners[ZOFIA], other.opened.practitioners[ZOFIA]
    for practitioner in (zofia, foreign, "nobody", "ż"):
        assert world.send("plan", practitioner=practitioner).status_code == 404
    own = world.opened.practitioners[MICHAL]
    for path in ("a1", "b1"):
        assert world.client.get(f"/staff/appointments/{path}/move").status_code == 404
        assert world.send(f"appointments/{path}/move", practitioner=own, seen=world.seen("a1")).status_code == 404
        assert world.send(f"appointments/{path}/cancel").status_code == 404
    world.sign_in(OWNER)
    for field, key in {"practitioner": foreign, "location": other.opened.locations["Główna"]}.items():
        assert world.send("plan", **{field: key}).status_code == 404
    service = world.send("plan", service=other.opened.services["Wizyta"], last_name="Wpisany-Nowak")
    assert service.status_code == 422 and "Wpisany-Nowak" in text_of(service), "nothing typed is lost"
    assert len(world.visits()) == 2


def test_new_hours_show_what_they_break_before_they_do(world: Planner, clock: Clock) -> None:
    world.add("a1", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=1))
    world.sign_in()
    zofia = world.opened.practitioners[ZOFIA]
    page = text_of(world.client.get(f"/staff/hours?practitioner={zofia}"))
    revision = re.search(r'name="revision" value="(\d+)"', page)
    assert revision and 'value="8:00–12:00, 13:00–18:00"' in page
    week = {f"day-{n}": "8-12" for n in range(5)} | {"day-1": "13-18", "revision": revision[1]}
    looked = world.send("hours", **week)
    assert looked.status_code == 200 and "Łucja Żółkiewska" in text_of(looked) and 'name="sure"' in text_of(looked)
    assert world.free_at_ten(clock.now) is False and world.send("hours", look="yes", **week).status_code == 200
    world.add("a2", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=2), patient=Person("Ewa", "Nowa"))
    grown = world.send("hours", sure="a1", **week)
    assert grown.status_code == 200 and "Ewa Nowa" in text_of(grown), "one more came since they were shown"
    assert world.send("hours", sure=["a1", "a2"], **week).status_code == 303
    world.send("appointments/a2/cancel")
    assert 'value="13:00–18:00"' in text_of(world.client.get(f"/staff/hours?practitioner={zofia}"))
    world.send("appointments/a1/cancel")
    assert not world.free_at_ten(clock.now), "patients' times follow at once"
    stale = world.send("hours", **week | {"day-2": "9-10"})
    assert stale.status_code == 409 and 'value="9-10"' in text_of(stale) and "teraz: 8:00–12:00" in text_of(stale)


def test_hours_that_break_nothing_are_written_at_once_and_bad_ones_told_by_day(world: Planner) -> None:
    world.sign_in()
    week = {f"day-{n}": "8-12" for n in range(7)} | {"revision": "1"}
    bad = world.send("hours", **week | {"day-3": "18-8", "day-4": "rano"})
    assert bad.status_code == 422 and 'id="day-3-wrong"' in text_of(bad) and 'value="rano"' in text_of(bad)
    assert "Żadna zaplanowana wizyta" in text_of(world.send("hours", look="yes", **week))
    assert world.send("hours", **week).status_code == 303


def test_opening_hours_belong_to_those_who_run_the_clinic(world: Planner) -> None:
    week = {f"day-{n}": "8-12" for n in range(7)} | {"revision": "1", "practitioner": ""}
    world.sign_in()
    assert world.send("hours", **week).status_code == 403
    assert world.send("hours", **week | {"practitioner": world.opened.practitioners[HANNA]}).status_code == 404
    assert world.send("hours/answer", minutes="60").status_code == 403
    world.sign_in(RECEPTIONIST)
    assert world.client.get("/staff/hours").status_code == 403
    world.sign_in(OWNER)
    assert world.send("hours", **week).status_code == 303
    assert world.send("hours/answer", minutes="60").status_code == 303 and world.offer().clinic.answer_minutes == 60
    assert world.send("hours/answer", minutes="61").status_code == 400


@pytest.mark.parametrize("what", ["absences", "hours"])
def test_a_time_somebody_is_just_booking_is_shown_as_well(app: Flask, world: Planner, clock: Clock, what: str) -> None:
    patient = ApiPatient(app, world.opened.id)
    place = {"practitioner_id": world.opened.practitioners[ZOFIA], "kind": "visit"}
    patient.awaiting_code(TUESDAY_NINE + timedelta(hours=1), **place)
    (held,) = world.visits()
    world.sign_in(OWNER)
    asked = {"from_day": "2026-11-24"} if what == "absences" else {"revision": str(world.offer().revision)}
    if what == "hours":
        asked |= {f"day-{n}": "8-12, 13-18" if n != 1 else "" for n in range(7)}
    first = world.send(what, **asked)
    page = text_of(first)
    assert first.status_code == 200 and "Termin wstępny</b>, jutro" in page
    assert f'name="sure" value="{held.id}"' in page and "Żółkiewski" not in page and f"{held.id}/move" not in page
    clock.forward(minutes=11)
    assert world.send(what, **asked).status_code == 303


def test_an_absence_shows_whom_it_meets_and_takes_its_time_out(world: Planner, clock: Clock) -> None:
    world.add("a1", status=Status.BOOKED)
    world.sign_in()
    day = {"from_day": "2026-11-24", "reason": "Szkolenie"}
    first = world.send("absences", **day)
    assert first.status_code == 200 and "Łucja Żółkiewska" in text_of(first) and 'value="Szkolenie"' in text_of(first)
    assert world.free_at_ten(clock.now)
    assert world.send("absences", sure="a1", **day).status_code == 303 and not world.free_at_ten(clock.now)
    page = text_of(world.client.get("/staff/absences"))
    absence = re.search(r"/staff/absences/(\w+)/remove", page)
    assert absence and "Szkolenie" in page
    world.sign_in(ANOTHER_THERAPIST)
    assert "Szkolenie" not in text_of(world.client.get("/staff/absences"))
    assert world.send(f"absences/{absence[1]}/remove").status_code == 404
    world.sign_in()
    assert world.send(f"absences/{absence[1]}/remove").status_code == 303 and world.free_at_ten(clock.now)


@pytest.mark.parametrize(
    "fields",
    [{"from_day": ""}, {"from_day": "2026-11-24", "until_day": "2026-11-23"}, {"from_day": "2026-11-01"}, {"from_day": "9999-12-31"},
     {"from_day": "2026-11-24", "from_time": "25:00"}, {"from_day": "2026-11-24", "reason": "x" * 101},
     {"from_day": "2026-11-24", "from_time": "10:00", "until_time": "09:00"}],
)  # fmt: skip
def test_an_absence_that_makes_no_sense_is_told(world: Planner, fields: dict[str, str]) -> None:
    world.sign_in()
    answer = world.send("absences", **fields)
    assert answer.status_code == 422 and "s-wrong" in text_of(answer)
    with world.desk.database.reading() as connection:
        assert connection.execute(select(AbsenceRow.id)).all() == []


def together(acts: list[Any]) -> list[str]:
    """Run the acts at the same moment and return how each ended."""
    ended, barrier = list[str](), threading.Barrier(len(acts))

    def one(act: Any) -> None:
        barrier.wait()
        try:
            act()
            ended.append("done")
        except (SlotTaken, EditConflict) as refused:
            ended.append(refused.code)

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


def rush(world: Planner, clock: Clock) -> list[Any]:
    """Return two staff and two patients who want Tuesday at ten, and somebody who moves a visit there."""
    zofia, place = world.opened.practitioners[ZOFIA], world.opened.locations["Główna"]
    ten = TUESDAY_NINE + timedelta(hours=1)
    staff: dict[str, Any] = {"scope": world.scope, "desk": world.desk, "now": clock.now}
    visit = NewVisit(Where(zofia, place, ten), world.opened.services["Wizyta"], "spine", "Ewa", "Król")
    asked = Question(ProblemCategory.SPINE, ADULT, ServiceKind.VISIT, world.opened.services["Wizyta"], zofia)

    def patient(n: int) -> Any:
        scope = Scope(ScopeKind.CLINIC, world.opened.id, f"visitor-{n}", Source.IFRAME)
        return lambda: hold(HoldRequest(asked, ten), scope=scope, desk=world.desk, now=clock.now)

    return [
        lambda: put_in(visit, **staff), lambda: put_in(visit, **staff), patient(1), patient(2),
        lambda: move("a1", Where(zofia, place, ten), TUESDAY_NINE + timedelta(hours=5), **staff),
    ]  # fmt: skip


def overlapping(world: Planner) -> int:
    """Count the pairs of living appointments of one therapist that overlap."""
    living = [row for row in world.visits() if row.status in ("proposed", "pending", "booked")]
    return sum(
        a.practitioner_id == b.practitioner_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
        for n, a in enumerate(living)
        for b in living[n + 1 :]
    )


def test_staff_and_patients_at_one_time_leave_one(world: Planner, clock: Clock) -> None:
    world.add("a1", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=5))
    assert together(rush(world, clock)) == ["done"] + ["slot_taken"] * 4
    assert overlapping(world) == 0 and sound(world)


def test_without_the_cells_several_would_stand_at_one_time(
    world: Planner, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: when taking the cells always says yes, the same rush leaves visits over each other."""
    world.add("a1", status=Status.BOOKED, at=TUESDAY_NINE + timedelta(hours=5))
    monkeypatch.setattr(OccupancyStore, "take", lambda self, *values: True)
    assert together(rush(world, clock)) == ["done"] * 5
    assert overlapping(world) > 0


def test_on_both_clock_changes_a_visit_stands_where_the_wall_clock_says(world: Planner, clock: Clock) -> None:
    clock.now = datetime(2027, 3, 27, 8, 0, tzinfo=UTC)
    world.sign_in()
    for day, start in (
        ("2027-03-28", datetime(2027, 3, 28, 7, 0, tzinfo=UTC)),
        ("2027-10-31", datetime(2027, 10, 31, 8, 0, tzinfo=UTC)),
    ):
        assert world.send("plan", day=day, time="09:00", outside="yes").status_code == 303
        assert start in {row.starts_at for row in world.visits()}
    assert sound(world)


def test_a_long_history_of_changes_leaves_masks_and_rows_equal(world: Planner, clock: Clock) -> None:
    world.sign_in(OWNER)
    made: list[Appointment] = []
    staff: dict[str, Any] = {"scope": world.scope, "desk": world.desk, "now": clock.now}
    people = [world.opened.practitioners[who] for who in (ZOFIA, MICHAL, HANNA)]
    for n in range(40):
        where = Where(
            people[n % 3],
            world.opened.locations["Główna"],
            TUESDAY_NINE + timedelta(minutes=25 * (n % 17)),
            outside=True,
        )
        try:
            if n % 3 == 2 and made:
                found = world.get(made[n % len(made)].id)
                move(found.id, where, found.starts_at, **staff)
            else:
                made.append(put_in(NewVisit(where, world.opened.services["Wizyta"], "spine", "", f"N{n}"), **staff))
        except SlotTaken:
            continue
    assert len(made) > 10 and overlapping(world) == 0 and sound(world)
    with world.desk.database.reading() as connection:
        assert len(connection.execute(select(CellRow.cell)).all()) == 9 * len(made)
