"""The three snippets: exact text, one generator, every option checked before it is pasted anywhere."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from okienko import Embed, EmbedToken, OkienkoError, OptionRefused, PortalToken, TokenInvalid
from okienko.loader import VERSION, integrity, loader
from okienko_server.operations.desk import Desk
from okienko_server.operations.issue_embed import issue_embed
from okienko_server.operations.onboard_clinic import open_clinic
from tests.conftest import KEYS
from tests.plans import clinic

GOLDEN = Path(__file__).with_name("golden")
SERVER = "https://rezerwacje.example"
TOKEN = EmbedToken("kazimierz123", 1).sign(KEYS.embed)
PLAIN = Embed(SERVER, TOKEN)
NAMED = Embed(SERVER + "/", TOKEN, "kazimierz", "Rehabilitacja Kazimierz")
HOSTILE = Embed(SERVER, TOKEN, 'a"b<c>', '"><script>alert(1)</script>')
PORTAL = Embed(SERVER, PortalToken("zdrowie", 1).sign(KEYS.embed))
EVERYTHING: dict[str, Any] = {
    "lang": "pl", "theme": "dark", "accent": "#0F6b63", "service": "s-1", "practitioner": "p_2", "category": "spine",
    "date": date(2026, 12, 1), "kind": "visit", "height": 640,
}  # fmt: skip
MADE = {
    "element": PLAIN.element(),
    "element-named": NAMED.element(),
    "element-popup": NAMED.element(mode="popup", label="Umów się", datalayer=True),
    "element-float": NAMED.element(mode="float"),
    "element-everything": NAMED.element(mode="inline", **EVERYTHING),
    "element-strict": NAMED.element(strict=True, nonce="r4nd0m"),
    "element-hostile": HOSTILE.element(label="'\"><img src=x onerror=alert(1)>"),
    "element-portal": PORTAL.element(),
    "iframe": PLAIN.iframe(),
    "iframe-everything": NAMED.iframe(**EVERYTHING),
    "iframe-hostile": HOSTILE.iframe(),
    "iframe-portal": PORTAL.iframe(),
    "link": PLAIN.link(),
    "link-named": NAMED.link("Umów się", service="s-1", date="2026-12-01", category="spine"),
    "link-hostile": HOSTILE.link('"><b>'),
    "link-portal": PORTAL.link(),
}


@pytest.mark.parametrize("name", MADE)
def test_the_snippets_are_exactly_these(name: str) -> None:
    assert f"{MADE[name]}\n" == (GOLDEN / f"{name}.html").read_text(encoding="utf-8")
    assert isinstance(MADE[name], Markup)


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(MADE)


class Tags(HTMLParser):
    """What a browser would make of a snippet."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", MADE)
def test_a_snippet_holds_no_tag_of_its_own_but_these(name: str) -> None:
    found = Tags(str(MADE[name])).found
    shapes = {"element": ["script", "okienko-booking", "a"], "iframe": ["iframe"], "link": ["a"]}
    assert [tag for tag, _ in found] == shapes[name.partition("-")[0]]
    assert not [key for _, attributes in found for key in attributes if key.startswith("on")]


@pytest.mark.parametrize("name", MADE)
def test_the_problem_is_never_part_of_a_request(name: str) -> None:
    for _, attributes in Tags(str(MADE[name])).found:
        for key in ("src", "href"):
            assert "spine" not in (attributes.get(key) or "").partition("#")[0]


WRONG: dict[str, dict[str, Any]] = {
    "mode": {"mode": "pop-up"}, "lang": {"lang": "xx"}, "theme": {"theme": "blue"}, "accent": {"accent": "red"},
    "accent short": {"accent": "#fff"}, "accent styled": {"accent": "#0f6b63;x"}, "service": {"service": "a b"},
    "practitioner": {"practitioner": '"><'}, "category": {"category": "a/b"}, "date": {"date": "1.12.2026"},
    "kind": {"kind": "x"}, "height text": {"height": "tall"}, "height low": {"height": 100}, "height high": {"height": 10**6},
    "height negative": {"height": -720}, "label": {"label": "x" * 81}, "unknown": {"colour": "#0f6b63"},
    "on": {"onclick": "alert(1)"}, "long id": {"service": "a" * 65},
}  # fmt: skip


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_option_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(OptionRefused) as refused:
        PLAIN.element(**options)
    assert refused.value.option in options
    assert str(refused.value).startswith(refused.value.option)
    assert isinstance(refused.value, OkienkoError)


@pytest.mark.parametrize("option", ["mode", "label", "datalayer"])
def test_a_frame_knows_no_options_of_the_element(option: str) -> None:
    with pytest.raises(OptionRefused):
        PLAIN.iframe(**{option: "inline"})
    with pytest.raises(OptionRefused):
        PLAIN.frame_url(**{option: "inline"})


def test_what_is_left_empty_is_left_out() -> None:
    assert PLAIN.element(service="", accent=None, datalayer=False) == PLAIN.element()


ADDRESSES = {
    "http": "http://rezerwacje.example", "no scheme": "rezerwacje.example", "path": "https://rezerwacje.example/x",
    "query": "https://rezerwacje.example?x", "user": "https://a@rezerwacje.example", "script": "javascript:alert(1)",
    "empty": "", "host only": "https://", "half a bracket": "https://[x", "no port": "https://x:port", "looks local": "http://localhost.evil.example",
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_no_page_could_use_is_refused(address: str) -> None:
    with pytest.raises(OptionRefused, match="base_url"):
        Embed(address, TOKEN)


@pytest.mark.parametrize(
    "address", ["http://localhost:8080", "http://127.0.0.1:8000", "http://[::1]:8000", "https://a.pl:8443/"]
)
def test_on_this_machine_http_will_do(address: str) -> None:
    assert Embed(address, TOKEN).base_url == address.rstrip("/")


@pytest.mark.parametrize("token", ["", "abc", "x.y", "ę" * 60, "a" * 600, "e30.x"])
def test_what_cannot_be_a_token_is_refused(token: str) -> None:
    with pytest.raises(TokenInvalid):
        Embed(SERVER, token)


POLICIES = {
    "": "",
    "img-src *": "img-src *",
    "default-src 'self'": f"default-src 'self'; script-src 'self' {SERVER}; frame-src 'self' {SERVER}",
    "default-src 'none'": f"default-src 'none'; script-src {SERVER}; frame-src {SERVER}",
    "script-src 'nonce-a'; style-src 'self'": f"script-src 'nonce-a' {SERVER}; style-src 'self'",
    "child-src 'self'": f"child-src 'self'; frame-src 'self' {SERVER}",
    f"script-src {SERVER}; frame-src *": f"script-src {SERVER}; frame-src *",
    "Script-Src a.pl; script-src b.pl": f"script-src a.pl {SERVER}",
    " ; default-src  a.pl ;; ": f"default-src a.pl; script-src a.pl {SERVER}; frame-src a.pl {SERVER}",
}


@pytest.mark.parametrize(("policy", "opened"), POLICIES.items(), ids=range(len(POLICIES)))
def test_a_policy_gets_the_two_sources_and_nothing_else(policy: str, opened: str) -> None:
    assert PLAIN.csp(policy) == opened
    assert PLAIN.csp(opened) == opened


def test_a_release_never_changes_unnoticed() -> None:
    """The newest source is the newest release; whoever changes it makes a new version."""
    assert loader(SERVER) == loader(SERVER, VERSION)
    assert integrity(SERVER) == "sha384-an0WwjVtilpws0zzw4JYnspJtSOTBz6TEKRey9VseSpyQiuUR8mrg0cR01Es2boi"
    assert integrity(SERVER) != integrity("https://other.example")
    for version in ("", "9.9.9", "../okienko", "1.0", "1.0.0/../../x"):
        with pytest.raises(KeyError):
            loader(SERVER, version or "0.0.0")


def test_the_server_gives_out_what_the_helper_makes(desk: Desk) -> None:
    made = open_clinic(clinic("kazimierz"), desk=desk)
    issued = issue_embed("kazimierz", SERVER, KEYS.embed, desk=desk, service=made.services["Wizyta"])
    helper = Embed(SERVER, issued.token, "kazimierz", "Rehabilitacja Kazimierz")
    assert issued.element == str(helper.element(height=720))
    assert issued.iframe == str(helper.iframe(height=720))
    assert issued.link == helper.link_url()
    assert helper.narrow(issued.secret, category="spine").token != issued.token


def test_the_readme_shows_the_generators_own_words() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    made = Embed("https://your-okienko.example", TOKEN, "SLUG").element()
    shown = str(made).replace(TOKEN, "TOKEN").replace("https://your-okienko.example", "https://YOUR-OKIENKO")
    assert f"\n{shown}\n" in readme
