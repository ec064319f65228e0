"""The share picture: what a message or a feed shows when somebody sends an address of ours, drawn from real data."""

from __future__ import annotations

import io
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import ceil, inf

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 630
MARGIN = 72
"""Pixels on the left and the right that nothing is drawn in; above and below it is a little less."""
MOST_LINES = 3
"""Lines a card has room for; what comes after them is left out."""

_GROUND, _CARD, _INK, _SOFT = (251, 250, 246), (255, 255, 255), (27, 35, 36), (90, 100, 102)
_ACCENT, _LINE = (15, 107, 99), (226, 223, 214)
_RIGHT = WIDTH - MARGIN
_TOP, _FLOOR = 50, 526
"""Between these stand the head and the rows; the brand stands below."""
_ROW, _INSET = 63, 28
_MARK, _MARK_GAP = 148, 36
_SMALLEST_TITLE = 46
_FINE = 4
"""Shapes are drawn so many times larger and made small again, as Pillow leaves their edges jagged."""
_DENSE = 2
"""Letters too: in the small sizes Pillow sets every letter on a whole pixel, and a word falls apart."""

# What the fonts carry: Latin, Cyrillic, punctuation. Anything else (an emoji in a name) would be drawn as an empty box.
_NOT_CARRIED = re.compile(
    "[^\u0020-\u007e\u00a0-\u00ac\u00ae-\u0148\u014a-\u017f\u0218-\u021b\u0400-\u045f\u0490\u0491"
    "\u2010-\u2015\u2018-\u201e\u2022\u2026\u2030\u2032\u2033\u2039\u203a\u20ac\u2116\u2122\u2190\u2192\u2212]"
)
_HANGING = re.compile(r"(?<![^\s])(\w) ")
_APART = " – "

_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ShareCard:
    """What a share picture says; a line's part after " – " stands on the right, without initials the mark is a window."""

    title: str
    subtitle: str
    lines: tuple[str, ...]
    initials: str


@dataclass(frozen=True, slots=True)
class _Letters:
    """One weight of the bundled Inter in a size: measures, cuts and draws."""

    weight: str
    size: int

    @property
    def capital(self) -> int:
        """The height of a capital letter."""
        return round(self.size * 0.727)

    def width(self, text: str) -> int:
        return ceil(_font(self.weight, self.size).getlength(text) / _DENSE)

    def fitting(self, text: str, room: int) -> str:
        """Return a text as it is or, where it is too long, its beginning and an ellipsis."""
        if self.width(text) <= room:
            return text
        most = bisect_right(range(1, len(text)), room, key=lambda n: self.width(text[:n] + "…"))
        return text[:most].rstrip(" \u00a0,.–-") + "…"

    def write(self, image: Image.Image, at: tuple[int, int], text: str, colour: _Colour) -> None:
        """Draw a text from its left end on its base line."""
        if not text:
            return
        # Room for accents above, tails below and what a letter leans out on its left.
        side, above, below = _DENSE * 8, _DENSE * self.size * 5 // 4, _DENSE * self.size // 2
        mask = Image.new("L", (_DENSE * (self.width(text) + 16), above + below))
        ImageDraw.Draw(mask).text((side, above), text, 255, _font(self.weight, self.size), "ls")
        image.paste(colour, (at[0] - 8, at[1] - above // _DENSE), mask.reduce(_DENSE))


def _semibold(size: int) -> _Letters:
    return _Letters("semibold", size)


@lru_cache(maxsize=32)
def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font for letters of a size, larger by the factor they are drawn in."""
    data = files("okienko_server").joinpath("web", "static", "fonts", f"inter-{weight}.ttf").read_bytes()
    # The other engine is there on some machines only; the same card is to be the same picture on all of them.
    return ImageFont.truetype(io.BytesIO(data), size * _DENSE, layout_engine=ImageFont.Layout.BASIC)


def draw_card(card: ShareCard) -> bytes:
    """Return a PNG of 1200 × 630 pixels, the same bytes for the same card."""
    lines = [line for line in map(_clean, card.lines) if line][:MOST_LINES]
    image = _backdrop(len(lines)).copy()
    top = _FLOOR - _ROW * len(lines)
    _draw_head(image, card, (_TOP + top) // 2, 84 if len(lines) < 2 else 70)
    for n, line in enumerate(lines):
        _draw_row(image, line, top + _ROW * n + _ROW // 2)
    out = io.BytesIO()
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _draw_head(image: Image.Image, card: ShareCard, middle: int, largest: int) -> None:
    """Draw the mark, the title and the subtitle around a height."""
    left = MARGIN + _MARK + _MARK_GAP
    letters, title = _title(_clean(card.title), largest, _RIGHT - left)
    small = _Letters("regular", 33)
    subtitle = small.fitting(_clean(card.subtitle), _RIGHT - left)
    step, under = round(letters.size * 1.17), 62
    high = letters.capital + step * (len(title) - 1) + (under if subtitle else 0)
    base = middle - high // 2 + letters.capital
    for n, line in enumerate(title):
        letters.write(image, (left, base + step * n), line, _INK)
    small.write(image, (left, base + step * (len(title) - 1) + under), subtitle, _SOFT)
    _draw_mark(image, _clean(card.initials)[:3], (MARGIN, middle - _MARK // 2))


def _draw_mark(image: Image.Image, initials: str, at: tuple[int, int]) -> None:
    """Draw the clinic's letters, or a window where there are none, on a rounded square."""
    image.paste(_ACCENT, at, _rounded(_MARK, _MARK, 32))
    if not initials:
        image.paste(_CARD, (at[0] + (_MARK - 84) // 2, at[1] + (_MARK - 84) // 2), _window(84))
        return
    sizes = map(_semibold, (64, 56, 48, 40, 32))
    letters = next((one for one in sizes if one.width(initials) <= _MARK - 40), _semibold(24))
    left = at[0] + (_MARK - letters.width(initials)) // 2
    letters.write(image, (left, at[1] + (_MARK + letters.capital) // 2), initials, _CARD)


def _draw_row(image: Image.Image, line: str, middle: int) -> None:
    """Draw one line of the panel, its second part on the right."""
    name, _, rest = line.partition(_APART)
    left, right = MARGIN + _INSET, _RIGHT - _INSET
    bold, plain = _semibold(29), _Letters("regular", 28)
    rest = plain.fitting(rest, (right - left) // 2)
    aside = plain.width(rest)
    base = middle + bold.capital // 2
    bold.write(image, (left, base), bold.fitting(name, right - left - (aside + 32 if rest else 0)), _INK)
    plain.write(image, (right - aside, base), rest, _SOFT)


def _title(text: str, largest: int, room: int) -> tuple[_Letters, list[str]]:
    """Return the largest letters in which a title takes two lines at most, and these lines; too long a title is cut."""
    words = _HANGING.sub("\\1\u00a0", text).replace(" – ", "\u00a0– ").split(" ")
    for letters in map(_semibold, range(largest, _SMALLEST_TITLE - 1, -4)):
        if letters.width(text) <= room:
            return letters, [text]
        if letters.width(text) <= 2 * room and (halves := _halves(words, letters, room)):
            return letters, halves
    letters = _semibold(_SMALLEST_TITLE)
    full = max(n for n in range(len(words)) if letters.width(" ".join(words[:n])) <= room)
    lines = (" ".join(words[:full]), letters.fitting(" ".join(words[full:]), room))
    return letters, [line for line in lines if line]


def _halves(words: list[str], letters: _Letters, room: int) -> list[str]:
    """Return a title in two even lines that fit, or nothing."""
    best, least = [], inf
    for n in range(1, len(words)):
        lines = [" ".join(words[:n]), " ".join(words[n:])]
        first, second = map(letters.width, lines)
        # A long line over a short one reads better than the other way round.
        if max(first, second) <= room and max(first, second * 1.25) < least:
            best, least = lines, max(first, second * 1.25)
    return best


def _clean(text: str) -> str:
    """Return a text in signs that the fonts carry, in one line, no longer than any card has room for."""
    return " ".join(_NOT_CARRIED.sub(" ", unicodedata.normalize("NFC", text)).split())[:160]


@lru_cache(maxsize=MOST_LINES + 1)
def _backdrop(rows: int) -> Image.Image:
    """Return what every card with so many lines has in common: ground, panel, brand."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _GROUND)
    draw = ImageDraw.Draw(image)
    top = _FLOOR - _ROW * rows
    if rows:
        wide, high = _RIGHT - MARGIN, _FLOOR - top
        image.paste(_LINE, (MARGIN, top), _rounded(wide, high, 20))
        image.paste(_CARD, (MARGIN + 2, top + 2), _rounded(wide - 4, high - 4, 18))
        for y in range(top + _ROW, _FLOOR, _ROW):
            draw.line((MARGIN + _INSET, y, _RIGHT - _INSET - 1, y), _LINE, 2)
    else:
        draw.line((MARGIN, _FLOOR, _RIGHT - 1, _FLOOR), _LINE, 2)
    image.paste(_ACCENT, (MARGIN - 2, 555), _window(44))
    _semibold(32).write(image, (MARGIN + 50, 588), "Okienko", _INK)
    return image


@lru_cache(maxsize=16)
def _rounded(wide: int, high: int, radius: int) -> Image.Image:
    """Return a rounded rectangle as a mask with smooth edges."""
    mask = Image.new("L", (wide * _FINE, high * _FINE))
    box = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius * _FINE, 255)
    return mask.reduce(_FINE)


@lru_cache(maxsize=4)
def _window(size: int) -> Image.Image:
    """Return the product's mark as a mask: a window on its sill, one pane lit."""
    unit = size * _FINE / 24
    mask = Image.new("L", (size * _FINE, size * _FINE))
    draw = ImageDraw.Draw(mask)
    pen = round(unit * 1.6)
    pane = (12 * unit, 3 * unit, 19.5 * unit, 10.8 * unit)
    draw.rounded_rectangle(pane, 2.5 * unit, 255, corners=(False, True, False, False))
    draw.rounded_rectangle((3.7 * unit, 2.2 * unit, 20.3 * unit, 19.4 * unit), 3.3 * unit, None, 255, pen)
    for line in ((12, 3, 12, 18.6), (4.5, 10.8, 19.5, 10.8), (2.5, 21.9, 21.5, 21.9)):
        draw.line([unit * part for part in line], 255, pen)
    return mask.reduce(_FINE)


@lru_cache(maxsize=1)
def _palette() -> Image.Image:
    """Return every colour a card can have: our few, and the steps from one to the other at the edge of a letter."""
    pairs = [(_GROUND, _INK), (_GROUND, _SOFT), (_GROUND, _ACCENT), (_CARD, _INK), (_CARD, _SOFT), (_ACCENT, _CARD)]
    # Nothing closer to the ground than these steps: Pillow takes colours that near for one another.
    shades = {_between(one, other, n / 15) for one, other in pairs for n in range(16)} | {_LINE}
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for shade in sorted(shades) for part in shade])
    return palette


def _between(one: _Colour, other: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
