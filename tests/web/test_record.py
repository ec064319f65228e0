"""Documents over HTTP: writing, signing, correcting, two people at once, a session that ends, paper and the whole record."""

from __future__ import annotations

import html
import json
import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.errors import EditConflict
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.operations.document_visit import Written, sign_document
from okienko_server.storage.documents import DocumentStore
from okienko_server.storage.tables import DocumentDraftRow, DocumentVersionRow, StaffRow
from tests.conftest import Clock
from tests.web.records_world import Records
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

NOTE: dict[str, Any] = {
    "procedures": "Terapia manualna",
    "pain_before": "6",
    "pain_after": "3",
    "exercises": "Koci grzbiet",
}


class Documents(Records):
    """A patient in treatment: a consultation in September, visits since."""

    def begin(self) -> None:
        self.patient("p1", "Łucja", "Żółkiewska")
        self.episode("e1", "p1")
        for n in range(3):
            self.visit(f"v{n}", days=7 * n, kind=ServiceKind.CONSULTATION if n == 0 else ServiceKind.VISIT)
        self.patient("p2", "Jan", "Obcy", "+48602000000")
        self.episode("e2", "p2", MICHAL)
        self.visit("m1", "p2/e2", MICHAL, patient=Person("Jan", "Obcy"))

    def visit(self, key: str, whose: str = "p1/e1", who: str = ZOFIA, days: int = 0, **more: Any) -> None:
        """Write a booked visit of a patient's episode, that many days after the first."""
        values = {"status": Status.BOOKED, "kind": ServiceKind.VISIT} | more
        self.add(key, who, TUESDAY_NINE - timedelta(days=22 - days), **values)
        patient, _, episode = whose.partition("/")
        self.tie(key, patient, episode, who)

    def read(self, key: str = "v1", query: str = "") -> str:
        answer = self.client.get(f"/staff/appointments/{key}/record{query}")
        assert answer.status_code == 200, answer.status_code
        return html.unescape(answer.get_data(as_text=True)).replace("\u00a0", " ")

    def post(self, path: str, by_script: bool = False, **fields: Any) -> TestResponse:
        headers = {"X-Okienko": "draft"} if by_script else None
        return self.client.post(f"/staff/{path}", data={"csrf": self.csrf(), **fields}, headers=headers)

    def sign(self, key: str = "v1", based_on: int = 0, **fields: Any) -> TestResponse:
        return self.post(f"appointments/{key}/record", based_on=str(based_on), **fields)

    def save(self, key: str = "v1", revision: int = 0, **fields: Any) -> TestResponse:
        """Save a draft as the page's own script does."""
        return self.post(f"appointments/{key}/record/draft", True, revision=str(revision), based_on="0", **fields)

    def rows(self, table: Any) -> list[Any]:
        with self.desk.database.reading() as connection:
            return list(connection.execute(select(table.__table__)).all())


@pytest.fixture
def world(app: Flask) -> Documents:
    world = Documents.of(app)
    assert isinstance(world, Documents)
    world.begin()
    return world


def text_of(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True)).replace("\u00a0", " ")


def test_a_visit_is_described_signed_and_counts_as_held(world: Documents) -> None:
    world.sign_in()
    assert "Wizyta – opis wizyty" in world.read() and 'name="pain_before"' in world.read()
    assert world.sign(**NOTE).status_code == 303
    page = world.read()
    for words in ("Terapia manualna", "Podpisano: Zofia Wróblewska", "wersja 1", "Popraw"):
        assert words in page
    assert world.get("v1").status is Status.FULFILLED and "<textarea" not in page
    assert "Badanie funkcjonalne" in world.read("v0"), "a consultation gets the patient card"


def test_signing_says_that_the_visit_took_place_and_the_page_says_so_before(world: Documents) -> None:
    world.visit("later", days=30)
    world.sign_in()
    assert "Podpis oznaczy ją jako odbytą" in world.client.get("/staff/appointments/later/record").text
    assert world.sign("later", **NOTE).status_code == 303
    assert world.get("later").status is Status.FULFILLED, (
        "signed and then cancelled, or missed, would contradict each other"
    )
    assert world.client.post("/staff/appointments/later/cancel", data={"csrf": world.csrf()}).status_code == 409


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.NOSHOW])
def test_what_never_was_is_not_documented(world: Documents, status: Status) -> None:
    world.visit("never", days=1, status=status)
    world.sign_in()
    assert world.sign("never", **NOTE).status_code == 409 and world.rows(DocumentVersionRow) == []


def test_a_correction_is_a_new_version_and_the_difference_is_readable(world: Documents) -> None:
    world.sign_in()
    world.sign(**NOTE)
    assert 'name="reason"' in world.read(query="?edit=1")
    refused = world.sign(based_on=1, **NOTE | {"pain_after": "2"})
    assert refused.status_code == 422 and "Uzupełnij to pole." in text_of(refused) and 'value="2"' in text_of(refused)
    assert (
        world.sign(
            based_on=1, reason="Pomyłka w skali", **NOTE | {"procedures": "Terapia manualna i tejpy"}
        ).status_code
        == 303
    )
    first, second = world.rows(DocumentVersionRow)
    assert (json.loads(first.content)["procedures"], first.reason) == ("Terapia manualna", "")
    assert (second.number, second.reason) == (2, "Pomyłka w skali")
    page = world.read(query="/versions")
    assert "Różnice między wersją 1 a 2" in page and re.search(r"<ins>.*i tejpy</ins>", page) and "<del>" not in page
    for query in ("/versions?from=9&to=x", "/versions?from=2&to=1", "/versions?to=" + "9" * 40):
        assert world.client.get(f"/staff/appointments/v1/record{query}").status_code == 200


def test_a_doubled_click_signs_once(world: Documents) -> None:
    world.sign_in()
    for _ in range(2):
        assert world.sign(**NOTE).status_code == 303
    assert len(world.rows(DocumentVersionRow)) == 1


def test_whoever_signs_second_sees_what_changed_and_loses_nothing(world: Documents) -> None:
    world.sign_in()
    world.sign(**NOTE)
    world.sign_in(CONSULTANT)
    answer = world.sign(procedures="Zupełnie inny opis", next_step="Kontrola")
    page = text_of(answer)
    assert answer.status_code == 409 and "jest nowsza wersja tego dokumentu (podpis: Zofia Wróblewska)" in page.replace(
        "podpisał(a)", "podpisuje"
    )
    assert "Zupełnie inny opis</textarea>" in page and "Kontrola</textarea>" in page and "Koci grzbiet</ins>" in page
    assert 'name="based_on" value="1"' in page
    assert world.sign(based_on=1, reason="Uzupełnienie", procedures="Zupełnie inny opis").status_code == 303
    assert [row.number for row in world.rows(DocumentVersionRow)] == [1, 2]


def test_a_draft_is_kept_and_belongs_to_its_author_alone(world: Documents) -> None:
    world.sign_in()
    assert world.save(procedures="Piszę dalej").json == {"revision": 1, "saved": "8:00"}
    assert "Piszę dalej</textarea>" in world.read() and "Szkic zapisano o 8:00" in world.read()
    world.sign_in(CONSULTANT)
    page = world.read()
    assert "Piszę dalej" not in page and "Zofia Wróblewska też pisze ten dokument" in page
    world.sign_in()
    assert world.save(revision=1, procedures="I dalej").json == {"revision": 2, "saved": "8:00"}
    assert world.sign(procedures="I dalej").status_code == 303 and world.rows(DocumentDraftRow) == []


def test_two_tabs_of_one_author_do_not_overwrite_each_other(world: Documents) -> None:
    world.sign_in()
    world.save(procedures="z pierwszej karty")
    stale = world.save(procedures="z drugiej karty")
    assert (stale.status_code, stale.json) == (409, {"code": "edit_conflict"})
    by_hand = world.post("appointments/v1/record/draft", based_on="0", revision="0", procedures="z drugiej karty")
    assert by_hand.status_code == 422 and "z drugiej karty</textarea>" in text_of(by_hand)
    assert json.loads(world.rows(DocumentDraftRow)[0].content)["procedures"] == "z pierwszej karty"
    assert 'name="revision" value="1"' in text_of(by_hand), "saving once more is meant then"


def test_a_draft_thrown_away_is_gone(world: Documents) -> None:
    world.sign_in()
    world.save(procedures="x")
    assert world.post("appointments/v1/record/drop").status_code == 303 and world.rows(DocumentDraftRow) == []


def test_eight_thousand_polish_letters_fit_everywhere_and_one_more_is_told(world: Documents) -> None:
    world.sign_in()
    long: dict[str, Any] = dict.fromkeys(
        ("history", "assessment", "diagnosis", "goals", "plan", "red_flags"), "ł" * 8000
    )
    assert world.save("v0", **long).status_code == 200
    refused = world.sign("v0", **long | {"plan": "ł" * 8001})
    assert refused.status_code == 422 and "8000 znaków" in text_of(refused) and "ł" * 8001 in text_of(refused)
    assert world.sign("v0", **long).status_code == 303
    assert world.sign("v0", plan="ł" * 200_000).status_code == 413
    assert world.post("appointments/v1/confirm", reason="x" * 100_000).status_code == 413, "only documents are so long"


def test_hostile_text_stays_text(world: Documents) -> None:
    world.sign_in()
    world.sign(procedures="<script>alert(1)</script>", exercises="</textarea><b>")
    raw = world.client.get("/staff/appointments/v1/record").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in raw and "<script>alert" not in raw
    raw = world.client.get("/staff/appointments/v1/record?edit=1").get_data(as_text=True)
    assert "&lt;/textarea&gt;&lt;b&gt;" in raw
    raw = world.client.get("/staff/appointments/v1/record?print=1").get_data(as_text=True)
    assert "&lt;script&gt;" in raw and "s-head" not in raw and "Rehabilitacja Kazimierz" in raw


PLACES = ("appointments/m1/record", "appointments/m1/record/versions", "patients/p2", "episodes/e2")


@pytest.mark.parametrize("path", PLACES)
def test_a_therapist_reads_the_own_patients_only(world: Documents, path: str) -> None:
    world.sign_in()
    assert world.client.get(f"/staff/{path}").status_code == 404
    world.sign_in(CONSULTANT)
    assert world.client.get(f"/staff/{path}").status_code == 200


@pytest.mark.parametrize("email", [RECEPTIONIST, ADMINISTRATOR])
def test_reception_and_administration_see_patients_without_documentation(world: Documents, email: str) -> None:
    world.sign_in()
    world.sign(**NOTE)
    world.sign_in(email)
    page = text_of(world.client.get("/staff/patients/p1"))
    assert "Łucja Żółkiewska" in page and "Terapia manualna" not in page and "Ból przed" not in page
    for path in ("appointments/v1/record", "appointments/v1/record?print=1", "episodes/e1"):
        assert world.client.get(f"/staff/{path}").status_code == 403
    assert world.sign(**NOTE).status_code == world.post("patients/p1/export").status_code == 403


def test_a_therapist_treating_the_patient_reads_everything_and_writes_the_own(world: Documents) -> None:
    world.sign_in()
    world.sign(**NOTE)
    world.visit("shared", who=MICHAL, days=3)
    world.sign_in(ANOTHER_THERAPIST)
    page = world.read()
    assert "Terapia manualna" in page and "Popraw" not in page
    assert world.sign(based_on=1, reason="x", **NOTE).status_code == 404
    assert world.sign("shared", **NOTE).status_code == 303


def test_a_reservation_nobody_assigned_has_no_document(world: Documents) -> None:
    world.add("loose")
    world.sign_in()
    assert world.client.get("/staff/appointments/loose/record").status_code == 404


def test_the_process_shows_every_visit_and_the_pain(world: Documents) -> None:
    world.sign_in()
    world.sign("v1", **NOTE)
    world.sign("v2", procedures="Ćwiczenia", pain_before="4", pain_after="1")
    page = text_of(world.client.get("/staff/episodes/e1"))
    assert (
        page.count("<li") >= 3 and "Ból przed 6 → po 3" in page and page.count("<circle") == 2 and 'points="24,' in page
    )
    assert "style=" not in page and "bez dokumentu" in page
    led: dict[str, Any] = {"practitioner_id": world.opened.practitioners[ZOFIA], "version": "1"}
    assert world.post("episodes/e1", title="Lędźwie", closed="yes", **led).status_code == 303
    assert "zakończony" in text_of(world.client.get("/staff/episodes/e1"))
    late = world.post("episodes/e1", title="Szyja", **led)
    assert late.status_code == 409 and 'value="Szyja"' in text_of(late)


def test_patients_are_found_without_their_names_in_an_address(world: Documents) -> None:
    world.sign_in(RECEPTIONIST)
    assert "Łucja Żółkiewska" in text_of(world.client.get("/staff/patients"))
    for field, text in (("surname", "zolk"), ("surname", "ŻÓŁKIEWSKA"), ("phone", "601 234 567")):
        page = text_of(world.post("patients", False, **{field: text}))
        assert "Łucja Żółkiewska" in page and "Jan Obcy" not in page
    assert "Nie znaleźliśmy" in text_of(world.post("patients", surname="%"))
    assert world.post("patients", phone="abc").status_code == 422
    assert world.post("patients", surname="\0").status_code == 200
    world.sign_in()
    assert "Jan Obcy" not in text_of(world.post("patients", surname="Obcy"))


def test_a_patients_data_are_corrected_and_two_at_once_lose_nothing(world: Documents) -> None:
    world.sign_in()
    good: dict[str, Any] = {
        "first_name": "Łucja",
        "last_name": "Nowak",
        "birth_date": "1981-05-02",
        "phone": "12 345 67 89",
        "version": "1",
    }
    assert world.post("patients/p1", **good).status_code == 303
    page = text_of(world.client.get("/staff/patients/p1"))
    assert "Łucja Nowak" in page and "45 lat" in page and "123 456 789" in page
    late = world.post("patients/p1", **good | {"last_name": "Kowalska"})
    assert late.status_code == 409 and 'value="Kowalska"' in text_of(late) and "Teraz zapisane: Nowak" in text_of(late)
    bad = world.post("patients/p1", **good | {"version": "2", "phone": "123", "birth_date": "jutro", "last_name": ""})
    assert bad.status_code == 422 and text_of(bad).count("s-wrong") == 3 and 'value="jutro"' in text_of(bad)


def test_the_whole_record_is_everything_of_one_patient_and_nothing_of_another(world: Documents) -> None:
    world.sign_in()
    world.sign(**NOTE)
    world.sign(based_on=1, reason="Pomyłka", **NOTE | {"pain_after": "2"})
    world.sign_in(ANOTHER_THERAPIST)
    world.sign("m1", procedures="Tajemnica Obcego")
    world.sign_in(OWNER)
    answer = world.post("patients/p1/export", form="json")
    record = json.loads(answer.get_data(as_text=True))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dokumentacja.json"'
    assert record["format"] == "okienko-record-1" and record["patient"]["last_name"] == "Żółkiewska"
    (episode,) = record["episodes"]
    assert [one["id"] for one in episode["appointments"]] == ["v0", "v1", "v2"]
    assert [one["content"]["pain_after"] for one in episode["appointments"][1]["versions"]] == ["3", "2"]
    assert {"sign_document", "correct_document", "export_record"} <= {one["act"] for one in record["access"]}
    for text in (answer.get_data(as_text=True), text_of(world.post("patients/p1/export", form="html"))):
        assert "Obcy" not in text and "Tajemnica" not in text and "Terapia manualna" in text
    assert world.client.get("/staff/patients/p1/export").status_code == 405
    world.sign_in(THERAPIST)
    assert world.post("patients/p1/export").status_code == 403


def author(world: Documents, n: int) -> Scope:
    """Return the scope of one more person who may write everything."""
    key = f"author{n}"
    row = {"id": key, "email": f"{key}@x", "name": key, "role": "owner", "password_hash": "", "practitioner_id": None}
    with world.desk.database.writing() as connection:
        connection.execute(StaffRow.__table__.insert(), {"clinic_id": world.opened.id, **row})  # type: ignore[attr-defined]
    return Scope(ScopeKind.STAFF, world.opened.id, source=Source.STAFF, staff_id=key, role="owner")


def at_once(world: Documents, clock: Clock) -> list[str]:
    """Let four people sign the same document from the same base at the same moment; return how it ended for each."""
    scopes, ended, barrier = [author(world, n) for n in range(4)], list[str](), threading.Barrier(4)

    def one(scope: Scope) -> None:
        written = Written({"procedures": scope.staff_id}, based_on=0)
        barrier.wait()
        try:
            sign_document("v1", written, scope=scope, desk=world.desk, now=clock.now)
            ended.append("signed")
        except EditConflict:
            ended.append("conflict")

    threads = [threading.Thread(target=one, args=(scope,)) for scope in scopes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


def test_four_who_sign_at_once_leave_one_version_and_three_conflicts(world: Documents, clock: Clock) -> None:
    assert at_once(world, clock) == ["conflict"] * 3 + ["signed"]
    assert len(world.rows(DocumentVersionRow)) == 1


def test_without_the_check_of_the_base_the_last_one_would_win_unseen(
    world: Documents, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: blind to the versions there are and to the taken number, all four believe they signed the first."""
    monkeypatch.setattr(DocumentStore, "versions", lambda self, ids: [])
    monkeypatch.setattr(DocumentStore, "sign", lambda self, *values: None)
    assert at_once(world, clock) == ["signed"] * 4


def test_every_reading_stands_in_the_trail(world: Documents) -> None:
    world.sign_in()
    world.read()
    world.client.get("/staff/patients/p1")
    world.client.get("/staff/episodes/e1")
    world.sign_in(OWNER)
    page = text_of(world.client.get("/staff/audit"))
    for words in ("otwarcie dokumentacji", "otwarcie kartoteki pacjenta", "wizyta v1", "pacjent p1"):
        assert words in page
