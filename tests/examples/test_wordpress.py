"""The WordPress plugin under a real PHP, and the card inside the very frame WordPress makes for a pasted link."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route
from waitress import create_server

from okienko import Embed, EmbedToken, PortalToken
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.operations.onboard_clinic import open_clinic
from okienko_server.storage.migrations import upgrade
from okienko_server.web.pages.oembed import oembed
from tests.conftest import KEYS, PEPPER, Clock
from tests.gates.sites import Host
from tests.php import find_or_fetch
from tests.plans import clinic

PLUGIN = Path(__file__).parents[2] / "examples/wordpress/okienko/okienko.php"
STUB = Path(__file__).parent / "wordpress_stub.php"
SERVER = "https://rezerwacje.example.pl"
TOKEN = EmbedToken("kazimierz-7", 1).sign(KEYS.embed)
SECRET = "Ab3dEf6hIj"


@pytest.fixture(scope="module")
def php() -> str:
    return find_or_fetch()


class Plugin:
    """The plugin run once, with settings and a list of shortcodes' attributes."""

    def __init__(self, php: str) -> None:
        self.php = php

    def run(self, *render: Any, server: str = SERVER, token: str = TOKEN, **typed: list[str]) -> dict[str, Any]:
        options = {"okienko_server": server, "okienko_token": token}
        ran = subprocess.run(
            [self.php, "-n", "-d", "error_reporting=-1", "-d", "display_errors=stderr", str(STUB), str(PLUGIN)],
            input=json.dumps({"options": options, "render": render, "typed": typed}),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, "")
        found: dict[str, Any] = json.loads(ran.stdout)
        return found


@pytest.fixture
def plugin(php: str) -> Plugin:
    return Plugin(php)


class _Tags(HTMLParser):
    """What a browser sees: tags, their attributes in order, and text, however it was escaped."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def tags(markup: str) -> list[Any]:
    parser = _Tags()
    parser.feed(markup)
    parser.close()
    return parser.seen


def element(token: str = TOKEN, **options: Any) -> tuple[str, str]:
    """Return the helper's own loader address and element."""
    script, markup = str(Embed(SERVER, token).element(**options)).split("\n", 1)
    return re.findall('src="([^"]+)"', script)[0], markup


@pytest.mark.parametrize("file", [PLUGIN, STUB], ids=lambda file: file.name)
def test_it_is_php(php: str, file: Path) -> None:
    ran = subprocess.run([php, "-n", "-l", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


OPTIONS: list[dict[str, Any]] = [
    {},
    {"mode": "popup"},
    {"mode": "float", "label": "Zarezerwuj"},
    {"service": "abc_1", "practitioner": "z-9", "date": "2026-12-01", "kind": "visit", "category": "spine"},
    {"lang": "pl", "theme": "dark", "accent": "#0f6b63", "height": "640", "datalayer": "1", "mode": "inline"},
    {"height": "320"},
    {"height": "4000"},
]


@pytest.mark.parametrize("token", [TOKEN, PortalToken("zdrowie", 1).sign(KEYS.embed)], ids=["clinic", "portal"])
def test_the_shortcode_prints_what_the_helper_prints(plugin: Plugin, token: str) -> None:
    printed = plugin.run(*OPTIONS, token=token)
    for options, html in zip(OPTIONS, printed["html"], strict=True):
        address, expected = element(token, **options)
        assert tags(html) == tags(expected), options
        assert printed["scripts"] == {"okienko": [address, None, {"strategy": "async"}]}


HOSTILE = (
    '"><script>alert(1)</script>', "' onmouseover='alert(1)", "javascript:alert(1)", "<script>", "a b", "a\n", "&quot;", "{}", "x" * 200,
    "../../e/other", "#category=x", "?a=b", "żółw", "\u0000", "2026-02-30", "319", "4001", "-1", "1e3", "#12345g",
)  # fmt: skip
STRICT = (
    "mode", "lang", "theme", "accent", "service", "practitioner", "category", "date", "kind", "height"
)  # fmt: skip


def test_a_hostile_value_is_left_out_as_the_helper_refuses_it(plugin: Plugin) -> None:
    cases = [(name, value) for name in STRICT for value in HOSTILE if not _taken(name, value)]
    assert len(cases) > 150
    _, plain = element()
    for case, html in zip(cases, plugin.run(*({name: value} for name, value in cases))["html"], strict=True):
        assert tags(html) == tags(plain), case


def _taken(name: str, value: str) -> bool:
    try:
        element(**{name: value})
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", ["label", "datalayer"])
def test_hostile_words_are_words(plugin: Plugin, name: str) -> None:
    # WordPress leaves an entity that is there already, so that one reads differently and is as harmless.
    words = [word for word in HOSTILE if word not in ("&quot;", "\u0000") and len(word) <= 80]
    for word, html in zip(words, plugin.run(*({name: word} for word in words))["html"], strict=True):
        assert tags(html) == tags(element(**{name: word})[1]), word
        assert "<script" not in html and html.count("<") == 4


def test_other_attributes_and_no_attributes_do_no_harm(plugin: Plugin) -> None:
    _, plain = element()
    odd = ["", None, {"token": "other", "onclick": "alert(1)", "0": "popup"}, {"mode": ["popup"]}, {"label": "x" * 81}]
    assert {str(tags(html)) for html in plugin.run(*odd)["html"]} == {str(tags(plain))}


def test_nothing_is_printed_before_the_settings_are_made(plugin: Plugin) -> None:
    for server, token in (("", TOKEN), (SERVER, ""), ("javascript:alert(1)", TOKEN), (SERVER, '"><script>')):
        printed = plugin.run({}, server=server, token=token)
        assert (printed["html"], printed["scripts"]) == ([""], [])
        assert "<script" not in printed["page"] and printed["right"] == "manage_options"


def test_settings_are_cleaned(plugin: Plugin) -> None:
    servers = {
        SERVER: SERVER, f" {SERVER}/ ": SERVER, "https://a.pl:8443": "https://a.pl:8443", "http://127.0.0.1:8000/": "http://127.0.0.1:8000",
        "http://a.pl": "", "ftp://a.pl": "", "https://a.pl/x": "", "https://a.pl?x": "", "https://u:p@a.pl": "", "https://a.pl\nx": "",
        "javascript:alert(1)": "", 'https://a.pl"><script>': "", "//a.pl": "", "": "",
    }  # fmt: skip
    tokens = {TOKEN: TOKEN, f"\n{TOKEN} ": TOKEN, TOKEN + '"': "", "x": "", "<script>.": "", "a" * 9000: ""}
    printed = plugin.run(okienko_server=list(servers), okienko_token=list(tokens))
    assert printed["clean"]["okienko_server"] == list(servers.values())
    assert printed["clean"]["okienko_token"] == list(tokens.values())
    refused = sum(not kept and bool(typed) for typed, kept in (*servers.items(), *tokens.items()))
    assert len(printed["wrong"]) == refused


def test_the_server_is_a_trusted_provider_and_the_block_is_the_shortcode(plugin: Plugin) -> None:
    printed = plugin.run()
    assert printed["providers"] == {f"{SERVER}/g/*": f"{SERVER}/oembed"}
    (block,) = printed["blocks"].values()
    assert block["render_callback"] == printed["shortcodes"]["okienko"]
    assert {"mode", "label", *STRICT} <= set(block["attributes"])
    assert plugin.run(server="")["providers"] == []


# ------------------------------------------------------------------------------------------------ the card in WordPress' frame

RECEIVE = """<script>
var heard = [];
addEventListener('message', function (e) {
  var frame = document.querySelector('iframe');
  heard.push({ origin: e.origin, own: e.source === frame.contentWindow, data: e.data, focused: document.activeElement === frame });
});
</script>"""


@dataclass
class Site:
    """Our server, and somebody's WordPress on another site."""

    server: str
    host: Host

    def frame(
        self, page: Page, width: int = 560, sandbox: str = 'sandbox="allow-scripts" security="restricted"'
    ) -> None:
        """Open a post with the frame as WordPress prints it for an oEmbed answer it does not trust."""
        source = f"{self.server}/card/kazimierz#?secret={SECRET}"
        frame = f'<iframe {sandbox} src="{source}" width="{width}" height="320" data-secret="{SECRET}" frameborder="0" scrolling="no">'
        page.goto(self.host.put("/post", f"{RECEIVE}{frame}</iframe>"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = f"sqlite:///{tmp_path_factory.mktemp('card') / 'okienko.db'}"
    app = create_app(Settings("development", database, KEYS, PEPPER, "inbox"), clock=Clock())
    if "oembed" not in app.blueprints:
        app.register_blueprint(oembed)
    desk = app.extensions["okienko"].desk
    upgrade(desk.database)
    open_clinic(clinic(staff=()), desk=desk)
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    host = Host()
    yield Site(f"http://127.0.0.1:{server.effective_port}", host)
    server.close()
    host.close()
    desk.database.dispose()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def heard(page: Page, kind: str) -> list[Any]:
    return [one for one in page.evaluate("heard") if one["data"]["message"] == kind]


@pytest.mark.parametrize("width", [280, 320, 560, 600])
def test_the_card_tells_its_height_in_the_sandbox(site: Site, page: Page, width: int) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    site.frame(page, width)
    page.wait_for_function("heard.length")
    (told,) = heard(page, "height")
    inner = page.frames[1].evaluate("document.documentElement.scrollHeight")
    assert (told["origin"], told["own"], told["data"]["secret"]) == ("null", True, SECRET)
    assert 200 <= told["data"]["value"] <= 320 and told["data"]["value"] <= inner
    assert said == []


def test_the_height_follows_the_width_and_comes_to_rest(site: Site, page: Page) -> None:
    site.frame(page)
    page.wait_for_function("heard.length")
    page.evaluate("document.querySelector('iframe').width = 240")
    page.wait_for_function("heard.length > 1")
    for told in heard(page, "height"):
        page.evaluate("height => document.querySelector('iframe').height = height", told["data"]["value"])
    page.wait_for_timeout(400)
    assert len(heard(page, "height")) <= 3


@pytest.mark.parametrize("press", ["click", "keyboard"])
def test_a_tapped_time_is_told_as_wordpress_expects_it(site: Site, page: Page, press: str) -> None:
    site.frame(page)
    first = page.frame_locator("iframe").locator(".starts a").first
    address = first.evaluate("link => link.href")
    if press == "click":
        first.click()
    else:
        first.press("Enter")
    page.wait_for_function("heard.some(one => one.data.message === 'link')")
    (told,) = heard(page, "link")
    assert told["data"] == {"message": "link", "secret": SECRET, "value": address}
    assert address.startswith(f"{site.server}/g/kazimierz?date=2026-11-2")
    # WordPress follows the link only from the frame that has the focus.
    assert told["own"] and told["focused"]
    assert len(page.context.pages) == 1


def test_without_its_script_the_card_says_nothing(site: Site, page: Page) -> None:
    """The control: what was heard above came from the card's own script."""

    def bare(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub("<script>.*?</script>", "", answer.text(), flags=re.DOTALL))

    page.route("**/card/*", bare)
    site.frame(page)
    page.frame_locator("iframe").locator(".starts a").first.click()
    page.wait_for_timeout(500)
    assert page.evaluate("heard") == []


def test_elsewhere_a_time_opens_the_portal_in_a_new_tab(site: Site, page: Page) -> None:
    page.goto(site.host.put("/page", f'{RECEIVE}<iframe src="{site.server}/card/kazimierz" width="600" height="320">'))
    with page.context.expect_page() as opened:
        page.frame_locator("iframe").locator(".all").click()
    opened.value.wait_for_selector("main")
    assert opened.value.url == f"{site.server}/g/kazimierz"
    assert opened.value.evaluate("opener") is None
    assert page.evaluate("heard") == []
