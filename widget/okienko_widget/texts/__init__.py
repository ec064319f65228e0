"""The catalogue: every sentence a patient reads, by key, with its plurals."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_LONELY_LETTER = re.compile(r"(?<=[\s(„])([aiouwz]) ", re.IGNORECASE)


def plural_form(n: int) -> str:
    """Return which Polish form a number takes: "one" (1), "few" (2-4, 22-24 …) or "many"."""
    if n == 1:
        return "one"
    if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14):
        return "few"
    return "many"


class Texts:
    """Sentences by dotted key: `texts("details.phone.label")`, placeholders by keyword; KeyError for an unknown key."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._sentences = dict(sentences)

    def __call__(self, key: str, **values: object) -> str:
        sentence = self._sentences[key]
        return sentence.format(**values) if values else sentence

    def plural(self, key: str, n: int) -> str:
        """Return the form of `key` that fits the number; `{n}` in it is the number."""
        return self._sentences[f"{key}.{plural_form(n)}"].format(n=n)

    def __contains__(self, key: object) -> bool:
        return key in self._sentences

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, _typeset(value)
        else:
            yield from _flat(value, f"{prefix}{name}.")


def _typeset(sentence: str) -> str:
    # Polish typography leaves no one-letter word at the end of a line.
    return _LONELY_LETTER.sub("\\1\u00a0", sentence)


def read(source: str) -> Texts:
    """Return the catalogue of a TOML text: tables become dotted keys."""
    return Texts(dict(_flat(tomllib.loads(source))))


@cache
def load(language: str = "pl") -> Texts:
    """Return the catalogue of one language, read once."""
    return read(files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
