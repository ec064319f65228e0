"""Pinned to one clinic, no request reaches another: every route, every field, each with the other clinic's ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.scope import Scope
from okienko_server.operations.onboard_clinic import (
    ClinicPlan,
    LocationPlan,
    OpenedClinic,
    PractitionerPlan,
    ServicePlan,
    competent,
    weekly,
)
from okienko_server.storage.tables import AppointmentRow
from okienko_server.web.policy import Policy, policy_of
from tests.plans import clinic
from tests.web.patients import (
    ADULT_SPINE,
    JAN,
    TUESDAY_TEN,
    ApiPatient,
    embed_token,
    house_of,
    opened,
    refusal_of,
    slot_of,
)

WOLA = ClinicPlan(
    "gabinet-wola", "Gabinet Wola", (LocationPlan("Filia", "ul. Wolska 7", "01-201", "Warszawa", weekly("mon-fri 8:00-18:00")),),
    (ServicePlan("Pierwsze spotkanie", ServiceKind.CONSULTATION, 60, 23_000), ServicePlan("Dalszy ciąg", ServiceKind.VISIT, 45, 21_000)),
    (PractitionerPlan("mgr", "Olga", "Zięba", competent("spine 16y+")),), phone="+48226667788", notice_minutes=120,
)  # fmt: skip
BOZENA = {"first_name": "Bożena", "last_name": "Tajemnicza", "phone": "602 999 888", "comment": "nikomu ani słowa"}


@dataclass(frozen=True)
class Other:
    """The clinic next door, with one appointment held there."""

    place: OpenedClinic
    reference: str

    @property
    def appointment(self) -> str:
        return self.reference.partition("-")[2]

    def secrets(self) -> set[str]:
        """Return every text that would betray it."""
        place = self.place
        ids = {*place.services.values(), *place.practitioners.values(), *place.locations.values()}
        names = {"Gabinet Wola", "gabinet-wola", "Wolska", "Zięba", "Pierwsze spotkanie", "Dalszy ciąg", "666 778", "226667788"}
        return {place.id, self.appointment} | ids | names | {"Bożena", "Tajemnicza", "602 999", "602999888", "ani słowa"}


@dataclass(frozen=True)
class Attack:
    """One request with ids of the other clinic; `refused` when it must not even be answered."""

    method: str
    path: str
    sent: dict[str, Any]
    refused: bool = True


@dataclass
class Pinned:
    """A visitor of the first clinic who means ill."""

    patient: ApiPatient
    other: Other

    def send(self, attack: Attack) -> TestResponse:
        if attack.path.startswith("/api/"):
            body = None if attack.method == "GET" else attack.sent
            return self.patient.ask(attack.method, attack.path.removeprefix("/api/v1"), body)
        fields = {"session": self.patient.session, "key": "k", "kind": "consultation", **ADULT_SPINE}
        query = attack.sent if attack.method == "GET" else None
        data = None if attack.method == "GET" else fields | attack.sent
        return self.patient.client.open(attack.path, method=attack.method, query_string=query, data=data)

    def finding(self, attack: Attack) -> str:
        """Return what is wrong with the answer, or nothing."""
        answer = self.send(attack)
        # What the request itself carried may come back in it; everything else of the other clinic may not.
        carried = " ".join((attack.path, *map(str, attack.sent.values())))
        leaked = sorted(secret for secret in self.other.secrets() if secret in answer.text and secret not in carried)
        if leaked or answer.status_code >= 500 or (attack.refused and answer.status_code not in (401, 403, 404)):
            return f"{attack.method} {attack.path} {sorted(attack.sent)} -> {answer.status_code}, leaked {leaked}"
        return ""


def foreign_ids(other: Other) -> list[dict[str, str]]:
    """Return one body for each id an API request may name."""
    place = other.place
    return [
        {"clinic_id": place.id},
        {"service_id": place.services["Pierwsze spotkanie"]},
        {"practitioner_id": place.practitioners["Olga Zięba"]},
        {"location_id": place.locations["Filia"]},
    ]


def foreign_fields(other: Other, own_clinic: str) -> list[tuple[dict[str, str], bool]]:
    """Return one set of fields for each id a form carries, and whether it must be refused outright."""
    place = other.place
    return [
        ({"clinic": place.id}, True),
        ({"appointment": other.reference}, True),
        ({"appointment": other.reference, "clinic": place.id}, True),
        ({"appointment": f"{own_clinic}-{other.appointment}"}, False),
        ({"service": place.services["Pierwsze spotkanie"]}, False),
        ({"practitioner": place.practitioners["Olga Zięba"]}, False),
    ]


def asking(path: str) -> Callable[[Other], list[dict[str, str]]]:
    more = {"start": TUESDAY_TEN.isoformat()} if path == "/api/v1/appointments" else {}
    return lambda other: [ADULT_SPINE | more | ids for ids in foreign_ids(other)]


BODIES: dict[str, Callable[[Other], list[dict[str, Any]]]] = {
    "/api/v1/categories": lambda other: [],
    "/api/v1/clinics/search": lambda other: [dict(ADULT_SPINE), ADULT_SPINE | {"city": "Warszawa"}],
    "/api/v1/slots/search": asking("/api/v1/slots/search"),
    "/api/v1/appointments": asking("/api/v1/appointments"),
    "/api/v1/appointments/<reference>": lambda other: [{}],
    "/api/v1/appointments/<reference>/details": lambda other: [JAN],
    "/api/v1/appointments/<reference>/code": lambda other: [{}],
    "/api/v1/appointments/<reference>/verification": lambda other: [{"code": "123456"}],
}
"""What each API route can be asked; a route missing here fails the walk."""
FORMS = {
    f"/w/{step}"
    for step in ("start", "problem", "times", "hold", "details", "code", "resend", "extend", "edit", "release", "calendar")
}
DOORS = {"/", "/g/<slug>", "/e/<token>"}
VISITORS = (Policy.PORTAL, Policy.EMBED, Policy.FORM, Policy.BEARER)


def attacks(app: Flask, other: Other, own_clinic: str) -> Iterator[Attack]:
    """Walk the app's own map of routes; raises KeyError for a route of visitors nobody thought about."""
    for rule in app.url_map.iter_rules():
        kind = policy_of(app, rule.endpoint)
        if kind not in VISITORS:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if kind is Policy.BEARER:
                yield from _api(method, rule.rule, other, own_clinic)
            elif kind is Policy.FORM and rule.rule in FORMS:
                yield from _form(method, rule.rule, other, own_clinic)
            elif rule.rule == "/e/<token>":
                for sent, _ in foreign_fields(other, own_clinic):
                    yield Attack("GET", f"/e/{embed_token(own_clinic)}", sent, refused=False)
            elif rule.rule not in DOORS:
                raise KeyError(rule.rule)


def _api(method: str, rule: str, other: Other, own_clinic: str) -> Iterator[Attack]:
    references = [other.reference, f"{own_clinic}-{other.appointment}"] if "<reference>" in rule else [""]
    for reference in references:
        for body in BODIES[rule](other):
            yield Attack(method, rule.replace("<reference>", reference), body)


def _form(method: str, rule: str, other: Other, own_clinic: str) -> Iterator[Attack]:
    for sent, refused in foreign_fields(other, own_clinic):
        yield Attack(method, rule, sent | {"slot": slot_of(TUESDAY_TEN), "code": "123456"}, refused)


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
    fields = {"session": stranger.session, "key": "k", "appointment": owner.reference, **ADULT_SPINE, "code": owner.phone.code()}
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
