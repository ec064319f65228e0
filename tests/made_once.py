"""What every new application makes again although it comes out the same: made once a process, because each test has an app of its own."""

from __future__ import annotations

from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

_builders: dict[Any, Any] = {}
_compile_builder = Rule._compile_builder


class _Compiled(BytecodeCache):
    """Compiled templates by name, good for one source: Jinja itself compares its checksum."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def _builder(self: Rule, append_unknown: bool = True) -> Any:
    """Return the function that builds a rule's addresses; it knows nothing of its rule but what it is found by here."""
    if self.defaults:
        return _compile_builder(self, append_unknown)
    key = self.rule, tuple(self._trace), append_unknown
    if key not in _builders:
        _builders[key] = _compile_builder(self, append_unknown)
    return _builders[key]


def once() -> None:
    """Let routes and templates be compiled once: that was most of what making an app took."""
    Rule._compile_builder = _builder  # type: ignore[method-assign]
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Compiled()}
