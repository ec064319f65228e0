"""The portal's pages as patients and search engines meet them: searching, a clinic's own page, treatments in towns, bad input."""

from __future__ import annotations

import json
import logging
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain.access import Access
from okienko_server.domain.contract import ContractStatus
from okienko_server.operations.keep_starts import keep_starts
from okienko_server.operations.onboard_clinic import LocationPlan, OpenedClinic, weekly
from okienko_server.storage import directory
from okienko_server.storage.tables import ClinicRow, ContractTermRow
from okienko_server.web.pages.choices import Choices
from tests.conftest import MONDAY, Clock
from tests.plans import clinic
from tests.web.pages import Page
from tests.web.patients import FormPatient, embed_token, house_of, opened, searched_as_visible

OPEN = weekly("mon-fri 8:00-18:00")
PLACES = {
    "krakow": LocationPlan("Rynek", "Rynek 1", "31-042", "Kraków", OPEN, 50.0617, 19.9373, frozenset({Access.PARKING})),
    "wieliczka": LocationPlan("Solna", "ul. Solna 2", "32-020", "Wieliczka", OPEN, 49.9871, 20.0647),
    "warszawa": LocationPlan("Wola", "ul. Wolska 3", "01-001", "Warszawa", OPEN, 52.2330, 20.9700),
}


def town(app: Flask) -> dict[str, OpenedClinic]:
    """Open a clinic in each of three towns and let the worker catch up."""
    there = {
        name: opened(
            app, replace(clinic(f"gabinet-{name}"), name=f"Gabinet {name.title()}", staff=(), locations=(place,))
        )
        for name, place in PLACES.items()
    }
    caught_up(app)
    return there


def caught_up(app: Flask) -> None:
    while keep_starts(desk=house_of(app).desk, now=house_of(app).clock()):
        pass


def names(page: Page) -> list[str]:
    return re.findall(r'<h2><a href="[^"]*"[^>]*>([^<]*)</a>', page.html)


def test_the_nearest_town_is_searched_and_named(app: Flask) -> None:
    town(app)
    page = FormPatient(app).problem(place="krakow")
    # Two are too few, so it looks further; Warszawa is further than the widest circle.
    assert names(page) == ["Gabinet Krakow", "Gabinet Wieliczka"]
    assert "Kraków i okolice" in page.text and "12 km" in page.text


@pytest.mark.parametrize(
    "typed", ["Krakuf", "krakow", "KRAKÓW", "Krakw", "Kraków, małopolskie", "Kraków (małopolskie)"]
)
def test_a_town_is_understood_however_it_is_spelled(app: Flask, typed: str) -> None:
    town(app)
    assert names(FormPatient(app).problem(place=typed))[0] == "Gabinet Krakow"


def test_an_unknown_town_is_told_beside_its_field_and_nothing_typed_is_lost(app: Flask) -> None:
    town(app)
    page = FormPatient(app).problem(place="Atlantyda", kind="visit")
    assert "Nie znamy takiego miasta" in page.text and 'value="Atlantyda"' in page.html
    assert page.form("/w/problem").value("kind") == "visit" and 'aria-describedby="e-place"' in page.html


def test_the_patients_own_place_is_a_way_to_search_too(app: Flask) -> None:
    town(app)
    page = FormPatient(app).problem(near="49.99,20.06")
    assert names(page)[0] == "Gabinet Wieliczka" and "Wieliczka i okolice" in page.text


def test_a_place_beyond_poland_is_no_place(app: Flask) -> None:
    town(app)
    assert len(names(FormPatient(app).problem(near="48.85,22.35"))) == 3


def test_nobody_in_the_town_leads_to_the_nearest_who_does(app: Flask) -> None:
    town(app)
    page = FormPatient(app).problem(place="Gdańsk")
    assert "pokazujemy całą Polskę" in page.text and len(names(page)) == 3


def test_a_wish_nobody_fits_is_given_up_and_said(app: Flask) -> None:
    town(app)
    page = FormPatient(app).problem(place="Kraków", when="weekend", access="step_free", language="de")
    assert names(page)[0] == "Gabinet Krakow"
    for sentence in ("O tej porze", "Z takimi ułatwieniami", "W tym języku"):
        assert sentence in page.text


def test_access_narrows_the_list(app: Flask) -> None:
    town(app)
    assert names(FormPatient(app).problem(access="parking")) == ["Gabinet Krakow"]


def test_a_time_on_the_list_is_held_at_that_address(app: Flask) -> None:
    two = replace(clinic("dwa"), staff=(), locations=(PLACES["warszawa"], PLACES["krakow"]))
    person = replace(two.practitioners[0], hours={"Wola": OPEN, "Rynek": OPEN})
    opened(app, replace(two, practitioners=(person,)))
    patient = FormPatient(app)
    page = patient.problem(place="Kraków")
    held = patient.press("/w/hold", page.form("/w/hold").buttons[0].value)
    assert "Rynek 1, Kraków" in held.text and "Wolska" not in held.text


def test_towns_are_suggested_in_a_body_and_only_unpinned(app: Flask) -> None:
    place = opened(app)
    session = FormPatient(app).page.form("/w/problem").value("session")
    answer = app.test_client().post("/w/places", data={"session": session, "place": "Dąbrowa"})
    assert len(answer.get_json()) > 1 and all(name.startswith("Dąbrowa") for name in answer.get_json())
    pinned = FormPatient(app, f"/e/{embed_token(place.id)}").page.form("/w/problem").value("session")
    assert app.test_client().post("/w/places", data={"session": pinned, "place": "Kr"}).status_code == 404


HOSTILE = (
    "'; DROP TABLE clinic;--", "<script>alert(1)</script>", "%00", "\0", "x" * 10_000, "-1", "9" * 40,
    "2026-99-99", "٣", "{{7*7}}", "",
)  # fmt: skip
FIELDS = (
    "category", "kind", "age_group", "age", "age_unit", "place", "near", "km", "when",
    "access", "language", "order", "page", "location", "clinic", "week",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_bad_input_gets_a_page_or_a_reason_never_a_fault(app: Flask, field: str) -> None:
    town(app)
    session = FormPatient(app).page.form("/w/problem").value("session")
    usual = {"session": session, "key": "k", "category": "spine", "kind": "consultation", "age_group": "adult"}
    client = app.test_client()
    for text in HOSTILE:
        answer = client.post("/w/problem", data=usual | {field: text})
        assert answer.status_code < 500, (field, text)
        assert "<script>alert" not in answer.text and "Coś poszło nie tak" not in answer.text


def test_a_thousand_parameters_and_far_pages_do_no_harm(app: Flask) -> None:
    town(app)
    client = app.test_client()
    many = "&".join(f"p{n}={n}" for n in range(1000))
    assert client.get(f"/?{many}").status_code < 500
    first = FormPatient(app).problem().text
    for number in ("999999999", "-3", "30"):
        page = FormPatient(app).problem(page=number)
        assert page.status == 200 and page.text == first, number


def test_a_clinics_page_tells_everything_and_only_what_is_public(app: Flask) -> None:
    town(app)
    page = Page(app.test_client().get("/g/gabinet-krakow"))
    for words in (
        "Zofia Wróblewska",
        "od 16 lat",
        "Konsultacja",
        "180 zł",
        "Rynek 1, 31-042 Kraków",
        "8:00–18:00",
        "Parking",
        "Jak dojechać",
    ):
        assert words in page.text, words
    (told,) = described(page)
    assert told["@type"] == "MedicalClinic" and told["potentialAction"]["@type"] == "ReserveAction"
    assert told["geo"]["latitude"] == 50.0617 and len(told["openingHoursSpecification"]) == 5
    assert "noindex" not in page.html and 'rel="canonical" href="http://localhost/g/gabinet-krakow"' in page.html


def described(page: Page) -> list[dict[str, Any]]:
    """Return the JSON-LD of a page."""
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.html, re.DOTALL)
    return [json.loads(text) for text in found]


def test_a_name_cannot_end_the_description(app: Flask) -> None:
    opened(app, replace(clinic("zly"), name="</script><script>alert(1)</script>", staff=()))
    page = Page(app.test_client().get("/g/zly"))
    assert described(page)[0]["name"] == "</script><script>alert(1)</script>" and "<script>alert" not in page.html


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("category=jaw_head", "nie zajmuje się już tym"),
        ("practitioner=nobody", "nie można tu już wybrać"),
        ("service=none", "nie można tu już zarezerwować"),
        ("date=2020-01-01", "już minął"),
        ("category=spine&age_group=adult&practitioner=nobody", "nie można tu już wybrać"),
        ("category=spine", ""),
    ],
)  # fmt: skip
def test_a_stale_link_lands_on_the_nearest_step_and_says_why(app: Flask, query: str, said: str) -> None:
    opened(app)
    answer = app.test_client().get(f"/g/kazimierz?{query}")
    page = Page(answer)
    assert answer.status_code == 200 and said in page.text
    assert ('class="o-notice"' in page.html) == bool(said)
    assert 'content="noindex"' in page.html and 'href="http://localhost/g/kazimierz"' in page.html


def test_a_link_that_says_everything_opens_on_the_times(app: Flask) -> None:
    opened(app)
    page = Page(app.test_client().get("/g/kazimierz?category=spine&age_group=adult"))
    assert "o-at-times" in page.html and page.form("/w/hold").buttons
    baby = Page(app.test_client().get("/g/kazimierz?category=paediatrics&age_group=child"))
    assert "o-at-problem" in baby.html and "Podaj wiek dziecka" in baby.text


def test_a_treatment_in_a_town_has_a_page_with_its_clinics(app: Flask) -> None:
    town(app)
    page = Page(app.test_client().get("/fizjoterapia/kregoslup/krakow"))
    assert page.status == 200 and "1 placówka" in page.text and names(page)[0] == "Gabinet Krakow"
    assert "noindex" not in page.html and page.form("/w/hold").buttons
    assert described(page)[0]["breadcrumb"]


def test_a_town_where_nobody_treats_it_is_no_page_for_search_engines(app: Flask) -> None:
    town(app)
    page = Page(app.test_client().get("/fizjoterapia/kregoslup/gdansk"))
    assert page.status == 200 and 'content="noindex"' in page.html and len(names(page)) == 3


def test_a_childs_treatment_offers_no_time_before_the_age_is_said(app: Flask) -> None:
    town(app)
    page = Page(app.test_client().get("/fizjoterapia/niemowleta-i-dzieci/krakow"))
    assert page.status == 200 and "/w/hold" not in page.html and "Wiek dziecka" in page.text
    assert (
        '<a href="/g/gabinet-krakow">Gabinet Krakow, Rynek 1</a>' in page.html and "gabinet-wieliczka" not in page.html
    )


@pytest.mark.parametrize(
    "path", ["/fizjoterapia/nic/krakow", "/fizjoterapia/kregoslup/atlantyda", "/fizjoterapia/nic/"]
)
def test_an_unknown_treatment_or_town_is_not_found(app: Flask, path: str) -> None:
    assert app.test_client().get(path).status_code == 404


def locations(app: Flask, path: str) -> list[str]:
    answer = app.test_client().get(path)
    assert answer.status_code == 200 and answer.mimetype == "application/xml"
    return [
        node.text or "" for node in ET.fromstring(answer.data).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    ]


def listed(app: Flask) -> set[str]:
    """Return every address the sitemaps name."""
    files = [url.removeprefix("http://localhost") for url in locations(app, "/sitemap.xml")]
    return {url for file in files for url in locations(app, file)}


def test_every_address_of_the_sitemap_is_there_canonical_once_and_indexed(app: Flask) -> None:
    town(app)
    addresses, canonical = listed(app), []
    assert "http://localhost/g/gabinet-wieliczka" in addresses
    assert "http://localhost/fizjoterapia/kregoslup/warszawa" in addresses
    for address in sorted(addresses):
        page = Page(app.test_client().get(address.removeprefix("http://localhost")))
        assert page.status == 200 and "noindex" not in page.html, address
        canonical += re.findall(r'rel="canonical" href="([^"]*)"', page.html)
        for picture in re.findall(r'og:image" content="http://localhost([^"]*)"', page.html):
            answer = app.test_client().get(picture)
            assert answer.status_code == 200 and answer.data.startswith(b"\x89PNG"), picture
    assert sorted(canonical) == sorted(addresses)


@pytest.mark.parametrize("how", ["trial", "paused", "unlisted", "not indexed", "switched off"])
def test_who_is_not_shown_is_in_no_sitemap_and_on_no_page_of_a_treatment(app: Flask, clock: Clock, how: str) -> None:
    there = town(app)
    assert "http://localhost/g/gabinet-krakow" in listed(app)  # the control
    changes: dict[str, dict[str, Any]] = {
        "paused": {"paused_at": MONDAY}, "unlisted": {"listed": False}, "not indexed": {"indexed": False},
        "switched off": {"registration": False},
    }  # fmt: skip
    with house_of(app).desk.database.writing() as connection:
        if how == "trial":
            mine = ContractTermRow.clinic_id == there["krakow"].id
            connection.execute(update(ContractTermRow).where(mine).values(status=ContractStatus.TRIAL.value))
        else:
            mine = ClinicRow.clinic_id == there["krakow"].id
            connection.execute(update(ClinicRow).where(mine).values(**changes[how], revision=ClinicRow.revision + 1))
    clock.forward(minutes=6)
    addresses = listed(app)
    assert "http://localhost/g/gabinet-krakow" not in addresses
    assert "http://localhost/fizjoterapia/kregoslup/krakow" not in addresses
    page = app.test_client().get("/fizjoterapia/kregoslup/krakow").text
    assert ("Gabinet Krakow" in page) == (how == "not indexed")
    own = app.test_client().get("/g/gabinet-krakow")
    assert own.status_code != 200 or 'content="noindex"' in own.text


def test_robots_keep_to_what_is_public(app: Flask) -> None:
    answer = app.test_client().get("/robots.txt")
    assert "Disallow: /w/" in answer.text and "Sitemap: http://localhost/sitemap.xml" in answer.text


def test_what_is_public_is_kept_and_what_holds_a_session_is_not(app: Flask) -> None:
    town(app)
    client = app.test_client()
    for path in ("/sitemap.xml", "/robots.txt", "/g/gabinet-krakow/karta.png"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"].startswith("public") and answer.headers["ETag"]
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
    for path in ("/", "/g/gabinet-krakow", "/fizjoterapia/kregoslup/krakow"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in answer.headers


def test_only_our_own_page_may_ask_where_the_patient_is(app: Flask) -> None:
    place = opened(app)
    assert "geolocation=(self)" in app.test_client().get("/").headers["Permissions-Policy"]
    assert "geolocation=()" in app.test_client().get(f"/e/{embed_token(place.id)}").headers["Permissions-Policy"]


def test_what_is_looked_for_stands_in_no_log_no_title_and_no_link(
    app: Flask, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    town(app)
    with caplog.at_level(logging.INFO):
        patient = FormPatient(app)
        pages = [patient.problem(place="Wieliczka"), FormPatient(app).problem(near="49.99,20.06", access="parking")]
        session = pages[0].form("/w/problem").value("session")
        app.test_client().post("/w/places", data={"session": session, "place": "Wielicz"})
    for page in pages:
        assert not [word for word in ("kręgosłup", "wieliczka", "spine") if word in page.title.lower()]
        links = " ".join(re.findall(r'(?:href|src|action)="([^"]*)"', page.html.replace("gabinet-wieliczka", "")))
        assert not [word for word in ("spine", "ieliczk", "20.06", "49.99") if word in links]
    written = caplog.text + "".join(capfd.readouterr())
    assert not [word for word in ("spine", "ieliczk", "49.99") if word in written]


def test_a_page_of_the_search_holds_ten_and_leads_to_the_next(app: Flask) -> None:
    for number in range(12):
        opened(app, replace(clinic(f"g{number}"), name=f"Gabinet {number:02}", staff=()))
    caught_up(app)
    first, second = FormPatient(app).problem(), FormPatient(app).problem(page="2")
    assert len(names(first)) == 10 and len(names(second)) == 2 and not set(names(first)) & set(names(second))
    assert 'name="page" value="2"' in first.html and 'name="page" value="1"' in second.html
    assert '<ol class="o-list" start="11">' in second.html


def test_a_further_page_belongs_to_the_search_that_was_widened(app: Flask) -> None:
    place = LocationPlan("Rynek", "Rynek 1", "34-400", "Nowy Targ", OPEN, 49.4774, 20.0323)
    for number in range(14):
        opened(app, replace(clinic(f"g{number}"), name=f"Gabinet {number:02}", staff=(), locations=(place,)))
    caught_up(app)
    for wish in ({"place": "Zakopane"}, {"when": "weekend"}, {"place": "Zakopane", "when": "weekend"}):
        first, second = FormPatient(app).problem(**wish), FormPatient(app).problem(**wish, page="2")
        assert len(names(first)) == 10 and len(names(second)) == 4, wish
        assert not set(names(first)) & set(names(second))


def test_a_language_that_was_given_up_does_not_stand_in_the_way_of_the_time(app: Flask) -> None:
    town(app)
    patient = FormPatient(app)
    page = patient.problem(language="de")
    assert "W tym języku" in page.text
    assert "o-at-details" in patient.press("/w/hold", page.form("/w/hold").buttons[0].value).html


@pytest.mark.parametrize("said", ["age_group=", "age_group=infant", "age_group=child&age=3&age_unit=days", ""])
def test_no_link_passes_the_question_whose_body_it_is(app: Flask, said: str) -> None:
    opened(app)
    page = Page(app.test_client().get(f"/g/kazimierz?category=spine&{said}"))
    assert "o-at-problem" in page.html and "/w/hold" not in page.html


def test_a_list_says_for_whom_its_times_are_and_asks_a_childs_age(app: Flask) -> None:
    town(app)
    patient = FormPatient(app, "/fizjoterapia/kregoslup/krakow")
    assert "pierwsza wizyta · dorosły" in patient.page.text and "Kto przyjdzie?" in patient.page.text
    child = patient.press("/w/problem", age_group="child")
    assert "Podaj wiek dziecka" in child.text and "/w/hold" not in child.html
    senior = FormPatient(app, "/fizjoterapia/kregoslup/krakow").press("/w/problem", age_group="senior")
    assert "· 65+" in senior.text


def test_a_town_counts_only_the_addresses_that_lie_in_it(app: Flask) -> None:
    """Olsztyn is two towns, Bory sounds like Żory: nobody is said to be where nobody is."""
    silesian = LocationPlan("Olsztyn", "Rynek 1", "42-256", "Olsztyn", OPEN, 50.7526, 19.2710)
    sounding = LocationPlan("Bory", "ul. Leśna 1", "44-240", "Bory", OPEN)
    loud = LocationPlan("Rynek", "Rynek 9", "31-042", "KRAKÓW", OPEN)
    for slug, place in (("olsztyn", silesian), ("bory", sounding), ("krak", loud)):
        opened(app, replace(clinic(slug), staff=(), locations=(place,)))
    caught_up(app)
    addresses = listed(app)
    assert "http://localhost/fizjoterapia/kregoslup/krakow" in addresses
    assert "http://localhost/fizjoterapia/kregoslup/zory" not in addresses
    silesia = [url for url in addresses if "kregoslup/olsztyn" in url]
    assert silesia == ["http://localhost/fizjoterapia/kregoslup/olsztyn-slaskie"]
    page = app.test_client().get("/fizjoterapia/kregoslup/olsztyn-slaskie").text
    assert "1 placówka" in page and "Rynek 1" in page and "noindex" not in page


def test_the_control_without_the_conditions_of_being_listed_a_trial_clinic_is_everywhere(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = town(app)
    with house_of(app).desk.database.writing() as connection:
        mine = ContractTermRow.clinic_id == there["krakow"].id
        connection.execute(update(ContractTermRow).where(mine).values(status=ContractStatus.TRIAL.value))
    assert "Gabinet Krakow" not in FormPatient(app).problem(place="Kraków").text
    anybody = (ClinicRow.clinic_id != "",)
    monkeypatch.setattr(directory, "visible", lambda now: anybody)
    searched_as_visible(monkeypatch, *anybody)
    assert "http://localhost/g/gabinet-krakow" in listed(app)
    assert "Gabinet Krakow" in FormPatient(app).problem(place="Kraków").text


def test_the_control_without_the_pause_a_paused_clinic_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    there = town(app)
    with house_of(app).desk.database.writing() as connection:
        mine = ClinicRow.clinic_id == there["krakow"].id
        connection.execute(update(ClinicRow).where(mine).values(paused_at=MONDAY, revision=ClinicRow.revision + 1))
    caught_up(app)
    assert "Gabinet Krakow" not in FormPatient(app).problem(place="Kraków").text
    searched_as_visible(monkeypatch, ClinicRow.registration.is_(True))
    assert "Gabinet Krakow" in FormPatient(app).problem(place="Kraków").text


def test_near_me_is_a_kilometre_on_the_server_as_well(app: Flask) -> None:
    with app.test_request_context():
        found = Choices.of({"near": "50.061432,19.936581"}).where()
    assert found is not None and (found[0].latitude, found[0].longitude) == (50.06, 19.94)
