"""Every refusal has a status, and every one a patient can meet has a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import okienko_server
from okienko_server.domain import errors
from okienko_server.domain.errors import CodeRefused, DomainError, FieldRefused, FieldsRefused, SlotTaken, TokenRefused
from okienko_server.problems import STATUS, status_of
from okienko_server.texts import load as sentences
from okienko_widget import load

SOURCES = sorted(Path(okienko_server.__file__).parent.rglob("*.py"))
TOLD_A_CODE = {"FieldRefused", "SlotRefused", "CodeRefused", "ResendRefused", "TokenRefused", "FieldsRefused"}
STAFF_ONLY = {
    "sign_in_refused", "csrf_refused", "not_allowed", "edit_conflict", "date_invalid", "choice_required", "record_too_long",
    "record_empty", "reason_too_long", "title_too_long", "icd10_invalid", "icf_invalid", "pain_invalid",
    "hours_unreadable", "hours_backwards", "hours_off_grid", "hours_overlap", "absence_invalid", "when_invalid",
    "tried_too_often", "email_taken", "email_invalid", "role_refused", "candidates_changed", "problem_closed", "choice_missing",
    "practitioner_required", "guest_hours",
    "password_short", "password_long", "password_common",
    "password_personal", "password_wrong", "passwords_differ", "totp_wrong", "last_owner",
    "signed_missing", "signed_ahead", "signed_legacy", "signed_since",
    "name_taken", "price_invalid", "site_path", "site_wildcard", "site_insecure", "site_invalid",
    "site_many", "colour_invalid", "postcode_invalid", "coordinates_invalid", "coordinates_outside",
    "coordinates_swapped", "nip_invalid", "slug_invalid", "slug_taken", "starts_past", "pwz_invalid",
    "pwz_taken", "ages_invalid",
    "back_past", "back_far", "day_invalid", "message_long",
    "tariff_month", "tariff_begun", "tariff_price", "tariff_pool",
}  # fmt: skip
"""Refusals no patient meets: the staff pages have their own words."""
DOCUMENTED = {
    "slot_past", "slot_short_notice", "slot_beyond_horizon", "slot_off_grid", "slot_outside_hours", "slot_unqualified",
    "code_wrong", "code_expired", "code_used", "code_exhausted", "resend_too_soon", "resend_limit", "sms_too_many", "sms_paused",
    "token_invalid", "token_revoked", "session_invalid", "session_expired",
}  # fmt: skip


def families(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    yield kind
    for heir in kind.__subclasses__():
        yield from families(heir)


def strings(node: ast.AST) -> Iterator[str]:
    """Yield the codes an argument may become: constants, both arms of a choice, the values of a dictionary."""
    if isinstance(node, ast.Dict):
        for value in node.values:
            yield from strings(value)
    elif isinstance(node, ast.IfExp):
        yield from strings(node.body)
        yield from strings(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def class_codes(node: ast.stmt) -> Iterator[str]:
    """Yield the code a class of refusals gives itself, wherever in the server it is written."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "code":
        yield from strings(node.value)


def raised_codes() -> set[str]:
    """Return every code the server's sources give to a refusal."""
    found: set[str] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in TOLD_A_CODE
                and node.args
            ):
                found |= set(strings(node.args[0]))
            elif isinstance(node, ast.ClassDef):
                found |= {code for part in node.body for code in class_codes(part)}
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                subject = node.targets[0].value
                if isinstance(subject, ast.Name) and subject.id == "errors":
                    found |= set(strings(node.value))
    return found


def all_codes() -> set[str]:
    return {kind.code for kind in families()} | raised_codes() | DOCUMENTED


def test_the_walk_over_the_sources_finds_the_codes_it_should() -> None:
    found = raised_codes()
    assert {
        "phone_landline",
        "phone_invalid",
        "name_too_long",
        "text_too_long",
        "consent_required",
        "csrf_refused",
    } <= found
    assert found >= DOCUMENTED - {"session_expired"}


def test_every_code_a_refusal_can_carry_has_a_status() -> None:
    assert all_codes() - STATUS.keys() == set()


def test_every_code_a_patient_can_meet_has_a_sentence() -> None:
    assert {code for code in all_codes() - STAFF_ONLY if f"error.{code}" not in load()} == set()


def test_every_code_only_staff_can_meet_has_its_words() -> None:
    beside_a_field = {code for code in STAFF_ONLY if f"wrong.{code}" in sentences()}
    own_page = {code for code in STAFF_ONLY if f"refusal.{code}.title" in sentences()}
    assert STAFF_ONLY - beside_a_field - own_page == {"sign_in_refused"}, "the sign-in has its own sentence"


def test_every_status_is_a_refusal_and_never_a_fault_of_the_server() -> None:
    assert all(400 <= status < 500 for status in STATUS.values())


def test_every_code_of_the_table_can_be_met() -> None:
    told_by_http = {"method_not_allowed", "too_large"}
    assert set(STATUS) - told_by_http - all_codes() == set()


def test_the_codes_in_the_docstrings_are_the_codes_of_the_table() -> None:
    text = " ".join(kind.__doc__ or "" for kind in vars(errors).values() if isinstance(kind, type))
    named = set(re.findall(r"\b(?:slot|code|resend|sms|token|session)_[a-z_]+\b", text))
    assert named == DOCUMENTED


@pytest.mark.parametrize(
    ("error", "code", "field", "status"),
    [
        (DomainError(), "bad_request", "", 400),
        (FieldRefused("phone_landline", field="phone"), "phone_landline", "phone", 422),
        (FieldsRefused({"first_name": "required", "phone": "phone_invalid"}), "required", "first_name", 422),
        (FieldsRefused({}), "bad_request", "", 400),
        (SlotTaken(), "slot_taken", "slot", 409),
        (CodeRefused("code_expired"), "code_expired", "code", 410),
        (TokenRefused("token_revoked"), "token_revoked", "", 403),
    ],
)
def test_a_refusal_knows_its_code_its_field_and_its_status(
    error: DomainError, code: str, field: str, status: int
) -> None:
    assert (error.code, error.field, str(error), status_of(error)) == (code, field, code, status)
