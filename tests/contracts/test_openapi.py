"""The description says what the API does: valid, complete, and true of real answers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from tests.conftest import Clock
from tests.web.patients import ADULT_SPINE, API, JAN, TUESDAY_TEN, ApiPatient, embed_token, opened

OPERATIONS = {
    "mintSession", "listCategories", "searchClinics", "listSlots", "holdSlot", "giveDetails", "resendCode", "verifyCode",
    "getAppointment",
}  # fmt: skip


def description(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get(f"{API}/openapi.json").get_json()
    return found


def operations(spec: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, item in spec["paths"].items() for method, one in item.items()]


def test_the_description_is_valid_and_names_exactly_these_operations(app: Flask) -> None:
    spec = description(app)
    validate(spec)
    assert spec["openapi"].startswith("3.1")
    assert sorted(one["operationId"] for _, _, one in operations(spec)) == sorted(OPERATIONS)


def test_every_route_of_the_api_is_described(app: Flask) -> None:
    described = {
        (re.sub(r"{(\w+)}", r"<\1>", path), method.upper()) for path, method, _ in operations(description(app))
    }
    routed = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(API) and not rule.rule.endswith("openapi.json")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routed


def test_only_minting_a_session_needs_none(app: Flask) -> None:
    free = {one["operationId"] for _, _, one in operations(description(app)) if not one["security"]}
    assert free == {"mintSession"}


class Described:
    """Checks answers against what the description promises of them."""

    def __init__(self, app: Flask) -> None:
        self.spec = description(app)
        self.seen: set[tuple[str, int]] = set()

    def check(self, answer: TestResponse) -> TestResponse:
        """Fail unless the answer's status, media type and body are the described ones."""
        path, method = answer.request.path, answer.request.method.lower()
        pattern, one = next(
            (known, one)
            for known, kind, one in operations(self.spec)
            if kind == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), path)
        )
        status = str(answer.status_code)
        assert status in one["responses"], f"{one['operationId']} answered {status}: {answer.text}"
        content = one["responses"][status]["content"]
        assert list(content) == [answer.mimetype], pattern
        schema = content[answer.mimetype]["schema"] | {"components": self.spec["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.get_json())
        self.seen.add((one["operationId"], answer.status_code))
        return answer


def test_the_answers_of_a_whole_booking_are_the_described_ones(app: Flask) -> None:
    described, place = Described(app), opened(app)
    patient, portal = ApiPatient(app, place.id), ApiPatient(app)
    described.check(app.test_client().post(f"{API}/sessions", json={"token": embed_token(place.id)}))
    described.check(patient.ask("GET", "/categories"))
    described.check(portal.ask("POST", "/clinics/search", ADULT_SPINE))
    described.check(patient.slots())
    described.check(patient.slots(category="jaw_head"))
    described.check(patient.hold())
    described.check(patient.read())
    described.check(patient.details())
    described.check(patient.read())
    described.check(patient.verify(patient.phone.code()))
    described.check(patient.read())
    assert {operation for operation, _ in described.seen} == OPERATIONS - {"resendCode"}


def test_refusals_are_the_described_ones(app: Flask, clock: Clock) -> None:
    described, place = Described(app), opened(app)
    patient, other = ApiPatient(app, place.id), ApiPatient(app, place.id)
    for token in ("x", embed_token("nosuchclinic"), embed_token(place.id, 0)):
        described.check(app.test_client().post(f"{API}/sessions", json={"token": token}))
    described.check(app.test_client().post(f"{API}/sessions", json={"token": 7}))
    described.check(app.test_client().post(f"{API}/sessions", data="x"))
    described.check(ApiPatient(app, session="x").ask("GET", "/categories"))
    described.check(patient.ask("POST", "/clinics/search", ADULT_SPINE))
    described.check(patient.slots(category="x", days=0))
    described.check(patient.slots(service_id="x"))
    described.check(patient.slots(clinic_id="x"))
    described.check(patient.slots(age_months=2))
    described.check(patient.hold(TUESDAY_TEN - timedelta(days=9)))
    patient.hold(), other.hold()
    described.check(ApiPatient(app, place.id).hold())
    described.check(patient.resend())
    described.check(patient.details(phone="1"))
    patient.details()
    described.check(patient.resend())
    clock.forward(seconds=61)
    described.check(patient.resend())
    for _ in range(6):
        described.check(patient.verify("x"))
    described.check(other.verify("x"))
    other.reference = f"{place.id}-nothing"
    described.check(other.read())
    clock.forward(hours=2)
    described.check(patient.read())
    assert len(described.seen) > 15


@pytest.mark.parametrize("name", ["AppointmentOut", "DetailsIn", "ProblemOut"])
def test_shapes_have_the_names_clients_are_generated_from(app: Flask, name: str) -> None:
    schemas = description(app)["components"]["schemas"]
    assert name in schemas or name.removesuffix("In").removesuffix("Out") in schemas


def test_details_are_put_under_an_optional_key(app: Flask) -> None:
    keyed = {
        one["operationId"]
        for _, _, one in operations(description(app))
        if any(parameter.get("name") == "Idempotency-Key" for parameter in one["parameters"])
    }
    assert keyed == {"holdSlot", "giveDetails", "resendCode", "verifyCode"}
    assert set(JAN) <= set(_properties(description(app), "giveDetails"))


def _properties(spec: dict[str, Any], operation_id: str) -> dict[str, Any]:
    one = next(one for _, _, one in operations(spec) if one["operationId"] == operation_id)
    schema = one["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found: dict[str, Any] = schema["properties"]
    return found
