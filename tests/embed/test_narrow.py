"""A host narrows its token without the server's keys: the locks only ever add, and no other text passes."""

from __future__ import annotations

import itertools
import random
from hashlib import sha256

import pytest
from itsdangerous import Signer as StockSigner

from okienko import Embed, EmbedToken, OptionRefused, PortalToken, TokenInvalid, narrow, read_any
from okienko.tokens import Signer, public_id
from tests.embed.samples import KEY, KEYS
from tests.embed.test_mutations import flips, insertions, truncations

BASE = EmbedToken("kazimierz123", 3, practitioner="zofia")
TEXT, SECRET = BASE.sign(KEYS), BASE.secret(KEYS)
OTHER = "another key of the server, long enough too"


def test_locks_are_added_to_those_the_token_has() -> None:
    text = narrow(TEXT, SECRET, service="massage", category="spine", origin="https://klinika.example")
    expected = EmbedToken("kazimierz123", 3, "massage", "zofia", "spine", "https://klinika.example")
    assert EmbedToken.read(text, KEYS) == read_any(text, KEYS) == expected
    assert public_id(text) == ("clinic", "kazimierz123")
    assert len(text) < 400


def test_the_same_lock_again_changes_nothing() -> None:
    assert EmbedToken.read(narrow(TEXT, SECRET, practitioner="zofia"), KEYS) == BASE


@pytest.mark.parametrize(
    "locks",
    [{"practitioner": "michal"}, {}, {"service": ""}, {"service": "two words"}, {"category": "kręgosłup"}],
)
def test_nothing_widens_and_nothing_senseless_is_signed(locks: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own sentence
        narrow(TEXT, SECRET, **locks)
    with pytest.raises(OptionRefused):
        Embed("https://okienko.example", TEXT).narrow(SECRET, **locks)


def test_a_token_is_narrowed_once() -> None:
    once = narrow(TEXT, SECRET, service="massage")
    with pytest.raises(ValueError, match="already"):
        narrow(once, SECRET, category="spine")


def test_a_portals_token_is_not_narrowed() -> None:
    with pytest.raises(ValueError, match="clinic's"):
        narrow(PortalToken("zdrowie", 1).sign(KEYS), SECRET, service="massage")


STRANGERS = {
    "of another clinic": EmbedToken("podgorze1234", 3, practitioner="zofia").secret(KEYS),
    "of another generation": EmbedToken("kazimierz123", 4, practitioner="zofia").secret(KEYS),
    "of the wider token": EmbedToken("kazimierz123", 3).secret(KEYS),
    "of another server": BASE.secret([OTHER]),
    "guessed": "x" * 43,
}


@pytest.mark.parametrize("secret", STRANGERS.values(), ids=STRANGERS.keys())
def test_only_the_tokens_own_secret_narrows_it(secret: str) -> None:
    with pytest.raises(TokenInvalid):
        EmbedToken.read(narrow(TEXT, secret, service="massage"), KEYS)


def test_keys_are_rotated_as_for_any_token() -> None:
    text = narrow(TEXT, SECRET, service="massage")
    assert EmbedToken.read(text, [KEY, OTHER]) == EmbedToken.read(text, KEYS)
    assert BASE.secret([KEY, OTHER]) == BASE.secret([OTHER]) != SECRET
    with pytest.raises(TokenInvalid):
        EmbedToken.read(text, [OTHER])


FORGED = {
    "no lock": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": {}},
    "a lock that contradicts": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": {"p": "michal"}},
    "a foreign clinic as lock": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": {"c": "podgorze1234"}},
    "an unknown lock": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": {"x": "y"}},
    "a number": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": {"s": 7}},
    "an empty lock": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": {"s": ""}},
    "a list": {"c": "kazimierz123", "g": 3, "p": "zofia", "n": ["s"]},
    "the base lock left out": {"c": "kazimierz123", "g": 3, "n": {"s": "massage"}},
    "another clinic": {"c": "podgorze1234", "g": 3, "p": "zofia", "n": {"s": "massage"}},
    "no base": {"n": {"s": "massage"}},
}


@pytest.mark.parametrize("values", FORGED.values(), ids=FORGED.keys())
def test_a_secret_signs_no_other_shape(values: dict[str, object]) -> None:
    text = Signer((SECRET,), "okienko.narrow.v1").sign(values)
    with pytest.raises(TokenInvalid) as refused:
        EmbedToken.read(text, KEYS)
    own = {short: value for short, value in values.items() if short != "n"} == {
        "c": "kazimierz123",
        "g": 3,
        "p": "zofia",
    }
    assert refused.value.reason == ("shape" if own else "damaged")


def texts(count: int) -> list[str]:
    chance, made = random.Random(11), []
    for n in range(count):
        base = EmbedToken(f"clinic{n:06}", chance.randrange(9))
        made.append(narrow(base.sign(KEYS), base.secret(KEYS), service=f"s{chance.randrange(10**6)}"))
    return made


def test_no_other_text_is_accepted_and_none_yields_the_wider_token() -> None:
    for text in texts(40):
        tried = itertools.chain(flips(text), truncations(text), insertions(text))
        assert [other for other in tried if accepted(other)] == []
        assert accepted(text)


def accepted(text: str) -> bool:
    try:
        read_any(text, KEYS)
    except TokenInvalid:
        return False
    return True


def test_the_stock_signer_would_accept_some() -> None:
    """The control: a narrowed text under its own secret, checked by itsdangerous itself."""
    stock = StockSigner(SECRET, salt="okienko.narrow.v1", key_derivation="hmac", digest_method=sha256)
    text = narrow(TEXT, SECRET, service="massage")
    assert stock.validate(text.encode("ascii"))
    for mutation in (flips, insertions):
        assert any(stock.validate(other.encode("utf-8")) for other in mutation(text))


@pytest.mark.parametrize("origin", ["https://klinika.pl/", "klinika.pl", "*", "https://*.klinika.pl", "javascript:x"])
def test_a_site_is_named_as_browsers_name_it(origin: str) -> None:
    with pytest.raises(ValueError, match="without a path"):
        narrow(TEXT, SECRET, origin=origin)
