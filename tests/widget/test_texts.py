"""The catalogue is complete, holds nothing unused, and counts in Polish."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from okienko_widget import load
from okienko_widget.texts import plural_form
from tests.widget import samples

TEXTS = load()
SERVER_ASKS = (
    "error.",
    "notice.",
    "message.",
    "sms.",
    "calendar.",
    "consent.processing.",
    "when.",
    "weekday",
    "month",
    "client.",
)
"""Sentences chosen at run time: by a code of the server, a date, or the state of the page."""
LISTS = (
    "category.",
    "category_hint.",
    "kind.",
    "age_group.",
    "age_unit.",
    "part.",
    "title.",
    "wish.",
    "order.",
    "access.",
    "language_name.",
    "treatment_of.",
)
ERROR_CODES = [
    "required", "phone_invalid", "phone_landline", "phone_foreign", "phone_premium", "name_too_long",
    "text_too_long", "consent_required", "age_required", "age_invalid", "category_unknown", "code_wrong",
    "code_expired", "code_used", "code_exhausted", "resend_too_soon", "resend_limit", "sms_too_many", "sms_paused",
    "slot_taken", "slot_past",
    "slot_outside_hours", "slot_off_grid", "slot_beyond_horizon", "slot_short_notice", "slot_unqualified",
    "hold_expired", "session_expired", "session_invalid", "token_invalid", "token_revoked",
    "clinic_unavailable", "not_found", "method_not_allowed", "too_large", "foreign_clinic",
    "idempotency_mismatch", "bad_request", "server_busy",
]  # fmt: skip


def _keys_in_templates() -> set[str]:
    folder = files("okienko_widget").joinpath("templates")
    sources = [entry.read_text(encoding="utf-8") for entry in folder.iterdir()]
    return {key for source in sources for key in re.findall(r"""\bt(?:\.plural)?\("([a-z_.]+)"[,)]""", source)}


def _words_of_the_server() -> set[str]:
    """Every quoted dotted word in the server's sources: more than its keys, but no key is missing."""
    server = Path(__file__).parents[2] / "server"
    return {
        word for file in server.rglob("*.py") for word in re.findall(r'"([a-z_]+(?:\.[a-z_]+)+)"', file.read_text())
    }


def test_every_key_a_template_asks_for_exists() -> None:
    known = {key.removesuffix(".one") for key in TEXTS}
    assert _keys_in_templates() - known == set()


def test_no_sentence_is_left_unused() -> None:
    asked = _keys_in_templates() | _words_of_the_server()
    idle = {
        key
        for key in TEXTS
        if not key.startswith(SERVER_ASKS + LISTS) and re.sub(r"\.(one|few|many)$", "", key) not in asked
    }
    assert idle == set()


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_code_has_a_sentence(code: str) -> None:
    assert TEXTS(f"error.{code}").endswith(".")


@pytest.mark.parametrize("code", samples.CATEGORIES)
def test_every_category_has_a_label_and_a_short_hint(code: str) -> None:
    assert TEXTS(f"category.{code}")
    assert len(TEXTS(f"category_hint.{code}")) <= 40


def test_an_unknown_key_and_a_missing_placeholder_are_refused() -> None:
    with pytest.raises(KeyError):
        TEXTS("no.such.sentence")
    with pytest.raises(KeyError):
        TEXTS("sms.verification", clinic="Mały Krok")


def test_placeholders_are_filled_and_braces_in_values_stay() -> None:
    assert TEXTS("calendar.title", clinic="{Krok}") == "Wizyta – {Krok}"


@pytest.mark.parametrize(
    ("n", "form"),
    [(0, "many"), (1, "one"), (2, "few"), (4, "few"), (5, "many"), (11, "many"), (12, "many"), (14, "many"),
     (21, "many"), (22, "few"), (24, "few"), (25, "many"), (101, "many"), (102, "few"), (112, "many"), (122, "few")],
)  # fmt: skip
def test_polish_plurals(n: int, form: str) -> None:
    assert plural_form(n) == form


def test_a_plural_names_the_number() -> None:
    assert [TEXTS.plural("times.free", n) for n in (1, 3, 5)] == [
        "1 wolny termin",
        "3 wolne terminy",
        "5 wolnych terminów",
    ]


def test_no_sentence_ends_a_line_with_a_lonely_letter() -> None:
    assert [key for key in TEXTS if re.search(r"(?<=\s)[aiouwz] ", TEXTS(key), re.IGNORECASE)] == []
