"""Telephone numbers as Poles type them, and the ones that may not receive a code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.phone import known_country, masked, mobile, polish_mobile, spoken

MOBILES = [
    "601234567", "601 234 567", "601-234-567", "601.234.567", "601/234/567", "(601) 234 567", "60 123 45 67",
    "+48601234567", "+48 601 234 567", "+48-601-234-567", "(+48) 601 234 567", "+ 48 601 234 567", "0048601234567",
    "0048 601 234 567", "48601234567", "48 601 234 567", "601\u00a0234\u00a0567", "601\u2011234\u2011567",
    "６０１２３４５６７", "\u202a+48 601 234 567\u202c", "+48 601 234 567\u200b",
]  # fmt: skip
PREFIXES = ("45", "50", "51", "53", "57", "60", "66", "69", "72", "73", "78", "79", "88")


def answer_to(typed: str) -> str:
    """Return the number as it would be kept, else the code of the refusal."""
    try:
        return polish_mobile(typed)
    except FieldRefused as refused:
        return refused.code


@pytest.mark.parametrize("typed", MOBILES)
def test_a_polish_mobile_is_known_however_it_is_spelt(typed: str) -> None:
    assert polish_mobile(typed) == "+48601234567"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_polish_mobile_prefix_is_accepted(prefix: str) -> None:
    assert polish_mobile(f"{prefix}1234567") == f"+48{prefix}1234567"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("12 423 45 67", "phone_landline"),
        ("(22) 123-45-67", "phone_landline"),
        ("+48 58 301 23 45", "phone_landline"),
        ("700 123 456", "phone_premium"),
        ("701123456", "phone_premium"),
        ("703 401 234", "phone_premium"),
        ("801 123 456", "phone_premium"),
        ("800 123 456", "phone_premium"),
        ("+1 900 234 5678", "phone_premium"),
        ("+44 909 879 0000", "phone_premium"),
        ("+49 171 1234567", "phone_foreign"),
        ("+44 7911 123456", "phone_foreign"),
        ("+380 50 123 45 67", "phone_foreign"),
        ("+44 20 7946 0018", "phone_foreign"),
        ("112", "phone_invalid"),
        ("999", "phone_invalid"),
        ("*100#", "phone_invalid"),
        ("60123456", "phone_invalid"),
        ("6012345678", "phone_invalid"),
        ("000 000 000", "phone_invalid"),
        ("601234567 lub 602345678", "phone_invalid"),
        ("601 234 567 / 602 345 678", "phone_invalid"),
        ("sześć zero jeden", "phone_invalid"),
        ("60I 234 567", "phone_invalid"),
        ("6" * 200, "phone_invalid"),
        ("+" + "4" * 200, "phone_invalid"),
        ("😀", "phone_invalid"),
        ("", "phone_invalid"),
        ("   ", "phone_invalid"),
        ("+", "phone_invalid"),
        ("+48", "phone_invalid"),
        ("--", "phone_invalid"),
        ("601\0234567", "phone_invalid"),
        ("601\ud800234567", "phone_invalid"),
        ("' OR 1=1 --", "phone_invalid"),
    ],
)
def test_other_numbers_are_refused_with_their_reason(typed: str, code: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        polish_mobile(typed)
    assert (refused.value.code, refused.value.field) == (code, "phone")


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("0123456789+-() /.#,;x*", max_size=60))
def test_anything_typed_is_a_polish_mobile_or_refused_with_a_code(typed: str) -> None:
    answer = answer_to(typed)
    if answer not in {"phone_invalid", "phone_landline", "phone_foreign", "phone_premium"}:
        assert answer.startswith("+48") and len(answer) == 12 and answer[1:].isascii() and answer[1:].isdigit()
        assert polish_mobile(answer) == answer


def test_a_kept_number_is_read_aloud_in_threes_and_hidden_in_the_middle() -> None:
    assert spoken("+48601234567") == "601 234 567"
    assert masked("+48601234567") == "601\u00a0•••\u00a0567"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+49 1512 3456789", "+4915123456789"),
        ("0049 1512 3456789", "+4915123456789"),
        ("+380 50 123 45 67", "phone_foreign"),
        ("+49 30 901820", "phone_landline"),
        ("+49 900 1 123456", "phone_premium"),
        ("601 234 567", "+48601234567"),
        ("+8816 1234 5678", "phone_foreign"),
    ],
)
def test_a_clinic_may_let_other_countries_in(typed: str, kept: str) -> None:
    try:
        answer = mobile(typed, ("PL", "DE"))
    except FieldRefused as refused:
        answer = refused.code
    assert answer == kept


def test_a_foreign_number_is_shown_with_its_country() -> None:
    assert spoken("+4915123456789") == "+49 1512 3456789" and spoken("") == ""
    assert masked("+4915123456789") == "+49\u00a0•••\u00a0789"
    assert known_country("DE") and not known_country("XX") and not known_country("de")
