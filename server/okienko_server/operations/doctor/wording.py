"""The doctor's findings as sentences of the catalogue, for the web page and the command line alike."""

from __future__ import annotations

from dataclasses import dataclass

from okienko_server.operations.doctor.examine import Report
from okienko_server.operations.doctor.faults import Fault
from okienko_server.operations.doctor.fetch import CannotLook
from okienko_server.texts import load


@dataclass(frozen=True, slots=True)
class Wording:
    """A finding as a person reads it; `where` may be empty, `fix` is a text to copy or empty."""

    title: str
    why: str
    action: str
    where: str
    line: int
    fix: str


def worded(fault: Fault) -> Wording:
    """Return the sentences of one finding."""
    texts = load()
    title, why, action = (
        texts(f"doctor.fault.{fault.code}.{part}", **dict(fault.values)) for part in ("title", "why", "action")
    )
    return Wording(title, why, action, fault.where, fault.line, fault.fix)


def summary(report: Report) -> str:
    """Return the verdict in one sentence."""
    return load()("doctor.fine") if report.fine else load().plural("doctor.found", len(report.faults))


def trouble(refused: CannotLook) -> str:
    """Return why the page could not be looked at."""
    return load()(f"doctor.trouble.{refused.code}", **refused.values)
