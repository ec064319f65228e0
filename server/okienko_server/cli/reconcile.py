"""`okienko reconcile`: a gateway's account of a day against our messages; `okienko sms-state`: what stands in the outbox."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings
from okienko_server.operations.nightly import gateway_refuses, outbox_state
from okienko_server.operations.reconcile import (
    ZONE,
    Difference,
    GatewayAccount,
    account_span,
    ask_account,
    reconcile,
)
from okienko_server.sms.gateway import Billed, Delivery, Gateway, GatewayUnsure

COLUMNS = ("message_id", "gateway_id", "parts", "state")
LONGEST_FILE = 50_000_000


@click.command("reconcile")
@click.option("--day", default="", help="Like 2026-11-24, a day in Poland; yesterday when left out.")
@click.option(
    "--from", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The gateway's account as CSV."
)
@click.option("--whole", is_flag=True, help="The file leaves nothing out from two days before the day to one after it.")
def reconcile_day(day: str, file: Path | None, whole: bool) -> None:
    """Compare a gateway's account of a day with our messages, settle what it settles, and print each difference in a line.

    A file has a first line naming its columns: message_id (ours) or gateway_id (theirs) or both, parts, state (accepted, sent, delivered,
    undelivered; accepted when empty). Exit status 1 when a difference is left unsettled.
    """
    from okienko_server.sms.choose import gateway_of
    from okienko_server.web.house import wall_clock

    settings, now = Settings.from_environment(), wall_clock()
    asked = _day(day, now)
    desk = open_desk(settings)
    try:
        gateway = gateway_of(settings)
        account = _from_file(file, gateway, asked, now, whole=whole) if file else _asked(gateway, asked, now)
        found = reconcile(asked, account, desk=desk, now=now)
    finally:
        desk.database.dispose()
    for one in found:
        click.echo(_line(one))
    left = sum(not one.settled for one in found)
    click.echo(
        f"{asked}: {len(account.lines)} on the account, {len(found)} differences, {len(found) - left} settled, {left} left"
    )
    if left:
        raise SystemExit(1)


@click.command("sms-state")
def sms_state() -> None:
    """Print what stands in the outbox; exit status 1 when somebody should look."""
    from okienko_server.web.house import wall_clock

    desk, now = open_desk(Settings.from_environment()), wall_clock()
    try:
        found, refuses = outbox_state(desk=desk, now=now), gateway_refuses(desk=desk, now=now)
    finally:
        desk.database.dispose()
    click.echo(
        f"waiting {found.waiting}, over five minutes {found.late}, the oldest {found.oldest_seconds} s, "
        f"unsure {found.unsure}, lost {found.lost}, gateway {'refuses' if refuses else 'takes'} messages"
    )
    if found.late or found.lost or refuses:
        raise SystemExit(1)


def _day(text: str, now: datetime) -> date:
    today = now.astimezone(ZONE).date()
    if not text:
        return today - timedelta(days=1)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise Refused("--day must be like 2026-11-24.")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Refused("--day must be like 2026-11-24.") from None
    if found >= today:
        raise Refused(f"{text} is not over yet.")
    if found.year < 2000:
        raise Refused("--day must be like 2026-11-24.")
    return found


def _asked(gateway: Gateway, day: date, now: datetime) -> GatewayAccount:
    try:
        account = ask_account(gateway, day, now)
    except GatewayUnsure as unsure:
        raise Refused(f"The account of {gateway.name} could not be had: {unsure}.") from None
    if account is None:
        raise Refused(
            f"{gateway.name} has no account to ask for: take one from its pages and name the file with --from."
        )
    return account


def _from_file(file: Path, gateway: Gateway, day: date, now: datetime, *, whole: bool) -> GatewayAccount:
    since, until = account_span(day, now)
    return GatewayAccount(gateway.name, read_csv(file), since, until if whole else since)


def read_csv(file: Path) -> list[Billed]:
    """Return the lines of a gateway's account; raises Refused naming the line that makes no sense."""
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise Refused(f"{file.name} is longer than fifty megabytes.")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{file.name} cannot be read as UTF-8 text.") from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first and "," not in first else ",", strict=True)
    try:
        if not {"message_id", "gateway_id"} & set(rows.fieldnames or ()):
            raise Refused(f"{file.name}, line 1: it must name message_id or gateway_id, and may name parts and state.")
        return [_billed(file.name, rows.line_num, row) for row in rows]
    except csv.Error:
        line = min(rows.line_num + 1, len(text.splitlines()))
        raise Refused(f"{file.name}, line {line}: this is no CSV.") from None


def _billed(name: str, number: int, row: dict[str | None, str | list[str] | None]) -> Billed:
    if None in row or None in row.values():
        raise Refused(f"{name}, line {number}: it has more or fewer columns than the first line.")
    message_id, gateway_id, parts, state = (str(row.get(column, "")).strip() for column in COLUMNS)
    if not (message_id or gateway_id) or not (message_id + gateway_id).isprintable():
        raise Refused(f"{name}, line {number}: it names no message.")
    if parts and not (parts.isascii() and parts.isdigit() and len(parts) < 4):
        raise Refused(f"{name}, line {number}: parts must be a number.")
    if state and state not in set(Delivery):
        raise Refused(f"{name}, line {number}: state must be accepted, sent, delivered or undelivered.")
    return Billed(message_id, gateway_id, int(parts or 0), Delivery(state or "accepted"))


def _line(one: Difference) -> str:
    words = [
        one.kind.value, "settled" if one.settled else "left",
        *(f"{name}={_plain(value)}" for name, value in (
            ("clinic", one.clinic_id), ("message", one.message_id), ("gateway", one.gateway_id), ("was", one.was),
        ) if value),
    ]  # fmt: skip
    return " ".join(words)


def _plain(text: str) -> str:
    """Return an id as it may stand in a line: what a gateway writes there is somebody else's text."""
    return re.sub(r"[^A-Za-z0-9._:-]", "?", text)[:80]
