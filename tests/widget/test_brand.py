"""A host page's colour: whatever it is, words on it and in it can be read, by day and by night."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Browser

from okienko_widget import render
from okienko_widget.bundle import CSS, brand
from tests.widget import samples

COLOURS = [f"#{r}{g}{b}" for r, g, b in itertools.product(("00", "66", "cc", "ff"), repeat=3)]
PAIRS = (
    ("--accent", "--ground"), ("--accent", "--card"), ("--accent-deep", "--tint"), ("--on-accent", "--accent"),
    ("--hero-soft", "--hero"), ("--on-hero-button", "--hero-button"),
)  # fmt: skip
"""(words, ground) as the style sheet pairs them."""
MEASURE = """([colours, pairs]) => {
  const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement('i'));
  const light = (name) => {
    probe.style.color = `var(${name})`;
    pen.fillStyle = getComputedStyle(probe).color;
    pen.fillRect(0, 0, 1, 1);
    const linear = (c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((value) => linear(value / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const root = document.documentElement;
  root.dataset.brand = '';
  return colours.map((colour) => {
    root.style.setProperty('--brand', colour);
    return pairs.map(([words, ground]) => {
      const [a, b] = [light(words), light(ground)].sort();
      return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    });
  });
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_is_bent_until_it_can_be_read(browser: Browser, theme: str) -> None:
    page = browser.new_page()
    page.set_content(render(samples.PROBLEM))
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    measured = page.evaluate(MEASURE, [COLOURS, [list(pair) for pair in PAIRS]])
    poor = {
        (colour, *pair): round(ratio, 2)
        for colour, ratios in zip(COLOURS, measured, strict=True)
        for pair, ratio in zip(PAIRS, ratios, strict=True)
        if ratio < 4.5
    }
    page.close()
    assert poor == {}


def test_without_the_bending_most_could_not(browser: Browser) -> None:
    """The control: the colours as they come."""
    page = browser.new_page()
    page.set_content(render(samples.PROBLEM))
    page.add_style_tag(content=":root[data-brand][data-brand]{--accent:var(--brand)}")
    measured = page.evaluate(MEASURE, [COLOURS, [["--accent", "--ground"]]])
    page.close()
    assert sum(ratio < 4.5 for (ratio,) in measured) > len(COLOURS) / 3


def test_a_page_may_ask_for_dark_whatever_the_visitors_setting(browser: Browser) -> None:
    page = browser.new_page(color_scheme="light")
    page.set_content(render(samples.PROBLEM))
    ground = "getComputedStyle(document.body).backgroundColor"
    day = page.evaluate(ground)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    night = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    page.evaluate("delete document.documentElement.dataset.theme")
    assert page.evaluate(ground) == night != day
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert page.evaluate(ground) == day
    page.close()


@pytest.mark.parametrize("colour", ["", "red", "#fff", "#0f6b63}", "#0f6b6g", "#0f6b63;--x:1", "0f6b63"])
def test_nothing_but_a_colour_gets_into_the_style(colour: str) -> None:
    with pytest.raises(ValueError, match="colour"):
        brand(colour)


def test_the_dark_colours_stand_twice_and_are_the_same() -> None:
    first, second = CSS.split("prefers-color-scheme:dark)", 1)[1].split("[data-theme=dark]", 1)
    assert first.split("{", 2)[2].split("}")[0] == second.split("{", 1)[1].split("}")[0]
