"""What makes coming easier, and the languages spoken: what the portal's search can be narrowed by."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)


class Access(StrEnum):
    """What an address offers, as the clinic says; in the order of the screen."""

    STEP_FREE = "step_free"
    PARKING = "parking"
    CHILD_FRIENDLY = "child_friendly"
    HOME_VISITS = "home_visits"
    """Its therapists come to the patient's home as well."""


class Language(StrEnum):
    """Languages beside Polish, ISO 639-1; in the order of the screen."""

    ENGLISH = "en"
    UKRAINIAN = "uk"
    GERMAN = "de"


def words_of(kind: type[Word], text: str) -> frozenset[Word]:
    """Return the words of a kind named in a text with blanks between; unknown ones are passed over."""
    return frozenset(word for word in kind if word in text.split())


def text_of(words: Iterable[StrEnum]) -> str:
    """Return the same as it is kept: codes with blanks between, in their own order."""
    wanted = set(words)
    return " ".join(word for kind in {type(one) for one in wanted} for word in kind if word in wanted)


def bits_of(words: Iterable[StrEnum]) -> int:
    """Return words of one kind as bits, the first word's bit lowest."""
    return sum(1 << list(type(word)).index(word) for word in set(words))
