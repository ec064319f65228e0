"""Reading the files: rows with the line an editor shows, and everything that is wrong with a file as a whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST = 128 * 1024 * 1024
LONGEST_CELL = 10_000
"""Bytes of a file, letters of a cell: what is more is no list of clinics."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: file, physical line from 1, column, a stable code, the cell as it stands (shortened)."""

    file: str
    line: int
    column: str
    code: str
    value: str = ""
    clinic: str = ""
    """Short name in the same row, as it is written."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: column -> cell, without blanks around it."""

    file: str
    number: int
    cells: Mapping[str, str]

    def fault(self, column: str, code: str) -> Fault:
        return Fault(
            self.file, self.number, column, code, self.cells.get(column, "")[:60], self.cells.get("clinic", "")
        )


def read(path: Path, columns: frozenset[str], needed: frozenset[str]) -> Iterator[Line | Fault]:
    """Yield the rows of a CSV file (UTF-8; semicolons or commas) in order, and faults where a row cannot be read."""
    name = path.name
    if path.stat().st_size > LARGEST:
        yield Fault(name, 0, "", "file_too_large")
        return
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        yield Fault(name, 1 + path.read_bytes()[: wrong.start].count(b"\n"), "", "file_encoding")
        return
    if "\0" in text:
        yield Fault(name, text[: text.index("\0")].count("\n") + 1, "", "file_nul")
        return
    yield from _rows(name, text, columns, needed)


def _rows(name: str, text: str, columns: frozenset[str], needed: frozenset[str]) -> Iterator[Line | Fault]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True)
    csv.field_size_limit(LONGEST_CELL)
    head: list[str] | None = None
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Fault(name, begins, "", "row_unreadable")
            return
        if cells is None:
            return
        if head is None:
            head = [cell.strip().lower() for cell in cells]
            wrong = list(_head(name, head, columns, needed))
            yield from wrong
            if wrong:
                return
        elif any(cell.strip() for cell in cells):
            yield _line(name, begins, head, cells)


def _head(name: str, head: list[str], columns: frozenset[str], needed: frozenset[str]) -> Iterator[Fault]:
    yield from (Fault(name, 1, column, "column_unknown") for column in head if column not in columns)
    yield from (Fault(name, 1, column, "column_missing") for column in sorted(needed - set(head)))
    yield from (Fault(name, 1, column, "column_twice") for column in sorted({c for c in head if head.count(c) > 1}))


def _line(name: str, number: int, head: list[str], cells: list[str]) -> Line | Fault:
    if len(cells) != len(head):
        return Fault(name, number, "", "row_length")
    return Line(name, number, {column: _cell(cell) for column, cell in zip(head, cells, strict=True)})


def _cell(text: str) -> str:
    """Return a cell without the apostrophe that an export puts before what looks like a formula."""
    tidy = text.strip()
    return tidy[1:] if tidy.startswith("'") and tidy[1:2] in FORMULA else tidy
