"""Every staff route × every role × one's own, a colleague's, another clinic's: generated from the URL map and the policy table.

The ids in a path come from one of three worlds with planted words, those in the fields from one of the three as well, so that "my
appointment, a colleague's patient" is tried too. Nothing beyond the role's reach may be read, and no row beyond it may change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from okienko_server.domain.roles import Reach, Right, Role, reach_of
from okienko_server.domain.scope import Scope
from okienko_server.operations.convert import ConvertRequest, _Converting
from okienko_server.web.pages.staff import hours, planning
from okienko_server.web.policy import Policy, policy_of, right_of
from tests.web.matrix_rows import Line, lines_of
from tests.web.matrix_town import COLLEAGUE, FOREIGN, OWN, Town, World, fields_of, town_of
from tests.web.staff_world import ACCOUNTS

WRITES = ("POST", "PUT", "PATCH", "DELETE")
WHOLE_CLINIC = {
    "clinic",
    "location",
    "opening_hours",
    "service",
    "practitioner",
    "competence",
    "practitioner_service",
    "staff",
}
"""Tables that are nobody's own: whoever reaches only the own changes none of them."""
HANDED_OVER = ("episodes.change", "episode")
"""Who leads an episode may say that a colleague leads it from now on: its row then names both."""


@pytest.fixture
def town(app: Flask) -> Town:
    return town_of(app)


def staff_rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if policy_of(app, rule.endpoint) is Policy.STAFF]


def requests_of(rule: Rule, world: World) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of a rule with a world's ids; raises KeyError for an id nobody has told this test about."""
    ids = world.ids_for(rule.endpoint)
    path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: ids[found[1]], rule.rule)
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        yield method, path


@dataclass(frozen=True)
class Attempt:
    """One request: a role's, to a path of one world, with fields of another."""

    role: Role
    endpoint: str
    right: Right
    about: World
    world: World
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.role} {self.method} {self.path} with {self.world.name}"

    @property
    def reach(self) -> Reach:
        return reach_of(self.role, self.right)

    @property
    def names_beyond(self) -> bool:
        """Whether the path itself leads beyond the reach."""
        if not any(key in self.path for key in self.about.ids_for(self.endpoint).values()):
            return False
        return self.about.name == FOREIGN or (self.about.name == COLLEAGUE and self.reach is Reach.OWN)


def attempts(town: Town, role: Role, only: str = "") -> Iterator[Attempt]:
    """Yield every request of a role: the path's world × the fields' world; a path without an id, and a reading one, vary once."""
    for rule in staff_rules(town.app):
        right = right_of(town.app, rule.endpoint)
        assert right is not None
        for about, world in product(town.worlds, town.worlds):
            for method, path in requests_of(rule, about):
                varied = "<" in rule.rule and method in WRITES and reach_of(role, right) is not Reach.NONE
                if rule.endpoint.startswith(only) and (varied or about is world):
                    yield Attempt(role, rule.endpoint, right, about, world, method, path)


def findings(town: Town, role: Role, only: str = "") -> list[str]:
    """Try everything as one role and return what should not have been possible."""
    return [f"{one}: {what}" for one in attempts(town, role, only) for what in wrong_with(town, one)]


def send(town: Town, one: Attempt) -> TestResponse:
    """Send one request with its fields: in a form with the session's token, or in the query."""
    fields, token = fields_of(town, one.endpoint, one.about, one.world), town.csrf(one.role)
    if one.method in WRITES:
        return town.here.client.open(one.path, method=one.method, data=fields | {"csrf": token})
    return town.here.client.open(one.path, method=one.method, query_string={"did": "confirmed", **fields})


def wrong_with(town: Town, one: Attempt) -> Iterator[str]:
    """Send one request and yield what is wrong with its answer or with what it left behind."""
    answer = send(town, one)
    body, status = answer.get_data(as_text=True), answer.status_code
    if status >= 500:
        yield f"fault {status}"
    if one.reach is Reach.NONE and status != 403:
        yield f"no right, but {status}"
    for secret in (world.secret for world in town.worlds if out_of_sight(world, one.role)):
        if secret in body or secret in answer.headers.get("Location", ""):
            yield f"shows {secret}"
    if one.names_beyond and status not in (403, 404):
        yield f"beyond one's reach, but {status}"
    if written := sorted({line[0] for line in town.changes() if is_beyond(line, town, one)}):
        yield f"beyond one's reach, but it wrote {', '.join(written)}"


def is_beyond(line: Line, town: Town, one: Attempt) -> bool:
    """Return whether a changed row lies beyond the reach: another clinic's, or for the own only, one that names a colleague's things."""
    table, clinic, text = line
    if one.reach is Reach.NONE or clinic != town.here.opened.id:
        return True
    if one.reach is Reach.ALL or one.right is Right.OWN_ACCOUNT:
        return False
    (colleague,) = (world for world in town.worlds if world.name == COLLEAGUE)
    if (one.endpoint, table) == HANDED_OVER and f"|episode{OWN}|" in text:
        return False
    return table in WHOLE_CLINIC or any(key in text for key in (*colleague.ids.values(), f"{COLLEAGUE}|"))


def out_of_sight(world: World, role: Role) -> bool:
    """Return whether nothing of a world may ever be shown to a role."""
    return world.name == FOREIGN or (world.name == COLLEAGUE and reach_of(role, Right.SEE_SCHEDULE) is Reach.OWN)


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
