"""The example sites show the very line the command prints, and run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from okienko_server.operations.desk import Desk
from okienko_server.operations.issue_embed import issue_embed
from okienko_server.operations.onboard_clinic import open_clinic
from tests.conftest import KEYS
from tests.plans import clinic

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_plain_html_shows_the_line_the_command_prints(desk: Desk) -> None:
    open_clinic(clinic("kazimierz"), desk=desk)
    issued = issue_embed("kazimierz", "http://127.0.0.1:8000", KEYS.embed, desk=desk)
    page = (EXAMPLES / "plain_html/index.html").read_text("utf-8")
    assert issued.iframe.replace(issued.token, "TOKEN") in page
    assert f'<a href="{issued.link}">' in page


def test_links_lead_to_the_demonstration_s_clinic() -> None:
    page = (EXAMPLES / "portal_link.html").read_text("utf-8")
    assert set(re.findall(r'href="http://127\.0\.0\.1:8000/([^"?]*)', page)) == {"", "g/kazimierz"}


@pytest.mark.parametrize("page", sorted(EXAMPLES.rglob("*.md")), ids=lambda page: str(page.relative_to(EXAMPLES)))
def test_links_in_the_readmes_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / link).exists(), link
