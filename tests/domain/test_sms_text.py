"""SMS texts: always GSM-7, always one segment, whatever a clinic is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.sms_text import SEGMENT, fold, one_segment, septets
from okienko_server.operations.sms_wording import (
    cancelled_text,
    confirmation_text,
    declined_text,
    moved_text,
    verification_text,
)
from okienko_widget import load
from tests.domain.worlds import CLINIC, local

BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = set("^{}\\[~]|€\f")
LONGEST = "Źródło Ruchu – Gabinet Fizjoterapii, Osteopatii i Rehabilitacji Dziecięcej „Pięć Gwiazd” [dawniej Łącznik] Łódź-Śródmieście"
NAMES = st.text(max_size=130) | st.text("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ[]{}€|^~\\ .–„”", max_size=130)
LATE = local("2026-10-25T02:30", fold=1)


def fits(text: str) -> bool:
    """Return whether a text is GSM-7 and one segment, counted without the code under test."""
    return set(text) <= BASIC | EXTENDED and sum(2 if ch in EXTENDED else 1 for ch in text) <= 160


def test_every_polish_letter_becomes_its_plain_one() -> None:
    assert fold("Zażółć gęślą jaźń ZAŻÓŁĆ GĘŚLĄ JAŹŃ") == "Zazolc gesla jazn ZAZOLC GESLA JAZN"


def test_typography_becomes_typewriting() -> None:
    assert (
        fold("„Krok” – ‘bez’ bólu… 17:15\u00a0zł — 2\u202f000 − 1") == "\"Krok\" - 'bez' bolu... 17:15 zl - 2 000 - 1"
    )


def test_letters_of_other_scripts_become_question_marks_and_nothing_is_left_of_accents() -> None:
    assert fold("Іван") == "????"
    assert fold("Müller, Çelik, Dvořák, e\u0301") == "Muller, Celik, Dvorak, e"
    assert fold("😀 ok") == "? ok"


@given(st.text())
def test_a_folded_text_is_gsm7_and_folding_again_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert set(folded) <= BASIC | EXTENDED
    assert fold(folded) == folded


def test_signs_of_the_extension_table_take_two_places() -> None:
    assert septets("abc") == 3
    assert septets("[]{}|~^\\€") == 18


@pytest.mark.parametrize("name", [LONGEST, LONGEST[:120], "[" * 120, "€" * 120, "Ł" * 120, "Ząb " * 30, "a{}" * 40])
@pytest.mark.parametrize("starts_at", [LATE, datetime(2026, 12, 30, 16, 15, tzinfo=UTC)])
def test_the_longest_name_leaves_room_for_all_the_rest(name: str, starts_at: datetime) -> None:
    clinic = replace(CLINIC, name=name)
    code, confirmed = verification_text(load(), clinic, "048213"), confirmation_text(load(), clinic, starts_at)
    assert fits(code) and "048213" in code and code.endswith("Nie podawaj go nikomu.")
    assert fits(confirmed) and "122 345 678" in confirmed and confirmed.endswith("Do zobaczenia!")
    for text in (declined_text, cancelled_text, moved_text):
        told = text(load(), clinic, starts_at)
        assert fits(told) and told.endswith("122 345 678.")


@given(NAMES)
def test_whatever_a_clinic_is_called_both_messages_fit_one_segment(name: str) -> None:
    clinic = replace(CLINIC, name=name)
    assert fits(verification_text(load(), clinic, "048213"))
    assert fits(confirmation_text(load(), clinic, LATE)) and fits(declined_text(load(), clinic, LATE))


@given(st.text(max_size=200))
def test_a_filled_template_is_gsm7_in_one_segment(name: str) -> None:
    assert fits(one_segment("„{clinic}” zażółć {code} {clinic}"[:24], shrink="clinic", clinic=name, code="123456"))


@pytest.mark.parametrize(
    "name", ["{code}", "{0}", "{}", "{clinic.__class__}", "{code!r:>99}", "{", "}", "{{x}}", "%s %(a)s"]
)
def test_braces_in_a_name_stay_braces(name: str) -> None:
    said = verification_text(load(), replace(CLINIC, name=name), "048213")
    assert said.startswith(f"{name}: kod 048213 ")
    assert confirmation_text(load(), replace(CLINIC, name=name), LATE).startswith(f"{name}: mamy Twoja")


def test_a_short_name_is_not_cut() -> None:
    assert verification_text(load(), replace(CLINIC, name="Mały Krok"), "048213").startswith("Maly Krok: kod 048213")


def test_a_cut_name_loses_no_more_than_it_must() -> None:
    said = verification_text(load(), replace(CLINIC, name="x" * 120), "048213")
    assert septets(said) == SEGMENT


def test_both_doubled_hours_are_told_apart() -> None:
    early = confirmation_text(load(), CLINIC, local("2026-10-25T02:30"))
    assert "niedz. 25.10, 2:30 (czas letni)" in early
    assert "niedz. 25.10, 2:30 (czas zimowy)" in confirmation_text(load(), CLINIC, LATE)


def test_no_message_speaks_of_health() -> None:
    said = verification_text(load(), CLINIC, "048213") + confirmation_text(load(), CLINIC, LATE)
    said += "".join(text(load(), CLINIC, LATE) for text in (declined_text, cancelled_text, moved_text))
    assert not [
        label for key in load() if key.startswith("category.") if fold(label := load()(key)).lower() in said.lower()
    ]


def test_a_template_that_is_too_long_by_itself_is_a_fault() -> None:
    with pytest.raises(ValueError, match="segment"):
        one_segment("x" * 160 + "{clinic}", shrink="clinic", clinic="Krok")


def test_the_line_that_binds_the_code_stands_last_and_alone() -> None:
    said = verification_text(load(), replace(CLINIC, name="Mały Krok"), "048213", "okienko.example")
    assert said.splitlines()[1:] == ["@okienko.example #048213"] and fits(said)


@pytest.mark.parametrize("name", [LONGEST, "[" * 120, "€" * 35, "Ł" * 120, "x" * 75, "a{}" * 14])
@pytest.mark.parametrize("host", ["okienko.example", "h" * 63 + ".example", "źródło.example", "ok[.example"])
def test_the_name_and_one_segment_win_over_the_line(name: str, host: str) -> None:
    clinic = replace(CLINIC, name=name)
    plain, bound = verification_text(load(), clinic, "048213"), verification_text(load(), clinic, "048213", host)
    line = f"\n@{host} #048213"
    assert fits(bound) and bound in (plain, plain + line)
    assert (bound == plain + line) == (fold(line) == line and septets(plain + line) <= SEGMENT)
