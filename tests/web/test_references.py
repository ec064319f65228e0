"""Numbers in forms: digits and nothing else, and what is none is never taken for a zero where zero is a choice."""

from __future__ import annotations

import pytest

from okienko_server.web.references import NO_NUMBER, strict_number, whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("24", 24), ("007", 7), ("999999999", 999_999_999)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert strict_number(text) == whole_number(text) == number


@pytest.mark.parametrize("text", ["", " ", "x", "-1", "+1", "1e3", "1.0", " 1", "²", "٣", "1_000", "1000000000"])
def test_what_is_none_is_told_apart_from_zero(text: str) -> None:
    assert (strict_number(text), whole_number(text)) == (NO_NUMBER, 0)
