"""The clinic's website: sites that may frame, snippets from the one generator, a preview, a poster, new snippets."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import segno
from flask import Flask
from werkzeug.test import TestResponse

from okienko import Embed
from okienko_server.storage.tables import AuditRow, ClinicRow
from okienko_server.web.pages.staff.poster import poster_svg
from tests.conftest import Clock
from tests.plans import one_therapist
from tests.web.patients import change_clinic, embed_token, opened, rows_of
from tests.web.staff_world import OWNER, StaffWorld

BASE = "/staff/settings/website"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def save(world: StaffWorld, **changes: Any) -> TestResponse:
    form = {"csrf": world.csrf(), "revision": str(world.offer().revision), "sites": "", "mode": "inline", "accent": ""}
    form["indexed"] = "yes"
    return world.client.post(BASE, data=form | changes)


INDEXED = 'name="indexed" value="yes" checked'


def test_search_engines_may_keep_the_page_until_the_clinic_says_no(app: Flask, world: StaffWorld) -> None:
    assert INDEXED in world.client.get(BASE).text
    assert save(world).status_code == 303
    assert world.offer().clinic.indexed
    revision = world.offer().revision
    assert save(world, indexed="").status_code == 303
    assert not world.offer().clinic.indexed
    assert world.offer().revision == revision + 1
    assert [row.indexed for row in rows_of(app, ClinicRow)] == [False]
    assert INDEXED not in world.client.get(BASE).text
    save(world)
    assert [row.indexed for row in rows_of(app, ClinicRow)] == [True]
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_settings"] * 3


@pytest.mark.parametrize("wrong", [{"accent": "red"}, {"mode": "x"}, {"sites": "*.klinika.pl"}, {"revision": "0"}])
def test_leave_for_search_engines_survives_a_refusal(world: StaffWorld, wrong: dict[str, str]) -> None:
    assert INDEXED in save(world, **wrong).text
    assert INDEXED not in save(world, **wrong, indexed="").text
    assert world.offer().clinic.indexed, "nothing was written"


def ancestors(app: Flask, world: StaffWorld) -> str:
    answer = app.test_client().get(f"/e/{embed_token(world.opened.id)}")
    return answer.headers["Content-Security-Policy"].rpartition("frame-ancestors ")[2]


def test_a_site_may_frame_at_once_and_no_other_clinic_changes(app: Flask, world: StaffWorld) -> None:
    other = opened(app, one_therapist())
    assert ancestors(app, world) == "'self'"
    assert save(world, sites="klinika.pl\nhttps://www.klinika.pl/").status_code == 303
    assert ancestors(app, world) == "'self' https://klinika.pl https://www.klinika.pl"
    save(world, sites="klinika.pl")
    assert ancestors(app, world) == "'self' https://klinika.pl"
    assert [row.allowed_origins for row in rows_of(app, ClinicRow) if row.clinic_id == other.id] == [""]
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_settings"] * 2


@pytest.mark.parametrize(
    "sites", ["*.klinika.pl", "https://klinika.pl/x", "https://a.pl; script-src *", "javascript:x"]
)
def test_a_trick_is_refused_by_its_line_and_nothing_typed_is_lost(app: Flask, world: StaffWorld, sites: str) -> None:
    answer = save(world, sites=f"dobra.pl\n{sites}", mode="popup", accent="#123456")
    assert answer.status_code == 422
    assert f"{html.escape(sites, quote=False)} – " in html.unescape(answer.text) or sites in html.unescape(answer.text)
    assert "dobra.pl" in answer.text
    assert 'value="popup" checked' in answer.text
    assert 'value="#123456"' in answer.text
    assert world.offer().clinic.allowed_origins == ()


@pytest.mark.parametrize(
    ("field", "value"), [("mode", "fullscreen"), ("accent", "red"), ("accent", "#12345"), ("accent", "#12345g")]
)
def test_a_mode_or_colour_that_is_none_is_told_beside_it(world: StaffWorld, field: str, value: str) -> None:
    answer = save(world, sites="klinika.pl", **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert "klinika.pl" in answer.text


def test_the_other_spelling_is_offered_and_added_by_one_press(app: Flask, world: StaffWorld) -> None:
    save(world, sites="klinika.pl")
    assert 'value="https://www.klinika.pl"' in world.client.get(BASE).text
    assert save(world, sites="https://klinika.pl", also="https://www.klinika.pl").status_code == 303
    assert world.offer().clinic.allowed_origins == ("https://klinika.pl", "https://www.klinika.pl")


def snippets(page: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"data-copy-from>(.*?)</textarea>", page, re.DOTALL)]


def test_the_snippets_are_the_generators_own(app: Flask, world: StaffWorld) -> None:
    save(world, sites="klinika.pl", mode="popup", accent="#C2185B")
    embed = Embed("http://localhost", embed_token(world.opened.id), "kazimierz", "Rehabilitacja Kazimierz")
    look: dict[str, Any] = {"accent": "#c2185b", "height": 720}
    assert snippets(world.client.get(BASE).text) == [
        str(embed.element(mode="popup", **look)), str(embed.iframe(**look)), str(embed.link()),
    ]  # fmt: skip


def test_the_preview_is_the_real_frame_and_absent_while_the_door_is_shut(app: Flask, world: StaffWorld) -> None:
    save(world, accent="#c2185b")
    answer = world.client.get(f"{BASE}?width=360&theme=dark")
    (src,) = re.findall(r'<iframe src="([^"]+)"', answer.text)
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "s-preview-360" in answer.text
    frame = app.test_client().get(html.unescape(src).removeprefix("http://localhost"))
    assert frame.status_code == 200
    assert 'data-theme="dark" data-brand' in frame.text
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"
    change_clinic(app, world.opened.id, contract="trial")
    assert "<iframe" not in world.client.get(BASE).text


@pytest.mark.parametrize("width", ["", "0", "99999", "abc", "361"])
def test_a_width_that_is_none_is_the_usual_one(world: StaffWorld, width: str) -> None:
    assert "s-preview-480" in world.client.get(f"{BASE}?width={width}").text


def test_the_poster_holds_the_clinics_own_link(app: Flask, world: StaffWorld) -> None:
    page = world.client.get(f"{BASE}/poster").text
    expected = segno.make("http://localhost/g/kazimierz", error="m", micro=False)
    import io

    out = io.BytesIO()
    expected.save(out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, light="#fff", dark="#000")
    assert out.getvalue().decode() in page
    assert "localhost/g/kazimierz" in page
    drawing = world.client.get(f"{BASE}/poster.svg")
    assert drawing.mimetype == "image/svg+xml"
    (path,) = re.findall(r'd="([^"]+)"', out.getvalue().decode())[-1:]
    assert path in drawing.text


@pytest.mark.parametrize(
    "name", ["A", "Ośrodek Rehabilitacji i Fizjoterapii Dziecięcej „Krok po Kroku” Sp. z o.o.", "Ż" * 70, '<b>&"']
)
def test_any_name_makes_a_whole_drawing(name: str) -> None:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(poster_svg(name, "https://okienko.example/g/krok"))
    words = "".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert name.replace(" ", "") in words.replace(" ", "")


def test_new_snippets_take_a_second_press_and_end_the_old_ones(app: Flask, world: StaffWorld, clock: Clock) -> None:
    old = embed_token(world.opened.id)
    first = world.client.post(f"{BASE}/renew", data={"csrf": world.csrf(), "when": "now"})
    assert "przestaną działać od razu" in first.text
    assert app.test_client().get(f"/e/{old}").status_code == 200
    again = world.client.post(f"{BASE}/renew", data={"csrf": world.csrf(), "when": "now", "sure": "1"})
    assert again.status_code == 303
    assert app.test_client().get(f"/e/{old}").status_code == 403
    (fresh,) = re.findall(r'token="([^"]+)"', snippets(world.client.get(BASE).text)[0])
    assert app.test_client().get(f"/e/{fresh}").status_code == 200
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["renew_snippets"]


def test_with_a_week_of_grace_the_old_ones_go_on(app: Flask, world: StaffWorld, clock: Clock) -> None:
    old = embed_token(world.opened.id)
    world.client.post(f"{BASE}/renew", data={"csrf": world.csrf(), "when": "week", "sure": "1"})
    assert app.test_client().get(f"/e/{old}").status_code == 200
    clock.forward(days=7)
    assert app.test_client().get(f"/e/{old}").status_code == 403


def test_a_second_press_within_the_week_does_not_break_the_promise(app: Flask, world: StaffWorld, clock: Clock) -> None:
    old = embed_token(world.opened.id)
    for _ in range(3):
        world.client.post(f"{BASE}/renew", data={"csrf": world.csrf(), "when": "week", "sure": "1"})
        clock.forward(minutes=40)
    assert app.test_client().get(f"/e/{old}").status_code == 200
    assert [row.action for row in rows_of(app, AuditRow)].count("renew_snippets") == 1
    world.sign_in(OWNER)
    world.client.post(f"{BASE}/renew", data={"csrf": world.csrf(), "when": "now", "sure": "1"})
    assert app.test_client().get(f"/e/{old}").status_code == 403


def test_enter_in_a_field_saves_and_adds_nothing(world: StaffWorld) -> None:
    """The first button of a form is the one Enter presses."""
    save(world, sites="klinika.pl")
    page = world.client.get(BASE).text
    form = page[page.index('action="/staff/settings/website"') :]
    assert form.index("<button hidden>") < form.index('name="also"')


def test_two_who_save_at_once(world: StaffWorld) -> None:
    revision = str(world.offer().revision)
    assert save(world, sites="a.pl", revision=revision).status_code == 303
    second = save(world, sites="b.pl", revision=revision)
    assert second.status_code == 409
    assert "b.pl" in second.text
    assert world.offer().clinic.allowed_origins == ("https://a.pl",)
