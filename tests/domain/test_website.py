"""Addresses as people paste them: what is plainly meant is taken, every trick is refused by its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko.tokens import is_origin
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.website import MAX_SITES, SitesRefused, siblings, site_of, sites_of


@pytest.mark.parametrize(
    ("typed", "site"),
    [
        ("https://klinika.pl", "https://klinika.pl"), ("klinika.pl", "https://klinika.pl"), ("klinika.pl/", "https://klinika.pl"),
        ("HTTPS://WWW.Klinika.PL", "https://www.klinika.pl"), ("https://klinika.pl:443/", "https://klinika.pl"),
        ("https://klinika.pl:8443", "https://klinika.pl:8443"), ("żółw.pl", "https://xn--w-uga1v8h.pl"),
        ("https://klinika.pl.", "https://klinika.pl"), ("rezerwacje.klinika.com.pl", "https://rezerwacje.klinika.com.pl"),
    ],
)  # fmt: skip
def test_what_is_plainly_meant_is_taken(typed: str, site: str) -> None:
    assert site_of(typed) == site
    assert is_origin(site)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("*.klinika.pl", "site_wildcard"), ("https://*", "site_wildcard"), ("https://klinika.pl/kontakt", "site_path"),
        ("klinika.pl?x=1", "site_path"), ("klinika.pl#a", "site_path"), ("http://klinika.pl", "site_insecure"),
        ("javascript:alert(1)", "site_invalid"), ("javascript://klinika.pl", "site_invalid"), ("data:text/html,x", "site_invalid"),
        ("https://a@klinika.pl", "site_invalid"), ("https://klinika.pl@evil.example", "site_invalid"), ("klinika", "site_invalid"),
        ("https://", "site_invalid"), ("https://127.0.0.1", "site_invalid"), ("http://localhost", "site_insecure"),
        ("https://[::1]", "site_invalid"), ("https://klinika.pl; script-src *", "site_wildcard"), ("'self'", "site_invalid"),
        ("https://klinika.pl; script-src x", "site_invalid"), ("https://kli nika.pl", "site_invalid"), ("klinika.pl:99999", "site_invalid"),
        ("https://-a.pl", "site_invalid"), ("https://a..pl", "site_invalid"), ("x" * 300 + ".pl", "site_invalid"),
        ("https:\\\\klinika.pl", "site_invalid"), ("straße.de", "site_invalid"), ("klinika.pl:0", "site_invalid"),
        ("0x7f.1", "site_invalid"), ("https://klinika.pl\\@evil.example", "site_invalid"), ("//klinika.pl", "site_invalid"),
        ("ftp://klinika.pl", "site_invalid"), ("https://" + "a." * 130 + "pl", "site_invalid"), ("192.168.1.1", "site_invalid"),
    ],
)  # fmt: skip
def test_what_is_no_site_is_refused(typed: str, code: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        site_of(typed)
    assert refused.value.code == code


@given(typed=st.text(max_size=60))
def test_whatever_is_taken_is_an_origin_and_ends_no_policy(typed: str) -> None:
    try:
        sites = sites_of(typed)
    except FieldRefused:
        return
    for site in sites:
        assert is_origin(site)
        assert not set(site) & set(" ;,*'\"\n\t")
        assert site_of(site) == site


def test_every_wrong_line_is_named_and_nothing_else() -> None:
    with pytest.raises(SitesRefused) as refused:
        sites_of("klinika.pl\n*.klinika.pl\n\n  https://a.pl/x \nwww.klinika.pl")
    assert refused.value.lines == (("*.klinika.pl", "site_wildcard"), ("https://a.pl/x", "site_path"))


def test_the_same_site_counts_once_and_there_is_an_end() -> None:
    assert sites_of("klinika.pl\nhttps://klinika.pl/\nKLINIKA.PL") == ("https://klinika.pl",)
    with pytest.raises(FieldRefused) as refused:
        sites_of("\n".join(f"k{n}.pl" for n in range(MAX_SITES + 1)))
    assert refused.value.code == "site_many"


def test_this_machine_only_where_it_is_allowed() -> None:
    assert site_of("http://127.0.0.1:8081", loopback=True) == "http://127.0.0.1:8081"
    with pytest.raises(FieldRefused):
        site_of("http://192.168.0.1:8081", loopback=True)


def test_the_sibling_of_a_site_is_suggested_once() -> None:
    assert siblings(("https://klinika.pl",)) == ("https://www.klinika.pl",)
    assert siblings(("https://www.klinika.pl", "https://klinika.pl")) == ()
    assert siblings(("https://www.klinika.pl",)) == ("https://klinika.pl",)
    assert siblings(("https://klinika.com.pl",)) == ("https://www.klinika.com.pl",)
    assert siblings(("https://www.pl", "https://a.b.klinika.pl")) == ()
