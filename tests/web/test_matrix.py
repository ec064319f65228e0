"""Every staff route × every role × one's own, a colleague's, another clinic's: generated from the URL map and the policy table.

The ids in a path come from one of three worlds with planted words, those in the fields from one of the three as well, so that "my
appointment, a colleague's patient" is tried too. Nothing beyond the role's reach may be read, and no row beyond it may change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from okienko_server.domain.roles import Reach, Right, Role
from okienko_server.domain.scope import Scope
from okienko_server.operations.convert import ConvertRequest, _Converting
from okienko_server.web.pages.staff import hours, planning
from tests.web.matrix_rows import lines_of
from tests.web.matrix_town import OWN, Town, fields_of, town_of
from tests.web.matrix_walk import WRITES, attempts, findings, requests_of, send, staff_rules
from tests.web.staff_world import ACCOUNTS


@pytest.fixture
def town(app: Flask) -> Town:
    return town_of(app)


@pytest.mark.parametrize("role", Role)
def test_no_role_reads_or_writes_beyond_its_reach(town: Town, role: Role) -> None:
    assert findings(town, role) == []


def test_the_walk_knows_every_route(town: Town) -> None:
    rules = staff_rules(town.app)
    assert len(rules) >= 12
    for rule in rules:
        assert list(requests_of(rule, town.worlds[0]))


def test_a_route_nobody_thought_about_fails_the_walk(town: Town) -> None:
    town.app.add_url_rule("/staff/invoices/<invoice_id>", "invoices", town.app.view_functions["staff.schedule"])
    with pytest.raises(KeyError, match="invoice_id"):
        findings(town, Role.OWNER)


def all_of_it(scope: Scope) -> Scope:
    return replace(scope, role=Role.OWNER.value, practitioner_id="")


def with_an_owners_reach(operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *asked, scope, **more: operation(*asked, scope=all_of_it(scope), **more)


REACHES_TOO_FAR = {
    "put_in": (planning, "planning.add", "appointment"),
    "add_absence": (hours, "hours.away", "absence"),
    "change_hours": (hours, "hours.change", "working_hours"),
}
"""Operation -> the module of its form, the form's endpoint, the table a therapist then writes to."""


@pytest.mark.parametrize("operation", REACHES_TOO_FAR)
def test_an_operation_that_reaches_too_far_is_found(
    town: Town, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """The control: one operation alone with an owner's reach writes among a colleague's, where no path names anybody."""
    module, endpoint, table = REACHES_TOO_FAR[operation]
    preview = {"add_absence": "preview_absence", "change_hours": "preview_hours"}.get(operation)
    for name in filter(None, (operation, preview)):
        monkeypatch.setattr(module, name, with_an_owners_reach(getattr(module, name)))
    found = findings(town, Role.THERAPIST, endpoint)
    assert any("with colleague" in one and "it wrote" in one and table in one for one in found)


def test_a_conversion_that_takes_any_patient_is_found(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: one's own appointment tied to a colleague's patient."""

    def any_patient(self: Any, request: ConvertRequest, appointment: Any) -> tuple[Any, bool]:
        return self.patients.candidate(request.patient_id), False

    monkeypatch.setattr(_Converting, "patient", any_patient)
    found = findings(town, Role.THERAPIST, "conversion.send")
    assert any("/waitingown/convert with colleague" in one and "wrote" in one and "encounter" in one for one in found)


def test_a_planted_hole_is_found(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the one check of whose it is, a therapist reaches a colleague's, and the walk says so."""
    monkeypatch.setattr(Scope, "check_own", lambda self, right, practitioner_id: None)
    found = findings(town, Role.THERAPIST)
    assert any("confirm" in one and "it wrote" in one for one in found)
    assert any("convert" in one and "shows Sekretcolleague" in one for one in found)


def test_a_right_given_away_is_found(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: when the guard asks for no right, whoever has none is let in, and the walk says so."""
    monkeypatch.setattr(Scope, "reach", lambda self, right: Reach.ALL)
    assert any("no right, but 200" in one for one in findings(town, Role.RECEPTIONIST))


def test_nobody_signed_in_reaches_anything(town: Town) -> None:
    stranger = town.app.test_client(use_cookies=False)
    for rule in staff_rules(town.app):
        for method, path in requests_of(rule, town.worlds[0]):
            answer = stranger.open(path, method=method, data={"csrf": "x"} if method in WRITES else None)
            assert answer.status_code in (302, 401, 403), path
            assert "Sekret" not in answer.get_data(as_text=True)


def test_no_write_without_the_sessions_own_token(town: Town) -> None:
    world = town.here
    world.sign_in(ACCOUNTS["owner"])
    before = world.desk.database.read(lines_of)
    for rule in staff_rules(town.app):
        for method, path in requests_of(rule, town.worlds[0]):
            if method in WRITES:
                answer = world.client.open(
                    path,
                    method=method,
                    data=fields_of(town, rule.endpoint, town.worlds[0], town.worlds[0]) | {"csrf": "guessed"},
                )
                assert answer.status_code == 403, path
    assert world.desk.database.read(lines_of) == before


WRITES_NOTHING = {
    "patients.search",
    "patients.export",
    "therapists.preview",
    "people.reopen",
    "people.second_factor",
    "calendars.revoke",
    "records.drop",
}
"""Forms that only show or hand out something, or take back what nobody has given in this town."""


def test_every_form_passes_its_own_checks(town: Town) -> None:
    """The control of all others: what is sent would be taken, so that a refusal is about whose it is and nothing else."""
    vain = []
    for one in attempts(town, Role.OWNER):
        if one.method in WRITES and one.about.name == one.world.name == OWN and one.right is not Right.OWN_ACCOUNT:
            status = send(town, one).status_code
            if status >= 400 or (not town.changes() and one.endpoint not in WRITES_NOTHING):
                vain.append(f"{one}: {status}")
    assert vain == []
