"""Addresses of accounts as people type them, and what is none."""

from __future__ import annotations

import pytest

from okienko_server.domain.email import MAX_EMAIL, email_of
from okienko_server.domain.errors import FieldRefused

GOOD = [
    ("ewa@zielona.pl", "ewa@zielona.pl"),
    ("  Ewa.Grab@Zielona.PL ", "ewa.grab@zielona.pl"),
    ("ewa+grafik@a.b.zielona.pl", "ewa+grafik@a.b.zielona.pl"),
    ("żółw@gżegżółka.pl", "żółw@gżegżółka.pl"),
    (f"{'e' * (MAX_EMAIL - 5)}@a.pl", f"{'e' * (MAX_EMAIL - 5)}@a.pl"),
]
BAD = [
    "", " ", "ewa", "ewa@", "@zielona.pl", "ewa@zielona", "ewa@zielona.", "ewa@zielona.pl.", "ewa@@zielona.pl", "ewa@zie@lona.pl",
    "ewa grab@zielona.pl", "ewa@zielona.pl, jan@zielona.pl", "ewa@zielona.pl;", "<ewa@zielona.pl>", '"ewa"@zielona.pl',
    "ewa@zielona.pl\nBcc: jan@zielona.pl", "ewa\x00@zielona.pl", f"{'e' * (MAX_EMAIL - 4)}@a.pl",
]  # fmt: skip


@pytest.mark.parametrize(("typed", "kept"), GOOD)
def test_an_address_is_kept_trimmed_and_in_small_letters(typed: str, kept: str) -> None:
    assert email_of(typed) == kept


@pytest.mark.parametrize("typed", BAD)
def test_what_is_none_is_refused_beside_its_field(typed: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        email_of(typed, field="mail")
    assert (refused.value.code, refused.value.field) == ("email_invalid", "mail")
