"""The embed doctor: every fault is named on a page that has it, and the same page put right is clean."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from okienko import Embed, EmbedToken, OptionRefused, PortalToken, WidgetSession
from okienko_server.cli import main
from okienko_server.cli.doctor import doctor
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.doctor import Fault, Report, examine, worded
from okienko_server.operations.doctor.page import parse
from okienko_server.operations.doctor.tags import OPTIONS
from okienko_server.operations.onboard_clinic import allow_origins, open_clinic
from okienko_server.operations.revoke_tokens import revoke_clinic_tokens
from okienko_server.storage.onboarding import OnboardingStore
from okienko_server.storage.tables import ClinicRow
from okienko_server.texts import load
from tests.conftest import KEYS, MONDAY
from tests.plans import clinic
from tests.web.patients import became_of

SERVER = "https://okienko.example"
SITE = "https://kazimierz.example"
CLINIC = "k7m2p9x4q1z8"
TOKEN = EmbedToken(CLINIC, 1).sign(KEYS.embed)
OTHER = EmbedToken(CLINIC, 1, category="spine").sign(KEYS.embed)
PORTAL = PortalToken("portal-1", 1).sign(KEYS.embed)
EMBED = Embed(SERVER, TOKEN, slug="kazimierz", name="Rehabilitacja Kazimierz")
SNIPPET = str(EMBED.element())
SCRIPT, ELEMENT = SNIPPET.split("\n")
FRAME = str(EMBED.iframe())
LINK = str(EMBED.link())


def page(body: str, head: str = "") -> str:
    return f"<!doctype html>\n<html><head><title>Gabinet</title>{head}</head>\n<body>\n<h1>Umów wizytę</h1>\n{body}\n</body></html>"


@pytest.fixture
def place(desk: Desk) -> Desk:
    open_clinic(clinic(id=CLINIC, allowed_origins=(SITE,)), desk=desk)
    return desk


def looked(
    desk: Desk,
    html: str,
    headers: Mapping[str, str] | None = None,
    url: str = f"{SITE}/wizyta",
    *,
    reissue: bool = False,
) -> Report:
    report = examine(
        html, headers or {}, url, server_url=SERVER, desk=desk, keys=KEYS, now=MONDAY, reissue=reissue
    )  # fmt: skip
    return report


def codes(found: tuple[Fault, ...]) -> set[str]:
    return {one.code for one in found}


@dataclass(frozen=True)
class Case:
    """A page with one thing wrong, and the same page without it."""

    code: str
    bad: str
    good: str = SNIPPET
    head: str = ""
    bad_head: str | None = None
    says: str = ""
    url: str = f"{SITE}/wizyta"
    headers: dict[str, str] = field(default_factory=dict)


def meta(policy: str) -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def element(**attributes: str) -> str:
    """The snippet with attributes added to the element's tag."""
    added = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return SNIPPET.replace("<okienko-booking", f"<okienko-booking{added}", 1)


def frame(old: str, new: str) -> str:
    assert old in FRAME
    return FRAME.replace(old, new)


CURLY = SNIPPET.replace(f'token="{TOKEN}"', f"token=”{TOKEN}”")
NO_SCRIPTS = "script-src 'self'; frame-src https:"
NO_FRAMES = "script-src https:; frame-src 'self'"
CASES = {
    "nothing": Case("nothing_found", "<p>Zadzwoń do nas.</p>"),
    "nothing: another's frame": Case("nothing_found", '<iframe src="https://maps.example/e/1234"></iframe>', FRAME),
    "script stripped": Case("script_stripped", ELEMENT, says="<okienko-booking"),
    "element stripped": Case("element_stripped", SCRIPT),
    "script by http": Case("loader_http", SNIPPET.replace(f'src="{SERVER}', f'src="{SERVER.replace("https", "http")}')),
    "script from another host": Case("loader_address", SNIPPET.replace(f'src="{SERVER}', 'src="https://cdn.example')),
    "script copied home": Case("loader_address", SNIPPET.replace(f"{SERVER}/embed/v1", "/js", 1)),
    "script misspelt": Case("loader_address", SNIPPET.replace("/embed/v1/", "/embed/", 1)),
    "newest script pinned": Case("integrity_wrong", SNIPPET.replace("async", 'async integrity="sha384-x"', 1)),
    "pinned without CORS": Case(
        "integrity_wrong", str(EMBED.element(strict=True)).replace(' crossorigin="anonymous"', ""), str(EMBED.element(strict=True))
    ),
    "script waits for consent": Case("held_back", SNIPPET.replace("async", 'async type="text/plain"', 1)),
    "script put aside": Case("held_back", SNIPPET.replace(" src=", " data-rocket-src=", 1)),
    "frame put aside": Case("held_back", frame(" src=", " data-src="), FRAME),
    "frame sandboxed": Case("sandboxed", frame("<iframe", "<iframe sandbox"), FRAME, says="allow-scripts, allow-same-origin, allow-forms"),
    "WordPress sandbox": Case(
        "sandboxed", frame("<iframe", '<iframe sandbox="allow-scripts" security="restricted"'), FRAME, says="allow-same-origin, allow-forms"
    ),
    "one flag missing": Case(
        "sandboxed",
        frame("<iframe", '<iframe sandbox="allow-scripts allow-same-origin"'),
        frame("<iframe", '<iframe sandbox="allow-scripts allow-same-origin allow-forms"'),
        says="brakuje: allow-forms.",
    ),
    "frame by http": Case("frame_http", frame(SERVER, SERVER.replace("https", "http")), FRAME),
    "frame of another server": Case("frame_address", frame(SERVER, "https://old.example"), FRAME, says="old.example"),
    "portal in a frame": Case("frame_portal", f'<iframe src="{SERVER}/g/kazimierz" height="720"></iframe>', FRAME),
    "twice": Case("doubled", f"{SNIPPET}\n{ELEMENT}", f"{SNIPPET}\n{ELEMENT.replace(TOKEN, OTHER)}", says="tokenem: 2"),
    "frame beside the element": Case("doubled", f"{SNIPPET}\n{FRAME}"),
    "height zero": Case("height_zero", frame('height="720"', 'height="0"'), FRAME),
    "height zero in a style": Case("height_zero", frame("<iframe", '<iframe style="height: 0px !important"'), FRAME),
    "cut by a style": Case("height_tiny", element(style="max-height:40px"), element(style="max-height:900px")),
    "element tiny": Case("height_refused", SNIPPET.replace('height="720"', 'height="60"'), says="wysokości: 60"),
    "element in percent": Case("height_refused", SNIPPET.replace('height="720"', 'height="100%"')),
    "frame in percent": Case("height_percent", frame('height="720"', 'height="100%"'), FRAME),
    "height nonsense": Case("height_unknown", frame('height="720"', 'height="auto"'), FRAME),
    "element zero": Case("height_refused", SNIPPET.replace('height="720"', 'height="0"')),
    "frame tiny": Case("height_tiny", frame('height="720"', 'height="60"'), frame('height="720"', 'height="60" style="min-height:700px"')),
    "height missing": Case("height_missing", frame('height="720" ', ""), frame('height="720"', 'style="height:80vh"')),
    "not displayed": Case("hidden", element(style="border:0; DISPLAY : none"), element(style="border:0")),
    "invisible": Case("hidden", frame("<iframe", '<iframe style="visibility:hidden"'), FRAME),
    "hidden": Case("hidden", frame("<iframe", "<iframe hidden"), FRAME),
    "token missing": Case("token_missing", SNIPPET.replace(f' token="{TOKEN}"', "")),
    "token empty": Case("token_missing", SNIPPET.replace(TOKEN, "", 1)),
    "frame without token": Case("token_missing", frame(TOKEN, ""), FRAME),
    "token cut off": Case("token_damaged", SNIPPET.replace(TOKEN, TOKEN[:-5], 1)),
    "token of other keys": Case("token_damaged", frame(TOKEN, EmbedToken(CLINIC, 1).sign(["x" * 40])), FRAME),
    "token made up": Case("token_damaged", SNIPPET.replace(TOKEN, "kazimierz", 1)),
    "token is an address": Case("token_is_address", SNIPPET.replace(TOKEN, f"{SERVER}/e/{TOKEN}", 1)),
    "token of a session": Case(
        "token_wrong_kind",
        SNIPPET.replace(TOKEN, WidgetSession("v", "clinic", CLINIC, 1, "iframe", issued_at=MONDAY).sign(KEYS.session), 1),
    ),
    "token of an old session": Case(
        "token_wrong_kind",
        SNIPPET.replace(
            TOKEN, WidgetSession("v", "portal", None, 1, "portal", issued_at=MONDAY - timedelta(days=9)).sign(KEYS.session), 1
        ),
    ),
    "clinic unknown": Case("clinic_unknown", SNIPPET.replace(TOKEN, EmbedToken("nobody", 1).sign(KEYS.embed), 1)),
    "portal unknown": Case("clinic_unknown", SNIPPET.replace(TOKEN, PORTAL, 1)),
    "token of an older generation": Case("token_revoked", SNIPPET.replace(TOKEN, EmbedToken(CLINIC, 0).sign(KEYS.embed), 1)),
    "token of another site": Case(
        "token_other_site", SNIPPET.replace(TOKEN, EmbedToken(CLINIC, 1, origin="https://b.example").sign(KEYS.embed), 1), says="b.example"
    ),
    "service of nobody": Case("service_stranger", element(service="masaz"), says="masaz"),
    "therapist of nobody": Case("practitioner_stranger", frame(TOKEN, f"{TOKEN}?practitioner=zofia"), FRAME),
    "no link": Case("fallback_missing", re.sub("<a .*?</a>", "Umów wizytę", SNIPPET)),
    "not closed": Case("element_unclosed", SNIPPET.replace("</okienko-booking>", "")),
    "closed by a slash": Case("element_unclosed", f'{SCRIPT}\n<okienko-booking token="{TOKEN}" height="720"/>'),
    "in a template": Case("in_template", f"<template>{SNIPPET}</template>"),
    "frame in noscript": Case("in_noscript", f"<noscript>{FRAME}</noscript>", FRAME),
    "commented out": Case("in_comment", f"<!--\n{SNIPPET}\n-->"),
    "frame commented out": Case("in_comment", f"<!-- {FRAME} -->", FRAME),
    "script commented out": Case("in_comment", f"<!-- {SCRIPT} -->{ELEMENT}", says="<script"),
    "as text": Case("shown_as_text", f"<p>{escape(SNIPPET)}</p>"),
    "as text in a field": Case("shown_as_text", f"<textarea>{SNIPPET}</textarea>"),
    "frame as text": Case("shown_as_text", f"<pre>{escape(FRAME)}</pre>", FRAME),
    "curly quotes": Case("curly_quotes", CURLY, says="token=”eyJ"),
    "curly entities": Case("curly_quotes", SNIPPET.replace(f'"{TOKEN}"', f"&#8221;{TOKEN}&#8221;")),
    "curly script": Case("curly_quotes", re.sub(r'<script async src="(.*?)"', r"<script async src=„\1”", SNIPPET)),
    "curly inside straight": Case("option_choice", element(mode="pop-up"), element(label="„Umów” = „wizyta”")),
    "mode unknown": Case("option_choice", element(mode="pop-up"), element(mode="popup"), says="inline, popup, float"),
    "theme unknown": Case("option_choice", frame(TOKEN, f"{TOKEN}?theme=black"), frame(TOKEN, f"{TOKEN}?theme=dark")),
    "category unknown": Case("option_choice", element(category="plecy"), element(category="spine")),
    "colour by name": Case("option_value", element(accent="teal"), element(accent="#0f6b63"), says="accent"),
    "colour in an address": Case("option_value", frame(TOKEN, f"{TOKEN}?accent=teal"), frame(TOKEN, f"{TOKEN}?accent=0f6b63")),
    "day as we write it": Case("option_value", element(date="1.12.2026"), element(date="2026-12-01")),
    "option misspelt": Case("option_unknown", element(them="dark"), element(theme="dark"), says="theme"),
    "data-token": Case("option_unknown", element(tokens="x"), element(data_page="x", aria_label="x", id="x")),
    "meta keeps the script out": Case("csp_script", SNIPPET, SNIPPET, meta(EMBED.csp(NO_SCRIPTS)), meta(NO_SCRIPTS), says="script-src"),
    "meta keeps the frame out": Case("csp_frame", FRAME, FRAME, meta(EMBED.csp(NO_FRAMES)), meta(NO_FRAMES), says="frame-src"),
    "nothing by default": Case(
        "csp_frame", FRAME, FRAME, meta(EMBED.csp("default-src 'none'")), meta("default-src 'none'"), says="default-src"
    ),
    "only signed scripts": Case(
        "csp_nonce",
        SNIPPET,
        str(EMBED.element(nonce="abc")),
        head=meta("script-src 'nonce-abc' 'strict-dynamic' https:"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault_is_named_and_its_cure_is_clean(place: Desk, case: Case) -> None:
    report = looked(place, page(case.bad, case.head if case.bad_head is None else case.bad_head), url=case.url)
    assert codes(report.faults) == {case.code}, report.faults
    for fault in report.faults:
        said = worded(fault)
        assert said.title and said.why and said.action
        assert case.says in " ".join((said.title, said.why, said.action, said.where))
    cured = looked(place, page(case.good, case.head), url=case.url)
    assert cured.fine, cured.faults


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whatever_it_prints_instead_is_clean(place: Desk, case: Case) -> None:
    report = looked(place, page(case.bad, case.head))
    if report.snippets is None:
        assert case.code in ("nothing_found", "element_stripped", "frame_portal") or case.code.startswith(
            ("token_", "clinic_")
        )
        return
    for snippet in (report.snippets.element, report.snippets.iframe):
        # A page that signs its scripts has to sign this one itself.
        head = "" if case.code == "csp_nonce" else case.head
        again = looked(place, page(snippet, head))
        kept = codes(report.faults) & {"token_other_site"}
        assert codes(again.faults) == kept, snippet
    assert codes(looked(place, page(report.snippets.link)).notes) == {"link_only"}


@pytest.mark.parametrize(
    "good",
    [
        SNIPPET,
        FRAME,
        str(EMBED.element(strict=True)),
        str(EMBED.element(mode="float", theme="dark", accent="#112233", category="spine", kind="visit", date="2026-12-01")),
        str(EMBED.iframe(theme="dark", accent="#112233", category="spine", lang="pl", height=900)),
        re.sub(r"<[^>]+", lambda tag: re.sub(r"^</?[a-z-]+| [a-z]+=", lambda name: name[0].upper(), tag[0]), SNIPPET),
        f"<!-- {SNIPPET} -->\n{SNIPPET}",
        f"<template>{SNIPPET}</template>{FRAME}",
        f"<script>var old = '{ELEMENT}';</script>{SNIPPET}",
        FRAME.replace("&", "&#038;"),
        SNIPPET.replace('"', "'"),
    ],
)  # fmt: skip
def test_a_good_page_is_clean(place: Desk, good: str) -> None:
    report = looked(place, page(good))
    assert (codes(report.faults), codes(report.notes)) == (set(), set())


POLICIES = {
    "frame-src 'none'": {"csp_frame"},
    "default-src 'self'": {"csp_script", "csp_frame"},
    "script-src-elem 'self'; script-src https:; frame-src *": {"csp_script"},
    "child-src 'self'; script-src *": {"csp_frame"},
    "script-src 'self' https://okienko.example.evil; frame-src https://*.example.com": {"csp_script", "csp_frame"},
    "script-src https://okienko.example/other/; frame-src https://okienko.example:8443": {"csp_script", "csp_frame"},
    "default-src 'none', frame-src *; script-src *": {"csp_script", "csp_frame"},
    "script-src https://okienko.example/embed/; frame-src https://okienko.example:443": set(),
    "script-src okienko.example; frame-src *.example:*": set(),
    "SCRIPT-SRC HTTPS:; FRAME-SRC http:": set(),
    "img-src 'none'; frame-ancestors 'none'": set(),
    "": set(),
}


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_header_is_read_as_a_browser_reads_it(place: Desk, policy: str) -> None:
    report = looked(place, page(SNIPPET), {"content-SECURITY-policy": policy})
    assert codes(report.faults) == POLICIES[policy]
    mended = policy
    for _ in range(2):  # one directive after the other, as somebody follows the advice
        for fault in looked(place, page(SNIPPET), {"Content-Security-Policy": mended}).faults:
            assert SERVER in fault.fix
            old = fault.where.removeprefix("Content-Security-Policy: ")
            mended = mended.replace(old, fault.fix) if old else fault.fix
    assert looked(place, page(SNIPPET), {"Content-Security-Policy": mended}).fine, mended


def test_a_policy_that_only_reports_blocks_nothing(place: Desk) -> None:
    assert looked(place, page(SNIPPET), {"Content-Security-Policy-Report-Only": "default-src 'none'"}).fine


def test_the_line_and_the_tag_are_named(place: Desk) -> None:
    (fault,) = looked(place, page(f"<p>\n</p>\n{ELEMENT}")).faults
    assert (fault.line, fault.where[:16]) == (7, "<okienko-booking")
    (inner,) = looked(place, page(f"<!--\n\n{FRAME}-->")).faults
    assert inner.line == 7


@pytest.mark.parametrize(
    "url", ["https://www.kazimierz.example/", "http://kazimierz.example/", f"{SITE}:8443/x", "https://inna.example"]
)
def test_a_site_that_is_not_on_the_list_is_named(place: Desk, url: str) -> None:
    origin = "/".join(url.split("/")[:3])
    (fault,) = looked(place, page(SNIPPET), url=url).faults
    assert (fault.code, fault.fix) == ("origin_not_allowed", origin)
    assert origin in worded(fault).why
    allow_origins((SITE, fault.fix), scope=operator_scope().at(CLINIC), desk=place)
    assert looked(place, page(SNIPPET), url=url).fine
    assert looked(place, page(SNIPPET), url=f"{SITE}:443/").fine


def test_a_page_without_an_address_says_what_was_not_checked(place: Desk) -> None:
    report = looked(place, page(SNIPPET), url="")
    assert report.fine and codes(report.notes) == {"origin_unchecked"}


@pytest.mark.parametrize(
    ("contract", "code"),
    [
        ("trial", "clinic_trial"),
        ("suspended", "clinic_hidden"),
        ("ended", "clinic_hidden"),
        ("legacy", "clinic_hidden"),
    ],
)
def test_a_clinic_that_is_not_on_is_named(place: Desk, contract: str, code: str) -> None:
    def become(value: str) -> None:
        with place.database.writing() as connection:
            became_of(connection, CLINIC, value)

    become(contract)
    assert codes(looked(place, page(SNIPPET)).faults) == {code}
    become("active")
    assert looked(place, page(SNIPPET)).fine


def test_a_clinic_on_a_pause_is_named_and_one_that_switched_off_is_hidden(place: Desk) -> None:
    def become(**values: object) -> None:
        with place.database.writing() as connection:
            connection.execute(update(ClinicRow).values(**values, revision=ClinicRow.revision + 1))

    become(paused_at=MONDAY)
    assert codes(looked(place, page(SNIPPET)).faults) == {"clinic_paused"}
    become(paused_at=None, registration=False)
    assert codes(looked(place, page(SNIPPET)).faults) == {"clinic_hidden"}


def test_a_revoked_token_is_never_renewed_for_strangers(place: Desk) -> None:
    revoke_clinic_tokens(CLINIC, 14, desk=place, now=MONDAY)
    graced = looked(place, page(SNIPPET))
    assert graced.fine and codes(graced.notes) == {"token_graced"}
    assert "07.12.2026" in worded(graced.notes[0]).why
    revoke_clinic_tokens(CLINIC, 0, desk=place, now=MONDAY)
    report = looked(place, page(SNIPPET))
    assert codes(report.faults) == {"token_revoked"} and report.snippets is None
    renewed = looked(place, page(SNIPPET), reissue=True).snippets
    assert renewed is not None
    assert looked(place, page(renewed.element)).fine


def test_a_portal_has_its_own_list_and_a_word(place: Desk) -> None:
    with place.database.writing() as connection:
        OnboardingStore(connection, operator_scope()).add_portal("portal-1", "Portal", (SITE,))
    html = page(SNIPPET.replace(TOKEN, PORTAL, 1))
    assert looked(place, html).fine and codes(looked(place, html).notes) == {"token_portal"}
    assert codes(looked(place, html, url="https://inna.example/").faults) == {"origin_not_allowed"}


def test_what_hinders_nothing_is_a_note(place: Desk) -> None:
    for body, code in {
        f"{SCRIPT}{SNIPPET}": "loader_twice",
        f"{SCRIPT}{FRAME}": "loader_idle",
        f"{SNIPPET}<pre>{escape(SNIPPET)}</pre>": "shown_too",
        LINK: "link_only",
    }.items():
        report = looked(place, page(body))
        assert report.fine and codes(report.notes) == {code}


def test_several_faults_are_named_at_once(place: Desk) -> None:
    html = page(ELEMENT.replace('height="720"', 'height="10%" mode="pop-up" style="display:none"'))
    report = looked(place, html, {"Content-Security-Policy": "frame-src 'none'"}, "https://inna.example/")
    assert codes(report.faults) == {
        "script_stripped",
        "height_refused",
        "option_choice",
        "hidden",
        "csp_frame",
        "origin_not_allowed",
    }


def test_the_corrected_snippet_keeps_what_was_right(place: Desk) -> None:
    report = looked(place, page(element(theme="dark", mode="pop-up", category="spine", label="Zapisz")))
    assert report.snippets is not None
    assert 'theme="dark"' in report.snippets.element and "pop-up" not in report.snippets.element
    assert "theme=dark" in report.snippets.iframe and "category=spine" in report.snippets.link


def test_a_server_that_no_page_could_reach_is_refused(place: Desk) -> None:
    with pytest.raises(OptionRefused):
        examine(page(SNIPPET), {}, SITE, server_url="http://okienko.example", desk=place, keys=KEYS, now=MONDAY)


def test_the_options_are_those_of_the_snippet() -> None:
    values = {
        "mode": "popup",
        "lang": "pl",
        "theme": "dark",
        "accent": "#112233",
        "date": "2026-12-01",
        "kind": "visit",
        "height": "500",
    }
    made = EMBED.element(**{name: values.get(name, "x") for name in OPTIONS})  # type: ignore[arg-type]
    assert all(f" {name}=" in made for name in OPTIONS if name != "label")
    with pytest.raises(OptionRefused, match=r"known are [a-z, ]+"):
        EMBED.element(unknown="x")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["<okienko-booking", " token=", TOKEN, '"', "'", ">", "/>", "</okienko-booking>", "<iframe src=", f"{SERVER}/e/", "<!--", "-->",
             "<script", "</script>", "<template>", "&lt;", "&#x0;", "\0", "\ud800", "http://[::1", "//", "?accent=%ff", " style=",
             "height:", "”",
             "<meta http-equiv=content-security-policy content=", "script-src", ";", "'nonce-", "\n", "ż", "<![CDATA[", "<a href="]
        )
        | st.text(max_size=8),
        max_size=30,
    ).map("".join)
)  # fmt: skip
def test_rubbish_is_a_page_too(place: Desk, html: str) -> None:
    for fault in looked(place, html, {"Content-Security-Policy": html.replace("\n", " ")}, html[:50]).faults:
        worded(fault)


@pytest.mark.parametrize(
    "unit",
    [
        "<!--",
        "<a ",
        "</",
        "<okienko-booking ",
        "<okienko-booking>",
        "<div></p>",
        "&lt;",
        "<iframe src=/e/x>",
        "<script>",
    ],
)
def test_a_hostile_page_takes_no_quadratic_time(unit: str) -> None:
    def spent(size: int) -> float:
        started = time.perf_counter()
        parse(unit * (size // len(unit)) + ">")
        return time.perf_counter() - started

    small = min(spent(50_000) for _ in range(3))
    assert spent(400_000) < 24 * small + 0.2  # eight times as long a page; quadratic would be sixty-four


def okienko(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(doctor, arguments)


def test_the_command_says_it_and_ends_accordingly(place: Desk, database_url: str, tmp_path: Path) -> None:
    environment = {
        "OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": database_url, "OKIENKO_EMBED_KEYS": KEYS.embed[0],
        "OKIENKO_SESSION_KEYS": KEYS.session[0],
    }  # fmt: skip
    file = tmp_path / "strona.html"
    file.write_text(page(SNIPPET), encoding="utf-8")
    fine = okienko(str(file), "--server", SERVER, "--address", f"{SITE}/", **environment)
    assert (fine.exit_code, fine.stdout.splitlines()[-1]) == (0, load()("doctor.fine"))
    file.write_text(page(ELEMENT.replace('height="720"', 'height="0"')), encoding="utf-8")
    bad = okienko(str(file), "--server", SERVER, **environment)
    assert bad.exit_code == 1
    assert "2 rzeczy do poprawienia" in bad.stdout and "[script_stripped]" in bad.stdout and SNIPPET in bad.stdout
    for refused in (
        okienko(str(tmp_path / "nie-ma.html"), **environment),
        okienko("ftp://gabinet.example", **environment),
        okienko(str(file), "--server", "http://okienko.example", **environment),
        okienko(str(file), **environment | {"OKIENKO_EMBED_KEYS": ""}),
        okienko(str(file), **environment | {"OKIENKO_ENV": "production"}),
    ):
        assert refused.exit_code == 2 and refused.stderr.startswith("Error: ") and not refused.stdout
    main.add_command(doctor)
    assert CliRunner(env=environment).invoke(main, ["doctor", str(file), "--server", SERVER]).exit_code == 1


def test_every_sentence_of_the_catalogue_is_needed() -> None:
    """Every fault in the catalogue is named by some test above, and no test names another."""
    known = {key.split(".")[2] for key in load() if key.startswith("doctor.fault.")}
    above = (
        Path(__file__).read_text(encoding="utf-8").partition("def test_every_sentence_of_the_catalogue_is_needed")[0]
    )
    assert len(known) > 40
    assert [code for code in known if not re.search(rf"[\"' ]{code}[\"' ]", above)] == []
