"""The embed doctor: looks at a clinic's web page and names what keeps the booking window from opening."""

from __future__ import annotations

from okienko_server.operations.doctor.examine import Report, Snippets, examine
from okienko_server.operations.doctor.faults import Fault
from okienko_server.operations.doctor.fetch import CannotLook, Fetched, fetch
from okienko_server.operations.doctor.wording import Wording, summary, trouble, worded

__all__ = [
    "CannotLook",
    "Fault",
    "Fetched",
    "Report",
    "Snippets",
    "Wording",
    "examine",
    "fetch",
    "summary",
    "trouble",
    "worded",
]
