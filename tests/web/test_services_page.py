"""The clinic's services: what is written there is what patients choose from, at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.price import as_typed, grosze_of
from okienko_server.storage.tables import AuditRow, ServiceRow
from tests.web.patients import ApiPatient, FormPatient, opened, rows_of
from tests.web.staff_world import OWNER, StaffWorld

BASE = "/staff/settings/services"


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def form(world: StaffWorld, **changes: Any) -> dict[str, Any]:
    everybody = list(world.opened.practitioners.values())
    return {
        "csrf": world.csrf(), "name": "Terapia", "kind": "visit", "minutes": "45", "price": "150", "buffer_before": "0",
        "buffer_after": "10", "givers": everybody, "revision": str(world.offer().revision),
    } | changes  # fmt: skip


def save(world: StaffWorld, path: str = "/new", **changes: Any) -> TestResponse:
    return world.client.post(BASE + path, data=form(world, **changes))


def offered_to_patients(app: Flask, world: StaffWorld, kind: str = "visit") -> list[str]:
    answer = ApiPatient(app, world.opened.id).slots(kind=kind).get_json()
    return [service["name"] for service in answer["services"]]


@pytest.mark.parametrize(
    ("typed", "grosze"),
    [
        ("180", 18_000), ("180,50", 18_050), ("180.5", 18_050), ("180 zł", 18_000), ("180,00 zł", 18_000), ("1 200", 120_000),
        (" 0 ", 0), ("180,-", 18_000), ("180,-zł", 18_000), ("10000", 1_000_000), ("1\u00a0200,50", 120_050),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_write_it(typed: str, grosze: int) -> None:
    assert grosze_of(typed, 1_000_000, field="price") == grosze


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-1",
        "abc",
        "180,505",
        "12 00",
        "1 2",
        "10000,01",
        "١٨٠",
        "1e3",
        "180 PLN",
        "=1+1",
        "99999999999999999999",
        "0x10",
    ],
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        grosze_of(typed, 1_000_000, field="price")
    assert (refused.value.code, refused.value.field) == ("price_invalid", "price")


@pytest.mark.parametrize("grosze", [0, 1, 10, 99, 100, 18_050, 1_000_000])
def test_an_amount_comes_back_as_it_was_written(grosze: int) -> None:
    assert grosze_of(as_typed(grosze), 1_000_000, field="price") == grosze


def test_a_new_service_is_offered_at_once_and_stands_last(app: Flask, world: StaffWorld) -> None:
    assert save(world).status_code == 303
    assert offered_to_patients(app, world) == ["Wizyta", "Terapia"]
    (row,) = [row for row in rows_of(app, ServiceRow) if row.name == "Terapia"]
    assert (row.minutes, row.price, row.buffer_after, row.categories) == (45, 15_000, 10, "")
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_offer"]


def test_a_change_keeps_what_was_not_changed(app: Flask, world: StaffWorld) -> None:
    service = world.opened.services["Wizyta"]
    assert save(world, f"/{service}", name="Wizyta", price="170", minutes="60").status_code == 303
    found = world.offer().service(service)
    assert (found.name, found.price, found.minutes) == ("Wizyta", 17_000, 60)
    assert world.client.get(f"{BASE}/{service}").status_code == 200


def test_only_who_gives_it_is_offered_for_it(app: Flask, world: StaffWorld) -> None:
    zofia = world.opened.practitioners["Zofia Wróblewska"]
    service = world.opened.services["Wizyta"]
    save(world, f"/{service}", name="Wizyta", givers=[zofia, "stranger"])
    found = ApiPatient(app, world.opened.id).slots(kind="visit").get_json()
    assert [person["id"] for person in found["practitioners"]] == [zofia]


def test_all_ten_problems_are_as_good_as_none(world: StaffWorld) -> None:
    from okienko_server.domain.problem import ProblemCategory

    save(world, categories=[code.value for code in ProblemCategory])
    save(world, name="Sportowa", categories=["sports", "spine"])
    kept = {service.name: service.categories for service in world.offer().services.values()}
    assert kept["Terapia"] == frozenset()
    assert kept["Sportowa"] == {"sports", "spine"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 81), ("name", "konsultacja"), ("name", "a\x00b"), ("kind", "zabieg"), ("minutes", "31"),
        ("minutes", ""), ("price", "dużo"), ("price", "-5"), ("buffer_before", "7"), ("buffer_after", "-5"), ("categories", "x"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    app: Flask, world: StaffWorld, field: str, value: str
) -> None:
    answer = save(world, **{"name": "Nowa terapia", field: value})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert field == "name" or 'value="Nowa terapia"' in answer.text
    assert field == "price" or 'value="150"' in answer.text
    assert len(rows_of(app, ServiceRow)) == 2


def test_its_own_name_is_no_duplicate(world: StaffWorld) -> None:
    service = world.opened.services["Wizyta"]
    assert save(world, f"/{service}", name="WIZYTA").status_code == 303


def test_the_order_is_the_patients(app: Flask, world: StaffWorld) -> None:
    save(world)
    terapia = next(one.id for one in world.offer().services.values() if one.name == "Terapia")
    for _ in range(4):
        world.client.post(f"{BASE}/{terapia}/order", data={"csrf": world.csrf(), "way": "up"})
    assert [one.name for one in world.offer().services.values()] == ["Terapia", "Konsultacja", "Wizyta"]
    assert offered_to_patients(app, world) == ["Terapia", "Wizyta"]
    world.client.post(f"{BASE}/{terapia}/order", data={"csrf": world.csrf(), "way": "down"})
    assert [one.name for one in world.offer().services.values()] == ["Konsultacja", "Terapia", "Wizyta"]


def test_a_withheld_service_is_gone_for_patients_and_stays_for_the_staff(app: Flask, world: StaffWorld) -> None:
    service = world.opened.services["Wizyta"]
    patient = ApiPatient(app, world.opened.id)
    world.client.post(f"{BASE}/{service}/offered", data={"csrf": world.csrf(), "offered": "no"})
    assert offered_to_patients(app, world) == []
    assert patient.slots(kind="visit", service_id=service).status_code == 404
    assert "Wizyta" in world.client.get("/staff/plan").text
    world.client.post(f"{BASE}/{service}/offered", data={"csrf": world.csrf(), "offered": "yes"})
    assert offered_to_patients(app, world) == ["Wizyta"]


def test_whoever_holds_a_time_of_a_withheld_service_may_finish(app: Flask, world: StaffWorld) -> None:
    patient = FormPatient(app, "/g/kazimierz")
    patient.problem()
    patient.take()
    service = world.opened.services["Konsultacja"]
    world.client.post(f"{BASE}/{service}/offered", data={"csrf": world.csrf(), "offered": "no"})
    assert patient.details().status == 200
    done = patient.code(patient.phone.code())
    assert (done.status, done.says("done.title")) == (200, True)


def test_a_service_with_visits_is_not_removed_and_says_why(app: Flask, world: StaffWorld) -> None:
    used = world.opened.services["Konsultacja"]
    world.add("one")
    answer = world.client.post(f"{BASE}/{used}/remove", data={"csrf": world.csrf()})
    assert answer.status_code == 409
    assert "więc zostaje" in answer.text
    unused = world.opened.services["Wizyta"]
    assert world.client.post(f"{BASE}/{unused}/remove", data={"csrf": world.csrf()}).status_code == 303
    assert list(world.offer().services) == [used]


def test_two_who_save_at_once(world: StaffWorld) -> None:
    revision = str(world.offer().revision)
    assert save(world, name="Pierwsza", revision=revision).status_code == 303
    second = save(world, name="Druga", price="99", revision=revision)
    assert second.status_code == 409
    assert 'value="Druga"' in second.text
    assert 'value="99"' in second.text
    assert save(world, name="Druga", revision=str(world.offer().revision)).status_code == 303


def test_another_clinics_service_does_not_exist(app: Flask, world: StaffWorld) -> None:
    from tests.plans import one_therapist

    other = opened(app, one_therapist())
    foreign = other.services["Wizyta"]
    before = [row for row in rows_of(app, ServiceRow) if row.clinic_id == other.id]
    assert world.client.get(f"{BASE}/{foreign}").status_code == 404
    for path in ("", "/offered", "/order", "/remove"):
        assert world.client.post(f"{BASE}/{foreign}{path}", data=form(world)).status_code == 404
    assert [row for row in rows_of(app, ServiceRow) if row.clinic_id == other.id] == before


def test_an_empty_clinic_is_offered_a_beginning_that_writes_nothing_by_itself(app: Flask) -> None:
    world = StaffWorld.of(app, services=(), registration=False)
    world.sign_in(OWNER)
    assert "services/new?like=first" in world.client.get(BASE).text
    page = world.client.get(f"{BASE}/new?like=next").text
    assert 'value="Wizyta"' in page
    assert world.client.get(f"{BASE}/new?like=zły").status_code == 200
    assert rows_of(app, ServiceRow) == []
