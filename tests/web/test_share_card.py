"""The share picture: its size, its letters, its margins, and the same picture for the same words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources import files

import pytest
from PIL import Image, ImageChops, ImageFont

from okienko_server.web.pages.share_card import _NOT_CARRIED, HEIGHT, MARGIN, WIDTH, ShareCard, _title, draw_card

GROUND, WHITE = (251, 250, 246), (255, 255, 255)
POLISH = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ–„”…·"
LONGEST = (
    "Samodzielny Publiczny Zakład Opieki Zdrowotnej – Wojewódzkie Centrum Rehabilitacji Leczniczej "
    "i Fizjoterapii Dziecięcej im. św. Jana Pawła II w Konstancinie-Jeziornie"
)
TOWN = ShareCard(
    "Fizjoterapia kręgosłupa w Krakowie",
    "12 placówek · najbliższy termin: dziś 18:00",
    ("Mały Krok – ul. Starowiślna 40", "Fizjo Kazimierz – ul. Józefa 12", "Ruch i Zdrowie – ul. Madalińskiego 7/2"),
    "",
)
CARDS = {
    "town": TOWN,
    "clinic": ShareCard("Centrum Rehabilitacji i Fizjoterapii Świętego Łukasza w Zduńskiej Woli", "ul. Łaska 12", (), "CR"),
    "longest": ShareCard(LONGEST, LONGEST, (f"{LONGEST} – {LONGEST}", LONGEST, "W" * 400, "a fourth"), "WWWW"),
    "one word": ShareCard("Ł" * 400, "", ("Ż" * 400,), "Ł"),
    "one letter a word": ShareCard("Ż " * 200, "w " * 200, ("i " * 200,), "Ś"),
    "accents and tails": ShareCard("jŻŚąjy" * 3, "jjĘ", ("jŃĄ – jŹĄ",), "ŹĄ"),
    "nothing": ShareCard("", "", (), ""),
    "only what no font has": ShareCard("🙂🙂", "🙂", ("🙂", ""), "🙂"),
}  # fmt: skip


def picture(card: ShareCard) -> Image.Image:
    return Image.open(io.BytesIO(draw_card(card))).convert("RGB")


def ink(
    image: Image.Image, box: tuple[int, int, int, int], ground: tuple[int, int, int]
) -> tuple[int, int, int, int] | None:
    """Return the bounds of what differs from the ground within a box, in the whole picture's pixels."""
    found = ImageChops.difference(
        image.crop(box), Image.new("RGB", (box[2] - box[0], box[3] - box[1]), ground)
    ).getbbox()
    return found and (found[0] + box[0], found[1] + box[1], found[2] + box[0], found[3] + box[1])


@pytest.fixture(params=["regular", "semibold"])
def font(request: pytest.FixtureRequest) -> ImageFont.FreeTypeFont:
    data = files("okienko_server").joinpath("web", "static", "fonts", f"inter-{request.param}.ttf").read_bytes()
    assert len(data) < 60_000
    return ImageFont.truetype(io.BytesIO(data), 40, layout_engine=ImageFont.Layout.BASIC)


def drawn(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def carried() -> Iterator[str]:
    """Every sign that a card lets through."""
    return (chr(code) for code in range(0x21, 0x2FFF) if not _NOT_CARRIED.match(chr(code)))


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_a_small_png_of_the_size_the_networks_ask_for(name: str) -> None:
    data = draw_card(CARDS[name])
    image = Image.open(io.BytesIO(data))
    image.load()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert (image.format, image.size, len(data) < 40_000) == ("PNG", (WIDTH, HEIGHT), True)


def test_every_polish_letter_has_its_own_glyph(font: ImageFont.FreeTypeFont) -> None:
    box = drawn(font, "\uffff")
    shapes = {letter: drawn(font, letter) for letter in POLISH}
    assert [letter for letter, shape in shapes.items() if shape == box] == []
    assert len(set(shapes.values())) == len(POLISH)


def test_every_sign_a_card_lets_through_has_a_glyph(font: ImageFont.FreeTypeFont) -> None:
    box = drawn(font, "\uffff")
    assert [letter for letter in carried() if drawn(font, letter) == box] == []


def test_what_no_font_has_is_left_out_instead_of_an_empty_box() -> None:
    assert draw_card(ShareCard("Mały 🙂 Krok", "", ("🙂",), "MK")) == draw_card(ShareCard("Mały Krok", "", (), "MK"))


def test_a_letter_and_its_accent_apart_are_drawn_as_one() -> None:
    assert draw_card(ShareCard("Z\u0307o\u0301łw", "", (), "")) == draw_card(ShareCard("Żółw", "", (), ""))


@pytest.mark.parametrize("name", CARDS)
def test_nothing_is_drawn_in_the_margins(name: str) -> None:
    bounds = ink(picture(CARDS[name]), (0, 0, WIDTH, HEIGHT), GROUND)
    assert bounds is not None
    assert bounds[0] >= MARGIN and bounds[1] >= 36 and bounds[2] <= WIDTH - MARGIN and bounds[3] <= HEIGHT - 30


@pytest.mark.parametrize("name", ["town", "longest"])
def test_the_head_does_not_run_into_the_panel_nor_a_line_out_of_it(name: str) -> None:
    image = picture(CARDS[name])
    left, right = MARGIN, WIDTH - MARGIN
    assert ink(image, (left, 312, right, 337), GROUND) is None
    assert ink(image, (left, 527, right, 545), GROUND) is None
    for top in (340, 403, 466):
        assert ink(image, (left + 2, top + 20, left + 26, top + 40), WHITE) is None
        assert ink(image, (right - 26, top + 20, right - 2, top + 40), WHITE) is None


@pytest.mark.parametrize("largest", [70, 84])
def test_a_long_name_is_drawn_smaller_and_only_the_longest_is_cut(largest: int) -> None:
    room = 872
    letters, lines = _title(CARDS["clinic"].title, largest, room)
    assert " ".join(lines).replace("\u00a0", " ") == CARDS["clinic"].title
    assert (len(lines), letters.size < largest) == (2, True)
    letters, lines = _title(LONGEST, largest, room)
    assert (len(lines), lines[1].endswith("…")) == (2, True)
    assert max(map(letters.width, lines)) <= room


def test_no_line_of_a_title_ends_in_a_word_of_one_letter_nor_begins_with_a_dash() -> None:
    assert _title("Centrum fizjoterapii i rehabilitacji", 70, 720)[1] == [
        "Centrum fizjoterapii",
        "i\u00a0rehabilitacji",
    ]
    assert _title("Fizjoterapia Kraków – Podgórze", 70, 720)[1] == ["Fizjoterapia Kraków\u00a0–", "Podgórze"]


def test_the_ground_and_the_mark_have_exactly_the_products_colours() -> None:
    image = picture(TOWN)
    assert (image.getpixel((5, 5)), image.getpixel((90, 190))) == (GROUND, (15, 107, 99))


def test_the_same_card_is_the_same_file() -> None:
    assert draw_card(TOWN) == draw_card(TOWN)
    assert draw_card(TOWN) != draw_card(CARDS["clinic"])
