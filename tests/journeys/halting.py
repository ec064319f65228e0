"""The demo behind a line that halts in the middle of every page: whoever counts before the page stands whole miscounts each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask

from okienko_server.cli import main

FIRST = 3000
"""Bytes before the halt: a head and the beginning of what there is to see."""
HALT_SECONDS = 0.4
_whole = Flask.wsgi_app


def halting(self: Flask, environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
    """Answer as the app does, a page in two pieces; what a script asked for is taken in whole by itself."""
    told: list[str] = []

    def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        told.extend(value for name, value in headers if name == "Content-Type")
        return start(status, headers, *more)

    parts: Iterable[bytes] = _whole(self, environ, begin)
    by_script = "HTTP_X_OKIENKO" in environ
    try:
        for part in parts:
            cut = 0 if by_script or not told[0].startswith("text/html") else min(len(part) // 3, FIRST)
            if cut:
                yield part[:cut]
                time.sleep(HALT_SECONDS)
            yield part[cut:]
    finally:
        getattr(parts, "close", lambda: None)()


if __name__ == "__main__":
    Flask.wsgi_app = halting  # type: ignore[method-assign, assignment]
    main(prog_name="okienko")
