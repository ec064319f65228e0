"""Controls of what protects the clinic's settings and the operators' console: with one protection away, its harm appears."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import ContractStatus
from okienko_server.domain.offer import Offer
from okienko_server.operations import operators
from okienko_server.operations.clinic_rules import set_rules
from okienko_server.storage.clinic_settings import ClinicSettingsStore
from okienko_server.storage.tables import ContractTermRow
from okienko_server.web import guards
from okienko_server.web.pages.staff import rules
from tests.conftest import Clock
from tests.plans import clinic
from tests.web.patients import ApiPatient, opened, refusal_of, rows_of
from tests.web.staff_world import ADMINISTRATOR, OWNER, StaffWorld
from tests.web.test_operator import Running

SETTINGS = "/staff/settings"
ROUNDS = 4


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


@pytest.fixture
def second(app: Flask, world: StaffWorld) -> StaffWorld:
    """The same clinic in an administrator's browser."""
    other = StaffWorld(world.opened, world.desk, app.test_client())
    other.sign_in(ADMINISTRATOR)
    return other


@pytest.fixture
def running(app: Flask, clock: Clock) -> Running:
    return Running(app, clock)


def post(world: StaffWorld, path: str, **fields: Any) -> TestResponse:
    return world.client.post(SETTINGS + path, data={"csrf": world.csrf()} | fields)


def rules_form(world: StaffWorld, horizon: str, revision: int) -> dict[str, str]:
    return {
        "csrf": world.csrf(), "notice_minutes": "120", "horizon_days": horizon, "slot_step_minutes": "15", "cancel_minutes": "1440",
        "answer_minutes": "240", "revision": str(revision),
    }  # fmt: skip


def without_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = ClinicSettingsStore.change
    monkeypatch.setattr(
        ClinicSettingsStore, "change", lambda store, revision=None, **columns: kept(store, None, **columns)
    )


def test_a_paused_clinics_times_would_be_seen_without_the_look_at_the_pause(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = ApiPatient(app, world.opened.id)
    post(world, "/pause", message="Urlop", phone="", back_on="", revision=str(world.offer().revision))
    assert refusal_of(patient.slots()) == (403, "clinic_paused")
    assert app.test_client().get("/g/kazimierz").status_code == 403
    monkeypatch.setattr(Clinic, "paused", lambda clinic, now: None)
    assert patient.starts()
    assert app.test_client().get("/g/kazimierz").status_code == 200
    assert patient.hold().status_code == 201


@pytest.mark.parametrize("part", ["services", "therapists", "places"])
def test_what_is_withheld_would_be_seen_without_the_public_offer(
    app: Flask, world: StaffWorld, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    place = world.opened
    keys = {"services": place.services, "therapists": place.practitioners, "places": place.locations}[part]
    patient = ApiPatient(app, place.id)
    assert patient.starts()
    for key in keys.values():
        assert post(world, f"/{part}/{key}/offered", offered="no").status_code == 303
    assert leaked(patient) == []
    monkeypatch.setattr(Offer, "public", property(lambda offer: offer))
    assert leaked(patient) != []


def leaked(patient: ApiPatient) -> list[Any]:
    """Return the starts a patient is shown, none also when the search is refused."""
    return [start for day in patient.slots().get_json().get("days", ()) for start in day["starts"]]


def test_a_second_save_would_win_unseen_without_the_revision(
    world: StaffWorld, second: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved(who: StaffWorld, horizon: str, revision: int) -> int:
        return who.client.post(f"{SETTINGS}/rules", data=rules_form(who, horizon, revision)).status_code

    seen = world.offer().revision
    assert [saved(world, "30", seen), saved(second, "90", seen)] == [303, 409]
    assert world.offer().clinic.horizon_days == 30
    without_the_revision(monkeypatch)
    seen = world.offer().revision
    assert [saved(world, "14", seen), saved(second, "90", seen)] == [303, 303]
    assert world.offer().clinic.horizon_days == 90


def at_once(world: StaffWorld, second: StaffWorld, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two people save the rules; both are past every check of the request when either begins its transaction."""
    barrier, answers = threading.Barrier(2, timeout=30), list[int]()

    def met(*args: Any, **tools: Any) -> None:
        barrier.wait()
        set_rules(*args, **tools)

    def one(who: StaffWorld, form: dict[str, str]) -> None:
        answers.append(who.client.post(f"{SETTINGS}/rules", data=form).status_code)

    monkeypatch.setattr(rules, "set_rules", met)
    seen = world.offer().revision
    pairs = [(world, rules_form(world, "30", seen)), (second, rules_form(second, "90", seen))]
    threads = [threading.Thread(target=one, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def test_of_two_who_save_at_the_same_moment_exactly_one_is_kept(
    world: StaffWorld, second: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(ROUNDS):
        before = world.offer().revision
        assert at_once(world, second, monkeypatch) == [303, 409]
        assert world.offer().revision == before + 1


def test_without_the_revision_both_would_be_told_it_was_kept(
    world: StaffWorld, second: StaffWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_revision(monkeypatch)
    assert at_once(world, second, monkeypatch) == [303, 303]


def accepts(*_compared: bytes) -> bool:
    return True


@pytest.mark.parametrize(("compare", "status", "terms"), [(None, 403, 1), (accepts, 303, 2)])
def test_a_forged_form_would_change_a_contract_without_the_sessions_token(
    app: Flask,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    compare: Callable[..., bool] | None,
    status: int,
    terms: int,
) -> None:
    place = opened(app, clinic(contract=ContractStatus.TRIAL))
    running.enter()
    if compare:
        monkeypatch.setattr(guards, "compare_digest", compare)
    forged = {"status": "active", "signed_on": "2026-11-20", "csrf": "forged"}
    assert running.client.post(f"/operator/clinics/{place.id}/contract", data=forged).status_code == status
    assert len(rows_of(app, ContractTermRow)) == terms


def test_an_operators_password_could_be_guessed_without_end_without_the_count(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.clock.forward(seconds=60)
    guess = "zgadywane hasło numer"
    assert 429 in [running.sign_in(password=f"{guess} {n}").status_code for n in range(12)]
    monkeypatch.setattr(operators, "count_try", lambda buckets, *, desk, now: 0)
    assert {running.sign_in(password=f"{guess} {n}").status_code for n in range(12)} == {401}
    assert running.sign_in().status_code == 303
