"""No text but the one that was signed is accepted; the stock signer, given the same texts, accepts some."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from itsdangerous import BadData

from okienko.exceptions import TokenExpired, TokenInvalid
from tests.embed.samples import COUNT, KEYS, KINDS, Kind

ALPHABETS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    "=", ".", "+/", " \t\r\n", "\x00", "!#$%&'()*,:;<>?@[]^`{|}~\"\\", "éß±\x80\xff", "ąęłżź–🙂\u200b",
)  # fmt: skip


def flips(text: str) -> Iterator[str]:
    """Yield every text one bit away, all eight bits of each character; what leaves ASCII is latin-1 text."""
    for at, sign in enumerate(text):
        for bit in range(8):
            yield text[:at] + chr(ord(sign) ^ 1 << bit) + text[at + 1 :]


def truncations(text: str) -> Iterator[str]:
    """Yield every shorter beginning and every shorter end, the empty text included."""
    for at in range(len(text)):
        yield text[:at]
        yield text[at + 1 :]


def insertions(text: str) -> Iterator[str]:
    """Yield four junk characters put in at every place, each time from some other alphabet."""
    chance = random.Random(text)
    for at in range(len(text) + 1):
        yield text[:at] + "".join(chance.choices(chance.choice(ALPHABETS), k=4)) + text[at:]


Mutation = Callable[[str], Iterator[str]]
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def verdict(kind: Kind, text: str) -> str:
    """Return "accepted" or the reason of the refusal; an expired token was proved, so it counts as accepted."""
    try:
        kind.read(text, KEYS)
    except TokenExpired:
        return "accepted"
    except TokenInvalid as refused:
        return refused.reason
    return "accepted"


def stock_accepts(kind: Kind, texts: Iterator[str]) -> int:
    """Return how many of the texts the stock serializer takes for signed."""
    stock, accepted = kind.stock(), 0
    for text in texts:
        try:
            stock.loads(text)
        except BadData:
            continue
        accepted += 1
    return accepted


@by_kind
def test_every_token_reads_unchanged_here_and_with_the_stock_serializer(kind: Kind) -> None:
    texts = kind.texts()
    assert Counter(verdict(kind, text) for text in texts) == {"accepted": COUNT}
    assert stock_accepts(kind, iter(texts)) == COUNT


@by_kind
@pytest.mark.parametrize(
    ("mutation", "per_character"),
    [(flips, 8), (truncations, 2), (insertions, 1)],
    ids=["flips", "truncations", "insertions"],
)
def test_no_changed_text_is_accepted(kind: Kind, mutation: Mutation, per_character: int) -> None:
    texts = kind.texts()
    verdicts = Counter(verdict(kind, changed) for text in texts for changed in mutation(text))
    assert set(verdicts) == {"damaged"}
    assert verdicts["damaged"] >= per_character * sum(map(len, texts))


@by_kind
@pytest.mark.parametrize("mutation", [flips, insertions], ids=["flips", "insertions"])
def test_control_the_stock_serializer_accepts_some(kind: Kind, mutation: Mutation) -> None:
    """A truncated signature has too few bytes for the stock signer too; its control is the next test."""
    changed = (text for whole in kind.texts() for text in mutation(whole))
    assert stock_accepts(kind, changed) > 0


@by_kind
def test_control_a_comparison_of_the_beginning_only_accepts_truncations(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = kind.texts()[:100]
    monkeypatch.setattr("okienko.tokens.hmac.compare_digest", lambda expected, given: expected.startswith(given))
    verdicts = Counter(verdict(kind, changed) for text in texts for changed in truncations(text))
    assert verdicts["accepted"] >= 43 * len(texts)
