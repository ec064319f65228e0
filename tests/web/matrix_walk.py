"""The walk over every staff route: what is tried, sent, and found wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from okienko_server.domain.roles import Reach, Right, Role, reach_of
from okienko_server.web.policy import Policy, policy_of, right_of
from tests.web.matrix_rows import Line
from tests.web.matrix_town import COLLEAGUE, FOREIGN, OWN, Town, World, fields_of

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
