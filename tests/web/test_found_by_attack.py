"""What a hostile reader found, each with the way it was found: reach through old links, titles, lost text, dates, audit gaps."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.record import difference, pain_of
from okienko_server.operations.audit import read_audit
from okienko_server.operations.convert import ConvertRequest, convert
from okienko_server.operations.plan_visit import Where, move
from okienko_server.storage.patients import EpisodeStore
from okienko_server.storage.tables import DocumentDraftRow, DocumentVersionRow, EpisodeRow, PatientRow
from tests.conftest import Clock
from tests.plans import PASSWORD
from tests.web.staff_world import (
    ADMINISTRATOR,
    ANOTHER_THERAPIST,
    CONSULTANT,
    MICHAL,
    OWNER,
    RECEPTIONIST,
    THERAPIST,
    TUESDAY_NINE,
    ZOFIA,
)
from tests.web.test_accounts import NEW, People, text_of
from tests.web.test_planning import Planner
from tests.web.test_record import NOTE, Documents


class Everything(Documents, Planner, People):
    """A clinic with all of it."""

    def send(self, path: str, **more: Any) -> Any:  # type: ignore[override]
        return Planner.send(self, path, **more)

    def post(self, path: str, by_script: bool = False, **fields: Any) -> Any:
        return Documents.post(self, path, by_script, **fields)

    def acts(self) -> list[str]:
        entries = read_audit(0, scope=self.scope, desk=self.desk, now=TUESDAY_NINE)
        return [one.entry.act for one in entries]


@pytest.fixture
def world(app: Flask) -> Everything:
    made = Everything.of(app)
    assert isinstance(made, Everything)
    made.begin()
    return made


# ---- accounts ----


def link_of(answer: Any) -> str:
    found = re.search(r'value="http://[^/"]+(/staff/link/[^"]+)"', text_of(answer))
    assert found
    return found[1]


@pytest.mark.parametrize("what", ["promote", "close", "password"])
def test_an_old_link_opens_nothing_after_the_account_changed(world: Everything, what: str) -> None:
    world.sign_in(OWNER)
    receptionist = world.id_of(RECEPTIONIST)
    link = link_of(world.client.post(f"/staff/people/{receptionist}/link", data={"csrf": world.csrf()}))
    browser = world.browser()
    assert browser.get(link).status_code == 200
    if what == "promote":
        world.client.post(f"/staff/people/{receptionist}", data={"csrf": world.csrf(), "role": "owner"})
    elif what == "close":
        world.client.post(f"/staff/people/{receptionist}/close", data={"csrf": world.csrf()})
    else:
        world.sign_in(RECEPTIONIST)
        changed = {"csrf": world.csrf(), "old": PASSWORD, "password": NEW, "again": NEW}
        assert world.client.post("/staff/account/password", data=changed).status_code == 303
    other = "jeszcze inne hasło 8"
    assert browser.get(link).status_code == 404
    assert browser.post(link, data={"password": other, "again": other}).status_code == 404
    assert world.enter(browser, RECEPTIONIST, other).status_code == 401


def test_who_may_not_read_documentation_gives_nobody_the_right_to(world: Everything) -> None:
    world.sign_in(ADMINISTRATOR)
    own = world.id_of(ADMINISTRATOR)
    for role in ("consultant", "therapist", "receptionist"):
        fields = {"csrf": world.csrf(), "role": role, "practitioner_id": world.opened.practitioners[ZOFIA]}
        assert world.client.post(f"/staff/people/{own}", data=fields).status_code in (403, 422)
    consultant = world.id_of(CONSULTANT)
    for act in ("link", "second-factor", "close"):
        assert world.client.post(f"/staff/people/{consultant}/{act}", data={"csrf": world.csrf()}).status_code == 403
    invited = {"csrf": world.csrf(), "name": "X Y", "email": "x@y.test", "role": "consultant", "practitioner_id": ""}
    assert world.client.post("/staff/people", data=invited).status_code == 422
    assert world.row(ADMINISTRATOR).role == "administrator"
    assert 'value="consultant"' not in text_of(world.client.get("/staff/people"))


def test_a_calendar_address_ends_with_the_account_that_made_it(world: Everything) -> None:
    zofia = world.opened.practitioners[ZOFIA]
    world.sign_in(RECEPTIONIST)
    answer = text_of(world.client.post(f"/staff/calendar/{zofia}", data={"csrf": world.csrf()}))
    found = re.search(r'value="http://[^/"]+(/calendar/[^"]+\.ics)"', answer)
    assert found and world.browser().get(found[1]).status_code == 200
    world.sign_in(OWNER)
    world.client.post(f"/staff/people/{world.id_of(RECEPTIONIST)}/close", data={"csrf": world.csrf()})
    assert world.browser().get(found[1]).status_code == 404


# ---- reach ----


def test_a_visit_called_off_makes_nobody_ones_patient(world: Everything) -> None:
    world.sign_in(ANOTHER_THERAPIST)
    assert world.client.get("/staff/patients/p1").status_code == 404
    michal = world.opened.practitioners[MICHAL]
    world.send("plan", practitioner=michal, last_name="Żółkiewska", first_name="Łucja", phone="601234567")
    made = next(row for row in world.visits() if row.last_name == "Żółkiewska" and row.practitioner_id == michal)
    tied = world.send(f"appointments/{made.id}/convert", choice="p1.new", kind="visit")
    assert tied.status_code == 303 and world.client.get("/staff/patients/p1").status_code == 200
    world.send(f"appointments/{made.id}/cancel")
    assert world.client.get("/staff/patients/p1").status_code == 404
    assert world.client.get("/staff/appointments/v1/record").status_code == 404
    assert {"convert", "read_patient"} <= set(world.acts())


def test_only_a_candidate_of_this_very_reservation_can_be_chosen(world: Everything) -> None:
    world.add("a1", MICHAL, patient=Person("Ewa", "Inna"), phone="+48700000000")
    world.sign_in(ANOTHER_THERAPIST)
    assert world.send("appointments/a1/convert", choice="p1.new", kind="visit").status_code == 404
    assert world.client.get("/staff/patients/p1").status_code == 404


def test_what_a_colleague_calls_a_problem_is_not_told_before_one_treats_it(world: Everything) -> None:
    world.episode("secret", "p1", ZOFIA, title="Dyskopatia L5/S1")
    world.add("a1", MICHAL)
    for who, told in ((ANOTHER_THERAPIST, False), (RECEPTIONIST, False), (CONSULTANT, True)):
        world.sign_in(who)
        assert ("Dyskopatia" in world.dialog("a1")) is told, who
        page = world.client.get("/staff/patients/p1")
        assert page.status_code == 404 or ("Dyskopatia" in text_of(page)) is told, who


def test_a_colleagues_problem_is_neither_renamed_nor_taken_over(world: Everything) -> None:
    world.visit("mine", "p1/e1", MICHAL, days=1)
    world.sign_in(ANOTHER_THERAPIST)
    assert world.client.get("/staff/episodes/e1").status_code == 200
    assert "Nazwa i prowadzenie" not in text_of(world.client.get("/staff/episodes/e1"))
    fields: dict[str, Any] = {
        "title": "przejęte",
        "practitioner_id": world.opened.practitioners[MICHAL],
        "version": "1",
    }
    assert world.post("episodes/e1", **fields).status_code == 403
    world.sign_in(THERAPIST)
    assert world.post("episodes/e1", **fields).status_code == 303
    assert "change_episode" in world.acts(), "a new name or lead is in the trail"


# ---- documents ----


@pytest.mark.parametrize("pain", ["000" + "9" * 5000, "0019", "11", "٣", "-1", "1.5"])
def test_a_reading_off_the_scale_is_refused(world: Everything, pain: str) -> None:
    world.sign_in()
    assert world.sign("v2", **NOTE | {"pain_before": pain}).status_code == 422
    assert world.rows(DocumentVersionRow) == [] and pain_of(pain) is None


def test_a_reading_off_the_scale_already_signed_breaks_no_page(world: Everything) -> None:
    content = json.dumps({"procedures": "x", "pain_before": "0" * 4999 + "7", "pain_after": "3"})
    row = {"clinic_id": world.opened.id, "appointment_id": "v2", "number": 1, "kind": "note", "content": content}
    more = {"author_id": world.id_of(THERAPIST), "signed_at": TUESDAY_NINE, "reason": ""}
    world.desk.database.write(lambda connection: connection.execute(insert(DocumentVersionRow), row | more))
    world.sign_in()
    for path in ("episodes/e1", "patients/p1"):
        assert world.client.get(f"/staff/{path}").status_code == 200


@pytest.mark.parametrize("code", ["M٥٤", "M54.٥"])
def test_a_code_in_other_digits_is_no_code(world: Everything, code: str) -> None:
    world.sign_in()
    assert world.sign("v0", history="x", icd10=code).status_code == 422


def test_two_texts_of_the_same_two_words_are_compared_at_once() -> None:
    import random

    chance = random.Random(3)
    texts = [" ".join(chance.choice("ab") for _ in range(3990)) for _ in range(2)]
    prose = [" ".join(f"słowo{chance.randrange(400)}" for _ in range(1100)) for _ in range(2)]
    began = time.perf_counter()
    (prose_change,) = difference({"course": prose[0]}, {"course": prose[0] + " dopisane"})
    ordinary = time.perf_counter() - began
    began = time.perf_counter()
    (change,) = difference({"course": texts[0]}, {"course": texts[1]})
    hostile = time.perf_counter() - began
    assert prose_change.segments[-1].text == " dopisane" and len(prose_change.segments) == 2
    assert "".join(one.text for one in change.segments if one.how != "added") == texts[0]
    assert hostile < 20 * ordinary + 0.5


def test_a_newer_draft_of_another_tab_outlives_a_signature(world: Everything) -> None:
    world.sign_in()
    assert world.post("appointments/v1/record/draft", procedures="DŁUGI TEKST Z KARTY PIERWSZEJ").status_code == 303
    assert world.sign("v1", procedures="krótki", revision="0").status_code == 303
    assert "DŁUGI TEKST" in world.rows(DocumentDraftRow)[0].content
    assert "DŁUGI TEKST" in world.read("v1", "?edit=1")
    world.visit("v9", days=50)
    world.post("appointments/v9/record/draft", **NOTE)
    world.sign("v9", **NOTE)
    assert [row.appointment_id for row in world.rows(DocumentDraftRow)] == ["v1"], "the same text is done with"


def test_two_tabs_with_different_drafts_show_the_difference(world: Everything) -> None:
    world.sign_in()
    world.post("appointments/v1/record/draft", procedures="tekst z pierwszej karty")
    answer = world.post("appointments/v1/record/draft", procedures="tekst z drugiej karty", revision="0")
    page = text_of(answer)
    assert answer.status_code == 422 and "tekst z drugiej karty" in page and "pierwszej" in page and "<ins>" in page


@pytest.mark.parametrize("what", ["cancel", "move"])
def test_what_was_written_for_a_visit_that_went_away_is_shown_to_be_copied(world: Everything, what: str) -> None:
    world.visit("later", days=40)
    world.sign_in()
    if what == "cancel":
        world.send("appointments/later/cancel")
    else:
        place, at = world.opened.locations["Główna"], world.get("later").starts_at
        where = Where(world.opened.practitioners[MICHAL], place, at, outside=True)
        move("later", where, world.get("later").starts_at, scope=world.scope, desk=world.desk, now=TUESDAY_NINE)
    answer = world.sign("later", procedures="Bardzo długi opis, nie do odtworzenia")
    assert answer.status_code in (404, 409) and "nie do odtworzenia" in text_of(answer)
    assert world.rows(DocumentVersionRow) == []


def test_a_correction_is_possible_whatever_became_of_the_visit(world: Everything) -> None:
    world.sign_in()
    world.sign("v1", **NOTE)
    world.desk.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE appointment SET status = 'noshow' WHERE id = 'v1'")
    )
    assert world.sign("v1", procedures="inaczej", based_on=1, reason="pomyłka").status_code == 303


def test_drafts_and_looks_are_in_the_trail(world: Everything) -> None:
    world.add("a1")
    world.sign_in()
    world.dialog("a1")
    world.post("appointments/v1/record/draft", procedures="x")
    world.post("appointments/v1/record/draft", procedures="xy", revision="1")
    world.post("appointments/v1/record/drop")
    acts = world.acts()
    assert [acts.count(act) for act in ("see_candidates", "begin_draft", "drop_draft")] == [1, 1, 1]


def test_the_whole_record_holds_drafts_reasons_and_what_was_called_off(world: Everything) -> None:
    world.visit("gone", days=50)
    world.sign_in()
    world.post("appointments/v1/record/draft", procedures="Niepodpisany szkic opisu")
    world.send("appointments/gone/cancel", reason="Awaria prądu")
    world.sign_in(OWNER)
    record = json.loads(world.post("patients/p1/export", form="json").get_data(as_text=True))
    visits = {one["id"]: one for episode in record["episodes"] for one in episode["appointments"]}
    assert visits["gone"]["reason_called_off"] == "Awaria prądu" and visits["gone"]["status"] == "cancelled"
    assert visits["v1"]["drafts"][0]["content"]["procedures"] == "Niepodpisany szkic opisu"
    page = text_of(world.post("patients/p1/export", form="html"))
    assert "odwołana" in page and "Awaria prądu" in page and "Niepodpisany szkic" in page
    assert not re.search(r"\d{4}-\d\d-\d\dT", page), "instants as people read them"


# ---- conversion ----


def test_a_new_problem_is_not_the_one_somebody_else_chose(world: Everything) -> None:
    world.add("a1")
    convert("a1", ConvertRequest("p1", "e1", "visit", "spine"), scope=world.scope, desk=world.desk, now=TUESDAY_NINE)
    world.sign_in()
    answer = world.send("appointments/a1/convert", choice="p1.new", kind="visit", title="Nowe kolano")
    page = text_of(answer)
    assert answer.status_code == 409 and "z innym problemem" in page and "Nowe kolano" in page


def test_the_same_new_problem_twice_is_one(world: Everything) -> None:
    world.add("a1")
    world.sign_in()
    for _ in range(2):
        assert world.send("appointments/a1/convert", choice="p1.new", kind="visit").status_code == 303
    assert len(world.rows(EpisodeRow)) == 3


def test_a_problem_closed_and_a_reservation_declined_meanwhile_lose_nothing(world: Everything) -> None:
    world.add("a1")
    closed = world.desk.database.read(lambda connection: EpisodeStore(connection, world.scope).get("e1"))
    world.desk.database.write(
        lambda connection: EpisodeStore(connection, world.scope).change(closed, closed_at=TUESDAY_NINE)
    )
    world.sign_in()
    answer = world.send("appointments/a1/convert", choice="p1.e1", kind="visit", title="Wpisany tytuł")
    assert (
        answer.status_code == 422 and "zakończył ten problem" in text_of(answer) and "Wpisany tytuł" in text_of(answer)
    )
    world.answer("a1", "decline", reason="")
    answer = world.send("appointments/a1/convert", choice="p1.new", kind="visit", title="Wpisany tytuł")
    assert answer.status_code == 409 and "odwołana" in text_of(answer) and "Wpisany tytuł" in text_of(answer)


def test_somebody_added_meanwhile_is_shown_before_there_are_two(world: Everything) -> None:
    for key, hour in (("a1", 0), ("a2", 1)):
        at = TUESDAY_NINE + timedelta(hours=hour)
        world.add(key, at=at, patient=Person("Ewa", "Nowiutka"), phone="+48700000001")
    world.sign_in()
    fields = {"choice": "new", "kind": "visit", "first_name": "Ewa", "last_name": "Nowiutka", "known": ""}
    assert 'name="known" value=""' in world.dialog("a1")
    assert world.send("appointments/a1/convert", **fields).status_code == 303
    answer = world.send("appointments/a2/convert", **fields)
    assert answer.status_code == 422 and "kogo wybrać" in text_of(answer)
    seen = re.findall(r'name="known" value="([^"]+)"', text_of(answer))
    assert world.send("appointments/a2/convert", **fields | {"known": ["", *seen]}).status_code == 303, "knowingly"
    assert len([row for row in world.rows(PatientRow) if row.last_name == "Nowiutka"]) == 2


def test_a_time_only_held_is_nobodys_reservation(world: Everything) -> None:
    held = TUESDAY_NINE + timedelta(minutes=10)
    world.add("held", status=Status.PROPOSED, held_until=held, pending_at=None, comment="Mam sekret")
    world.sign_in(OWNER)
    for path in ("convert", "move", "cancel"):
        assert world.client.get(f"/staff/appointments/held/{path}").status_code == 404


# ---- schedule ----


def test_what_a_colleague_wrote_survives_a_look_at_ones_own_old_hours(world: Everything) -> None:
    zofia, place = world.opened.practitioners[ZOFIA], world.opened.locations["Główna"]
    week = {f"day-{n}": "8:00-12:00" if n < 5 else "" for n in range(7)} | {"practitioner": zofia, "location": place}
    world.sign_in(OWNER)
    old = re.search(r'name="revision" value="(\d+)"', text_of(world.client.get(f"/staff/hours?practitioner={zofia}")))
    assert old
    assert world.send("hours", **week | {"day-4": "", "revision": old[1]}).status_code == 303
    looked = text_of(world.send("hours", **week, revision=old[1], look="1"))
    assert f'name="revision" value="{old[1]}"' in looked, "the look does not pretend to have seen it"
    assert world.send("hours", **week, revision=old[1]).status_code == 409


def test_a_title_refused_does_not_pretend_to_have_seen_a_newer_one(world: Everything) -> None:
    world.sign_in()
    fields: dict[str, Any] = {"practitioner_id": world.opened.practitioners[ZOFIA], "version": "1"}
    assert world.post("episodes/e1", title="Kolegi", **fields).status_code == 303
    refused = world.post("episodes/e1", title="x" * 200, **fields)
    assert refused.status_code == 422 and 'name="version" value="1"' in text_of(refused)
    assert world.post("episodes/e1", title="Moje", **fields).status_code == 409


@pytest.mark.parametrize("who", [RECEPTIONIST, CONSULTANT])
def test_whoever_runs_the_schedule_notes_absences(world: Everything, who: str) -> None:
    world.sign_in(who)
    away = {"practitioner": world.opened.practitioners[ZOFIA], "from_day": "2026-12-14"}
    assert world.send("absences", **away).status_code == 303
    assert "14 grudnia" in text_of(world.client.get("/staff/absences"))


def test_a_visit_moved_away_is_told_to_the_screen_it_left(world: Everything) -> None:
    world.add("a1", at=TUESDAY_NINE + timedelta(hours=1))
    world.sign_in(THERAPIST)
    found = re.search(r'data-poll="([^"]+)"', world.page())
    assert found
    before = world.client.get(found[1]).get_json()
    at = world.get("a1").starts_at
    where = Where(world.opened.practitioners[MICHAL], world.opened.locations["Główna"], at)
    move("a1", where, at, scope=world.scope, desk=world.desk, now=TUESDAY_NINE - timedelta(hours=26))
    assert world.client.get(found[1]).get_json() != before


@pytest.mark.parametrize(("day", "begins"), [(date(2027, 3, 28), "01:30"), (date(2027, 10, 31), "02:30")])
def test_an_hour_over_a_clock_change_is_an_hour(world: Everything, day: date, begins: str) -> None:
    world.sign_in(OWNER)
    service = world.opened.services["Konsultacja"]
    sent = world.send("plan", day=day.isoformat(), time=begins, outside="yes", service=service, last_name="Zegarowa")
    assert sent.status_code == 303
    row = next(row for row in world.visits() if row.last_name == "Zegarowa")
    assert row.ends_at.replace(tzinfo=UTC) - row.starts_at.replace(tzinfo=UTC) == timedelta(hours=1)


def test_an_hour_the_clock_skips_is_none(world: Everything) -> None:
    world.sign_in(OWNER)
    assert world.send("plan", day="2027-03-28", time="02:30", outside="yes").status_code == 422


def test_a_move_to_another_therapist_alone_costs_no_message_and_says_so(world: Everything) -> None:
    world.add("a1", status=Status.BOOKED)
    world.sign_in(OWNER)
    answer = world.send(
        "appointments/a1/move",
        practitioner=world.opened.practitioners[MICHAL],
        time="9:00".zfill(5),
        seen=world.seen("a1"),
    )
    assert "did=moved_quiet" in answer.headers["Location"] and world.told() == []
    assert "bez SMS-a" in text_of(world.client.get(answer.headers["Location"]))


def test_nobody_is_told_that_a_day_gone_by_is_declined(world: Everything, clock: Clock) -> None:
    world.add("a1", at=TUESDAY_NINE - timedelta(days=4))
    world.sign_in(OWNER)
    assert "bez SMS-a" in text_of(world.answer("a1", "decline", reason="", day="2026-11-20"))
    assert world.told() == []


def test_a_reservation_nobody_answered_for_ninety_days_is_not_confirmed_any_more(
    world: Everything, clock: Clock
) -> None:
    made = clock.now - timedelta(days=91)
    world.add("a1", pending_at=made, created_at=made)
    world.sign_in(OWNER)
    world.answer("a1", "confirm")
    assert world.get("a1").status is Status.PENDING


def test_who_has_no_first_name_has_one_initial(world: Everything) -> None:
    world.add("a1", status=Status.BOOKED, patient=Person("", "Król"))
    world.sign_in(THERAPIST)
    zofia = world.opened.practitioners[ZOFIA]
    answer = text_of(world.client.post(f"/staff/calendar/{zofia}", data={"csrf": world.csrf()}))
    found = re.search(r'value="http://[^/"]+(/calendar/[^"]+\.ics)"', answer)
    assert found
    assert "SUMMARY:K. –" in world.browser().get(found[1]).get_data(as_text=True)


def test_a_therapists_account_names_its_therapist(world: Everything) -> None:
    world.sign_in(OWNER)
    invited = {"csrf": world.csrf(), "name": "X Y", "email": "x@y.test", "role": "therapist", "practitioner_id": ""}
    answer = world.client.post("/staff/people", data=invited)
    assert answer.status_code == 422 and "Wybierz terapeutę" in text_of(answer)
