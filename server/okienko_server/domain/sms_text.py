"""SMS texts folded to one GSM-7 segment (3GPP TS 23.038): one Polish letter would cut 160 characters to 70."""

from __future__ import annotations

import unicodedata

SEGMENT = 160
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
_PLAIN = str.maketrans({
    "ł": "l", "Ł": "L", "–": "-", "—": "-", "−": "-", "„": '"', "”": '"', "“": '"', "’": "'", "‘": "'", "…": "...",
    "\u00a0": " ", "\u202f": " ", "•": "*", "·": "-", "đ": "d", "Đ": "D", "œ": "oe", "ß": "ss", "ı": "i",
})  # fmt: skip


def fold(text: str) -> str:
    """Return the text in GSM-7 letters: accents dropped, Polish and typographic signs replaced, the rest as "?"."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    kept = (ch for ch in plain if not unicodedata.combining(ch))
    return "".join(ch if ch in _GSM7 or ch in _EXTENSION else "?" for ch in kept)


def septets(text: str) -> int:
    """Return how many of the 160 places a folded text takes; signs of the extension table take two."""
    return sum(2 if ch in _EXTENSION else 1 for ch in text)


def one_segment(template: str, *, shrink: str, **parts: str) -> str:
    """Fill a template and return it folded, in at most 160 places; the part named by `shrink` is cut when it must be.

    Raises ValueError when the text is too long even without that part: a fault of the catalogue, not of a patient.
    """
    folded = {name: fold(value) for name, value in parts.items()}
    text = fold(template).format(**folded)
    surplus = septets(text) - SEGMENT
    if surplus <= 0:
        return text
    name = folded[shrink]
    while septets(name) > septets(folded[shrink]) - surplus - 1 and name:
        name = name[:-1]
    if not name:
        raise ValueError("the text does not fit one SMS segment")
    folded[shrink] = name.rstrip() + "."
    return fold(template).format(**folded)
