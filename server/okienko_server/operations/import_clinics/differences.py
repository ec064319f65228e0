"""What the rows of some clinics would change of what stands: worked out first, then written; a dry run stops in between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from okienko_server.domain.contract import ContractStatus
from okienko_server.operations.import_clinics.columns import CLINICS, HOURS, PLACES, SERVICES, THERAPISTS, Record
from okienko_server.storage.bulk import BulkStore
from okienko_server.storage.ids import new_id

NEW = {
    "zone": "Europe/Warsaw", "generation": 1, "allowed_origins": "", "notice_minutes": 120, "horizon_days": 60,
    "slot_step_minutes": 15, "open_on_holidays": False, "revision": 1,
}  # fmt: skip
"""What a new clinic begins with beside what the file says."""
BLANK_SERVICE = {"buffer_before": 0, "buffer_after": 0, "categories": ""}
"""What a new service begins with where the file has no such columns."""


@dataclass
class Changes:
    """Everything to write for a batch of clinics."""

    clinics: list[dict[str, Any]] = field(default_factory=list)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Clinic id -> columns; empty columns: only its parts changed."""
    added: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    updated: dict[str, list[tuple[str, str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    dropped: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    terms: list[tuple[str, datetime | None, str]] = field(default_factory=list)
    """(clinic id, since or None for now, status)."""

    def touch(self, clinic_id: str) -> None:
        self.changed.setdefault(clinic_id, {})


def differences(store: BulkStore, records: Mapping[str, list[Record]], now: datetime) -> Changes:
    """Return what the records of some clinics (short name -> its rows) change."""
    found = store.clinics(list(records))
    ids = [row.clinic_id for row in found.values()]
    standing = {part: _by_clinic(store.parts(part, ids)) if ids else {} for part in _PARTS}
    changes = Changes()
    for slug, rows in records.items():
        _one_clinic(slug, rows, found.get(slug), standing, changes, now)
    return changes


_PARTS = ("term", "place", "service", "therapist", "competence", "gives", "opening", "working")
_Standing = Mapping[str, Mapping[str, list[Row[Any]]]]


def _one_clinic(
    slug: str, rows: list[Record], kept: Row[Any] | None, standing: _Standing, changes: Changes, now: datetime
) -> None:
    own = [row for row in rows if row.kind == CLINICS]
    clinic_id = kept.clinic_id if kept is not None else new_id()
    here = {part: standing[part].get(clinic_id, []) for part in _PARTS}
    for row in own:
        _record(clinic_id, slug, row.values, kept, here["term"], changes, now)
    places = _keyed(clinic_id, PLACES, "place", rows, {r.name.casefold(): r for r in here["place"]}, changes)
    services = _keyed(clinic_id, SERVICES, "service", rows, {r.name.casefold(): r for r in here["service"]}, changes)
    people = _people(clinic_id, rows, here, services, changes)
    _hours(clinic_id, rows, here, places, people, changes)


def _record(
    clinic_id: str, slug: str, said: Mapping[str, Any], kept: Row[Any] | None, terms: list[Row[Any]], changes: Changes,
    now: datetime,
) -> None:  # fmt: skip
    columns = {name: value for name, value in said.items() if name not in ("status", "since") and value is not None}
    if kept is None:
        standing = {"registration": False, "listed": True} | NEW | columns
        changes.clinics.append({"clinic_id": clinic_id, "slug": slug, **standing})
        changes.terms.append((clinic_id, said["since"], said["status"] or ContractStatus.TRIAL.value))
        return
    different = {name: value for name, value in columns.items() if getattr(kept, name) != value}
    if different:
        changes.changed.setdefault(clinic_id, {}).update(different)
    running = [term for term in terms if term.ends_at is None]
    wanted = said["status"] or (running[-1].status if running else ContractStatus.TRIAL.value)
    same = running and running[-1].status == wanted and said["since"] in (None, running[-1].starts_at)
    if not same and (said["status"] or said["since"]):
        changes.terms.append((clinic_id, said["since"], wanted))
        changes.touch(clinic_id)


def _keyed(
    clinic_id: str, kind: str, part: str, rows: list[Record], kept: Mapping[str, Row[Any]], changes: Changes
) -> dict[str, str]:
    """Add or change the rows of a kind known by name; return name -> id of all there are then."""
    ids = {name: row.id for name, row in kept.items()}
    behind = _behind_all(kept.values()) if part == "service" else 0
    for position, record in enumerate((row for row in rows if row.kind == kind), start=behind):
        if record.key in kept:
            standing = kept[record.key]
            different = {n: value for n, value in record.values.items() if getattr(standing, n) != value}
            if different:
                changes.updated[part].append((clinic_id, standing.id, different))
                changes.touch(clinic_id)
            continue
        ids[record.key] = new_id()
        more = BLANK_SERVICE | {"position": position} if part == "service" else {}
        changes.added[part].append(
            {"clinic_id": clinic_id, "id": ids[record.key], "offered": True, **more, **record.values}
        )
        changes.touch(clinic_id)
    return ids


def _people(
    clinic_id: str,
    rows: list[Record],
    here: Mapping[str, list[Row[Any]]],
    services: Mapping[str, str],
    changes: Changes,
) -> dict[str, str]:
    kept = {f"{r.first_name} {r.last_name}".casefold(): r for r in here["therapist"]}
    by_licence = {r.pwz: r for r in here["therapist"] if r.pwz}
    ids = {name: row.id for name, row in kept.items()}
    behind = _behind_all(kept.values())
    for position, record in enumerate((row for row in rows if row.kind == THERAPISTS), start=behind):
        said = record.values
        standing = by_licence.get(said["pwz"]) or kept.get(record.key)
        columns = {n: said[n] for n in ("title", "first_name", "last_name", "pwz") if said[n] is not None}
        columns |= {"languages": said["languages"]} if "languages" in said else {}
        if standing is None:
            ids[record.key] = new_id()
            row = {"title": "", "pwz": None, "offered": True, "position": position, **columns}
            changes.added["therapist"].append({"clinic_id": clinic_id, "id": ids[record.key], **row})
            changes.touch(clinic_id)
        else:
            ids[record.key] = standing.id
            different = {n: value for n, value in columns.items() if getattr(standing, n) != value}
            if different:
                changes.updated["therapist"].append((clinic_id, standing.id, different))
                changes.touch(clinic_id)
        _skills(clinic_id, ids[record.key], said, standing is None, here, services, changes)
    return ids


def _skills(
    clinic_id: str, key: str, said: Mapping[str, Any], fresh: bool, here: Mapping[str, list[Row[Any]]],
    services: Mapping[str, str], changes: Changes,
) -> None:  # fmt: skip
    mine = {"clinic_id": clinic_id, "practitioner_id": key}
    if said["competences"] is not None:
        stand = {
            (r.category, r.lowest_months, r.highest_months) for r in here["competence"] if r.practitioner_id == key
        }
        names = ("category", "lowest_months", "highest_months")
        _replace(changes, "competence", mine, stand, set(said["competences"]), names)
    if said["services"] is not None or fresh:
        stand_ids = {(r.service_id,) for r in here["gives"] if r.practitioner_id == key}
        asked = said["services"] if said["services"] is not None else tuple(services)
        _replace(changes, "gives", mine, stand_ids, {(services[name],) for name in asked}, ("service_id",))


def _hours(
    clinic_id: str, rows: list[Record], here: Mapping[str, list[Row[Any]]], places: Mapping[str, str],
    people: Mapping[str, str], changes: Changes,
) -> None:  # fmt: skip
    names = ("weekday", "start_minute", "end_minute")
    for record in (row for row in rows if row.kind == HOURS):
        place, person = places[record.values["place"]], record.values["therapist"]
        mine = {"clinic_id": clinic_id, "location_id": place}
        part = "opening"
        if person:
            part, mine = "working", mine | {"practitioner_id": people[person]}
        stand = {
            (r.weekday, r.start_minute, r.end_minute)
            for r in here[part]
            if all(getattr(r, name) == value for name, value in mine.items())
        }
        _replace(changes, part, mine, stand, set(record.values["week"]), names, ids=True)


def _replace(
    changes: Changes, part: str, mine: dict[str, str], stand: set[Any], asked: set[Any], names: tuple[str, ...],
    *, ids: bool = False,
) -> None:  # fmt: skip
    """Put one set of rows in place of another when they differ."""
    if stand == asked:
        return
    if stand:
        changes.dropped[part].append(dict(mine))
    for one in sorted(asked):
        own = {"id": new_id()} if ids else {}
        changes.added[part].append({**mine, **own, **dict(zip(names, one, strict=True))})
    changes.touch(mine["clinic_id"])


def _behind_all(rows: Iterable[Row[Any]]) -> int:
    """Return the first position that nothing has yet."""
    return max((row.position for row in rows), default=-1) + 1


def _by_clinic(rows: Iterable[Row[Any]]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.clinic_id].append(row)
    return found
