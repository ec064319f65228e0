"""Every refusal of the rules has an HTTP status, a sentence in Polish, and a code that does not change by accident."""

from __future__ import annotations

import re
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from okienko_server.domain import errors
from okienko_server.domain.errors import DomainError
from okienko_server.problems import STATUS
from okienko_widget import load
from tests.domain.test_errors import STAFF_ONLY

_RAISED = re.compile(
    r"(?:FieldRefused|SlotRefused|CodeRefused|ResendRefused|TokenRefused)\(\s*\"(\w+)\"(?: if [^)]*? else \"(\w+)\")?"
)
_WRITTEN = re.compile(r"errors\[[^\]]+\] = \"(\w+)\"(?: if [^\n]*? else \"(\w+)\")?")


def sources(folder: Traversable) -> list[str]:
    """Return the text of every Python file of the server."""
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += sources(entry)
        elif entry.name.endswith(".py"):
            found.append(entry.read_text(encoding="utf-8"))
    return found


def raised_codes() -> set[str]:
    """Return every code the server's own text hands to a refusal."""
    text = "\n".join(sources(files("okienko_server")))
    pairs = _RAISED.findall(text) + _WRITTEN.findall(text)
    return {code for pair in pairs for code in pair if code}


def class_codes() -> set[str]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)]
    return {kind.code for kind in kinds}


def test_every_code_has_a_status() -> None:
    assert len(raised_codes()) > 20
    assert (raised_codes() | class_codes()) - STATUS.keys() == set()


def test_every_status_is_a_refusal() -> None:
    assert all(400 <= HTTPStatus(status) < 500 for status in STATUS.values())


def test_every_code_of_a_patients_step_has_a_sentence() -> None:
    texts = load()
    assert [code for code in STATUS if code not in STAFF_ONLY and f"error.{code}" not in texts] == []


def test_every_code_that_ends_a_page_has_a_card() -> None:
    texts = load()
    for code in (
        "token_invalid",
        "token_revoked",
        "session_invalid",
        "session_expired",
        "clinic_unavailable",
        "foreign_clinic",
    ):
        assert f"message.{code}.title" in texts and f"message.{code}.body" in texts
    for code in ("not_found", "method_not_allowed", "too_large", "bad_request", "server_error"):
        assert f"message.{code}.title" in texts and f"message.{code}.body" in texts
