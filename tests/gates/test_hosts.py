"""Host pages as they are: strict policies, isolation, blocked scripts and cookies, sites that were never allowed."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from okienko import EmbedToken
from okienko_server.operations.revoke_tokens import revoke_clinic_tokens
from tests.conftest import KEYS
from tests.gates.conftest import Open
from tests.gates.patient import PHONE, SURNAME, book
from tests.gates.sites import Host, Town
from tests.journeys.demo import block_third_parties

TRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'"
ISOLATED = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
SHOWN = "document.querySelector('okienko-booking a').checkVisibility()"


def strict(place: Town, *, frame: bool = True) -> dict[str, str]:
    sources = f"script-src {place.url}" + (f"; frame-src {place.url}" if frame else "")
    return {"Content-Security-Policy": f"default-src 'none'; {sources}; {TRUSTED}"}


def test_a_strict_policy_needs_two_sources_and_nothing_is_violated(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/strict", str(place.embed().element(strict=True)), strict(place)))
    visit.wait("ready")
    book(visit.frame())
    assert visit.page.evaluate("violations") == []
    assert visit.said == []


def test_without_the_frames_source_the_link_remains(place: Town, opened: Open) -> None:
    """The control: the policy is in force, and its refusal is noticed."""
    visit = opened(place.host.put("/no-frame", str(place.embed().element(strict=True)), strict(place, frame=False)))
    visit.wait("error")
    assert visit.page.evaluate("violations") != []
    assert visit.page.evaluate(SHOWN) is True


def test_the_helpers_policy_is_enough_for_the_element(place: Town, opened: Open) -> None:
    policy = place.embed().csp("default-src 'self'; img-src *; style-src-attr 'unsafe-inline'")
    visit = opened(place.host.put("/helped", str(place.embed().element()), {"Content-Security-Policy": policy}))
    visit.wait("ready")
    assert visit.page.evaluate("violations") == []


@pytest.mark.parametrize("policy", ["script-src 'none'", "default-src 'self'"])
def test_where_the_loader_is_blocked_the_link_leads_on(place: Town, opened: Open, policy: str) -> None:
    visit = opened(place.host.put("/blocked", str(place.embed().element()), {"Content-Security-Policy": policy}))
    assert visit.page.evaluate(SHOWN) is True
    visit.page.click("okienko-booking a")
    visit.page.wait_for_selector("button[name=category]")
    assert visit.page.url == f"{place.url}/g/kazimierz"


def test_without_script_the_link_leads_on(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/plain", str(place.embed().element())), script=False)
    visit.page.click("okienko-booking a")
    assert visit.page.url == f"{place.url}/g/kazimierz"


def test_where_the_loader_runs_the_link_makes_room(place: Town, opened: Open) -> None:
    """The control of the two above."""
    visit = opened(place.host.put("/runs", str(place.embed().element())))
    visit.wait("ready")
    assert visit.page.evaluate(SHOWN) is False


@pytest.mark.parametrize("mode", ["inline", "popup", "float"])
def test_with_cookies_and_storage_blocked_a_patient_books(place: Town, opened: Open, mode: str) -> None:
    page = place.host.put(f"/blocked-{mode}", str(place.embed().element(mode=mode)))
    visit = opened(page, before=block_third_parties)
    if mode == "popup":
        visit.page.click("okienko-booking a")
    if mode == "float":
        visit.page.click("okienko-booking button.float, okienko-booking >> button")
    visit.wait("ready")
    frame = visit.frame()
    book(frame)
    assert visit.page.context.cookies() == []
    stored = "(() => { try { return localStorage.length + sessionStorage.length } catch { return 'threw' } })()"
    assert frame.evaluate(stored) == "threw"


def test_no_cookie_and_no_key_is_kept_where_both_are_allowed(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/kept", str(place.embed().element())))
    visit.wait("ready")
    frame = visit.frame()
    book(frame)
    assert visit.page.context.cookies() == []
    for where in (frame, visit.page):
        assert where.evaluate("localStorage.length + sessionStorage.length") == 0
        assert where.evaluate("indexedDB.databases().then(all => all.length)") == 0


def test_an_isolated_page_may_have_it(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/isolated", str(place.embed().element()), ISOLATED))
    visit.wait("ready")
    assert visit.page.evaluate("crossOriginIsolated") is True
    visit.frame().wait_for_selector("button[name=category]")


def test_without_its_header_an_isolated_page_would_refuse_the_frame(place: Town, opened: Open) -> None:
    with place.surgery.without(header="Cross-Origin-Embedder-Policy"):
        visit = opened(place.host.put("/isolated-control", str(place.embed().element()), ISOLATED))
        visit.wait("error")
    assert visit.heard("ready") == []


def test_a_site_that_was_never_allowed_shows_the_link(place: Town, opened: Open) -> None:
    visit = opened(place.stranger.put("/", str(place.embed().element())))
    visit.wait("error")
    assert visit.page.evaluate(SHOWN) is True
    assert visit.heard("ready") == []
    assert [line for line in visit.said if line.startswith("okienko: ")] == [
        "okienko: no answer; is this site allowed?"
    ]


def test_a_plain_frame_on_a_site_that_was_never_allowed_is_a_kind_card(place: Town, opened: Open) -> None:
    visit = opened(place.stranger.put("/plain", str(place.embed().iframe())))
    card = visit.page.frame_locator("iframe")
    assert "na osobnej stronie" in card.locator("h1").inner_text()
    link = card.locator("a.o-main-button")
    assert link.get_attribute("href") == f"/g/{place.clinic.id}"
    assert card.locator("form, button, input").count() == 0


def test_what_refuses_a_strange_site_is_the_policy_not_the_card(place: Town, opened: Open) -> None:
    """A page that hides its address gets no card, but no widget either; with the policy dropped it would get one."""
    body = '<meta name="referrer" content="no-referrer">' + str(place.embed().iframe())
    visit = opened(place.stranger.put("/hidden", body))
    visit.page.wait_for_timeout(500)
    assert all("/e/" not in one.url or not one.query_selector("form") for one in visit.page.frames)
    with place.surgery.without(header="Content-Security-Policy"):
        visit.page.reload()
        visit.page.frame_locator("iframe").locator("button[name=category]").first.wait_for()


def on(site: Host, place: Town, **locks: str) -> str:
    token = EmbedToken(place.clinic.id, 1, **locks).sign(KEYS.embed)
    return site.put("/one-site", str(place.embed().iframe()).replace(place.embed().token, token))


def test_a_token_may_say_on_which_one_of_the_sites(place: Town, opened: Open) -> None:
    own = opened(on(place.host, place, origin=place.host.url))
    own.page.frame_locator("iframe").locator("button[name=category]").first.wait_for()
    elsewhere = opened(on(place.other, place, origin=place.host.url))
    assert "na osobnej stronie" in elsewhere.page.frame_locator("iframe").locator("h1").inner_text()


def test_a_token_cannot_name_a_site_the_clinic_did_not(place: Town, opened: Open) -> None:
    visit = opened(on(place.stranger, place, origin=place.stranger.url))
    assert "na osobnej stronie" in visit.page.frame_locator("iframe").locator("h1").inner_text()


def test_a_portals_page_hosts_every_clinic(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/portal", str(place.portal().element(height=640))))
    visit.wait("ready")
    frame = visit.frame()
    frame.click("button[value=spine]")
    frame.wait_for_selector(".o-card")
    names = frame.inner_text("main")
    assert "Rehabilitacja Kazimierz" in names and "Fizjo Podgórze" in names
    frame.locator(".o-card", has_text="Fizjo Podgórze").locator(".o-quiet").click()
    frame.wait_for_selector(".o-week")
    assert "Fizjo Podgórze" in frame.inner_text("header")


@pytest.mark.parametrize("script", [True, False])
def test_a_portals_token_opens_on_the_portals_sites_only(place: Town, opened: Open, script: bool) -> None:
    mine = opened(place.host.put("/portal-frame", str(place.portal().iframe())), script=script)
    frame = mine.page.frame_locator("iframe")
    frame.locator("button[value=spine]").click()
    frame.locator(".o-card").first.wait_for()
    other = opened(place.other.put("/portal-frame", str(place.portal().iframe())), script=script)
    assert "na osobnej stronie" in other.page.frame_locator("iframe").locator("h1").inner_text()


def test_a_foreign_clinic_in_the_address_stays_pinned(place: Town, opened: Open) -> None:
    foreign = next(iter(place.second.practitioners.values()))
    url = f"{place.embed().frame_url()}?clinic={place.second.id}&practitioner={foreign}&slug=podgorze"
    visit = opened(place.host.put("/foreign", f'<iframe src="{url}" width="600" height="720"></iframe>'))
    frame = visit.page.frame_locator("iframe")
    frame.locator("button[value=spine]").click()
    frame.locator(".o-soonest").wait_for()
    assert "Rehabilitacja Kazimierz" in frame.locator("header").inner_text()
    assert frame.locator("header .o-link").count() == 0
    assert "Podgórze" not in frame.locator("body").inner_text()


def test_an_old_snippet_lives_through_its_grace_and_then_shows_the_way(place: Town, opened: Open) -> None:
    desk, snippet = place.app.extensions["okienko"].desk, place.embed_second()
    page = place.host.put("/grace", str(snippet.iframe()))
    revoke_clinic_tokens(place.second.id, 7, desk=desk, now=place.clock())
    opened(page).page.frame_locator("iframe").locator("button[name=category]").first.wait_for()
    place.clock.forward(days=8)
    card = opened(page).page.frame_locator("iframe")
    assert "wymieniono" in card.locator("h1").inner_text()
    assert card.locator("a.o-main-button").get_attribute("href") == f"/g/{place.second.id}"
    place.clock.forward(days=-8)


def test_nothing_personal_leaves_the_frame(place: Town, opened: Open) -> None:
    """Neither the events nor the addresses asked for tell what somebody comes with, who they are, or their code."""
    place.surgery.asked.clear()
    place.host.asked.clear()
    page = place.host.put("/private", str(place.embed().element(category="spine", datalayer=True)))
    visit = opened(page)
    visit.wait("ready")
    book(visit.frame())
    visit.wait("booked")
    told = json.dumps(visit.page.evaluate("[heard, window.dataLayer]"), ensure_ascii=False)
    steps = [detail["step"] for detail in visit.heard("step")]
    assert steps == ["times", "details", "code", "done"]
    assert len(visit.heard("slot")) == 1
    for word in ("spine", "ręgosłup", SURNAME, "Łucja", PHONE, PHONE.replace(" ", ""), "135792"):
        assert word not in told
        assert not [line for line in (*place.surgery.asked, *place.host.asked) if word in line]
    assert {"event": "okienko_booked"} in visit.page.evaluate("dataLayer")
    assert visit.page.evaluate("document.title") == "Klinika"


def test_the_category_a_snippet_suggests_is_marked(place: Town, opened: Open) -> None:
    """The control of the test above: the suggestion did arrive."""
    visit = opened(place.host.put("/hint", str(place.embed().element(category="sports"))))
    visit.wait("ready")
    assert visit.frame().locator(".o-chosen").get_attribute("value") == "sports"


def test_the_frames_document_and_the_loader_fit_their_budget(place: Town, opened: Open) -> None:
    third: list[str] = []

    def note(page: Page) -> None:
        page.on("request", lambda request: third.append(request.url))

    visit = opened(place.host.put("/budget", str(place.embed().element())), before=note)
    visit.wait("ready")
    visit.page.wait_for_timeout(300)
    ours = [url for url in third if url.startswith(place.url)]
    assert len(ours) == 2
    assert [url for url in third if not url.startswith((place.url, place.host.url, "data:"))] == []
