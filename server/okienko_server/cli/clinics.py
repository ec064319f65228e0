"""`okienko clinics import | export`: lists of clinics as CSV files."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.operations.export_clinics import export_clinics
from okienko_server.operations.import_clinics import COLUMNS, Fault, Imported, import_clinics

WORDS = {
    "file_too_large": "the file is larger than any list of clinics",
    "file_encoding": "the file is not UTF-8; save it as “CSV UTF-8”",
    "file_nul": "the file holds a NUL byte; it is no text",
    "row_unreadable": "the row cannot be read: an unclosed quote, or a cell of more than 10,000 letters",
    "row_length": "the row has more or fewer cells than the first line",
    "column_unknown": "there is no such column",
    "column_missing": "this column is needed",
    "column_twice": "this column stands there twice",
    "required": "this cell must not be empty",
    "name_too_long": "too long",
    "bad_request": "holds signs that cannot be printed",
    "formula": "begins like a formula of a spreadsheet",
    "slug_invalid": "a short name holds a-z, 0-9 and single hyphens, at most 40 of them",
    "nip_invalid": "no valid tax number",
    "phone_invalid": "no valid telephone number",
    "phone_foreign": "not a Polish telephone number",
    "phone_premium": "a special number",
    "choice_missing": "none of the values allowed here",
    "day_invalid": "no day like 2026-12-01",
    "postcode_invalid": "no postcode like 00-000",
    "coordinates_invalid": "give latitude and longitude, in degrees",
    "coordinates_outside": "outside Poland",
    "coordinates_swapped": "outside Poland; latitude and longitude look swapped",
    "price_invalid": "no amount in złoty",
    "category_unknown": "no problem category",
    "access_unknown": "none of step_free, parking, child_friendly, home_visits",
    "language_unknown": "none of en, uk, de",
    "pwz_invalid": "no licence number",
    "competence_invalid": "no competences like “spine 18y+, paediatrics 0m-17y”",
    "hours_unreadable": "no hours like “mon-fri 8:00-12:00 13:00-16:00, sat 9:00-13:00”",
    "hours_overlap": "hours of one day overlap",
    "twice": "this stands in the file twice",
    "clinic_unknown": "there is no such clinic, neither in clinics.csv nor before",
    "place_unknown": "the clinic has no such address",
    "therapist_unknown": "the clinic has no such therapist",
    "service_unknown": "the clinic has no such service",
}


@click.group()
def clinics() -> None:
    """Lists of clinics as CSV files."""


@clinics.command("export")
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path))
def export(folder: Path) -> None:
    """Write clinics.csv, places.csv, services.csv, therapists.csv and hours.csv."""
    desk = open_desk(Settings.from_environment())
    try:
        click.echo(f"{export_clinics(folder, desk=desk)} clinics.")
    finally:
        desk.database.dispose()


@clinics.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_(paths: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Read a folder, or some of its files; with any error nothing is written. The same files twice change nothing."""
    from okienko_server.web.house import wall_clock

    files, desk = _files(paths), open_desk(Settings.from_environment())
    try:
        with click.progressbar(length=1, label="Clinics", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

            def told(done: int, everything: int) -> None:
                bar.length = everything
                bar.update(done - bar.pos)

            found = import_clinics(files, dry_run=dry_run, on_progress=told, desk=desk, now=wall_clock())
    finally:
        desk.database.dispose()
    click.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else _report(found, dry_run))
    if found.faults:
        sys.exit(1)


def _files(paths: tuple[Path, ...]) -> dict[str, Path]:
    listed = [one for path in paths for one in (sorted(path.glob("*.csv")) if path.is_dir() else [path])]
    strange = [path.name for path in listed if path.stem not in COLUMNS]
    if strange or not listed:
        names = ", ".join(f"{kind}.csv" for kind in COLUMNS)
        raise Refused(f"The files are called {names}; {', '.join(strange) or 'there is none'}.")
    return {path.stem: path for path in listed}


def _report(found: Imported, dry_run: bool) -> str:
    if found.faults:
        lines = [_line(one) for one in found.faults]
        return "\n".join([*lines, f"{len(lines)} errors; nothing was written."])
    would = "would be " if dry_run else ""
    return f"{found.clinics} clinics: {found.added} {would}added, {found.changed} {would}changed, {found.unchanged} unchanged."


def _line(fault: Fault) -> str:
    where = f"{fault.file}:{fault.line}" + (f" {fault.column}" if fault.column else "")
    value = f" ({fault.value})" if fault.value else ""
    return f"{where}: {WORDS.get(fault.code, fault.code)}{value}"
