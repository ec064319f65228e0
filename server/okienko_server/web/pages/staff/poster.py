"""The poster: a QR code of the clinic's own page for patients, as a sheet for printing and as a drawing."""

from __future__ import annotations

import io
from functools import lru_cache

import segno
from markupsafe import Markup, escape

from okienko_server.texts import load

WIDTH, CODE = 600, 420
"""Units of the drawing, and of the code within."""
_LONGEST = 28
"""Letters of a name that fit one line of the drawing."""


@lru_cache(maxsize=256)
def code_svg(address: str) -> Markup:
    """Return the QR code of an address as SVG for a page, black on white, four modules of quiet around."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, light="#fff", dark="#000"
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from an address of ours


def poster_svg(name: str, address: str) -> str:
    """Return a whole SVG document: the clinic's name, the code, the words beneath and the address."""
    code = str(code_svg(address)).replace(
        "<svg ", f'<svg x="90" y="{90 + 34 * len(_lines(name))}" width="{CODE}" height="{CODE}" ', 1
    )
    top = "".join(
        f'<text x="300" y="{70 + 34 * n}" font-size="28" font-weight="600">{escape(line)}</text>' for n, line in enumerate(_lines(name))
    )  # fmt: skip
    y = 90 + 34 * len(_lines(name)) + CODE + 50
    words = f'<text x="300" y="{y}" font-size="30" font-weight="600">{escape(load()("website.poster_words"))}</text>'
    plain = f'<text x="300" y="{y + 40}" font-size="18">{escape(short(address))}</text>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 80}" '
        f'font-family="system-ui, Segoe UI, Roboto, Arial, sans-serif" text-anchor="middle">'
        f'<rect width="100%" height="100%" fill="#fff"/>{top}{code}{words}{plain}</svg>\n'
    )


def short(address: str) -> str:
    """Return an address as people read it, without its scheme."""
    return address.partition("://")[2]


def _lines(name: str) -> list[str]:
    """Return a name in lines that fit, a word longer than a line broken."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LONGEST:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line[n : n + _LONGEST] for line in lines for n in range(0, max(len(line), 1), _LONGEST)]
