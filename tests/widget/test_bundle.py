"""Tightening our CSS and JavaScript changes bytes, never meaning; the hashes fit what stands in the document."""

from __future__ import annotations

import base64
import hashlib
import re

import brotli
import pytest

from okienko_widget import bundle, render
from tests.widget import samples


@pytest.mark.parametrize(
    ("source", "tight"),
    [
        ("a { color : red ; }", "a{color :red}"),
        ("a :hover > b , c {}\n", "a :hover>b,c{}"),
        ('a { content: "x ; { /* no */ y" }', 'a{content:"x ; { /* no */ y"}'),
        ("/* gone */ a { width: calc(1px + 2px) }", "a{width:calc(1px + 2px)}"),
        ("@media (min-width: 3rem) { a { b: c } }", "@media (min-width:3rem){a{b:c}}"),
        ("a /* x */ b { c: d }", "a b{c:d}"),
    ],
)
def test_css_is_tightened_safely(source: str, tight: str) -> None:
    assert bundle.tight_css(source) == tight


def test_js_keeps_strings_and_line_ends() -> None:
    source = "// reason\nconst a = 'http://x';  // kept\n\n  /* block\n  more */\n  b();\n"
    assert bundle.tight_js(source) == "const a = 'http://x';  // kept\nb();"


@pytest.mark.parametrize(("tag", "stated"), [("style", bundle.style_hash), ("script", bundle.script_hash)])
def test_the_stated_hash_is_that_of_the_document(tag: str, stated: str) -> None:
    found = re.findall(f"<{tag}>(.*?)</{tag}>", render(samples.PROBLEM), re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    assert [f"'sha256-{digest}'" for digest in digests] == [stated]


def test_the_script_stays_under_three_kilobytes() -> None:
    assert len(brotli.compress(bundle.JS.encode())) < 3000
