"""Requests of a visitor pinned to one clinic that carry another clinic's ids: one for every route and every field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from okienko_server.domain.offer import ServiceKind
from okienko_server.operations.onboard_clinic import (
    ClinicPlan,
    LocationPlan,
    OpenedClinic,
    PractitionerPlan,
    ServicePlan,
    competent,
    weekly,
)
from okienko_server.web.policy import Policy, policy_of
from tests.web.patients import ADULT_SPINE, JAN, TUESDAY_TEN, ApiPatient, embed_token, slot_of

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
        names = {
            "Gabinet Wola",
            "gabinet-wola",
            "Wolska",
            "Zięba",
            "Pierwsze spotkanie",
            "Dalszy ciąg",
            "666 778",
            "226667788",
        }
        return (
            {place.id, self.appointment} | ids | names | {"Bożena", "Tajemnicza", "602 999", "602999888", "ani słowa"}
        )


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
        ({"location": place.locations["Filia"]}, False),
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
    for step in (
        "start",
        "problem",
        "places",
        "times",
        "hold",
        "details",
        "code",
        "resend",
        "extend",
        "edit",
        "release",
        "calendar",
    )
}
DOORS = {
    "/", "/g/<slug>", "/e/<token>", "/fizjoterapia/<what>/", "/fizjoterapia/<what>/<where>", "/fizjoterapia/<what>/karta.png",
    "/fizjoterapia/<what>/<where>/karta.png", "/sitemap.xml", "/sitemap-portal.xml",
    "/sitemap-clinics-<int(min=1, max=99999):page>.xml",
}  # fmt: skip
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
