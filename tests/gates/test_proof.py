"""The little work before a code, done by a real browser without anybody noticing."""

from __future__ import annotations

import pytest

from okienko_server.operations import allow_code
from tests.gates.conftest import Open
from tests.gates.patient import book
from tests.gates.sites import Town


@pytest.mark.parametrize("able", [True, False], ids=["works", "waits"])
def test_a_browser_works_or_waits_for_its_code(
    place: Town, opened: Open, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    monkeypatch.setattr(allow_code, "RISKY_SHARE", 2 * 10**9)
    visit = opened(place.host.put("/proof", str(place.embed().element())))
    visit.wait("ready")
    frame = visit.frame()
    if not able:
        frame.evaluate("Object.defineProperty(crypto, 'subtle', {value: undefined})")
        frame.evaluate(
            "() => { const real = setTimeout; setTimeout = (act, ms, ...more) => real(act, ms === 2e4 ? 0 : ms, ...more); }"
        )
        ages = iter([False, True])
        monkeypatch.setattr(allow_code, "proven", lambda *_: next(ages))
    asked: list[int] = []
    visit.page.on("response", lambda answer: asked.append(1) if answer.url.endswith("/w/details") else None)
    book(frame)
    assert len(asked) == 2, "asked for once, and sent again by the page itself"
