"""Draws every sample at a phone's and a desktop's width: `python -m tests.widget.screenshots FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from okienko_widget import render
from tests.chromium import find_or_fetch
from tests.widget import samples

WIDTHS = (360, 1200)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def draw(folder: Path) -> int:
    """Write `<sample>-<width>-<scheme>.png` for every sample into the folder; return how many were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_or_fetch()), args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in SCHEMES:
                page = browser.new_page(viewport={"width": width, "height": 720}, color_scheme=scheme)
                for name, view in samples.VIEWS.items():
                    page.set_content(render(view))
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                    written += 1
                page.close()
        browser.close()
    return written


if __name__ == "__main__":
    print(draw(Path(sys.argv[1])))
