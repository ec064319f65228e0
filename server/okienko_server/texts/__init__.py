"""The staff's catalogue: every sentence the clinic's own people and the demo's telephone show, a file for each part of the house."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from okienko_widget.texts import Texts, read


@cache
def load(language: str = "pl") -> Texts:
    """Return the catalogue of one language, read once; a key stands in one file only."""
    parts = [read(part.read_text(encoding="utf-8")) for part in files(__name__).joinpath(language).iterdir()]
    return Texts({key: part(key) for part in parts for key in part})
