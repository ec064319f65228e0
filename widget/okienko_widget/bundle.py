"""The widget's own CSS and JavaScript, tightened once and ready to stand inside the document, with their CSP hashes."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

_CSS_PIECE = re.compile(
    r"""(?P<string>"[^"]*"|'[^']*')|/\*.*?\*/|\s*(?P<sign>[{};,>])\s*|(?P<colon>:)\s+|(?P<space>\s+)""", re.DOTALL
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DARK = re.compile(r"@media \(prefers-color-scheme: ?dark\)\{:root:not\(\[data-theme=light\]\)\{(?P<colours>[^}]*)\}\}")
_JS_COMMENT = re.compile(r"^\s*(?:/\*.*?\*/|//[^\n]*)\s*$", re.DOTALL | re.MULTILINE)


def tight_css(source: str) -> str:
    """Return the style sheet without comments and needless blanks; strings and blanks before colons stay."""

    def shrink(piece: re.Match[str]) -> str:
        return piece["string"] or piece["sign"] or piece["colon"] or (" " if piece["space"] else "")

    # Twice, because a removed comment leaves its neighbouring blanks side by side.
    once = _CSS_PIECE.sub(shrink, source)
    return _CSS_PIECE.sub(shrink, once).replace(";}", "}").strip()


def tight_js(source: str) -> str:
    """Return the script without whole-line comments and indentation; line ends stay, so nothing is joined."""
    lines = (line.strip() for line in _JS_COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line)


def csp_hash(text: str) -> str:
    """Return the CSP source expression `'sha256-…'` of an inline element with exactly this text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _static(name: str) -> str:
    return files("okienko_widget").joinpath("static", name).read_text(encoding="utf-8")


def brand(accent: str) -> str:
    """Return the style of a host page's colour "#rrggbb"; raises ValueError for anything else, because it goes into a policy."""
    if not _COLOUR.fullmatch(accent):
        raise ValueError("a colour is written #rrggbb")
    return f":root{{--brand:{accent}}}"


def _both_ways(css: str) -> str:
    """Return the style sheet with its dark colours also under `data-theme=dark`, for a page that asks for them."""
    found = _DARK.search(css)
    assert found is not None
    return css[: found.end()] + f":root[data-theme=dark]{{{found['colours']}}}" + css[found.end() :]


CSS = _both_ways(tight_css(_static("widget.css")))
JS = tight_js(_static("widget.js"))
PORTAL_CSS = tight_css(_static("portal.css"))
PORTAL_JS = tight_js(_static("portal.js"))
style_hash = csp_hash(CSS)
portal_style_hash = csp_hash(PORTAL_CSS)
portal_script_hash = csp_hash(PORTAL_JS)
script_hash = csp_hash(JS)
