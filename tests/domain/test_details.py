"""What a patient types, field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.appointment import Person
from okienko_server.domain.details import Details, checked
from okienko_server.domain.errors import FieldsRefused

GOOD = Details(Person("Jan", "Kowalski"), Person(), "601 234 567", "", consent=True, key="k")
MOTHER = Person("Ewa", "Kowalska")
FIELDS = {"first_name", "last_name", "booker_first_name", "booker_last_name", "phone", "comment", "consent"}
SCREEN_NAME, SCREEN_COMMENT = 80, 500
"""What the form itself lets through: its maxlength, and the catalogue's words."""


def errors_of(details: Details, *, child: bool = False) -> dict[str, str]:
    try:
        checked(details, child=child)
    except FieldsRefused as refused:
        return refused.errors
    return {}


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({}, {}),
        ({"patient": Person("", "Kowalski")}, {"first_name": "required"}),
        ({"patient": Person("  ", "\t\u00a0")}, {"first_name": "required", "last_name": "required"}),
        ({"patient": Person("J" * 81, "Kowalski")}, {"first_name": "name_too_long"}),
        ({"patient": Person("Jan", "K" * 5000)}, {"last_name": "name_too_long"}),
        ({"patient": Person("Ja\0n", "Kowalski")}, {"first_name": "bad_request"}),
        ({"patient": Person("Jan", "Kowal\x1bski")}, {"last_name": "bad_request"}),
        ({"patient": Person("Jan", "\ud800")}, {"last_name": "bad_request"}),
        ({"phone": ""}, {"phone": "required"}),
        ({"phone": "   "}, {"phone": "required"}),
        ({"phone": "12 423 45 67"}, {"phone": "phone_landline"}),
        ({"phone": "601"}, {"phone": "phone_invalid"}),
        ({"phone": "700123456"}, {"phone": "phone_premium"}),
        ({"phone": "+491711234567"}, {"phone": "phone_foreign"}),
        ({"comment": "x" * 501}, {"comment": "text_too_long"}),
        ({"comment": "nul \0"}, {"comment": "bad_request"}),
        ({"comment": "\ud83d"}, {"comment": "bad_request"}),
        ({"consent": False}, {"consent": "consent_required"}),
        (
            {"patient": Person(), "phone": "x", "comment": "\x07", "consent": False},
            {
                "first_name": "required",
                "last_name": "required",
                "phone": "phone_invalid",
                "comment": "bad_request",
                "consent": "consent_required",
            },
        ),
    ],
)
def test_each_field_is_refused_with_its_own_code(changes: dict[str, Any], errors: dict[str, str]) -> None:
    assert errors_of(replace(GOOD, **changes)) == errors


@pytest.mark.parametrize(
    ("booker", "errors"),
    [
        (MOTHER, {}),
        (Person(), {"booker_first_name": "required", "booker_last_name": "required"}),
        (Person("E" * 81, "Kowalska"), {"booker_first_name": "name_too_long"}),
        (Person("Ewa", "\x00"), {"booker_last_name": "bad_request"}),
    ],
)
def test_a_child_needs_a_guardian(booker: Person, errors: dict[str, str]) -> None:
    assert errors_of(replace(GOOD, booker=booker), child=True) == errors


def test_an_adult_has_no_guardian_whatever_was_sent() -> None:
    assert checked(replace(GOOD, booker=Person("\0", "x" * 999)), child=False).booker == Person()


def test_good_details_come_back_trimmed_with_the_phone_in_one_form() -> None:
    typed = Details(
        Person("  Anna  Maria ", "Nowak-Żak"), Person(" Ewa", "Żak "), " 601 234 567 ", "  po operacji\n", True, "k"
    )
    good = checked(typed, child=True)
    assert good.patient == Person("Anna Maria", "Nowak-Żak")
    assert good.booker == Person("Ewa", "Żak")
    assert (good.phone, good.comment, good.consent, good.key) == ("+48601234567", "po operacji", True, "k")


@pytest.mark.parametrize(
    "name", ["Żaneta", "O'Hara", "Müller-Łęcki", "Іван", "Đặng", "李", "Anna\u00a0Maria", "x" * SCREEN_NAME]
)
def test_real_names_pass(name: str) -> None:
    assert errors_of(replace(GOOD, patient=Person(name, name))) == {}


@pytest.mark.parametrize(
    "comment",
    [
        "Boli od tygodnia.\nPo bieganiu.",
        "ból 5\u00a0cm nad kolanem",
        "Dziękuję 👩\u200d⚕️",
        "miękki\u00ad łącznik, zero\u200bwa spacja",
        "wklejone z Worda\u2028nowy wiersz",
        "x" * SCREEN_COMMENT,
    ],
)
def test_what_people_paste_into_a_comment_passes(comment: str) -> None:
    assert errors_of(replace(GOOD, comment=comment)) == {}


def test_lines_of_a_comment_count_as_the_page_counts_them() -> None:
    lines = "\n".join(["x" * 49] * 10)
    assert len(lines) == SCREEN_COMMENT - 1
    assert errors_of(replace(GOOD, comment=lines.replace("\n", "\r\n"))) == {}


@given(st.builds(Details, st.builds(Person, st.text(), st.text()), st.builds(Person, st.text(), st.text()),
                 st.text(), st.text(max_size=600), st.booleans()), st.booleans())  # fmt: skip
def test_whatever_is_typed_is_kept_bounded_or_refused_by_field(details: Details, child: bool) -> None:
    refused = errors_of(details, child=child)
    assert refused.keys() <= FIELDS
    if not refused:
        good = checked(details, child=child)
        kept = f"{good.patient.name} {good.booker.name} {good.comment}"
        assert "\0" not in kept and kept.encode() and len(good.comment) <= SCREEN_COMMENT
