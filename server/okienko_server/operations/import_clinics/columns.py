"""What each file's columns hold: one parser a row, which returns plain values or names every cell that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

from okienko_server.domain.access import Access, Language, text_of
from okienko_server.domain.contract import ContractStatus
from okienko_server.domain.coordinates import point_of, postcode_of
from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.licence import licence_of
from okienko_server.domain.offer import DURATIONS, ServiceKind
from okienko_server.domain.phone import any_polish
from okienko_server.domain.plan import PlanRefused, competent, weekly
from okienko_server.domain.price import grosze_of
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.tax_number import nip_of
from okienko_server.operations.import_clinics.reading import FORMULA, Fault, Line

CLINICS, PLACES, SERVICES, THERAPISTS, HOURS = "clinics", "places", "services", "therapists", "hours"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    CLINICS: (
        "clinic", "name", "nip", "phone", "status", "since", "signed_on", "street", "postcode", "city", "registration", "listed",
    ),
    PLACES: ("clinic", "name", "street", "postcode", "city", "latitude", "longitude", "access"),
    SERVICES: ("clinic", "name", "kind", "minutes", "price", "buffer_before", "buffer_after", "categories"),
    THERAPISTS: ("clinic", "title", "first_name", "last_name", "pwz", "competences", "services", "languages"),
    HOURS: ("clinic", "place", "therapist", "week"),
}  # fmt: skip
"""File (without .csv) -> its columns, in the order they are exported."""
NEEDED: Mapping[str, frozenset[str]] = {
    CLINICS: frozenset({"clinic", "name", "phone"}),
    PLACES: frozenset({"clinic", "name", "street", "postcode", "city"}),
    SERVICES: frozenset({"clinic", "name", "kind", "minutes", "price"}),
    THERAPISTS: frozenset({"clinic", "first_name", "last_name"}),
    HOURS: frozenset({"clinic", "place", "week"}),
}
YES_NO = {"yes": True, "no": False, "tak": True, "nie": False, "": None}
HIGHEST_PRICE, LONGEST_TEXT = 1_000_000, 120


@dataclass(frozen=True, slots=True)
class Record:
    """One row as values; `key` is what it is known by within its clinic, "" for the clinic itself."""

    kind: str
    clinic: str
    key: str
    values: Mapping[str, Any]
    line: Line


class _Row:
    """Reads cells and keeps what is wrong with them."""

    def __init__(self, line: Line) -> None:
        self.line, self.faults = line, list[Fault]()

    def text(self, column: str, *, needed: bool = True, longest: int = LONGEST_TEXT) -> str:
        value = " ".join(self.line.cells.get(column, "").split())
        if needed and not value:
            self.wrong(column, "required")
        elif len(value) > longest or not printable(value):
            self.wrong(column, "name_too_long" if printable(value) else "bad_request")
        elif value.startswith(FORMULA):
            self.wrong(column, "formula")
        return value

    def read(self, column: str, parse: Callable[[str], Any], code: str, empty: Any = None) -> Any:
        """Return what a cell says, `empty` for an empty one; a refusal is kept under its own code, or `code`."""
        cell = self.line.cells.get(column, "")
        if not cell:
            return empty
        try:
            return parse(cell)
        except FieldRefused as refused:
            self.wrong(column, refused.code)
        except (ValueError, KeyError, PlanRefused):
            self.wrong(column, code)
        return empty

    def needed(self, column: str, parse: Callable[[str], Any], code: str) -> Any:
        if not self.line.cells.get(column):
            self.wrong(column, "required")
            return None
        return self.read(column, parse, code)

    def wrong(self, column: str, code: str) -> None:
        self.faults.append(self.line.fault(column, code))


def parse(kind: str, line: Line) -> Record | list[Fault]:
    """Return the row as a record, or everything that is wrong with it."""
    row = _Row(line)
    clinic = row.text("clinic", longest=40)
    if clinic and not all(part.isalnum() and part.isascii() and part == part.lower() for part in clinic.split("-")):
        row.wrong("clinic", "slug_invalid")
    key, values = _READ[kind](row)
    return row.faults or Record(kind, clinic, key, values, line)


def _clinic(row: _Row) -> tuple[str, dict[str, Any]]:
    values = {
        "name": row.text("name"), "phone": row.needed("phone", any_polish, "phone_invalid"),
        "nip": row.read("nip", nip_of, "nip_invalid"),
        "status": row.read("status", lambda cell: ContractStatus(cell).value, "choice_missing"),
        "since": row.read("since", _midnight, "day_invalid"),
        "signed_on": row.read("signed_on", lambda cell: date.fromisoformat(cell).isoformat(), "day_invalid"),
        "contract_street": row.text("street", needed=False) or None,
        "contract_postcode": row.read("postcode", postcode_of, "postcode_invalid"),
        "contract_city": row.text("city", needed=False) or None,
        "registration": row.read("registration", lambda cell: YES_NO[cell.lower()], "choice_missing"),
        "listed": row.read("listed", lambda cell: YES_NO[cell.lower()], "choice_missing"),
    }  # fmt: skip
    return "", values


def _place(row: _Row) -> tuple[str, dict[str, Any]]:
    name, cells = row.text("name"), row.line.cells
    point = None
    try:
        point = point_of(cells.get("latitude", ""), cells.get("longitude", ""))
    except FieldRefused as refused:
        row.wrong("latitude", refused.code)
    values = {
        "name": name, "street": row.text("street"), "postcode": row.needed("postcode", postcode_of, "postcode_invalid"),
        "city": row.text("city"),
    }  # fmt: skip
    if point or {"latitude", "longitude"} <= cells.keys():
        values |= {"latitude": point[0] if point else None, "longitude": point[1] if point else None}
    return name.casefold(), values | _words(row, "access", Access, "access_unknown")


def _service(row: _Row) -> tuple[str, dict[str, Any]]:
    name = row.text("name")
    values = {
        "name": name, "kind": row.needed("kind", lambda cell: ServiceKind(cell).value, "choice_missing"),
        "minutes": row.needed("minutes", lambda cell: _one_of(cell, DURATIONS), "choice_missing"),
        "price": row.needed("price", lambda cell: grosze_of(cell, HIGHEST_PRICE, field="price"), "price_invalid"),
    }  # fmt: skip
    for column, read, code, empty in (
        ("buffer_before", _buffer, "choice_missing", 0),
        ("buffer_after", _buffer, "choice_missing", 0),
        ("categories", _categories, "category_unknown", ""),
    ):
        # What the file has no column for stays as it stands.
        if column in row.line.cells:
            values[column] = row.read(column, read, code, empty)
    return name.casefold(), values


def _therapist(row: _Row) -> tuple[str, dict[str, Any]]:
    first, last = row.text("first_name"), row.text("last_name")
    values = {
        "title": row.text("title", needed=False, longest=20) if "title" in row.line.cells else None, "first_name": first, "last_name": last,
        "pwz": row.read("pwz", licence_of, "pwz_invalid"),
        "competences": row.read("competences", _competences, "competence_invalid"),
        "services": row.read("services", lambda cell: tuple(part.strip().casefold() for part in cell.split("|")), "choice_missing"),
    }  # fmt: skip
    return f"{first} {last}".casefold(), values | _words(row, "languages", Language, "language_unknown")


def _words(row: _Row, column: str, kind: type[Access] | type[Language], code: str) -> dict[str, str | None]:
    """Return the column with its codes as they are kept, an empty cell as None; nothing where the file has no such column."""
    if column not in row.line.cells:
        return {}
    return {column: row.read(column, lambda cell: text_of(kind(part) for part in cell.split()), code)}


def _hours(row: _Row) -> tuple[str, dict[str, Any]]:
    place, therapist = row.text("place").casefold(), row.text("therapist", needed=False).casefold()
    week = row.needed("week", lambda cell: () if cell == "-" else weekly(cell), "hours_unreadable") or ()
    spans = tuple(sorted((shift.weekday, shift.start, shift.end) for shift in week))
    if any(a[0] == b[0] and b[1] < a[2] for a, b in pairwise(spans)):
        row.wrong("week", "hours_overlap")
    return f"{place}|{therapist}", {"place": place, "therapist": therapist, "week": spans}


_READ: Mapping[str, Callable[[_Row], tuple[str, dict[str, Any]]]] = {
    CLINICS: _clinic,
    PLACES: _place,
    SERVICES: _service,
    THERAPISTS: _therapist,
    HOURS: _hours,
}


def _midnight(cell: str) -> datetime:
    return datetime.combine(date.fromisoformat(cell), time(0), UTC)


def _one_of(cell: str, choices: Iterable[int]) -> int:
    if not (cell.isascii() and cell.isdigit()) or int(cell) not in choices:
        raise ValueError
    return int(cell)


def _buffer(cell: str) -> int:
    return _one_of(cell, range(0, 125, 5))


def _categories(cell: str) -> str:
    asked = {ProblemCategory(part) for part in cell.split()}
    return "" if len(asked) == len(ProblemCategory) else " ".join(code for code in ProblemCategory if code in asked)


def _competences(cell: str) -> tuple[tuple[str, int, int], ...]:
    found = {(one.category.value, one.ages.lowest, one.ages.highest) for one in competent(cell)}
    return tuple(sorted(found))
