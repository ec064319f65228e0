"""The window itself: height, modes by keyboard, several on one page, pages that change under it, messages that lie."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Frame, Locator

from tests.gates.conftest import Open, Visit
from tests.gates.patient import book
from tests.gates.sites import Host, Town

GROWING = """() => {
  const box = document.createElement('div');
  document.body.append(box);
  const rest = document.body.offsetHeight;
  const grow = () => { box.style.height = innerHeight + 20 - rest + 'px'; };
  addEventListener('resize', grow);
  grow();
}"""
ACTIVE = "document.activeElement.tagName"
HEIGHT = "document.querySelector('okienko-booking').offsetHeight"
SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => { shifted += one.value; }))
  .observe({ type: 'layout-shift', buffered: true });"""


@pytest.mark.parametrize(("width", "height"), [(360, 640), (900, 1000)])
def test_the_window_is_as_tall_as_its_step_and_the_page_does_not_jump(
    place: Town, opened: Open, width: int, height: int
) -> None:
    page = place.host.put("/tall", str(place.embed().element()) + '<p id="after">Po</p>')
    visit = opened(page, width=width, height=height, before=lambda page: page.add_init_script(SHIFTS))
    visit.wait("ready")
    visit.page.wait_for_timeout(400)
    frame = visit.frame()
    assert visit.page.evaluate("shifted") == 0
    assert (visit.page.evaluate("scrollY"), visit.page.evaluate(ACTIVE)) == (0, "BODY")
    for tap in ("button[value=spine]:not([hidden])", ".o-soonest button"):
        frame.click(tap)
        visit.page.wait_for_timeout(600)
        assert visit.page.evaluate(HEIGHT) == frame.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
        assert frame.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def test_what_is_read_before_it_stays_in_place(place: Town, opened: Open) -> None:
    """The control: a frame whose height nobody reserved does shift the page."""
    late = "<script>setTimeout(() => { document.querySelector('#late').style.height = '520px' }, 300)</script>"
    page = place.host.put("/shift", f'<div id="late" style="height:150px"></div><p>Po</p>{late}')
    visit = opened(page, width=400, before=lambda page: page.add_init_script(SHIFTS))
    visit.page.wait_for_timeout(800)
    assert visit.page.evaluate("shifted") > 0


def grown(place: Town, opened: Open, path: str) -> tuple[Visit, int]:
    visit = opened(place.host.put(path, str(place.embed().element())))
    visit.wait("ready")
    visit.frame().evaluate(GROWING)
    visit.page.wait_for_timeout(3000)
    return visit, visit.page.evaluate(HEIGHT)


def test_content_as_tall_as_its_own_frame_stops_growing(place: Town, opened: Open) -> None:
    visit, height = grown(place, opened, "/loop")
    assert height == 720
    assert [line for line in visit.said if line.startswith("okienko: ")] == ["okienko: content grows without end"]
    assert visit.frame().evaluate("getComputedStyle(document.documentElement).overflowY") != "hidden"
    visit.frame().click("button[value=spine]:not([hidden])")
    visit.frame().wait_for_selector(".o-week")


def test_without_the_guard_it_would_grow_on(place: Town, opened: Open) -> None:
    with place.surgery.without("> 30)", "> 1e9)"):
        _, height = grown(place, opened, "/loop-control")
    assert height > 2000


def test_the_window_opens_and_closes_by_keyboard_and_gives_the_focus_back(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/popup", f"<p>Przed</p>{place.embed().element(mode='popup')}<p>Po</p>"))
    page = visit.page
    page.wait_for_function("!!customElements.get('okienko-booking')")
    page.keyboard.press("Tab")
    assert page.evaluate(ACTIVE) == "A"
    page.keyboard.press("Enter")
    visit.wait("ready")
    frame = visit.frame()
    assert page.evaluate("document.querySelector('okienko-booking').dialog.matches(':modal')") is True
    assert page.evaluate("document.querySelector('okienko-booking').dialog.ariaLabel") == "Rezerwacja wizyty"
    page.keyboard.press("Tab")
    frame.wait_for_function("document.hasFocus() && document.activeElement.name")
    page.keyboard.press("Escape")
    visit.wait("close")
    assert page.evaluate("document.querySelector('okienko-booking').dialog.open") is False
    assert page.evaluate(ACTIVE) == "A"
    page.keyboard.press("Enter")
    visit.wait("open", 2)
    assert visit.frame() == frame
    assert page.url.startswith(place.host.url)


def test_without_the_frames_word_escape_would_be_lost_in_it(place: Town, opened: Open) -> None:
    with place.surgery.without("up({ t: 'esc' })", "0"):
        visit = opened(place.host.put("/popup-control", str(place.embed().element(mode="popup"))))
        visit.page.click("okienko-booking a")
        visit.wait("ready")
        visit.frame().focus("button[value=spine]:not([hidden])")
        visit.page.keyboard.press("Escape")
        visit.page.wait_for_timeout(400)
    assert visit.heard("close") == []


def tall(button: Locator) -> bool:
    box = button.bounding_box()
    return box is not None and box["height"] >= 44


def test_the_floating_button_opens_the_window(place: Town, opened: Open) -> None:
    body = f"<p>Przed</p>{place.embed().element(mode='float', label='Umów się')}"
    visit = opened(place.host.put("/float", body), width=360, height=640)
    page = visit.page
    button = page.locator("okienko-booking button")
    assert button.inner_text() == "Umów się"
    assert tall(button)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    visit.wait("ready")
    box = page.locator("okienko-booking dialog").bounding_box()
    assert box and (box["width"], box["height"]) == (360, 640)
    close = page.get_by_role("button", name="Zamknij")
    assert tall(close)
    close.click()
    visit.wait("close")
    assert page.evaluate("document.querySelector('okienko-booking').shadowRoot.activeElement.tagName") == "BUTTON"


@pytest.mark.parametrize("key", ["Control", "Shift"])
def test_whoever_wants_the_link_in_a_new_tab_gets_it(place: Town, opened: Open, key: str) -> None:
    visit = opened(place.host.put("/tab", str(place.embed().element(mode="popup"))))
    visit.page.wait_for_function("!!customElements.get('okienko-booking')")
    with visit.page.context.expect_page() as fresh:
        visit.page.click("okienko-booking a", modifiers=[key])  # type: ignore[list-item]
    assert fresh.value.url in ("about:blank", f"{place.url}/g/kazimierz")
    assert visit.heard("open") == []


def test_a_page_that_takes_the_window_out_and_puts_it_back(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/spa", f'<main>{place.embed().element()}</main><aside id="other"></aside>'))
    visit.wait("ready")
    visit.page.evaluate("window.one = document.querySelector('okienko-booking'); one.remove()")
    assert visit.page.evaluate("one.frame") is None
    visit.page.evaluate("document.querySelector('#other').append(one)")
    visit.wait("ready", 2)
    book(visit.frame())
    visit.wait("booked")
    assert visit.page.evaluate("one.shadowRoot.querySelectorAll('iframe').length") == 1
    visit.page.evaluate("document.querySelector('main').innerHTML = one.outerHTML")
    visit.wait("ready", 3)


def test_a_loader_pasted_twice_makes_one_window(place: Town, opened: Open) -> None:
    snippet = str(place.embed().element())
    script = snippet.splitlines()[0]
    visit = opened(place.host.put("/twice", f"{script}{snippet}{script}"))
    visit.wait("ready")
    visit.page.wait_for_timeout(300)
    assert (
        visit.page.evaluate("document.querySelector('okienko-booking').shadowRoot.querySelectorAll('iframe').length")
        == 1
    )
    assert len(visit.heard("ready")) == 1
    assert visit.said == []


TWO = "(n) => heardOn[n]"
APART = """window.heardOn = [[], []];
document.querySelectorAll('okienko-booking').forEach((one, n) => ['ready', 'step', 'booked', 'error'].forEach(
  (name) => one.addEventListener('okienko:' + name, () => heardOn[n].push(name))));"""


def pair(place: Town, opened: Open, path: str) -> tuple[Visit, Frame, Frame]:
    script, first = str(place.embed().element()).splitlines()
    second = str(place.embed_second().element()).splitlines()[1]
    visit = opened(place.host.put(path, f"{first}{second}<script>{APART}</script>{script}"), height=1700)
    visit.wait("ready", 2)
    return visit, visit.frame(0), visit.frame(1)


def test_two_clinics_on_one_page_hear_nothing_of_each_other(place: Town, opened: Open) -> None:
    visit, first, second = pair(place, opened, "/two")
    book(first)
    visit.wait("booked")
    assert visit.page.evaluate(TWO, 0)[0] == "ready" and "booked" in visit.page.evaluate(TWO, 0)
    assert visit.page.evaluate(TWO, 1) == ["ready"]
    assert second.locator("h1").inner_text() == "Z czym przychodzisz?"
    assert "Podgórze" in second.inner_text("header") and "Kazimierz" in first.inner_text("header")


def test_without_the_check_of_the_source_they_would(place: Town, opened: Open) -> None:
    with place.surgery.without("one.frame?.contentWindow === source", "one.frame"):
        visit, _, _ = pair(place, opened, "/two-control")
        visit.page.wait_for_timeout(300)
    assert len(visit.page.evaluate(TWO, 0)) + len(visit.page.evaluate(TWO, 1)) > 2


LIAR = """<script>
const say = (message) => { parent.postMessage(message, '*'); parent.frames[0].postMessage(message, '*'); };
const { port1, port2 } = new MessageChannel();
port1.onmessage = ({ data }) => parent.postMessage({ stolen: data }, '*');
say({ okienko: 'hello', v: 1 });
say({ okienko: 'ev', t: 'ev', n: 'booked', d: 'x' });
say({ t: 'ev', n: 'booked', d: 'x' });
parent.frames[0].postMessage({ okienko: 'init', v: 1, inline: true }, '*', [port2]);
</script>"""
STOLEN = "window.stolen = []; addEventListener('message', ({ data }) => { if (data && data.stolen) stolen.push(data.stolen); });"


def lied_to(place: Town, opened: Open, path: str) -> Visit:
    """A page with our frame and a lying one of another site beside it."""
    liar = place.other.put("/liar", LIAR)
    body = f'{place.embed().element()}<iframe src="about:blank" id="liar"></iframe>'
    visit = opened(place.host.put(path, body), before=lambda page: page.add_init_script(STOLEN))
    visit.wait("ready")
    visit.page.evaluate(f"document.querySelector('#liar').src = '{liar}'")
    visit.page.wait_for_timeout(700)
    return visit


def test_a_lying_neighbour_is_not_believed(place: Town, opened: Open) -> None:
    visit = lied_to(place, opened, "/lied")
    assert visit.heard("booked") == []
    assert len(visit.heard("ready")) == 1
    assert visit.page.evaluate("stolen") == []
    visit.frame().click("button[value=spine]:not([hidden])")
    visit.wait("step")


FORGED = """() => {
  const one = document.querySelector('okienko-booking');
  const said = { data: { okienko: 'hello', v: 1 }, origin: 'https://evil.example', source: one.frame.contentWindow };
  dispatchEvent(new MessageEvent('message', said));
}"""


def overheard(place: Town, opened: Open, path: str, liar: Host) -> list[Any]:
    """A page with our frame plain, not yet spoken for, and a neighbour that offers it a port; return what the neighbour heard."""
    body = f'<iframe src="{place.embed().frame_url()}" width="600" height="700"></iframe><iframe src="about:blank" id="liar"></iframe>'
    visit = opened(place.host.put(path, body), before=lambda page: page.add_init_script(STOLEN))
    frame = visit.page.frame_locator("iframe >> nth=0")
    frame.locator("button[value=spine]:not([hidden])").wait_for()
    visit.page.evaluate(f"document.querySelector('#liar').src = '{liar.put('/liar', LIAR)}'")
    visit.page.wait_for_timeout(500)
    frame.locator("button[value=spine]:not([hidden])").click()
    frame.locator(".o-week").wait_for()
    visit.page.wait_for_timeout(300)
    stolen: list[Any] = visit.page.evaluate("stolen")
    return stolen


def test_a_neighbour_cannot_take_the_hosts_place(place: Town, opened: Open) -> None:
    assert overheard(place, opened, "/overheard", place.other) == []


def test_without_the_check_of_the_parent_it_would_hear_the_steps(place: Town, opened: Open) -> None:
    with place.surgery.without("source !== parent || ", ""):
        stolen = overheard(place, opened, "/overheard-control", place.other)
    assert {"t": "step", "v": "times"} in stolen


def test_a_page_that_is_not_on_the_list_hears_nothing_even_as_a_neighbour(place: Town, opened: Open) -> None:
    with place.surgery.without("source !== parent || ", ""):
        assert overheard(place, opened, "/overheard-stranger", place.stranger) == []
    with place.surgery.without("source !== parent || !hosts.includes(from) || ", ""):
        assert overheard(place, opened, "/overheard-stranger-control", place.stranger) != []


def test_without_the_check_of_the_origin_a_hello_would_be_believed(place: Town, opened: Open) -> None:
    with place.surgery.without("origin !== HOME || ", ""):
        visit = opened(place.host.put("/hello-control", str(place.embed().element())))
        visit.wait("ready")
        visit.page.evaluate(FORGED)
        assert len(visit.wait("ready", 2)) == 2


def test_a_forged_origin_is_not_believed(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/hello", str(place.embed().element())))
    visit.wait("ready")
    visit.page.evaluate(FORGED)
    assert len(visit.heard("ready")) == 1


INIT = """() => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => done(data.t);
  document.querySelector('iframe').contentWindow.postMessage(MESSAGE, '*', [port2]);
  setTimeout(() => done('nothing'), 700);
})"""


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("{ okienko: 'init', v: 1, inline: true }", "h"),
        ("{ okienko: 'init', v: 0, inline: true }", "h"),
        ("{ okienko: 'init', v: 2, inline: true }", "nothing"),
        ("{ okienko: 'other', v: 1 }", "nothing"),
        ("'init'", "nothing"),
        ("null", "nothing"),
    ],
)
def test_the_frame_speaks_this_version_and_the_one_before(place: Town, opened: Open, message: str, answer: str) -> None:
    frame = f'<iframe src="{place.embed().frame_url()}" width="600" height="700"></iframe>'
    visit = opened(place.host.put("/version", frame))
    visit.page.frame_locator("iframe").locator("button[name=category]").first.wait_for()
    assert visit.page.evaluate(INIT.replace("MESSAGE", message)) == answer


def test_ten_thousand_rubbish_messages_do_no_harm(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/rubbish", str(place.embed().element())))
    visit.wait("ready")
    visit.page.evaluate(
        """() => { const one = document.querySelector('okienko-booking');
        const rubbish = [null, 1, 'x', {}, { t: 'cfg' }, { okienko: 'init', v: 'x' }, [[]], { t: '__proto__' },
          { t: 'cfg', theme: '"><b>', accent: 'red;}' }];
        for (let n = 0; n < 10000; n += 1) {
          one.frame.contentWindow.postMessage(rubbish[n % rubbish.length], '*');
          one.port.postMessage(rubbish[n % rubbish.length]);
          window.postMessage(rubbish[n % rubbish.length], '*');
        } }"""
    )
    book(visit.frame())
    visit.wait("booked")
    assert visit.said == []


HOSTILE = {
    "quotes": """theme='"><script>boom()</script>' accent='red;}*{display:none' lang="'" date="2026-13-99" kind="x" """,
    "addresses": """service="javascript:boom()" practitioner="//evil.example" category="'],*" height="-1" mode="javascript:" """,
    "styles": """accent="#fff;background:url(//evil.example)" style="height:10px" height="1e9" label="<b>x</b>" """,
}


@pytest.mark.parametrize("attributes", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_attributes_change_nothing(place: Town, opened: Open, attributes: str) -> None:
    script, element = str(place.embed().element()).splitlines()
    body = element.replace(' height="720"', "").replace("<okienko-booking", f"<okienko-booking {attributes}")
    visit = opened(place.host.put("/hostile", f"{script}{body}"))
    visit.wait("ready")
    assert [line for line in visit.said if "boom" in line or "Error" in line] == []
    assert visit.page.evaluate(HEIGHT) == 720
    book(visit.frame())


TOKENS = {"missing": "", "cut off": "abc", "of rubbish": "x" * 60, "with a script": "'><script>boom()</script>"}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
def test_a_wrong_token_leaves_the_link_and_a_line_in_the_console(place: Town, opened: Open, token: str) -> None:
    script = str(place.embed().element()).splitlines()[0]
    link = f'<a href="{place.url}/g/kazimierz">Umów wizytę</a>'
    visit = opened(place.host.put("/token", f'{script}<okienko-booking token="{token}">{link}</okienko-booking>'))
    visit.wait("error")
    assert visit.page.evaluate("document.querySelector('okienko-booking a').checkVisibility()") is True
    assert len([line for line in visit.said if line.startswith("okienko: ")]) == 1


def test_theme_and_colour_may_change_while_it_is_open(place: Town, opened: Open) -> None:
    visit = opened(place.host.put("/look", str(place.embed().element(theme="light"))))
    visit.wait("ready")
    frame = visit.frame()
    ground = "getComputedStyle(document.body).backgroundColor"
    before = frame.evaluate(ground)
    visit.page.evaluate("document.querySelector('okienko-booking').setAttribute('theme', 'dark')")
    frame.wait_for_function(f"{ground} !== '{before}'")
    accent = "getComputedStyle(document.querySelector('.o-bar .o-on')).backgroundColor"
    before = frame.evaluate(accent)
    visit.page.evaluate("document.querySelector('okienko-booking').setAttribute('accent', '#c2185b')")
    frame.wait_for_function(f"{accent} !== '{before}'")
