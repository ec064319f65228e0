"""The example pages show exactly what `okienko.Embed` prints, with TOKEN where the token goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from okienko import Embed, EmbedToken, PortalToken
from tests.conftest import KEYS

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVER = "http://127.0.0.1:8000"
CLINIC = Embed(SERVER, EmbedToken("kazimierz", 1).sign(KEYS.embed), "kazimierz", "Rehabilitacja Kazimierz")
PORTAL = Embed(SERVER, PortalToken("my-portal", 1).sign(KEYS.embed))


@pytest.mark.parametrize(
    ("page", "snippet"),
    [
        ("plain_html/inline.html", CLINIC.element()),
        ("plain_html/popup.html", CLINIC.element(mode="popup")),
        ("plain_html/float.html", CLINIC.element(mode="float")),
        ("plain_html/iframe.html", CLINIC.iframe()),
        ("plain_html/link.html", CLINIC.link()),
        ("portal_host/index.html", PORTAL.element()),
    ],
)
def test_a_page_carries_the_generated_snippet(page: str, snippet: str) -> None:
    text = (EXAMPLES / page).read_text("utf-8")
    for token in (CLINIC.token, PORTAL.token):
        snippet = str(snippet).replace(token, "TOKEN")
    assert f"\n{snippet}\n" in text or f"<p>{snippet}</p>" in text
    assert text.count(SERVER) == snippet.count(SERVER), "nothing else asks the server"
