"""Looking at one page: every fault by name, and the snippets that would work in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from okienko.snippet import Embed
from okienko.tokens import EmbedToken, Keys
from okienko_server.operations.desk import Desk
from okienko_server.operations.doctor.admission import Proved, admitted, prove
from okienko_server.operations.doctor.faults import Fault, Ground, Widget, placed, widgets_of
from okienko_server.operations.doctor.page import parse
from okienko_server.operations.doctor.policies import blocked
from okienko_server.operations.doctor.tags import good_options, tagged

MOST_FAULTS: Final = 30
MOST_TOKENS: Final = 10
_NOT_IN_A_FRAME: Final = ("mode", "label", "datalayer")
_NOT_IN_A_LINK: Final = (*_NOT_IN_A_FRAME, "lang", "theme", "accent", "height")


@dataclass(frozen=True, slots=True)
class Snippets:
    """What to paste instead: the script with the element, or the plain frame, or the plain link."""

    element: str
    iframe: str
    link: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor found: faults, notes that hinder nothing, and corrected snippets when the page's token allows any."""

    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]
    snippets: Snippets | None

    @property
    def fine(self) -> bool:
        return not self.faults


def examine(
    html: str,
    headers: Mapping[str, str],
    page_url: str,
    *,
    server_url: str,
    desk: Desk,
    keys: Keys,
    now: datetime,
    reissue: bool = False,
) -> Report:
    """Return what is wrong with a page ("" for an unknown `page_url`), and what to paste instead.

    `reissue` renews a revoked token in the snippets: for the house itself only, or revoking would mean nothing.
    Raises OptionRefused when no page could load anything from `server_url`.
    """
    # Any readable token will do to ask which options there are.
    ground = Ground(Embed(server_url, EmbedToken("probe", 0).sign(keys.embed)), page_url)
    page = parse(html)
    widgets = widgets_of(page, ground)
    live = [one for one in widgets if not one.tag.inside]
    outcomes = [prove(one, desk=desk, keys=keys, now=now) for one in _one_each(live or widgets)]
    proved = [one for one in outcomes if isinstance(one, Proved)]
    found = [*placed(page, widgets, ground), *tagged(page, widgets, ground), *blocked(page, headers, widgets, ground)]
    found += [one for one in outcomes if isinstance(one, Fault)]
    for one in proved:
        found += admitted(one, ground, now)
    if live and not ground.origin:
        found.append(Fault("origin_unchecked"))
    distinct = _distinct(found)
    faults = tuple(one for one in distinct if not one.note)
    usable = [one for one in proved if reissue or one.generations.accepts(one.token.generation, now)]
    snippets = _snippets(usable[0], ground, keys, reissue=reissue) if usable else None
    return Report(faults, tuple(one for one in distinct if one.note), snippets)


def _one_each(widgets: Iterable[Widget]) -> list[Widget]:
    """Return the first window of each token."""
    first: dict[str, Widget] = {}
    for one in widgets:
        first.setdefault(one.token, one)
    return list(first.values())[:MOST_TOKENS]


def _distinct(found: Iterable[Fault]) -> list[Fault]:
    seen: dict[tuple[str, int, str], Fault] = {}
    for one in found:
        seen.setdefault((one.code, one.line, one.where), one)
    return list(seen.values())[:MOST_FAULTS]


def _snippets(proved: Proved, ground: Ground, keys: Keys, *, reissue: bool) -> Snippets:
    clinic = proved.offer.clinic if proved.offer else None
    token = proved.renewed(keys) if reissue else proved.widget.token
    embed = Embed(ground.embed.base_url, token, slug=clinic.slug if clinic else "", name=clinic.name if clinic else "")
    options = good_options(proved.widget, ground)
    for name, known in (("service", "services"), ("practitioner", "practitioners")):
        if proved.offer and options.get(name, "") not in ("", *getattr(proved.offer, known)):
            del options[name]
    return Snippets(
        str(embed.element(**options)),
        str(embed.iframe(**_without(options, _NOT_IN_A_FRAME))),
        str(embed.link(options.get("label") or "Umów wizytę", **_without(options, _NOT_IN_A_LINK))),
    )


def _without(options: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}
