"""An operator inside a clinic: only with its consent, only as long, only in settings, and under a name in the trail."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.roles import GUEST_RIGHTS
from okienko_server.storage.tables import AuditRow, StaffRow
from okienko_server.web import guards
from okienko_server.web.policy import Policy, policy_of, right_of
from tests.conftest import Clock
from tests.web.patients import rows_of
from tests.web.staff_world import OWNER, RECEPTIONIST, StaffWorld
from tests.web.test_operator import Running


@pytest.fixture
def running(app: Flask, clock: Clock) -> Running:
    return Running(app, clock).enter()


@pytest.fixture
def world(app: Flask, running: Running) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def allow(world: StaffWorld, hours: str) -> TestResponse:
    return world.client.post("/staff/settings/guests", data={"csrf": world.csrf(), "hours": hours})


def enter(running: Running, world: StaffWorld) -> FlaskClient:
    assert running.post(f"/clinics/{world.opened.id}/enter").status_code == 303
    return running.client


def test_without_consent_nobody_enters(running: Running, world: StaffWorld) -> None:
    assert running.post(f"/clinics/{world.opened.id}/enter").status_code == 403
    assert running.client.get("/staff/settings").status_code in (302, 303)


def test_with_consent_the_guest_is_named_on_every_page_and_in_the_trail(
    app: Flask, running: Running, world: StaffWorld
) -> None:
    assert allow(world, "1").status_code == 303
    guest = enter(running, world)
    page = guest.get("/staff/settings")
    assert page.status_code == 200
    assert "Operator: Ada Lis" in page.text and 's-guest" role="status"' in page.text
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    assert guest.post("/staff/settings/portal", data={"csrf": csrf, "listed": "no"}).status_code == 303
    (account,) = [row for row in rows_of(app, StaffRow) if row.guest_of]
    acts = [row.action for row in rows_of(app, AuditRow) if row.staff_id == account.id]
    assert acts == ["sign_in", "change_settings"]
    assert "Operator: Ada Lis" in world.client.get("/staff/audit").text


def test_a_guest_opens_settings_and_nothing_else(app: Flask, running: Running, world: StaffWorld) -> None:
    allow(world, "24")
    guest = enter(running, world)
    refused = allowed = 0
    for rule in app.url_map.iter_rules():
        # Patients can come to this clinic, so nobody rehearses.
        staffs = policy_of(app, rule.endpoint) is Policy.STAFF and rule.endpoint != "rehearsal.begin"
        if staffs and "<" not in rule.rule and "GET" in (rule.methods or ()):
            status, right = guest.get(rule.rule).status_code, right_of(app, rule.endpoint)
            assert (status == 403) is (right not in GUEST_RIGHTS), rule.rule
            refused, allowed = refused + (status == 403), allowed + (status == 200)
    assert refused > 8 and allowed > 8
    csrf = guest.get("/staff/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    form = {"csrf": csrf, "email": "zostaje@operator.test", "name": "Zostaje", "role": "administrator", "hours": "24"}
    assert guest.post("/staff/people", data=form).status_code in (403, 405)
    assert guest.post("/staff/settings/guests", data=form).status_code == 403
    assert len([row for row in rows_of(app, StaffRow) if row.email == "zostaje@operator.test"]) == 0


def test_the_control_without_the_guests_bound(
    app: Flask, running: Running, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(world, "1")
    guest = enter(running, world)
    assert guest.get("/staff/people").status_code == 403
    monkeypatch.setattr(guards, "may_guest", lambda right: True)
    assert guest.get("/staff/people").status_code == 200


def test_consent_ends_by_itself(running: Running, world: StaffWorld, clock: Clock) -> None:
    allow(world, "1")
    guest = enter(running, world)
    clock.forward(minutes=59)
    assert guest.get("/staff/settings").status_code == 200
    clock.forward(minutes=1)
    assert guest.get("/staff/settings").status_code in (302, 303)


def test_the_control_without_the_look_at_the_consent(
    running: Running, world: StaffWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(world, "1")
    guest = enter(running, world)
    clock.forward(minutes=59)
    guest.get("/staff/settings")
    clock.forward(minutes=1)
    monkeypatch.setattr(Clinic, "lets_guests_in", lambda clinic, now: True)
    assert guest.get("/staff/settings").status_code == 200


def test_consent_taken_back_is_an_end_at_once_also_after_it_is_given_anew(running: Running, world: StaffWorld) -> None:
    allow(world, "24")
    guest = enter(running, world)
    allow(world, "0")
    assert guest.get("/staff/settings").status_code in (302, 303)
    allow(world, "1")
    assert guest.get("/staff/settings").status_code in (302, 303), "the old session stays ended"
    enter(running, world)
    assert guest.get("/staff/settings").status_code == 200


@pytest.mark.parametrize("hours", ["", "2", "-1", "1000", "²", "x"])
def test_a_time_that_is_none_lets_nobody_in(running: Running, world: StaffWorld, hours: str) -> None:
    answer = allow(world, hours)
    assert (answer.status_code, 'id="hours-wrong"' in answer.text) == (422, True)
    assert running.post(f"/clinics/{world.opened.id}/enter").status_code == 403


@pytest.mark.parametrize("hours", ["", "x", "00x", "9999999999"])
def test_a_time_that_is_none_takes_no_consent_back(running: Running, world: StaffWorld, hours: str) -> None:
    allow(world, "24")
    guest = enter(running, world)
    assert allow(world, hours).status_code == 422
    assert guest.get("/staff/settings").status_code == 200


def test_who_may_not_manage_people_gives_no_consent(running: Running, world: StaffWorld) -> None:
    world.sign_in(RECEPTIONIST)
    assert allow(world, "1").status_code == 403


def test_a_guest_counts_for_no_pool_and_never_as_an_owner(app: Flask, running: Running, world: StaffWorld) -> None:
    before = world.client.get("/staff/messages").text.partition("s-sums")[2].partition("</dl>")[0]
    allow(world, "1")
    enter(running, world)
    assert world.client.get("/staff/messages").text.partition("s-sums")[2].partition("</dl>")[0] == before
    assert "Operator: Ada Lis" in world.client.get("/staff/people").text
