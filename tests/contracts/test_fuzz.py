"""Nonsense of every kind, to every door: always an answer below 500, always of the promised media type."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from okienko_server.web.policy import Policy, policy_of
from tests.web.patients import ADULT_SPINE, API, JAN, TUESDAY_TEN, ApiPatient, FormPatient, embed_token, opened, slot_of

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", " ",
    "\0", "a\0b", "\ud800", "\udfff\ud800", "😀" * 40, "a" * 300, "a" * 6000, "'; DROP TABLE clinic; --", "%s%n", "../../etc",
    "0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "2026-11-24T10:00:00",
    "2026-11-24T09:00:00Z", "+02147483648-01-01", "NaN", "null", "١٢٣", "\u202e", "\r\n\r\nSet-Cookie: a=b", [], [[]], {}, {"": ""},
    [None] * 50, {"a": {"b": {"c": []}}},
]  # fmt: skip
BODIES: list[tuple[str, str]] = [
    ("", "application/json"), ("{", "application/json"), ("null", "application/json"), ("[]", "application/json"),
    ('"x"', "application/json"), ("7", "application/json"), ("NaN", "application/json"), ("{}", "text/plain"), ("{}", ""),
    ("{}", "application/json; charset=utf-16"), ("a=b", "application/x-www-form-urlencoded"), ("\ufeff{}", "application/json"),
    ("[" * 60_000, "application/json"), ('{"a":' * 10_000 + "1" + "}" * 10_000, "application/json"),
    ('{"\\ud800": 1}', "application/json"), ('{"\\u0000": 1}', "application/json"), ('{"a": ' + "9" * 6000 + "}", "application/json"),
    ('{"age_months": ' + "9" * 4000 + ', "category": "spine"}', "application/json"), ('{"a":1,"a":2}', "application/json"),
    ("x" * 1_000_000, "application/json"), ("--b\r\n\r\nx", "multipart/form-data; boundary=b"),
]  # fmt: skip
VALID: dict[str, dict[str, Any]] = {
    "/sessions": {"token": "x"},
    "/clinics/search": {**ADULT_SPINE, "city": "Kraków", "age_months": None, "kind": "visit"},
    "/slots/search": {**ADULT_SPINE, "from": "2026-11-24", "days": 3, "clinic_id": "", "practitioner_id": "", "service_id": "",
                      "location_id": ""},
    "/appointments": {**ADULT_SPINE, "start": TUESDAY_TEN.isoformat(), "clinic_id": "", "kind": "consultation"},
    "/appointments/{}/details": {**JAN, "booker_first_name": "", "booker_last_name": ""},
    "/appointments/{}/code": {},
    "/appointments/{}/verification": {"code": "123456"},
}  # fmt: skip
STEPS = ("start", "problem", "times", "hold", "details", "code", "resend", "extend", "edit", "release", "calendar")
FIELDS = (
    "category", "kind", "age_group", "age", "age_unit", "clinic", "service", "practitioner", "week",
    "place", "near", "km", "when", "access", "language",
    "order", "page", "location", "appointment", "slot",
    "code", "key", "first_name", "last_name", "phone", "comment", "consent", "booker_first_name",
)  # fmt: skip


def fault(answer: TestResponse, sent: object) -> str:
    """Return what is wrong with an answer, or nothing."""
    asked = f"{answer.request.method} {answer.request.path[:80]} with {str(sent)[:80]!r}"
    if answer.status_code >= 500:
        return f"{asked} -> {answer.status_code}"
    if answer.request.path.startswith(API):
        expected = "application/json" if answer.status_code < 400 else "application/problem+json"
        if answer.mimetype != expected or (answer.status_code >= 400 and not answer.get_json()["code"]):
            return f"{asked} -> {answer.status_code} as {answer.mimetype}"
    return f"{asked} sets a cookie" if "Set-Cookie" in answer.headers else ""


def mutated(rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of every request with odd values, then several fields at once."""
    for path, valid in VALID.items():
        for name in (*valid, "unheard_of"):
            for odd in ODD:
                yield path, valid | {name: odd}
        for _ in range(20):
            yield path, {name: rng.choice(ODD) if rng.random() < 0.5 else value for name, value in valid.items()}


@pytest.fixture
def held(app: Flask) -> ApiPatient:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    return patient


def test_odd_values_in_every_field_of_the_api(held: ApiPatient) -> None:
    faults = []
    for path, body in mutated(random.Random(26)):
        method = "PUT" if path.endswith("details") else "POST"
        answer = held.client.open(
            API + path.format(held.reference), method=method, data=json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {held.session}"},
        )  # fmt: skip
        faults.append(fault(answer, body))
    assert [one for one in faults if one] == []


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_bodies_that_are_no_request(held: ApiPatient, number: int) -> None:
    body, kind = BODIES[number]
    faults = []
    for path in VALID:
        answer = held.client.open(
            API + path.format(held.reference), method="PUT" if path.endswith("details") else "POST",
            data=body.encode(), content_type=kind, headers={"Authorization": f"Bearer {held.session}"},
        )  # fmt: skip
        faults.append(fault(answer, body))
        if path != "/appointments/{}/code" and answer.status_code < 400:
            faults.append(f"{path} took {body[:80]!r}")
    assert [one for one in faults if one] == []


def test_odd_values_in_every_field_of_the_forms(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    base = dict(patient.problem().form("/w/hold").filled()) | {"slot": slot_of(TUESDAY_TEN)}
    rng = random.Random(11)
    texts = [odd for odd in ODD if isinstance(odd, str) and "\ud800" not in odd] + ["9" * 9, "9" * 30, "-5", "１"]
    faults = {}
    for step in STEPS:
        for name in FIELDS:
            for odd in rng.sample(texts, 8):
                if wrong := fault(patient.client.post(f"/w/{step}", data=base | {name: odd}), (name, odd)):
                    faults[step, name] = wrong
    assert faults == {}


@pytest.mark.parametrize(
    "body", [b"\xff\xfe=\xff", b"session=%FF%FE", b"session=" + b"%00" * 50, b"&" * 2000, b"a=b&" * 2000, b"=" * 50_000, b"x" * 1_000_000]
)  # fmt: skip
def test_bytes_that_are_no_form(app: Flask, body: bytes) -> None:
    for step in STEPS:
        answer = app.test_client().post(f"/w/{step}", data=body, content_type="application/x-www-form-urlencoded")
        assert fault(answer, body) == ""
        assert answer.status_code in (400, 401, 413)


@pytest.mark.parametrize(
    "odd",
    ["%00", "%ff", "%F0%9F%98%80", "%0d%0aSet-Cookie:%20a=b", "a" * 3000, "..%2f..%2fetc", "%25s", "%7b%7b7*7%7d%7d"],
)
def test_odd_addresses(app: Flask, odd: str) -> None:
    opened(app)
    client = app.test_client()
    names = "category", "kind", "service", "practitioner", "age_group", "date"
    faults = []
    for path in (
        f"/g/{odd}",
        f"/e/{odd}",
        f"/static/{odd}",
        f"/{odd}",
        f"{API}/{odd}",
        f"{API}/appointments/{odd}",
        f"/staff/{odd}",
    ):
        faults.append(fault(client.get(path), path))
    for name in names:
        faults += [fault(client.get(f"{door}?{name}={odd}"), name) for door in ("/", "/g/kazimierz")]
    assert [one for one in faults if one] == []


def test_every_method_on_every_route(app: Flask) -> None:
    opened(app)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if policy_of(app, rule.endpoint) is Policy.STAFF:
            continue
        path = rule.rule.replace("<", "").replace(">", "")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = client.open(path, method=method)
            assert answer.status_code < 500, (method, path)
