"""The staff's catalogue: every sentence the clinic's own people and the demo's telephone show."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from okienko_widget.texts import Texts, read


@cache
def load(language: str = "pl") -> Texts:
    """Return the catalogue of one language, read once."""
    return read(files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
