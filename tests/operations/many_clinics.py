"""Lists of invented clinics by the thousand, the same ones for the same seed, as the files the import reads."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from okienko_server.domain.towns import Town, towns
from okienko_server.operations.import_clinics import COLUMNS

Lists = dict[str, list[list[Any]]]
NAMES = ("Anna", "Ewa", "Łucja", "Zofia", "Jan", "Piotr", "Michał", "Żaneta")
SURNAMES = ("Nowak", "Wiśniewska", "Wójcik", "Żółkiewska", "Lis", "Zając", "Kąkol", "Dąb")
SERVICES: tuple[tuple[str, str, int, str], ...] = (
    ("Konsultacja", "consultation", 60, "200"), ("Wizyta", "visit", 45, "150,50"), ("Kontrola", "visit", 30, "90"),
)  # fmt: skip
WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)


def lists_of(count: int, seed: int = 1) -> Lists:
    """Return the rows of every file for so many clinics: one or two addresses, three services, three therapists, hours."""
    chance, made = random.Random(seed), {kind: list[list[Any]]() for kind in COLUMNS}
    for n in range(count):
        slug, town = f"klinika-{n:05d}", towns()[n % 900]
        made["clinics"].append([
            slug, f"Rehabilitacja {town.name} {n}", nip(chance), f"60{n % 10}{n % 1_000_000:06d}", "active", "2026-01-01", "2025-12-15",
            f"ul. Długa {n % 200 + 1}", f"{n % 90 + 10}-{n % 900 + 100}", town.name, "yes", "yes" if n % 7 else "no",
        ])  # fmt: skip
        places = ["Główna", "Druga"][: 1 + n % 2]
        for place in places:
            easier = "step_free parking" if n % 2 else ""
            made["places"].append([slug, place, f"ul. Krótka {n % 99 + 1}", "31-147", town.name, *point(town), easier])
            made["hours"].append([slug, place, "", "mon-fri 8:00-18:00, sat 9:00-13:00"])
        for service in SERVICES:
            made["services"].append([slug, *service, 0, 5, "spine sports" if service[0] == "Kontrola" else ""])
        for k in range(3):
            first, last = NAMES[(n + k) % 8], f"{SURNAMES[n % 8]} {'ABC'[k]}"
            skills = ("spine 18y+, sports 16y+", "paediatrics 0m-17y", "neurology, geriatrics 60y+")[k]
            gives, speaks = "Konsultacja|Wizyta" if k else "", ("en", "", "en uk")[k]
            made["therapists"].append([slug, "mgr", first, last, str(10_000 + k), skills, gives, speaks])
            made["hours"].append([slug, places[k % len(places)], f"{first} {last}", "mon-thu 8:00-12:00 12:30-16:00"])
    return made


def nip(chance: random.Random) -> str:
    while True:
        digits = [chance.randrange(1, 10) for _ in range(9)]
        check = sum(a * b for a, b in zip(WEIGHTS, digits, strict=True)) % 11
        if check < 10:
            return "".join(str(digit) for digit in [*digits, check])


def point(town: Town) -> list[str]:
    return [f"{town.latitude:.4f}", f"{town.longitude:.4f}"]


def written(folder: Path, lists: Lists) -> dict[str, Path]:
    """Write the lists as files and return them by kind."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for kind, rows in lists.items():
        files[kind] = folder / f"{kind}.csv"
        with files[kind].open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows([COLUMNS[kind], *rows])
    return files
