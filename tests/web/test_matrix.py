"""Every staff route × every role × one's own, a colleague's, another clinic's: generated from the URL map and the policy table.

The ids in a path, and every id a form could carry, are filled in from three worlds with planted words. Nothing of a world beyond the
role's reach may be read, and nothing beyond the right may be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Connection, select
from werkzeug.routing import Rule

from okienko_server.domain.appointment import Person, Status
from okienko_server.domain.roles import Reach, Right, Role, reach_of
from okienko_server.domain.scope import Scope
from okienko_server.storage.tables import Base
from okienko_server.web.policy import Policy, policy_of, right_of
from tests.web.records_world import Records
from tests.web.staff_world import ACCOUNTS, MICHAL, TUESDAY_NINE, ZOFIA, StaffWorld

OWN, COLLEAGUE, FOREIGN = "own", "colleague", "foreign"
OWN_THINGS = {"account", "sign_out"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
MAY_CHANGE = {"audit", "audit_head", "staff_session", "rate_counter"}
"""Tables a request may write to whatever its answer: who did what, when somebody was last seen, how often it was tried."""


@dataclass(frozen=True)
class World:
    """One of the three: the ids of its things by the name a path gives them, and the word planted in all of them."""

    name: str
    ids: dict[str, str]
    secret: str


@dataclass
class Town:
    """A clinic with somebody's own and a colleague's things, and another clinic."""

    app: Flask
    here: Records
    there: Records
    worlds: tuple[World, ...]

    def csrf(self, role: Role) -> str:
        """Return the form token of somebody of that role, signed in once and again after a sign-out."""
        if self.here.client.get("/staff/changes").status_code != 200 or self.role is not role:
            self.here.sign_in(ACCOUNTS[role])
            self.role, self.token = role, self.here.csrf()
        return self.token

    role: Role | None = None
    token: str = ""


def plant(records: Records, name: str, who: str) -> World:
    """Write one of everything for a therapist, each thing with a word found nowhere else."""
    secret, n = f"Sekret{name}", {OWN: 0, COLLEAGUE: 1, FOREIGN: 2}[name]
    waiting, booked = f"waiting{name}", f"booked{name}"
    records.add(waiting, who, patient=Person("Jan", secret), comment=secret, phone=f"+4860{n}234567")
    records.add(booked, who, TUESDAY_NINE + timedelta(hours=3), status=Status.BOOKED, patient=Person("Jan", secret))
    patient, episode = f"patient{name}", f"episode{name}"
    records.patient(patient, "Jan", secret, f"+4860{n}234567")
    records.episode(episode, patient, who, title=secret)
    records.tie(booked, patient, episode, who)
    return World(
        name,
        {
            "appointment_id": waiting,
            "practitioner_id": records.opened.practitioners[who],
            "patient_id": patient,
            "episode_id": episode,
            "staff_id": records.account(who),
            "absence_id": records.away(who, secret),
        },
        secret,
    )


@pytest.fixture
def town(app: Flask) -> Town:
    here, there = Records.of(app), Records.of(app, slug="inna", staff=())
    assert isinstance(here, Records) and isinstance(there, Records)
    worlds = (plant(here, OWN, ZOFIA), plant(here, COLLEAGUE, MICHAL), plant(there, FOREIGN, ZOFIA))
    return Town(app, here, there, worlds)


def staff_rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if policy_of(app, rule.endpoint) is Policy.STAFF]


def requests_of(rule: Rule, world: World) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of a rule with a world's ids; raises KeyError for an id nobody has told this test about."""
    path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: world.ids[found[1]], rule.rule)
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        yield method, path


def fields_of(world: World) -> dict[str, str]:
    """Return every field a form of the staff's pages may name, each leading into that world."""
    return {**world.ids, **{name.removesuffix("_id"): key for name, key in world.ids.items()}} | {
        "choice": f"{world.ids['patient_id']}.{world.ids['episode_id']}",
        "kind": "visit",
        "category": "spine",
        "about": world.ids["appointment_id"],
    }


def rows_of(connection: Connection) -> dict[str, list[str]]:
    return {
        table.name: sorted(map(repr, connection.execute(select(table))))
        for table in Base.metadata.sorted_tables
        if table.name not in MAY_CHANGE
    }


def findings(town: Town, role: Role) -> list[str]:
    """Try everything as one role and return what should not have been possible."""
    found: list[str] = []
    for rule in staff_rules(town.app):
        right = right_of(town.app, rule.endpoint)
        assert right is not None
        for world in town.worlds:
            for method, path in requests_of(rule, world):
                found += [f"{role} {method} {path}: {what}" for what in attempt(town, role, right, world, method, path)]
    return found


def attempt(town: Town, role: Role, right: Right, world: World, method: str, path: str) -> Iterator[str]:
    """Send one request and yield what is wrong with its answer or with what it left behind."""
    here, reach = town.here, reach_of(role, right)
    fields = fields_of(world) | {"csrf": town.csrf(role)}
    beyond = world.name == FOREIGN or (world.name == COLLEAGUE and reach is Reach.OWN) or reach is Reach.NONE
    unseen = beyond and names_it(path, world)
    before = here.desk.database.read(rows_of) if unseen else {}
    if method in WRITES:
        answer = here.client.open(path, method=method, data=fields)
    else:
        answer = here.client.open(path, method=method, query_string={"did": "confirmed", **fields_of(world)})
    body = answer.get_data(as_text=True)
    if answer.status_code >= 500:
        yield f"fault {answer.status_code}"
    if reach is Reach.NONE and answer.status_code != 403:
        yield f"no right, but {answer.status_code}"
    hidden = [one.secret for one in town.worlds if out_of_sight(one, role)]
    for secret in hidden:
        if secret in body or secret in answer.headers.get("Location", ""):
            yield f"shows {secret}"
    if unseen:
        if answer.status_code not in (403, 404):
            yield f"beyond one's reach, but {answer.status_code}"
        if here.desk.database.read(rows_of) != before:
            yield "beyond one's reach, but it wrote"


def names_it(path: str, world: World) -> bool:
    return any(key in path for key in world.ids.values())


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
    world: StaffWorld = town.here
    world.sign_in(ACCOUNTS["owner"])
    before = world.desk.database.read(rows_of)
    for rule in staff_rules(town.app):
        for method, path in requests_of(rule, town.worlds[0]):
            if method in WRITES:
                answer = world.client.open(path, method=method, data=fields_of(town.worlds[0]) | {"csrf": "guessed"})
                assert answer.status_code == 403, path
    assert world.desk.database.read(rows_of) == before
