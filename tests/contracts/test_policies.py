"""No route without a policy: the app refuses to start, and every route there is asks for what its policy says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from okienko_server import app as factory
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.web.pages.health import health
from okienko_server.web.policy import Policy, check_policies, policy, policy_of, right_of
from tests.conftest import KEYS, PEPPER

PUBLIC = {
    "/operator/sign-in",
    "/metrics",
    "/pomoc/",
    "/pomoc/<name>",
    "/pomoc/obrazy/<name>.jpg",
    "/operator/link/<token>",
    "/api/v1/openapi.json",
    "/api/v1/sessions",
    "/health",
    "/ready",
    "/staff/sign-in",
    "/staff/second-factor",
    "/staff/clinic",
    "/staff/link/<clinic_id>.<token>",
    "/static/<name>",
    "/card/<slug>",
    "/fhir/$bulk-publish",
    "/fhir/<any(locations, schedules, slots):kind>-<int(min=1, max=99999):page>.ndjson",
    "/g/<slug>/karta.png",
    "/robots.txt",
    "/g/<slug>/terminy.json",
    "/doctor",
    "/doctor/style.css",
    "/embed/v1/okienko.js",
    "/oembed",
    "/embed/okienko-<version>.js",
}


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    return Settings("development", f"sqlite:///{tmp_path / 'bare.db'}", KEYS, PEPPER, "inbox")


@pytest.fixture
def bare_app(bare: Settings) -> Flask:
    return create_app(bare)


def test_every_route_declares_its_policy(bare_app: Flask) -> None:
    rules = list(bare_app.url_map.iter_rules())
    assert len(rules) > 25
    assert [rule.rule for rule in rules if policy_of(bare_app, rule.endpoint) is None] == []


def test_only_these_routes_ask_for_nothing(bare_app: Flask) -> None:
    public = {
        rule.rule for rule in bare_app.url_map.iter_rules() if policy_of(bare_app, rule.endpoint) is Policy.PUBLIC
    }
    assert public == PUBLIC


def test_a_bare_route_stops_the_start(bare_app: Flask) -> None:
    bare_app.add_url_rule("/forgotten", "forgotten", lambda: "")
    with pytest.raises(RuntimeError, match="/forgotten"):
        check_policies(bare_app)


def test_the_factory_itself_refuses_a_bare_route(bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a blueprint with one undeclared view is enough, and with a declared one the app starts."""

    def registering(view: object) -> type[Flask]:
        class WithOneMore(Flask):
            def register_blueprint(self, blueprint: object, **options: object) -> None:
                super().register_blueprint(blueprint, **options)  # type: ignore[arg-type]
                if blueprint is health:
                    self.add_url_rule("/one-more", "one_more", view)  # type: ignore[arg-type]

        return WithOneMore

    monkeypatch.setattr(factory, "Flask", registering(lambda: ""))
    with pytest.raises(RuntimeError, match="/one-more"):
        create_app(bare)
    monkeypatch.setattr(factory, "Flask", registering(policy(Policy.PUBLIC)(lambda: "")))
    assert "one_more" in create_app(bare).view_functions


def test_demo_routes_exist_in_development_only(bare_app: Flask) -> None:
    demo = {rule.rule for rule in bare_app.url_map.iter_rules() if policy_of(bare_app, rule.endpoint) is Policy.DEMO}
    assert demo == {"/dev/sms", "/dev/sms.json"}
    house = bare_app.extensions["okienko"]
    assert bare_app.test_client().get("/dev/sms").status_code == 200
    object.__setattr__(house.settings, "environment", "production")
    for path in sorted(demo):
        assert bare_app.test_client().get(path).status_code == 404


def test_staff_routes_send_strangers_to_the_sign_in(bare_app: Flask) -> None:
    for rule in bare_app.url_map.iter_rules():
        if policy_of(bare_app, rule.endpoint) is not Policy.STAFF:
            continue
        path = re.sub(r"<\w+>", "abc", rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            answer = bare_app.test_client().open(path, method=method)
            if method in ("GET", "HEAD"):
                assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/staff/sign-in"), (
                    path
                )
            else:
                assert answer.status_code == 401 and 'action="/staff/sign-in"' in answer.text, path


def test_every_staff_route_names_its_right(bare_app: Flask) -> None:
    rules = [rule for rule in bare_app.url_map.iter_rules() if policy_of(bare_app, rule.endpoint) is Policy.STAFF]
    assert len(rules) > 40 and all(right_of(bare_app, rule.endpoint) for rule in rules)
    bare_app.add_url_rule("/staff/forgotten", "forgotten", policy(Policy.STAFF)(lambda: ""))
    with pytest.raises(RuntimeError, match="/staff/forgotten"):
        check_policies(bare_app)
