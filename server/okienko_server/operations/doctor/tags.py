"""Checks of single tags: where they load from, their quotes, their height, and the options asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from okienko.exceptions import OptionRefused
from okienko.loader import integrity
from okienko.snippet import KINDS, LANGUAGES, LOADER_PATH, MODES, THEMES
from okienko_server.domain.problem import ProblemCategory
from okienko_server.operations.doctor.faults import Fault, Ground, Widget, at, host_of, origin_of
from okienko_server.operations.doctor.page import Page, Tag

OPTIONS: Final = (
    "mode", "lang", "theme", "accent", "service", "practitioner", "category", "date", "kind", "height", "label", "datalayer",
)  # fmt: skip
CHOICES: Final = {
    "mode": MODES, "lang": LANGUAGES, "theme": THEMES, "kind": KINDS, "category": tuple(one.value for one in ProblemCategory),
}  # fmt: skip
SANDBOX: Final = ("allow-scripts", "allow-same-origin", "allow-forms")
LOWEST: Final = 320
_RELEASE: Final = re.compile(r"/embed/okienko-(\d+\.\d+\.\d+)\.js")
_RUNS: Final = ("", "module", "text/javascript", "application/javascript", "application/x-javascript")
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(px|%|)")
_GLOBAL: Final = ("class", "id", "style", "title", "hidden", "dir", "role", "slot", "tabindex", "nonce", "token")


def scripted(tag: Tag, ground: Ground) -> Iterator[Fault]:
    """Yield what is wrong with one loader script."""
    address = ground.resolved(tag.source)
    right = f"{ground.server}{LOADER_PATH}"
    if tag.curly:
        yield at(tag, "curly_quotes")
    if tag.get("type").lower() not in _RUNS or not tag.get("src"):
        yield at(tag, "held_back")
    release = _RELEASE.fullmatch(urlsplit(address).path)
    if _insecure(address, ground):
        yield at(tag, "loader_http", right)
    elif origin_of(address) != ground.server or not (release or urlsplit(address).path == LOADER_PATH):
        yield at(tag, "loader_address", right, found=address[:200] or "?", right=right)
    elif tag.get("integrity") and not _pinned(tag, ground, release[1] if release else ""):
        yield at(tag, "integrity_wrong")


def _insecure(address: str, ground: Ground) -> bool:
    """Return whether it is the right server, asked without encryption where there should be one."""
    # A server on this machine may do without: browsers trust localhost.
    return (
        address.startswith("http:")
        and ground.server.startswith("https:")
        and host_of(address) == host_of(ground.server)
    )


def _pinned(tag: Tag, ground: Ground, version: str) -> bool:
    # The newest loader changes with each release, so only a named release may be pinned; and a digest needs CORS.
    try:
        right = integrity(ground.embed.base_url, version) if version else ""
    except KeyError:
        return False
    return bool(right) and right in tag.get("integrity").split() and "crossorigin" in tag.attributes


def dressed(widget: Widget, ground: Ground) -> Iterator[Fault]:
    """Yield what is wrong with the tag of one booking window."""
    tag = widget.tag
    if tag.curly:
        yield at(tag, "curly_quotes")
    if widget.is_frame:
        yield from _framed(tag, ground)
    if "hidden" in tag.attributes or _style(tag).get("display") == "none" or _style(tag).get("visibility") == "hidden":
        yield at(tag, "hidden")
    if widget.options.get("mode", "") not in ("popup", "float"):
        yield from _heights(tag, ground)
    yield from _optional(widget, ground)


def _framed(tag: Tag, ground: Ground) -> Iterator[Fault]:
    address = ground.resolved(tag.source)
    if not tag.get("src"):
        yield at(tag, "held_back")
    if _insecure(address, ground):
        yield at(tag, "frame_http", address.replace("http:", "https:", 1))
    elif origin_of(address) != ground.server:
        yield at(tag, "frame_address", found=origin_of(address) or "?", right=ground.server)
    if "sandbox" in tag.attributes:
        given = tag.get("sandbox").lower().split()
        missing = [flag for flag in SANDBOX if flag not in given]
        if missing:
            fix = (
                f'sandbox="{" ".join([*SANDBOX, "allow-popups", "allow-popups-to-escape-sandbox", "allow-downloads"])}"'
            )
            yield at(tag, "sandboxed", fix, missing=", ".join(missing))


def _style(tag: Tag) -> dict[str, str]:
    pieces = (piece.partition(":") for piece in tag.get("style").lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pieces}


def _heights(tag: Tag, ground: Ground) -> Iterator[Fault]:
    style, own = _style(tag), tag.get("height")
    if tag.name != "iframe":
        # The loader gives an element its height itself; only what is written beside it may still cut it short.
        if own and not fits("height", own, ground):
            yield at(tag, "height_refused", height=own[:80])
        given = ""
    else:
        given = style.get("height") or own
        if not given:
            yield at(tag, "height_missing")
    if _wrong_height(style.get("min-height", "0")):
        for value in (given, style.get("max-height", "")):
            if code := _wrong_height(value, attribute=value == own):
                yield at(tag, code, height=value[:80])
                return


def _wrong_height(value: str, *, attribute: bool = False) -> str:
    if not value or value == "none":
        return ""
    found = _LENGTH.fullmatch(value)
    if found is None:
        # In a style there are other good units (vh, rem, calc); the attribute takes pixels only.
        return "height_unknown" if attribute else ""
    if float(found[1]) == 0:
        return "height_zero"
    if found[2] == "%":
        return "height_percent"
    return "height_tiny" if float(found[1]) < LOWEST else ""


def _optional(widget: Widget, ground: Ground) -> Iterator[Fault]:
    for name, value in widget.options.items():
        if name in OPTIONS and value and name != "height" and not fits(name, value, ground):
            allowed = ", ".join(CHOICES.get(name, ()))
            yield at(
                widget.tag, "option_choice" if allowed else "option_value", name=name, value=value[:80], allowed=allowed
            )
        elif not widget.is_frame and name not in (*OPTIONS, *_GLOBAL) and name.isascii():
            near = get_close_matches(name[:40], ("token", *OPTIONS), 1, 0.7)
            if near:
                yield at(widget.tag, "option_unknown", name=name[:80], near=near[0])


def fits(name: str, value: str, ground: Ground) -> bool:
    """Return whether an option takes that value."""
    if name in CHOICES and value not in CHOICES[name]:
        return False
    option: dict[str, Any] = {name: value}
    try:
        ground.embed.element(**option)
    except OptionRefused:
        return False
    return True


def good_options(widget: Widget, ground: Ground) -> dict[str, Any]:
    """Return the options of a booking window that a corrected snippet keeps."""
    kept: dict[str, Any] = {
        name: value for name, value in widget.options.items() if name in OPTIONS and value and fits(name, value, ground)
    }
    if "datalayer" in widget.options:
        kept["datalayer"] = "1"
    return kept


def tagged(page: Page, widgets: list[Widget], ground: Ground) -> Iterator[Fault]:
    """Yield what is wrong with any tag of ours that a browser sees."""
    for tag in page.scripts:
        if not tag.inside:
            yield from scripted(tag, ground)
    for widget in widgets:
        if not widget.tag.inside:
            yield from dressed(widget, ground)
