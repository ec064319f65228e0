"""Free times for programs: what a clinic's list and the portal's SMART Scheduling Links say, to whom, and what they never say."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft6Validator
from sqlalchemy import update
from werkzeug.test import TestResponse

from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, ProblemCategory
from okienko_server.domain.slots import bits
from okienko_server.operations import publish_slots
from okienko_server.operations.find_slots import Question, find_slots
from okienko_server.operations.onboard_clinic import (
    ClinicPlan,
    LocationPlan,
    OpenedClinic,
    PractitionerPlan,
    ServicePlan,
    competent,
    weekly,
)
from okienko_server.storage.tables import Base, LocationRow
from okienko_server.web.pages.fhir import BOOKING_LINK
from tests.conftest import MONDAY, Clock, visitor
from tests.plans import VISIT, clinic, one_therapist
from tests.web.patients import TUESDAY_TEN, ApiPatient, change_clinic, house_of, opened

LIST = "/g/kazimierz/terminy.json"
MANIFEST = "/fhir/$bulk-publish"
FILES = ("locations", "schedules", "slots")
SCHEMA = json.loads((Path(__file__).parents[1] / "contracts/fhir/r4-scheduling.schema.json").read_text())
FHIR = Draft6Validator(SCHEMA)
REQUIRED = {
    "Location": {"id", "name", "telecom", "address", "identifier"},
    "Schedule": {"id", "actor", "serviceType"},
    "Slot": {"id", "schedule", "status", "start", "end", "extension"},
}
"""What the specification's tables mark as required; the booking link is ours to promise."""
FIRST = ServicePlan("Konsultacja", ServiceKind.CONSULTATION, 60, 18_000)
SHORT = ServicePlan("Krótka", ServiceKind.CONSULTATION, 30, 9_000, categories=frozenset({ProblemCategory.SPORTS}))
SHUT: dict[str, dict[str, Any]] = {
    "trial": {"contract": "trial"},
    "suspended": {"contract": "suspended"},
    "ended": {"contract": "ended"},
    "paused": {"paused_at": MONDAY - timedelta(days=1)},
    "registration off": {"registration": False},
}
UNPUBLISHED: dict[str, dict[str, Any]] = {"unlisted": {"listed": False}, "not indexed": {"indexed": False}}


def two_places() -> ClinicPlan:
    """Two addresses, two first visits of different lengths; one therapist gives both, one only the long one, one treats no adults."""
    hours = weekly("mon-fri 8:00-12:00 14:00-16:00")
    places = (
        LocationPlan("Główna", "ul. Józefa 12", "31-056", "Kraków", hours, 50.05, 19.94),
        LocationPlan("Filia", "ul. Długa 3", "32-020", "Wieliczka", hours),
    )
    both = {"Główna": weekly("mon-tue 8:00-12:00"), "Filia": weekly("wed-fri 9:00-12:00")}
    people = (
        PractitionerPlan("mgr", "Zofia", "Wróblewska", competent("spine 16y+, sports 16y+"), hours=both),
        PractitionerPlan("dr", "Michał", "Kot", competent("geriatrics 60y+, spine 18y+"), ("Konsultacja", "Wizyta")),
        PractitionerPlan("mgr", "Hanna", "Bąk", competent("paediatrics 0m-36m")),
    )
    return replace(clinic(staff=()), locations=places, services=(FIRST, SHORT, VISIT), practitioners=people)


def computed(app: Flask, place: OpenedClinic) -> set[tuple[str, str, datetime]]:
    """Return (location id, service id, start) of every first visit the search finds for an adult with some problem."""
    desk, now = house_of(app).desk, house_of(app).clock()
    found: set[tuple[str, str, datetime]] = set()
    for category in ProblemCategory:
        for at in place.locations.values():
            for name in ("Konsultacja", "Krótka"):
                if service := place.services.get(name, ""):
                    question = Question(category, ADULT, ServiceKind.CONSULTATION, service, location_id=at, days=14)
                    free = find_slots(question, scope=visitor(place.id), desk=desk, now=now)
                    cells = (free.span.base + bit for bit in bits(free.any_start))
                    found |= {(at, service, datetime.fromtimestamp(cell * 300, UTC)) for cell in cells}
    return found


def listed(client: FlaskClient, path: str = LIST) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
    slots: list[dict[str, Any]] = answer.get_json()["slots"]
    return slots


def lines(answer: TestResponse) -> list[dict[str, Any]]:
    assert (answer.status_code, answer.mimetype) == (200, "application/fhir+ndjson"), answer.text
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def resources(client: FlaskClient, kind: str) -> list[dict[str, Any]]:
    """Return every resource of a kind, by the manifest's own addresses."""
    told = client.get(MANIFEST).get_json()
    files = [urlsplit(one["url"]).path for one in told["output"] if one["type"] == kind]
    return [line for file in files for line in lines(client.get(file))]


def everything(client: FlaskClient) -> str:
    return json.dumps([resources(client, kind) for kind in REQUIRED], ensure_ascii=False)


# ------------------------------------------------------------------------------------------------ a clinic's own list


def test_the_list_is_what_the_search_finds(app: Flask, client: FlaskClient) -> None:
    place = opened(app, two_places())
    names = {one.name: key for one, key in ((at, place.locations[at.name]) for at in two_places().locations)}
    told = [
        (names[one["location"]["name"]], place.services[one["service"]], datetime.fromisoformat(one["start"]))
        for one in listed(client)
    ]
    expected = computed(app, place)
    assert len(told) == len(set(told)) and set(told) == expected
    assert {service for _, service, _ in expected} == {place.services["Konsultacja"], place.services["Krótka"]}
    starts = [start for _, _, start in told]
    assert starts == sorted(starts) and (starts[-1].date() - starts[0].date()).days == 11


def test_a_time_says_where_what_how_long_and_for_how_much(app: Flask, client: FlaskClient) -> None:
    opened(app, two_places())
    answer = client.get(LIST)
    told = answer.get_json()
    assert set(told) == {"as_of", "clinic", "slots"} and told["as_of"] == "2026-11-23T08:00:00+01:00"
    assert told["clinic"] == {
        "name": "Rehabilitacja Kazimierz", "slug": "kazimierz", "url": "http://localhost/g/kazimierz", "phone": "+48126345678",
    }  # fmt: skip
    here = {"name": "Główna", "street": "ul. Józefa 12", "postcode": "31-056", "city": "Kraków"}
    shared = {
        "start": "2026-11-23T10:00:00+01:00",
        "location": here,
        "url": "http://localhost/g/kazimierz?date=2026-11-23",
    }
    assert told["slots"][:2] == [
        {**shared, "end": "2026-11-23T11:00:00+01:00", "service": "Konsultacja", "price_grosze": 18000},
        {**shared, "end": "2026-11-23T10:30:00+01:00", "service": "Krótka", "price_grosze": 9000},
    ]
    assert client.get(urlsplit(told["slots"][0]["url"]).path + "?date=2026-11-23").status_code == 200
    assert (
        answer.headers["Cache-Control"] == "public, max-age=60" and answer.headers["Access-Control-Allow-Origin"] == "*"
    )
    assert "Set-Cookie" not in answer.headers and "X-Frame-Options" not in answer.headers


def test_an_offset_follows_the_clock_change(app: Flask, client: FlaskClient, clock: Clock) -> None:
    clock.now = datetime(2027, 3, 25, 7, 0, tzinfo=UTC)
    opened(app)
    assert Counter(one["start"][19:] for one in listed(client)).keys() == {"+01:00", "+02:00"}
    assert {one["start"][11:16] for one in listed(client)} >= {"08:00", "17:00"}


def test_a_children_s_clinic_lists_its_first_visits(app: Flask, client: FlaskClient) -> None:
    children = PractitionerPlan("mgr", "Hanna", "Bąk", competent("paediatrics 0m-17y"))
    opened(app, replace(clinic(staff=()), practitioners=(children,)))
    assert listed(client)


def test_the_list_has_an_end(app: Flask, client: FlaskClient) -> None:
    opened(app, one_therapist("kazimierz"))
    slots = listed(client)
    assert len(slots) == 500 < len(resources(client, "Slot"))
    assert slots[0]["start"] == "2026-11-23T08:00:00+01:00"


@pytest.mark.parametrize("path", [LIST, MANIFEST, "/fhir/slots-1.ndjson"])
def test_who_has_the_answer_is_not_told_it_again(app: Flask, client: FlaskClient, clock: Clock, path: str) -> None:
    place = opened(app, one_therapist("kazimierz"))
    clock.forward(minutes=1)
    first = client.get(path)
    clock.forward(seconds=59)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (
        again.headers["Cache-Control"] == "public, max-age=60" and again.headers["Access-Control-Allow-Origin"] == "*"
    )
    if path != MANIFEST:
        assert ApiPatient(app, place.id).hold(TUESDAY_TEN).status_code == 201
    else:
        clock.forward(seconds=1)
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200 and changed.headers["ETag"] != first.headers["ETag"]


def test_a_taken_time_leaves_both_and_comes_back_when_its_hold_lapses(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    place = opened(app, one_therapist("kazimierz", slot_step_minutes=30))

    def said() -> tuple[bool, bool]:
        both = (listed(client), resources(client, "Slot"))
        return tuple(TUESDAY_TEN in {datetime.fromisoformat(one["start"]) for one in told} for told in both)  # type: ignore[return-value]

    assert said() == (True, True)
    assert ApiPatient(app, place.id).hold(TUESDAY_TEN).status_code == 201
    assert said() == (False, False)
    clock.forward(minutes=11)
    assert said() == (True, True)


# ------------------------------------------------------------------------------------------------ the portal's


def test_the_portal_s_slots_are_what_the_search_finds(app: Flask, client: FlaskClient) -> None:
    places = [opened(app, two_places()), opened(app, one_therapist("wola"))]
    told = [
        (*one["schedule"]["reference"].removeprefix("Schedule/").split("."), datetime.fromisoformat(one["start"]))
        for one in resources(client, "Slot")
    ]
    expected = {(place.id, *one) for place in places for one in computed(app, place)}
    assert len(told) == len(set(told)) and set(told) == expected and len(expected) > 1000


def test_the_manifest_is_what_the_specification_describes(app: Flask, client: FlaskClient) -> None:
    opened(app)
    answer = client.get(MANIFEST)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_json() == {
        "transactionTime": "2026-11-23T07:00:00+00:00",
        "request": "http://localhost/fhir/$bulk-publish",
        "output": [
            {"type": kind, "url": f"http://localhost/fhir/{name}-1.ndjson", "extension": {"state": ["PL"]}}
            for name, kind in zip(FILES, REQUIRED, strict=True)
        ],
        "error": [],
    }
    assert client.get("/fhir/%24bulk-publish").data == answer.data
    for accept in ("application/json", "application/fhir+ndjson", "*/*"):
        assert client.get(MANIFEST, headers={"Accept": accept}).data == answer.data
        assert client.get("/fhir/slots-1.ndjson", headers={"Accept": accept}).mimetype == "application/fhir+ndjson"


def test_an_empty_portal_has_an_empty_manifest(client: FlaskClient) -> None:
    assert client.get(MANIFEST).get_json()["output"] == []
    assert client.get("/fhir/slots-1.ndjson").status_code == 404


def test_every_line_is_a_fhir_resource_with_what_is_required(app: Flask, client: FlaskClient) -> None:
    opened(app, two_places())
    for kind, required in REQUIRED.items():
        found = resources(client, kind)
        assert found and len({one["id"] for one in found}) == len(found)
        for one in found:
            FHIR.validate(one)
            assert one["resourceType"] == kind and required <= one.keys()


def test_a_place_a_schedule_and_a_slot(app: Flask, client: FlaskClient) -> None:
    place = opened(app, two_places())
    at, service = place.locations["Główna"], place.services["Konsultacja"]
    key = f"{place.id}.{at}"
    (location,) = [one for one in resources(client, "Location") if one["id"] == key]
    assert location == {
        "resourceType": "Location", "id": key, "identifier": [{"system": "http://localhost/", "value": key}], "status": "active",
        "name": "Rehabilitacja Kazimierz, Główna",
        "telecom": [{"system": "phone", "value": "+48126345678"}, {"system": "url", "value": "http://localhost/g/kazimierz"}],
        "address": {"line": ["ul. Józefa 12"], "city": "Kraków", "postalCode": "31-056", "country": "PL"},
        "position": {"longitude": 19.94, "latitude": 50.05},
    }  # fmt: skip
    (schedule,) = [one for one in resources(client, "Schedule") if one["id"] == f"{key}.{service}"]
    assert schedule["actor"] == [{"reference": f"Location/{key}"}]
    assert (
        schedule["serviceType"][0]["coding"][0]["code"] == "65" and schedule["serviceType"][0]["text"] == "Konsultacja"
    )
    slot = next(one for one in resources(client, "Slot") if one["schedule"]["reference"] == f"Schedule/{key}.{service}")
    link = "http://localhost/g/kazimierz?date=2026-11-23"
    assert slot["extension"] == [{"url": BOOKING_LINK, "valueUrl": link}] and slot["status"] == "free"
    assert (slot["start"], slot["end"]) == ("2026-11-23T10:00:00+01:00", "2026-11-23T11:00:00+01:00")
    assert client.get(f"{link}&source=portal&booking-referral=34d1a803").status_code == 200, "what a client may add"


def test_every_reference_leads_somewhere(app: Flask, client: FlaskClient) -> None:
    opened(app, two_places())
    opened(app, one_therapist("wola"))
    keys = {kind: {f"{kind}/{one['id']}" for one in resources(client, kind)} for kind in REQUIRED}
    assert {one["schedule"]["reference"] for one in resources(client, "Slot")} == keys["Schedule"]
    assert {one["actor"][0]["reference"] for one in resources(client, "Schedule")} == keys["Location"]


def test_an_address_off_the_map_and_a_clinic_without_a_phone(app: Flask, client: FlaskClient) -> None:
    place = opened(app)
    change_clinic(app, place.id, phone="")
    (location,) = resources(client, "Location")
    FHIR.validate(location)
    assert "position" not in location and [one["system"] for one in location["telecom"]] == ["url"]
    assert location["name"] == "Rehabilitacja Kazimierz"


def test_what_is_withheld_or_gives_no_first_visit_is_not_there(app: Flask, client: FlaskClient) -> None:
    place = opened(app, two_places())
    only_visits = opened(app, replace(clinic("ursus", staff=()), services=(VISIT,)))
    with house_of(app).desk.database.writing() as connection:
        connection.execute(update(LocationRow).where(LocationRow.id == place.locations["Filia"]).values(offered=False))
    change_clinic(app, place.id)
    said = everything(client) + json.dumps(listed(client))
    assert place.locations["Główna"] in said
    assert place.locations["Filia"] not in said and "Wieliczka" not in said and only_visits.id not in said


def test_pages_are_cut_by_clinics_and_a_pause_moves_no_other(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_slots, "PAGE", 2)
    ids = sorted(opened(app, clinic(f"klinika-{n}", staff=())).id for n in range(5))

    def pages() -> dict[str, list[str]]:
        told = [
            urlsplit(one["url"]).path for one in client.get(MANIFEST).get_json()["output"] if one["type"] == "Location"
        ]
        return {path: [one["id"].partition(".")[0] for one in lines(client.get(path))] for path in told}

    whole = {f"/fhir/locations-{n + 1}.ndjson": ids[2 * n : 2 * n + 2] for n in range(3)}
    assert pages() == whole
    change_clinic(app, ids[0], listed=False)
    change_clinic(app, ids[4], contract="suspended")
    assert pages() == {"/fhir/locations-1.ndjson": ids[1:2], "/fhir/locations-2.ndjson": ids[2:4]}
    assert client.get("/fhir/locations-3.ndjson").status_code == 404


# ------------------------------------------------------------------------------------------------ who is not there


@pytest.mark.parametrize("why", [*SHUT, *UNPUBLISHED])
def test_a_clinic_that_is_not_published_appears_nowhere(app: Flask, client: FlaskClient, why: str) -> None:
    ordinary, place = opened(app, clinic("wola", staff=())), opened(app)
    assert place.id in everything(client) and ordinary.id in everything(client) and listed(client)
    change_clinic(app, place.id, **(SHUT | UNPUBLISHED)[why])
    assert place.id not in everything(client) and ordinary.id in everything(client)
    for path in (LIST, f"/g/{place.id}/terminy.json"):
        answer = client.get(path)
        if why in SHUT:
            assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
            assert answer.get_json()["code"] == "not_found" and answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.data == client.get("/g/nie-ma/terminy.json").data
        else:
            assert answer.status_code == 200, "its own link is open"
    assert listed(client, "/g/wola/terminy.json")


def test_a_pause_ends_by_itself(app: Flask, client: FlaskClient, clock: Clock) -> None:
    place = opened(app)
    change_clinic(app, place.id, paused_at=MONDAY, back_on=date(2026, 11, 24).isoformat())
    assert client.get(MANIFEST).get_json()["output"] == [] and client.get(LIST).status_code == 404
    clock.forward(days=1)
    assert place.id in everything(client) and listed(client)


def test_nobody_is_named_and_no_problem(app: Flask, client: FlaskClient) -> None:
    place = opened(app, replace(clinic(), services=(FIRST, SHORT, VISIT)))
    ApiPatient(app, place.id).booked(TUESDAY_TEN)
    said = (client.get(LIST).text + everything(client)).lower()
    said += json.dumps(json.loads(client.get(LIST).text), ensure_ascii=False).lower()
    people = {word.lower() for one in clinic().practitioners for word in (one.first_name, one.last_name)}
    problems = {category.value for category in ProblemCategory}
    never = (
        people | problems | {"żółkiewski", "601234567", "practitioner", "wizyta"} | set(place.practitioners.values())
    )
    assert "konsultacja" in said and [word for word in sorted(never) if word in said] == []


@pytest.mark.parametrize(
    "path",
    [
        *(f"/g/{slug}/terminy.json" for slug in ("%22%3E", "'", "%ff", "a%20b", "k" * 10_000, "%2e%2e", "żółw", "%ED%A0%80")),
        *(f"/fhir/slots-{n}.ndjson" for n in ("0", "-1", "2", "x", "99999", "100000", "9" * 5000, "1%00")),
        "/fhir/practitioners-1.ndjson", "/fhir/slots-1", "/fhir/",
    ],
)  # fmt: skip
def test_odd_addresses_are_not_found(app: Flask, client: FlaskClient, path: str) -> None:
    opened(app)
    assert client.get(path).status_code == 404


def test_looking_saves_nothing(app: Flask, client: FlaskClient) -> None:
    opened(app)

    def rows() -> list[int]:
        with house_of(app).desk.database.reading() as connection:
            return [len(connection.execute(table.select()).all()) for table in Base.metadata.sorted_tables]

    before = rows()
    assert listed(client) and everything(client)
    assert rows() == before
    assert {client.post(path).status_code for path in (LIST, MANIFEST, "/fhir/slots-1.ndjson")} == {405}


# ------------------------------------------------------------------------------------------------ the schema itself

SLOT: dict[str, Any] = {
    "resourceType": "Slot", "id": "1", "schedule": {"reference": "Schedule/1"}, "status": "free",
    "start": "2026-11-23T10:00:00+01:00", "end": "2026-11-23T11:00:00+01:00",
    "extension": [{"url": BOOKING_LINK, "valueUrl": "http://localhost/g/kazimierz"}],
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "wolny"}, {"price": 1}, {"start": "2026-11-23T10:00:00"}, {"start": "2026-11-23T10:00+01:00"}, {"id": "a_b"},
        {"id": "a" * 65}, {"schedule": "Schedule/1"}, {"schedule": {"ref": "Schedule/1"}}, {"resourceType": "Termin"},
        {"extension": [{"url": BOOKING_LINK, "valueUrl": "a b"}]}, {"extension": [{"url": BOOKING_LINK, "value": "x"}]},
    ],
    ids=str,
)  # fmt: skip
def test_the_schema_refuses_what_is_no_slot(wrong: dict[str, Any]) -> None:
    """Control: what validates above is really looked at."""
    Draft6Validator.check_schema(SCHEMA)
    assert FHIR.is_valid(SLOT)
    assert not FHIR.is_valid(SLOT | wrong)


def test_the_schema_knows_only_what_it_keeps() -> None:
    assert {"Location", "Schedule", "Slot"} < SCHEMA["definitions"].keys() and len(SCHEMA["definitions"]) < 40
    structures = [one for one in SCHEMA["definitions"].values() if "properties" in one]
    assert all(one["additionalProperties"] is False and one["type"] == "object" for one in structures)
