"""All clinics as CSV files that a spreadsheet opens and the import reads back without a change."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from okienko_server.domain.access import text_of
from okienko_server.domain.ages import ends_of
from okienko_server.domain.offer import Offer
from okienko_server.domain.phone import spoken
from okienko_server.domain.plan import WEEKDAYS
from okienko_server.domain.price import as_typed
from okienko_server.domain.problem import AgeRange, ProblemCategory
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.import_clinics.columns import CLINICS, COLUMNS, HOURS, PLACES, SERVICES, THERAPISTS
from okienko_server.operations.import_clinics.reading import FORMULA
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.onboarding import OnboardingStore

Rows = Mapping[str, list[tuple[Any, ...]]]


def export_clinics(folder: Path, *, desk: Desk) -> int:
    """Write clinics.csv, places.csv, services.csv, therapists.csv and hours.csv (UTF-8 with BOM, semicolons); return how many clinics.

    A cell that begins like a formula gets an apostrophe, which the import takes off again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ids = desk.database.read(lambda connection: OnboardingStore(connection, operator_scope()).clinics())
    files = {kind: (folder / f"{kind}.csv").open("w", encoding="utf-8-sig", newline="") for kind in COLUMNS}
    try:
        writers = {kind: csv.writer(file, delimiter=";") for kind, file in files.items()}
        for kind, columns in COLUMNS.items():
            writers[kind].writerow(columns)
        for clinic_id, _ in ids:
            for kind, rows in desk.database.read(lambda c, key=clinic_id: _rows(c, key)).items():  # type: ignore[misc]
                writers[kind].writerows([_harmless(cell) for cell in row] for row in rows)
    finally:
        for file in files.values():
            file.close()
    return len(ids)


def _harmless(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text


def _rows(connection: Connection, clinic_id: str) -> Rows:
    offer = OfferStore(connection, operator_scope().at(clinic_id)).load()
    c = offer.clinic
    address, newest = c.contract_address, c.terms[-1] if c.terms else None
    return {
        CLINICS: [
            (
                c.slug, c.name, c.nip, spoken(c.phone), newest.status if newest else "",
                newest.starts_at.date().isoformat() if newest and _is_midnight(newest.starts_at) else "",
                c.signed_on.isoformat() if c.signed_on else "", address.street, address.postcode, address.city,
                "yes" if c.registration else "no", "yes" if c.listed else "no",
            )
        ],
        PLACES: [
            (c.slug, p.name, p.street, p.postcode, p.city, p.latitude, p.longitude, text_of(p.access))
            for p in offer.locations.values()
        ],
        SERVICES: [
            (
                c.slug, s.name, s.kind, s.minutes, as_typed(s.price), s.buffer_before, s.buffer_after,
                " ".join(code for code in ProblemCategory if code in s.categories),
            )
            for s in offer.services.values()
        ],
        THERAPISTS: [
            (
                c.slug, p.title, p.first_name, p.last_name, p.pwz,
                ", ".join(f"{one.category} {_ages(one.ages)}" for one in p.competences),
                "|".join(s.name for s in offer.services.values() if s.id in p.services), text_of(p.languages),
            )
            for p in offer.practitioners.values()
        ],
        HOURS: list(_hours(offer)),
    }  # fmt: skip


def _is_midnight(at: Any) -> bool:
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)


def _hours(offer: Offer) -> Iterator[tuple[str, str, str, str]]:
    slug = offer.clinic.slug
    for place in offer.locations.values():
        doors = [(one.weekday, one.start, one.end) for one in offer.opening if one.location_id == place.id]
        yield (slug, place.name, "", _week(doors))
        for person in offer.practitioners.values():
            spans = [(one.weekday, one.start, one.end) for one in person.hours if one.location_id == place.id]
            if spans:
                yield (slug, place.name, f"{person.first_name} {person.last_name}", _week(spans))


def _week(spans: Iterable[tuple[int, int, int]]) -> str:
    """Return "mon 8:00-12:00 13:00-16:00, tue 8:00-12:00"; "-" for none."""
    days: dict[int, list[str]] = defaultdict(list)
    for day, start, end in sorted(spans):
        days[day].append(f"{start // 60}:{start % 60:02d}-{end // 60}:{end % 60:02d}")
    return ", ".join(f"{WEEKDAYS[day]} {' '.join(written)}" for day, written in days.items()) or "-"


def _ages(ages: AgeRange) -> str:
    low, low_unit, high, high_unit = ends_of(ages)
    return f"{low}{low_unit}+" if high is None else f"{low}{low_unit}-{high}{high_unit}"
