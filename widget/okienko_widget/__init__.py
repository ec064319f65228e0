"""What the patient sees: views in, complete HTML documents out. Knows no database and no web framework."""

from __future__ import annotations

from okienko_widget.bundle import script_hash, style_hash
from okienko_widget.render import render
from okienko_widget.texts import Texts, load
from okienko_widget.when import When

__all__ = ["Texts", "When", "load", "render", "script_hash", "style_hash"]
