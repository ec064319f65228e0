"""Lists of clinics: in once, twice without a change, out and in again; every planted fault told by its line and nothing written."""

from __future__ import annotations

import csv
import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from okienko_server.domain.scope import operator_scope
from okienko_server.operations.audit import verify_audit
from okienko_server.operations.desk import Desk
from okienko_server.operations.export_clinics import export_clinics
from okienko_server.operations.import_clinics import COLUMNS, Imported, import_clinics
from okienko_server.operations.import_clinics.columns import NEEDED
from okienko_server.storage.tables import (
    AuditRow,
    Base,
    ClinicRow,
    CompetenceRow,
    ContractTermRow,
    LocationRow,
    OpeningHoursRow,
    PractitionerRow,
    PractitionerServiceRow,
    ServiceRow,
    WorkingHoursRow,
)
from tests.conftest import MONDAY
from tests.operations.many_clinics import Lists, lists_of, written
from tests.plans import clinic
from tests.web.patients import ApiPatient, house_of, opened, rows_of

TABLES: tuple[type[Base], ...] = (
    ClinicRow, ContractTermRow, LocationRow, OpeningHoursRow, ServiceRow, PractitionerRow, CompetenceRow, PractitionerServiceRow,
    WorkingHoursRow, AuditRow,
)  # fmt: skip
COUNT = 10_000 if os.environ.get("OKIENKO_PROOF") == "1" else 300


def desk_of(app: Flask) -> Desk:
    return house_of(app).desk


def run(app: Flask, files: dict[str, Path], **more: Any) -> Imported:
    return import_clinics(files, desk=desk_of(app), now=MONDAY, **more)


def everything(app: Flask) -> list[list[Any]]:
    return [sorted((tuple(row) for row in rows_of(app, table)), key=str) for table in TABLES]


def test_a_list_goes_in_once_and_twice_changes_nothing(app: Flask, tmp_path: Path) -> None:
    files = written(tmp_path, lists_of(60))
    assert run(app, files) == Imported(60, 60, 0, ())
    before = everything(app)
    assert run(app, files) == Imported(60, 0, 0, ())
    assert everything(app) == before
    counts = [len(rows_of(app, table)) for table in (ClinicRow, LocationRow, ServiceRow, PractitionerRow, AuditRow)]
    assert counts == [60, 90, 180, 180, 60]
    assert {row.revision for row in rows_of(app, ClinicRow)} == {1}


def test_what_came_in_can_be_booked(app: Flask, tmp_path: Path) -> None:
    run(app, written(tmp_path, lists_of(3)))
    clinic_id = next(row.clinic_id for row in rows_of(app, ClinicRow) if row.slug == "klinika-00001")
    assert ApiPatient(app, clinic_id).starts()


def test_a_dry_run_tells_the_same_and_writes_nothing(app: Flask, tmp_path: Path) -> None:
    lists = lists_of(10)
    files = written(tmp_path, lists)
    assert run(app, files, dry_run=True) == Imported(10, 10, 0, ())
    assert rows_of(app, ClinicRow) == []
    run(app, files)
    lists["services"][0][4] = "210"
    before = everything(app)
    assert run(app, written(tmp_path, lists), dry_run=True) == Imported(10, 0, 1, ())
    assert everything(app) == before


CHANGES: list[tuple[str, int, str]] = [
    ("clinics", 1, "Nowa nazwa"), ("clinics", 3, "12 300 40 50"), ("clinics", 4, "suspended"), ("clinics", 10, "no"),
    ("places", 2, "ul. Inna 9"), ("places", 5, "50.05"), ("places", 7, "home_visits parking"),
    ("places", 7, ""), ("therapists", 7, "de"), ("services", 4, "99"), ("therapists", 1, "dr"), ("therapists", 5, "sports 3y-9y"),
    ("therapists", 6, "Wizyta"), ("hours", 3, "tue 9:00-11:00"), ("hours", 3, "-"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "column", "value"), CHANGES)
def test_a_changed_row_changes_exactly_its_clinic(
    app: Flask, tmp_path: Path, kind: str, column: int, value: str
) -> None:
    lists = lists_of(5)
    run(app, written(tmp_path, lists))
    before = {row.slug: row for row in rows_of(app, ClinicRow)}
    row = lists[kind][4]
    row[column] = value
    files = written(tmp_path, lists)
    assert run(app, files) == Imported(5, 0, 1, ())
    after = {row.slug: row for row in rows_of(app, ClinicRow)}
    changed = [slug for slug in before if after[slug].revision != before[slug].revision]
    assert changed == [row[0]]
    assert len(rows_of(app, AuditRow)) == 6
    clinic_id = after[row[0]].clinic_id
    assert not verify_audit(scope=operator_scope().at(clinic_id), desk=desk_of(app)).faults
    assert run(app, files).changed == 0


def test_what_the_files_do_not_name_stays(app: Flask, tmp_path: Path) -> None:
    place = opened(app, clinic())
    before = everything(app)
    lists: Lists = {kind: [] for kind in COLUMNS} | {
        "services": [["kazimierz", "Masaż", "visit", 30, "100", "", "", ""]]
    }
    assert run(app, written(tmp_path, lists)) == Imported(1, 0, 1, ())
    kept = [row for rows in everything(app) for row in rows]
    assert [row for rows in before[1:] for row in rows if row not in kept] == []
    assert {row.name for row in rows_of(app, ServiceRow)} == {"Konsultacja", "Wizyta", "Masaż"}
    assert {row.clinic_id for row in rows_of(app, ServiceRow)} == {place.id}


def test_a_therapist_is_known_by_the_licence_number_under_another_name(app: Flask, tmp_path: Path) -> None:
    lists = lists_of(1)
    run(app, written(tmp_path, lists))
    lists["therapists"][0][3] = "Nowak-Kowalska"
    lists["hours"] = []
    assert run(app, written(tmp_path, lists)) == Imported(1, 0, 1, ())
    assert len(rows_of(app, PractitionerRow)) == 3


def said(app: Flask) -> tuple[list[str | None], list[str | None]]:
    places = [row.access for row in sorted(rows_of(app, LocationRow), key=lambda row: row.name)]
    return places, [row.languages for row in sorted(rows_of(app, PractitionerRow), key=lambda row: row.position)]


def test_access_and_languages_come_in_their_own_order_and_an_empty_cell_takes_them_away(
    app: Flask, tmp_path: Path
) -> None:
    lists = lists_of(1)
    lists["places"][0][7], lists["therapists"][0][7] = "parking  step_free parking", "de en"
    assert run(app, written(tmp_path, lists)).added == 1
    assert said(app) == (["step_free parking"], ["en de", None, "en uk"])
    lists["places"][0][7] = lists["therapists"][2][7] = ""
    assert run(app, written(tmp_path, lists)) == Imported(1, 0, 1, ())
    assert said(app) == ([None], ["en de", None, None])


def test_a_file_from_before_has_no_such_columns_and_changes_nothing(app: Flask, tmp_path: Path) -> None:
    lists = lists_of(4)
    run(app, written(tmp_path / "new", lists))
    before = everything(app)
    old = written(tmp_path / "old", lists)
    for kind in ("places", "therapists"):
        lines = old[kind].read_text("utf-8-sig").splitlines()
        old[kind].write_text("\n".join(line.rpartition(";")[0] for line in lines), "utf-8")
    assert run(app, old) == Imported(4, 0, 0, ())
    assert everything(app) == before
    with open(old["places"], "a", encoding="utf-8") as file:
        file.write("\nklinika-00000;Trzecia;ul. Nowa 1;31-147;Kraków;;")
    assert run(app, old) == Imported(4, 0, 1, ())
    assert {row.name: row.access for row in rows_of(app, LocationRow)}["Trzecia"] is None


def without_what_may_be_missing(file: Path, kind: str) -> None:
    """Write a file again with the columns alone that it may not lack."""
    head, *lines = csv.reader(file.read_text("utf-8-sig").splitlines(), delimiter=";")
    kept = [place for place, column in enumerate(head) if column in NEEDED[kind]]
    with open(file, "w", encoding="utf-8", newline="") as new:
        csv.writer(new, delimiter=";").writerows([row[place] for place in kept] for row in (head, *lines))


@pytest.mark.parametrize("kind", ["clinics", "places", "services", "therapists"])
def test_what_a_file_has_no_column_for_stays_as_it_stands(app: Flask, tmp_path: Path, kind: str) -> None:
    lists = lists_of(3)
    lists["services"][0][5:] = ["5", "10", "spine sports"]
    run(app, written(tmp_path / "new", lists))
    before = everything(app)
    short = written(tmp_path / "short", lists)
    without_what_may_be_missing(short[kind], kind)
    assert run(app, short) == Imported(3, 0, 0, ())
    assert everything(app) == before


@pytest.mark.parametrize("column", ["latitude", "longitude"])
def test_half_a_point_that_is_not_there_takes_none_away(app: Flask, tmp_path: Path, column: str) -> None:
    lists = lists_of(2)
    run(app, written(tmp_path / "new", lists))
    before = everything(app)
    short = written(tmp_path / "short", lists)
    without_what_may_be_missing(short["places"], "places")
    lines = short["places"].read_text("utf-8").splitlines()
    short["places"].write_text("\n".join([f"{lines[0]};{column}", *(f"{line};" for line in lines[1:])]), "utf-8")
    assert run(app, short) == Imported(2, 0, 0, ())
    assert everything(app) == before


def test_what_comes_later_stands_behind_all_there_is(app: Flask, tmp_path: Path) -> None:
    lists = lists_of(1)
    run(app, written(tmp_path, lists))
    slug = lists["services"][0][0]
    fresh = [[slug, name, "visit", 30, "90", 0, 5, ""] for name in ("Nowa", "Nowsza")]
    for some in ([lists["services"][0], fresh[0]], [fresh[1]]):
        run(app, written(tmp_path, lists | {"services": some}))
    positions = [row.position for row in rows_of(app, ServiceRow)]
    assert len(set(positions)) == len(positions) == 5


def test_a_new_clinic_may_come_in_by_what_every_file_has_to_have(app: Flask, tmp_path: Path) -> None:
    files = written(tmp_path, lists_of(2))
    for kind in ("clinics", "places", "services", "therapists"):
        without_what_may_be_missing(files[kind], kind)
    assert run(app, files) == Imported(2, 2, 0, ())
    assert {(row.buffer_before, row.buffer_after, row.categories) for row in rows_of(app, ServiceRow)} == {(0, 0, "")}
    assert {row.title for row in rows_of(app, PractitionerRow)} == {""}


def test_an_unknown_code_is_told_by_line_and_column(app: Flask, tmp_path: Path) -> None:
    lists = lists_of(3)
    lists["places"][1][7], lists["therapists"][8][7] = "PARKING", "fr"
    found = run(app, written(tmp_path, lists)).faults
    assert [(one.file, one.line, one.column, one.code, one.value) for one in found] == [
        ("places.csv", 3, "access", "access_unknown", "PARKING"), ("therapists.csv", 10, "languages", "language_unknown", "fr"),
    ]  # fmt: skip
    assert rows_of(app, ClinicRow) == []


def test_what_went_out_comes_in_as_it_stands(app: Flask, tmp_path: Path) -> None:
    run(app, written(tmp_path / "in", lists_of(6)))
    before = everything(app)
    export_clinics(tmp_path / "out", desk=desk_of(app))
    files = {kind: tmp_path / "out" / f"{kind}.csv" for kind in COLUMNS}
    assert files["places"].read_text("utf-8-sig").count(";step_free parking\n") == 6
    assert run(app, files) == Imported(6, 0, 0, ())
    assert everything(app) == before


def test_out_and_in_again_changes_nothing(app: Flask, tmp_path: Path) -> None:
    opened(app, replace(clinic(), name="=cmd|' /C calc'!A0"))
    run(app, written(tmp_path / "in", lists_of(12)))
    before = everything(app)
    assert export_clinics(tmp_path / "out", desk=desk_of(app)) == 13
    files = {kind: tmp_path / "out" / f"{kind}.csv" for kind in COLUMNS}
    text = files["clinics"].read_text("utf-8-sig")
    assert "'=cmd" in text and ";=cmd" not in text
    found = run(app, files)
    assert [(fault.line, fault.code) for fault in found.faults] == [(2, "formula")], "no import writes such a name"
    files["clinics"].write_text(text.replace("'=cmd|' /C calc'!A0", "Rehabilitacja"), "utf-8")
    assert run(app, files) == Imported(13, 0, 1, ())
    assert len([row for rows in everything(app)[2:9] for row in rows]) == len(
        [row for rows in before[2:9] for row in rows]
    )


WRONG: list[tuple[str, int, str, str]] = [
    ("clinics", 1, "", "required"), ("clinics", 1, "x" * 121, "name_too_long"), ("clinics", 1, "=1+1", "formula"),
    ("clinics", 1, "@x", "formula"),
    ("clinics", 2, "1234567890", "nip_invalid"), ("clinics", 3, "112", "phone_invalid"),
    ("clinics", 3, "+49 1512 3456789", "phone_foreign"),
    ("clinics", 4, "free", "choice_missing"), ("clinics", 5, "2026-13-01", "day_invalid"), ("clinics", 6, "wczoraj", "day_invalid"),
    ("clinics", 8, "1-234", "postcode_invalid"), ("clinics", 10, "może", "choice_missing"), ("places", 1, "", "required"),
    ("places", 3, "abc", "postcode_invalid"), ("places", 5, "13.4", "coordinates_outside"), ("services", 2, "zabieg", "choice_missing"),
    ("services", 3, "31", "choice_missing"), ("services", 4, "-1", "price_invalid"), ("services", 6, "7", "choice_missing"),
    ("services", 7, "knees", "category_unknown"), ("therapists", 2, "", "required"), ("therapists", 4, "abc", "pwz_invalid"),
    ("therapists", 5, "spine 9y-3y", "competence_invalid"), ("therapists", 6, "Akupunktura", "service_unknown"),
    ("places", 7, "parking lift", "access_unknown"), ("therapists", 7, "en,uk", "language_unknown"),
    ("hours", 1, "Trzecia", "place_unknown"), ("hours", 3, "mon 8-16", "hours_unreadable"),
    ("hours", 3, "mon 22:00-2:00", "hours_unreadable"),
    ("hours", 3, "mon 8:00-12:00 11:00-13:00", "hours_overlap"), ("hours", 0, "nie-ma-takiej", "clinic_unknown"),
    ("hours", 0, "Zła Nazwa", "slug_invalid"),
]  # fmt: skip


def planted(lists: Lists, count: int, seed: int) -> list[tuple[str, int, str]]:
    """Spoil so many rows, each of another clinic, and return (file, line, code) of each."""
    chance, spoiled, told = random.Random(seed), set[str](), list[tuple[str, int, str]]()
    for n in range(count):
        kind, column, value, code = WRONG[n % len(WRONG)]
        at = chance.randrange(len(lists[kind]))
        while lists[kind][at][0] in spoiled:
            at = chance.randrange(len(lists[kind]))
        spoiled.add(lists[kind][at][0])
        lists[kind][at][column] = f"{value}-{n}" if code == "clinic_unknown" else value
        spoiled.add(lists[kind][at][0])
        told.append((f"{kind}.csv", at + 2, code))
    return told


def test_a_hundred_planted_faults_are_exactly_those_lines_and_nothing_is_written(app: Flask, tmp_path: Path) -> None:
    lists = lists_of(200)
    told = planted(lists, 100, seed=7)
    found = run(app, written(tmp_path, lists))
    assert sorted((fault.file, fault.line, fault.code) for fault in found.faults) == sorted(told)
    assert rows_of(app, ClinicRow) == []


def test_without_faults_the_same_list_goes_in(app: Flask, tmp_path: Path) -> None:
    """Control."""
    assert run(app, written(tmp_path, lists_of(200))) == Imported(200, 200, 0, ())


def one(tmp_path: Path, content: bytes, name: str = "clinics") -> dict[str, Path]:
    path = tmp_path / f"{name}.csv"
    path.write_bytes(content)
    return {name: path}


HEAD = b"clinic;name;phone\n"


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        ("clinic;name;phone\na;Żółw;123450612\n".encode("cp1250"), 2, "file_encoding"),
        ("clinic;name;phone\n".encode("utf-16"), 1, "file_encoding"),
        (HEAD + b"a;b\0c;1\n", 2, "file_nul"), (HEAD + b'a;"b;123450612\n', 2, "row_unreadable"), (HEAD + b"a;b\n", 2, "row_length"),
        (HEAD + b"a;" + b"x" * 10_000_000 + b";1\n", 2, "row_unreadable"), (b"clinic;name;phone;colour\n", 1, "column_unknown"),
        (b"clinic;name\n", 1, "column_missing"), (b"clinic;name;phone;name\n", 1, "column_twice"), (b"\xff\xfe\n", 1, "file_encoding"),
        (HEAD + b"a;A;123450612\na;A;123450612\n", 3, "twice"),
        (HEAD + b'a;"A\nB\nC";123450612\nb;;123450612\n', 5, "required"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_told_by_its_line(app: Flask, tmp_path: Path, content: bytes, line: int, code: str) -> None:
    found = run(app, one(tmp_path, content))
    assert (found.faults[0].line, found.faults[0].code) == (line, code)
    assert rows_of(app, ClinicRow) == []


def test_commas_are_read_as_well(app: Flask, tmp_path: Path) -> None:
    assert run(app, one(tmp_path, b"clinic,name,phone\r\na,Gabinet,123450612\r\n")) == Imported(1, 1, 0, ())
    assert [row.phone for row in rows_of(app, ClinicRow)] == ["+48123450612"]
    assert [row.status for row in rows_of(app, ContractTermRow)] == ["trial"]


def test_a_too_large_file_is_not_read(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okienko_server.operations.import_clinics.reading.LARGEST", 10)
    assert [fault.code for fault in run(app, one(tmp_path, HEAD)).faults] == ["file_too_large"]


def test_progress_is_told_to_its_end(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okienko_server.operations.import_clinics.BATCH", 7)
    heard: list[tuple[int, int]] = []
    run(app, written(tmp_path, lists_of(20)), on_progress=lambda done, all_: heard.append((done, all_)))
    assert heard == [(7, 20), (14, 20), (20, 20)]


def test_the_trails_of_new_clinics_are_whole(app: Flask, tmp_path: Path) -> None:
    run(app, written(tmp_path, lists_of(4)))
    for row in rows_of(app, ClinicRow):
        assert not verify_audit(scope=operator_scope().at(row.clinic_id), desk=desk_of(app)).faults


def test_a_long_list_goes_in_and_again_changes_nothing(app: Flask, tmp_path: Path) -> None:
    """Ten thousand clinics under OKIENKO_PROOF=1, where the printed times are the measurement."""
    files = written(tmp_path, lists_of(COUNT))
    began = datetime.now(UTC)
    assert run(app, files) == Imported(COUNT, COUNT, 0, ())
    middle = datetime.now(UTC)
    assert run(app, files) == Imported(COUNT, 0, 0, ())
    print(f"first {middle - began}, again {datetime.now(UTC) - middle}")
