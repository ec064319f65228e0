"""A clinic's link pasted elsewhere: the oEmbed answer, the card behind it, and what neither of them ever does."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory, category_of
from okienko_server.domain.slots import bits
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.next_starts import next_starts
from okienko_server.operations.onboard_clinic import PractitionerPlan, ServicePlan, competent
from okienko_server.storage.tables import Base
from okienko_server.web.pages.oembed import discovery, oembed
from okienko_widget.card import HEIGHT, POLICY, WIDTH
from tests.conftest import MONDAY, Clock, visitor
from tests.plans import VISIT, clinic, one_therapist
from tests.web.patients import ApiPatient, change_clinic, house_of, opened
from tests.web.test_headers import csp_hash, directives

PAGE = "http://localhost/g/kazimierz"


@pytest.fixture
def app(app: Flask) -> Flask:
    if "oembed" not in app.blueprints:
        app.register_blueprint(oembed)
    return app


def asked(client: FlaskClient, url: str = PAGE, **more: str) -> TestResponse:
    return client.get("/oembed", query_string={"url": url, **more})


def frame_of(answer: TestResponse) -> dict[str, str]:
    """Return the attributes of the one frame the answer consists of."""
    markup = answer.get_json()["html"]
    assert re.fullmatch(r"<iframe( [a-z]+=\"[^\"<>]*\")+></iframe>", markup), markup
    return {name: unescape(value) for name, value in re.findall(r' ([a-z]+)="([^"]*)"', markup)}


def links_of(card: TestResponse) -> list[str]:
    return [
        unescape(link)
        for link in re.findall(r'<a class="all" href="([^"]+)"|<li><a href="([^"]+)"', card.text)
        for link in link
        if link
    ]


# ------------------------------------------------------------------------------------------------ the answer


def test_the_answer_is_a_frame_with_the_card(app: Flask, client: FlaskClient) -> None:
    opened(app)
    answer = asked(client, format="json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    told = answer.get_json()
    title = "Wolne terminy – Rehabilitacja Kazimierz"
    assert told.pop("html")
    assert told == {
        "version": "1.0", "type": "rich", "title": title, "provider_name": "Okienko", "provider_url": "http://localhost/",
        "cache_age": 86400, "width": WIDTH, "height": HEIGHT,
    }  # fmt: skip
    assert frame_of(answer) == {
        "src": "http://localhost/card/kazimierz", "width": str(WIDTH), "height": str(HEIGHT), "title": title,
        "frameborder": "0", "scrolling": "no",
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(urlsplit(frame_of(answer)["src"]).path).status_code == 200


def test_every_address_of_the_page_is_known(app: Flask, client: FlaskClient) -> None:
    place = opened(app)
    for url in (
        PAGE, PAGE + "/", PAGE + "?date=2026-11-24&service=x", PAGE + "#category=spine", f"http://localhost/g/{place.id}",
        "https://localhost/g/kazimierz", "http://LOCALHOST:80/g/kazimierz", "http://localhost/g/kazim%69erz",
    ):  # fmt: skip
        assert frame_of(asked(client, url))["src"] == "http://localhost/card/kazimierz", url


@pytest.mark.parametrize(
    "url",
    [
        "", "kazimierz", "/g/kazimierz", "//localhost/g/kazimierz", "ftp://localhost/g/kazimierz", "javascript:alert(1)",
        "http://localhost/", "http://localhost/g/", "http://localhost/g/nie-ma", "http://localhost/e/kazimierz",
        "http://localhost/g/kazimierz/more", "http://localhost/card/kazimierz", "http://localhost:81/g/kazimierz",
        "http://evil.example/g/kazimierz", "http://localhost@evil.example/g/kazimierz", "http://u@localhost/g/kazimierz",
        "http://localhost.evil.example/g/kazimierz", "http://localhost\\@evil.example/g/kazimierz", "http://[::1/g/kazimierz",
        "http://localhost:99999/g/kazimierz", "http://localhost:x/g/kazimierz", "http://localhost/g/%00", "http://localhost/g/%ff",
        "http://localhost/g/kazimierz%00", "http://localhost/g/\"><script>", "http://localhost/g/'or''='", "http://localhost/g/żółw",
        "http://localhost/g/" + "k" * 10_000, PAGE + "?" + "x" * 10_000, "http://localho\u2100st/g/kazimierz", "\ud800",
    ],
)  # fmt: skip
def test_any_other_address_is_not_found(app: Flask, client: FlaskClient, url: str) -> None:
    opened(app)
    answer = client.get("/oembed?url=" + quote(url, errors="surrogatepass", safe=""))
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_a_missing_or_doubled_address_is_no_server_error(app: Flask, client: FlaskClient) -> None:
    opened(app)
    assert client.get("/oembed").status_code == 404
    assert client.get(f"/oembed?url=x&url={quote(PAGE)}").status_code == 404
    assert client.get("/oembed?url=%ED%A0%80%FF").status_code == 404
    assert client.post("/oembed", data={"url": PAGE}).status_code == 405


@pytest.mark.parametrize("wanted", ["xml", "yaml", "JSON", "", "json\x00", "x" * 10_000])
def test_other_formats_are_not_built(app: Flask, client: FlaskClient, wanted: str) -> None:
    opened(app)
    assert asked(client, format=wanted).status_code == 501


@pytest.mark.parametrize(
    ("limits", "size"),
    [
        ({"maxwidth": "400"}, (400, HEIGHT)),
        ({"maxwidth": "4000", "maxheight": "4000"}, (WIDTH, HEIGHT)),
        ({"maxwidth": "500", "maxheight": "250"}, (500, 250)),
        ({"maxwidth": "1", "maxheight": "1"}, (1, 1)),
        *(({"maxwidth": odd, "maxheight": odd}, (WIDTH, HEIGHT)) for odd in ("abc", "0", "-1", "", "1.5", "1e3", "٣", "9" * 5000)),
    ],
)  # fmt: skip
def test_the_frame_keeps_to_the_page_s_limits(
    app: Flask, client: FlaskClient, limits: dict[str, str], size: tuple[int, int]
) -> None:
    opened(app)
    answer = asked(client, **limits)
    assert (answer.get_json()["width"], answer.get_json()["height"]) == size
    assert (frame_of(answer)["width"], frame_of(answer)["height"]) == tuple(map(str, size))


@pytest.mark.parametrize("contract", ["trial", "suspended"])
def test_a_clinic_that_is_not_visible_has_no_card(app: Flask, client: FlaskClient, contract: str) -> None:
    place = opened(app)
    assert asked(client).status_code == 200
    change_clinic(app, place.id, contract=contract)
    assert asked(client).status_code == 404
    assert asked(client, f"http://localhost/g/{place.id}").status_code == 404
    hidden = client.get("/card/kazimierz")
    assert hidden.status_code == 404
    assert "Rezerwacja przez internet jest teraz niedostępna" in hidden.text and "Kazimierz" not in hidden.text
    assert hidden.text == client.get("/card/nie-ma").text


def test_a_name_cannot_break_out_of_the_frame_or_the_card(app: Flask, client: FlaskClient) -> None:
    name = "\"'><script>alert(1)</script>&amp;"
    opened(app, replace(clinic(), name=name))
    answer = asked(client)
    assert frame_of(answer)["title"] == f"Wolne terminy – {name}"
    assert "<script>alert" not in client.get("/card/kazimierz").text


def test_a_page_can_name_the_answer_in_its_head(app: Flask, client: FlaskClient) -> None:
    place = opened(app)
    desk = house_of(app).desk
    with app.test_request_context("/g/kazimierz"), desk.database.reading() as connection:
        address = discovery(desk.offer(connection, visitor(place.id)))
    assert parse_qs(urlsplit(address).query) == {"url": [PAGE], "format": ["json"]}
    assert client.get(address).status_code == 200


# ------------------------------------------------------------------------------------------------ the card


def test_the_card_shows_three_times_that_lead_to_their_days(app: Flask, client: FlaskClient) -> None:
    opened(app)
    card = client.get("/card/kazimierz")
    assert card.status_code == 200
    # Monday 8:00 in Kraków, two hours' notice: one start each half day.
    assert re.findall(r'class="wide">([^<]+)</span></span> <b>([^<]+)', card.text) == [
        ("dziś, 23 listopada", "10:00"), ("dziś, 23 listopada", "13:00"), ("jutro, 24 listopada", "8:00"),
    ]  # fmt: skip
    assert links_of(card) == [*(f"{PAGE}?date=2026-11-{day}" for day in (23, 23, 24)), PAGE]
    assert card.text.count('target="_blank" rel="noopener"') == 4
    assert "Rehabilitacja Kazimierz" in card.text and "ul. Józefa 12, Kraków" in card.text
    for link in links_of(card):
        assert client.get(link).status_code == 200


def test_days_further_on_are_named(app: Flask, client: FlaskClient, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 27, 16, 30, tzinfo=UTC)
    opened(app)
    assert re.findall(r'narrow">([^<]+).*?wide">([^<]+)', client.get("/card/kazimierz").text) == [
        ("pon. 30.11", "pon. 30 listopada"), ("pon. 30.11", "pon. 30 listopada"), ("wt. 1.12", "wt. 1 grudnia")
    ]  # fmt: skip


def test_a_full_clinic_names_its_phone(app: Flask, client: FlaskClient) -> None:
    opened(app, replace(clinic(staff=()), services=(VISIT,), phone="+48123450612"))
    card = client.get("/card/kazimierz")
    assert card.status_code == 200
    assert (
        "nie ma wolnych terminów" in card.text and 'href="tel:+48123450612"' in card.text and "123 450 612" in card.text
    )
    assert links_of(card) == [PAGE]


def test_a_full_clinic_without_a_phone_promises_no_call(app: Flask, client: FlaskClient) -> None:
    place = opened(app, replace(clinic(staff=()), services=(VISIT,)))
    change_clinic(app, place.id, phone="")
    card = client.get("/card/kazimierz").text
    assert "nie ma wolnych terminów" in card and "tel:" not in card and "Zadzwoń" not in card


def test_a_taken_time_leaves_the_card(app: Flask, client: FlaskClient) -> None:
    place = opened(app, one_therapist("kazimierz"))
    before = re.findall("<b>([^<]+)", client.get("/card/kazimierz").text)
    ApiPatient(app, place.id).hold(MONDAY)
    after = re.findall("<b>([^<]+)", client.get("/card/kazimierz").text)
    assert (before[0], after[0]) == ("8:00", "9:00")


def test_any_site_frames_the_card_and_any_cache_keeps_it_a_minute(app: Flask, client: FlaskClient) -> None:
    opened(app)
    for path, status in (("/card/kazimierz", 200), ("/card/nie-ma", 404)):
        card = client.get(path)
        (style,) = re.findall(r"<style>(.*?)</style>", card.text, re.DOTALL)
        (script,) = re.findall(r"<script>(.*?)</script>", card.text, re.DOTALL)
        policy = directives(card)
        assert card.status_code == status and card.headers["Content-Security-Policy"] == POLICY
        assert (policy["style-src"], policy["script-src"]) == (csp_hash(style), csp_hash(script))
        assert (policy["frame-ancestors"], policy["default-src"], policy["form-action"]) == (
            "http: https:",
            "'none'",
            "'none'",
        )
        assert "X-Frame-Options" not in card.headers and "Set-Cookie" not in card.headers
        assert card.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert card.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert (card.headers["Cache-Control"], card.headers["X-Content-Type-Options"]) == (
            "public, max-age=60",
            "nosniff",
        )
        for never in (
            "<form",
            "<input",
            "cookie",
            "localStorage",
            "sessionStorage",
            " style=",
            "javascript:",
            "window.open",
        ):
            assert never not in card.text, never


@pytest.mark.parametrize(
    "slug", ["%22%3E%3Cscript%3E", "'", "%00", "%ff", "a%20b", "k" * 10_000, "..", "%2e%2e%2fe", "żółw", "%ED%A0%80"]
)
def test_odd_short_names_get_the_kind_card(app: Flask, client: FlaskClient, slug: str) -> None:
    opened(app)
    answer = client.get(f"/card/{slug}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text and "kazimierz" not in answer.text


def test_looking_saves_nothing(app: Flask, client: FlaskClient) -> None:
    opened(app)

    def rows() -> list[int]:
        with house_of(app).desk.database.reading() as connection:
            return [len(connection.execute(table.select()).all()) for table in Base.metadata.sorted_tables]

    before = rows()
    asked(client)
    client.get("/card/kazimierz")
    assert rows() == before


# ------------------------------------------------------------------------------------------------ the operation


def starts_of(app: Flask, clinic_id: str, count: int = 3) -> list[datetime]:
    desk, now = house_of(app).desk, house_of(app).clock()
    found = next_starts(count, scope=visitor(clinic_id), desk=desk, now=now)
    return [datetime.fromtimestamp(cell * 300, UTC) for cell in found.cells]


def test_each_start_is_the_first_free_one_of_its_half_day(app: Flask) -> None:
    place = opened(app)
    desk, now = house_of(app).desk, MONDAY
    free: set[datetime] = set()
    for category in ("spine", "sports", "geriatrics", "paediatrics"):
        for start in _free(app, place.id, category):
            free.add(start)
    warsaw = [(start.date(), start.hour + 1 >= 12) for start in sorted(free)]
    firsts = [start for n, start in enumerate(sorted(free)) if warsaw[n] not in warsaw[:n]]
    assert starts_of(app, place.id, 99) == firsts
    assert len(firsts) == 20
    assert next_starts(0, scope=visitor(place.id), desk=desk, now=now).cells == ()


def _free(app: Flask, clinic_id: str, category: str) -> list[datetime]:
    question = Question(category_of(category), ADULT, ServiceKind.CONSULTATION, days=14)
    found = find_slots(question, scope=visitor(clinic_id), desk=house_of(app).desk, now=MONDAY)
    return [datetime.fromtimestamp((found.span.base + bit) * 300, UTC) for bit in bits(found.any_start)]


def test_times_of_people_who_treat_no_adults_do_not_count(app: Flask) -> None:
    children = PractitionerPlan("mgr", "Hanna", "Bąk", competent("paediatrics 0m-17y"))
    place = opened(app, replace(clinic(staff=()), practitioners=(children,)))
    mixed = opened(app, replace(clinic("wola", staff=()), practitioners=(children, clinic().practitioners[0])))
    only_visits = opened(app, replace(clinic("ursus", staff=()), services=(VISIT,)))
    assert len(starts_of(app, place.id)) == 3, "a children's clinic has first visits too"
    assert starts_of(app, mixed.id) == starts_of(app, place.id), "the same hours"
    assert starts_of(app, only_visits.id) == []


def test_a_service_for_other_problems_does_not_count(app: Flask) -> None:
    for_jaws = ServicePlan(
        "Szczęka", ServiceKind.CONSULTATION, 60, 20_000, categories=frozenset({ProblemCategory.JAW_HEAD})
    )
    place = opened(app, replace(one_therapist(), services=(for_jaws, VISIT)))
    assert starts_of(app, place.id) == []


def test_the_fortnight_is_the_end(app: Flask, clock: Clock) -> None:
    place = opened(app)
    last = starts_of(app, place.id, 99)[-1]
    assert last.date() == (MONDAY + timedelta(days=11)).date(), "Friday of the second week"


def test_a_clinics_page_says_where_its_card_is(app: Flask) -> None:
    opened(app, clinic("kazimierz"))
    page = app.test_client().get("/g/kazimierz?category=spine").text
    (found,) = re.findall(r'<link rel="alternate" type="application/json\+oembed" href="([^"]+)"', page)
    answer = app.test_client().get(unescape(found)).get_json()
    assert (answer["type"], answer["version"]) == ("rich", "1.0")
    assert "spine" not in found
    assert "oembed" not in app.test_client().get("/").text
