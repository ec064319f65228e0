"""The command `okienko doctor`: looks at a clinic's page and says in plain Polish what to mend."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from okienko.exceptions import OptionRefused
from okienko_server.cli.desk import Refused, open_desk
from okienko_server.config import Settings, SettingsRefused
from okienko_server.operations.doctor import (
    CannotLook,
    Fault,
    Fetched,
    Report,
    examine,
    fetch,
    summary,
    trouble,
    worded,
)
from okienko_server.texts import load as sentences
from okienko_server.web.house import wall_clock

LOCAL = "http://127.0.0.1:8000"


@click.command()
@click.argument("page")
@click.option("--server", default="", help="Where patients reach this server (default: OKIENKO_URL, or this machine).")
@click.option("--address", default="", help="Where the page stands on the web, when PAGE is a file.")
def doctor(page: str, server: str, address: str) -> None:
    """Examine a web page (its address, or a file of HTML) and name what keeps the widget from working.

    Exit status: 0 nothing wrong, 1 faults found, 2 the page cannot be looked at.
    """
    try:
        settings = Settings.from_environment()
        if not os.environ.get("OKIENKO_EMBED_KEYS"):
            raise Refused("Set OKIENKO_EMBED_KEYS first: without the server's own keys no token can be judged.")
        looked = _looked_at(page, address)
        report = _examined(looked, server or settings.public_url or LOCAL, settings)
    except CannotLook as refused:
        raise Refused(trouble(refused)) from refused
    except (SettingsRefused, OptionRefused) as refused:
        raise Refused(str(refused)) from refused
    click.echo(_told(looked.url, report))
    sys.exit(0 if report.fine else 1)


def _looked_at(page: str, address: str) -> Fetched:
    file = Path(page)
    if "://" not in page and (file.exists() or page.lower().endswith((".html", ".htm"))):
        try:
            return Fetched(address, file.read_text(encoding="utf-8", errors="replace"), {})
        except OSError:
            raise CannotLook("file", file=page) from None
    # Whoever sits at the server's own console may look at inner hosts.
    return fetch(page, public_only=False)


def _examined(looked: Fetched, server: str, settings: Settings) -> Report:
    desk = open_desk(settings)
    try:
        return examine(
            looked.html, looked.headers, looked.url, server_url=server, desk=desk, keys=settings.keys, now=wall_clock(),
            reissue=True,
        )  # fmt: skip
    finally:
        desk.database.dispose()


def _told(address: str, report: Report) -> str:
    t = sentences()
    parts = [t("doctor.checked", address=address)] if address else []
    parts.append(summary(report))
    parts += [_finding(fault) for fault in report.faults]
    if report.notes:
        parts += [f"{t('doctor.notes')}:", *(_finding(note) for note in report.notes)]
    if report.snippets and not report.fine:
        made = report.snippets
        parts.append(t("doctor.snippets"))
        parts += [f"{t(f'doctor.snippet.{name}')}:\n{getattr(made, name)}" for name in ("element", "iframe", "link")]
    elif not report.fine:
        parts.append(t("doctor.no_snippets"))
    return "\n\n".join(parts)


def _finding(fault: Fault) -> str:
    said, t = worded(fault), sentences()
    place = f"({t('doctor.line', line=said.line)}) " if said.line else ""
    lines = [f"- {said.title} [{fault.code}]", f"  {said.why}", f"  {t('doctor.action')} {said.action}"]
    if said.where:
        lines.append(f"  {place}{said.where}")
    if said.fix:
        lines.append(f"  {t('doctor.copy_fix')}: {said.fix}")
    return "\n".join(lines)
