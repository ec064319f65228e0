"""`make bench`: prints every figure as a ratio taken in this one run. Asserts nothing: a slow machine is no fault."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import arithmetic, browser, embedding, searching, serving, staffing

PARTS: dict[str, Callable[[], None]] = {
    "arithmetic": arithmetic.run,
    "serving": serving.run,
    "browser": browser.run,
    "embedding": embedding.run,
    "staffing": staffing.run,
    "searching": searching.run,
}


def main() -> None:
    """Run all parts, or those named on the command line."""
    for name in sys.argv[1:] or list(PARTS):
        PARTS[name]()


main()
