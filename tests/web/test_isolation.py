"""Pinned to one clinic, no request reaches another: every route, every field, each with the other clinic's ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from okienko_server.domain.scope import Scope
from okienko_server.operations.onboard_clinic import OpenedClinic
from okienko_server.storage.tables import AppointmentRow
from okienko_server.web.policy import policy_of
from tests.plans import clinic
from tests.web.attacks import BODIES, BOZENA, DOORS, FORMS, VISITORS, WOLA, Other, Pinned, attacks
from tests.web.patients import (
    ADULT_SPINE,
    JAN,
    TUESDAY_TEN,
    ApiPatient,
    house_of,
    opened,
    refusal_of,
    slot_of,
)


@pytest.fixture
def other(app: Flask) -> Other:
    place = opened(app, WOLA)
    bozena = ApiPatient(app, place.id)
    assert bozena.hold().status_code == 201
    assert bozena.details(**BOZENA).status_code == 200
    return Other(place, bozena.reference)


@pytest.fixture
def pinned(app: Flask, other: Other) -> Pinned:
    return Pinned(ApiPatient(app, opened(app).id), other)


def own_clinic(pinned: Pinned) -> str:
    return str(pinned.patient.slots().get_json()["clinic_id"])


def state_of(app: Flask, place: OpenedClinic) -> list[Any]:
    """Return everything the other clinic's appointments are made of."""
    with house_of(app).desk.database.reading() as connection:
        return list(
            connection.execute(select(AppointmentRow.__table__).where(AppointmentRow.clinic_id == place.id)).all()
        )


def test_no_route_and_no_field_reaches_another_clinic(app: Flask, pinned: Pinned, other: Other) -> None:
    before = state_of(app, other.place)
    everything = list(attacks(app, other, own_clinic(pinned)))
    assert len(everything) > 80
    assert [finding for attack in everything if (finding := pinned.finding(attack))] == []
    assert state_of(app, other.place) == before


def test_the_walk_finds_the_leak_when_a_scope_lets_strangers_through(
    app: Flask, pinned: Pinned, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the one comparison of Scope.at the very same walk does not pass."""
    everything = list(attacks(app, other, own_clinic(pinned)))
    monkeypatch.setattr(Scope, "at", lambda self, clinic_id: replace(self, clinic_id=clinic_id))
    findings = [finding for attack in everything if (finding := pinned.finding(attack))]
    assert len(findings) > 10
    assert any("Gabinet Wola" in finding for finding in findings)


def test_the_walk_covers_every_route_of_visitors(app: Flask) -> None:
    kinds = {rule.rule: policy_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert {rule for rule, kind in kinds.items() if kind in VISITORS} == {*BODIES, *FORMS, *DOORS}


def test_a_route_nobody_thought_about_fails_the_walk(app: Flask) -> None:
    app.add_url_rule("/api/v1/invoices/<invoice>", "invoices", app.view_functions["api.getAppointment"])
    with pytest.raises(KeyError, match="invoices"):
        list(attacks(app, Other(opened(app, WOLA), "a-b"), "x"))


def test_somebody_elses_appointment_answers_as_one_that_never_was(app: Flask) -> None:
    place = opened(app)
    owner, stranger = ApiPatient(app, place.id), ApiPatient(app, place.id)
    owner.awaiting_code()
    absent = owner.reference[:-4] + ("bbbb" if not owner.reference.endswith("bbbb") else "cccc")
    for method, path, body in (
        ("GET", "", None), ("PUT", "/details", JAN), ("POST", "/code", None), ("POST", "/verification", {"code": "1"}),
    ):  # fmt: skip
        answers = [stranger.ask(method, f"/appointments/{ref}{path}", body) for ref in (owner.reference, absent)]
        assert [refusal_of(answer) for answer in answers] == [(404, "not_found")] * 2
        assert answers[0].data == answers[1].data
    assert owner.read().get_json()["code"]["tries_left"] == 5


def test_a_portal_visitor_sees_nobody_elses_appointment(app: Flask) -> None:
    place = opened(app)
    owner = ApiPatient(app, place.id)
    owner.awaiting_code()
    stranger = ApiPatient(app)
    stranger.reference = owner.reference
    assert refusal_of(stranger.read()) == (404, "not_found")
    fields = {
        "session": stranger.session,
        "key": "k",
        "appointment": owner.reference,
        **ADULT_SPINE,
        "code": owner.phone.code(),
    }
    for path in sorted(FORMS):
        answer = stranger.client.post(path, data=fields | {"slot": slot_of(TUESDAY_TEN)})
        assert answer.status_code in (200, 404)
        for secret in ("Janusz", "Żółkiewski", "234 567", "Boli od maja"):
            assert secret not in answer.text, path
    assert owner.read().get_json()["status"] == "proposed"


@pytest.mark.parametrize(
    "reference", ["x", "-", "a-", "-a", "a" * 70 + "-b", "%00-%00", "ż-ó", "..%2f..-x", "a-b-c", "%F0%9F%98%80-x", "a%20-%0ab"]
)  # fmt: skip
def test_what_is_no_reference_is_not_found(app: Flask, reference: str) -> None:
    portal = ApiPatient(app)
    assert refusal_of(portal.ask("GET", f"/appointments/{reference}")) == (404, "not_found")
    pinned = ApiPatient(app, opened(app, clinic("inna")).id)
    assert pinned.ask("GET", f"/appointments/{reference}").status_code in (403, 404)
