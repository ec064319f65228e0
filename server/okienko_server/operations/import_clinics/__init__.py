"""Lists of clinics, addresses, services, therapists and hours from CSV files: all of it or nothing, and twice the same changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from okienko_server.domain.audit import Act, AuditEntry
from okienko_server.domain.contract import ContractStatus, Term
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.import_clinics.columns import (
    CLINICS,
    COLUMNS,
    HOURS,
    NEEDED,
    PLACES,
    SERVICES,
    THERAPISTS,
    Record,
    parse,
)
from okienko_server.operations.import_clinics.differences import Changes, differences
from okienko_server.operations.import_clinics.reading import Fault, read
from okienko_server.storage.bulk import BulkStore
from okienko_server.storage.contracts import ContractStore

__all__ = ["COLUMNS", "Fault", "Imported", "import_clinics"]
BATCH = 250
"""Clinics a transaction: none of them is half written."""
ORDER = (CLINICS, PLACES, SERVICES, THERAPISTS, HOURS)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: clinics in the files, new, changed, left as they were; or the faults, and then nothing was written."""

    clinics: int
    added: int
    changed: int
    faults: tuple[Fault, ...]

    @property
    def unchanged(self) -> int:
        return self.clinics - self.added - self.changed


def import_clinics(
    files: Mapping[str, Path],
    *,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
    desk: Desk,
    now: datetime,
) -> Imported:
    """Read the files (name of COLUMNS -> path) and write what they change; what they do not name stays.

    With any fault nothing is written; a dry run writes nothing either. `on_progress` hears (clinics done, all) after each batch. A clinic's
    rows are matched by short name, an address and a service by name, a therapist by licence number or name.
    """
    records, broken, faults = _read_all(files)
    slugs = list(records)
    faults += _unknown(records, broken, desk)
    if faults:
        return Imported(len(slugs), 0, 0, tuple(sorted(faults, key=_place)))
    added = changed = 0
    for begin in range(0, len(slugs), BATCH):
        batch = {slug: records[slug] for slug in slugs[begin : begin + BATCH]}
        found = _batch(batch, dry_run, desk, now)
        added += len(found.clinics)
        changed += len(found.changed.keys() - {row["clinic_id"] for row in found.clinics})
        on_progress(min(begin + BATCH, len(slugs)), len(slugs))
    return Imported(len(slugs), added, changed, ())


Broken = set[tuple[str, str]]
"""(clinic as written, kind) of rows that could not be read: what they might have named is not told as missing a second time."""


def _read_all(files: Mapping[str, Path]) -> tuple[dict[str, list[Record]], Broken, list[Fault]]:
    records: dict[str, list[Record]] = defaultdict(list)
    faults: list[Fault] = []
    broken: Broken = set()
    for kind in ORDER:
        seen: dict[tuple[str, str], int] = {}
        for line in read(files[kind], frozenset(COLUMNS[kind]), NEEDED[kind]) if kind in files else ():
            found = line if isinstance(line, Fault) else parse(kind, line)
            if isinstance(found, Fault):
                faults.append(found)
            elif isinstance(found, list):
                faults += found
                broken.add((found[0].clinic, kind))
            elif (found.clinic, found.key) in seen:
                column = (
                    "clinic"
                    if kind == CLINICS
                    else "place"
                    if kind == HOURS
                    else "last_name"
                    if kind == THERAPISTS
                    else "name"
                )
                faults.append(found.line.fault(column, "twice"))
            else:
                seen[found.clinic, found.key] = found.line.number
                records[found.clinic].append(found)
    return records, broken, faults


def _unknown(records: Mapping[str, list[Record]], broken: Broken, desk: Desk) -> list[Fault]:
    """Return a fault for each row that names a clinic, address, therapist or service there is not, in the files or before them."""
    faults: list[Fault] = []
    slugs = list(records)
    for begin in range(0, len(slugs), BATCH):
        look = partial(_unknown_of, slugs=slugs[begin : begin + BATCH], records=records, broken=broken)
        faults += desk.database.read(look)
    return faults


def _unknown_of(
    connection: Connection, slugs: list[str], records: Mapping[str, list[Record]], broken: Broken
) -> list[Fault]:
    store = BulkStore(connection, operator_scope())
    found = store.clinics(slugs)
    ids = {row.clinic_id: slug for slug, row in found.items()}
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for part, kind in (("place", PLACES), ("service", SERVICES), ("therapist", THERAPISTS)):
        for row in store.parts(part, list(ids)) if ids else ():
            whole = row.name if part != "therapist" else f"{row.first_name} {row.last_name}"
            names[ids[row.clinic_id], kind].add(whole.casefold())
    faults: list[Fault] = []
    for slug in slugs:
        for record in records[slug]:
            names[slug, record.kind].add(record.key)
        told = (slug, CLINICS) in broken or any(row.kind == CLINICS for row in records[slug])
        if slug not in found and not told:
            faults += [row.line.fault("clinic", "clinic_unknown") for row in records[slug]]
        else:
            faults += [fault for row in records[slug] for fault in _dangling(row, names, broken)]
    return faults


def _dangling(row: Record, names: Mapping[tuple[str, str], set[str]], broken: Broken) -> Iterable[Fault]:
    def missing(kind: str, named: Iterable[str]) -> bool:
        return (row.clinic, kind) not in broken and not set(named) <= names.get((row.clinic, kind), set())

    said = row.values
    if row.kind == HOURS:
        if missing(PLACES, [said["place"]]):
            yield row.line.fault("place", "place_unknown")
        if said["therapist"] and missing(THERAPISTS, [said["therapist"]]):
            yield row.line.fault("therapist", "therapist_unknown")
    if row.kind == THERAPISTS and missing(SERVICES, said["services"] or ()):
        yield row.line.fault("services", "service_unknown")


def _batch(batch: Mapping[str, list[Record]], dry_run: bool, desk: Desk, now: datetime) -> Changes:
    if dry_run:
        return desk.database.read(lambda c: differences(BulkStore(c, operator_scope()), batch, now))

    def work(connection: Connection) -> Changes:
        store = BulkStore(connection, operator_scope())
        found = differences(store, batch, now)
        _write(connection, store, found, desk, now)
        return found

    return desk.database.write(work)


def _write(connection: Connection, store: BulkStore, found: Changes, desk: Desk, now: datetime) -> None:
    store.add_clinics(_level(found.clinics))
    fresh = {row["clinic_id"] for row in found.clinics}
    later = [one for one in found.terms if one[0] not in fresh]
    store.add("term", [_first_term(*one, now) for one in found.terms if one[0] in fresh])
    for clinic_id, since, status in later:
        term = Term(since or now, ContractStatus(status))
        ContractStore(connection, operator_scope().at(clinic_id)).begin(term)
    for part, keys in found.dropped.items():
        store.drop(part, keys)
    for part in ("place", "service", "therapist", "competence", "gives", "opening", "working"):
        store.change(part, found.updated.get(part, []))
        store.add(part, _level(found.added.get(part, [])))
    older = {key: columns for key, columns in found.changed.items() if key not in fresh}
    store.change_clinics(list(older.items()))
    _trails(connection, store, sorted(fresh), desk, now)
    for clinic_id in sorted(older):
        scope = operator_scope().at(clinic_id)
        desk.note_act(connection, scope, Act.IMPORT, "clinic", clinic_id, now)


def _first_term(clinic_id: str, since: datetime | None, status: str, now: datetime) -> dict[str, Any]:
    return {"clinic_id": clinic_id, "starts_at": since or now, "ends_at": None, "status": status}


def _level(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that all have the same columns, as one statement for many rows wants them."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def _trails(connection: Connection, store: BulkStore, clinic_ids: list[str], desk: Desk, now: datetime) -> None:
    """Begin the audit trails of new clinics: the same first row `note_act` would write, for all at once."""
    entries = [AuditEntry(key, 1, now, "", Act.IMPORT.value, "clinic", key, "") for key in clinic_ids]
    digests = [one.digest(desk.audit_key, "") for one in entries]
    heads = [{"clinic_id": key, "number": 1, "digest": digest} for key, digest in zip(clinic_ids, digests, strict=True)]
    rows = [
        {
            "clinic_id": one.clinic_id, "number": 1, "at": now, "staff_id": "", "action": one.act, "object_kind": "clinic",
            "object_id": one.object_id, "detail": "", "digest": digest,
        }
        for one, digest in zip(entries, digests, strict=True)
    ]  # fmt: skip
    store.begin_trails(heads, rows)


def _place(fault: Fault) -> tuple[int, int, str]:
    name = fault.file.removesuffix(".csv")
    return (ORDER.index(name) if name in ORDER else len(ORDER), fault.line, fault.column)
