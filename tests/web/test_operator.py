"""The operators' console: nobody comes in without password and code, no other credential opens it, and what is done there holds at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from okienko_server.domain.contract import ContractStatus
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.tax_number import nip_of
from okienko_server.operations import operators
from okienko_server.operations.contracts import PAGE, slug_for
from okienko_server.operations.operators import close_operator, invite_operator
from okienko_server.storage.operators import OperatorAccountStore
from okienko_server.storage.tables import AuditRow, ClinicRow, ContractTermRow, OperatorActRow, OperatorSessionRow
from okienko_server.web.policy import Policy, policy_of
from tests.conftest import Clock
from tests.plans import clinic, one_therapist
from tests.web.patients import embed_token, house_of, opened, rows_of
from tests.web.staff_world import OWNER, StaffWorld

EMAIL, PASSWORD = "ada@okienko.test", "bardzo długie hasło"


class Running:
    """One operator and one browser."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app, self.clock, self.client = app, clock, app.test_client()
        self.secret = self.join()

    def join(self, client: FlaskClient | None = None, email: str = EMAIL) -> str:
        """Invite somebody, take the link, and return the second factor's secret."""
        browser = client or self.client
        token = invite_operator(email, "Ada Lis", desk=house_of(self.app).desk, now=self.clock())
        page = browser.get(f"/operator/link/{token}").text
        found = re.search(r'class="s-secret">([A-Z2-7]+)<', page)
        assert found
        form = {"password": PASSWORD, "again": PASSWORD, "code": self.code(found[1])}
        assert browser.post(f"/operator/link/{token}", data=form).status_code == 303
        return found[1]

    def code(self, secret: str = "") -> str:
        return pyotp.TOTP(secret or self.secret).at(self.clock())

    def sign_in(self, client: FlaskClient | None = None, **changes: Any) -> TestResponse:
        form = {"email": EMAIL, "password": PASSWORD, "code": self.code()} | changes
        return (client or self.client).post("/operator/sign-in", data=form)

    def enter(self) -> Running:
        self.clock.forward(seconds=60)
        assert self.sign_in().status_code == 303
        return self

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/operator").text)
        assert found
        return found[1]

    def post(self, path: str, **fields: Any) -> TestResponse:
        return self.client.post(f"/operator{path}", data={"csrf": self.csrf()} | fields)


@pytest.fixture
def running(app: Flask, clock: Clock) -> Running:
    return Running(app, clock)


def doors(app: Flask) -> list[tuple[str, str]]:
    """Return every request the console answers: (method, path)."""
    found = []
    for rule in app.url_map.iter_rules():
        if policy_of(app, rule.endpoint) is Policy.OPERATOR:
            path = re.sub(r"<[^>]+>", "x", rule.rule)
            found += [(method, path) for method in (rule.methods or set()) & {"GET", "POST"}]
    return found


def test_nobody_else_comes_in(app: Flask, running: Running) -> None:
    world = StaffWorld.of(app)
    world.sign_in(OWNER)
    pinned = app.test_client()
    pinned.get(f"/e/{embed_token(world.opened.id)}")
    for client in (app.test_client(), world.client, pinned):
        for method, path in doors(app):
            answer = client.open(path, method=method, data={"csrf": "x"})
            assert (answer.status_code, answer.headers.get("Location")) == (303, "/operator/sign-in"), path
    assert len(doors(app)) >= 9


def test_a_staff_cookie_under_the_operators_name_opens_nothing_and_the_other_way(app: Flask, running: Running) -> None:
    world = StaffWorld.of(app)
    world.sign_in(OWNER)
    staff_cookie = world.client.get_cookie("okienko_staff")
    assert staff_cookie
    thief = app.test_client()
    thief.set_cookie("okienko_operator", staff_cookie.value)
    assert thief.get("/operator").status_code == 303
    running.enter()
    cookie = running.client.get_cookie("okienko_operator")
    assert cookie
    thief.set_cookie("okienko_staff", f"{world.opened.id}.{cookie.value}")
    assert thief.get("/staff/").status_code in (302, 303)
    assert running.client.get("/staff/").status_code in (302, 303)
    thief.set_cookie("okienko_operator", cookie.value)
    assert thief.get("/operator").status_code == 200, "the control: the cookie itself is good"


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "złe hasło zupełnie"},
        {"code": "000000"},
        {"code": ""},
        {"email": "eva@okienko.test"},
        {"email": "\0"},
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(running: Running, wrong: dict[str, Any]) -> None:
    running.clock.forward(seconds=60)
    answer = running.sign_in(**wrong)
    assert answer.status_code == 401
    assert "Adres, hasło albo kod się nie zgadza" in answer.text.replace("\u00a0", " ")
    assert "Set-Cookie" not in answer.headers


def test_a_code_works_once(app: Flask, running: Running) -> None:
    running.clock.forward(seconds=60)
    assert running.sign_in().status_code == 303
    assert running.sign_in(app.test_client()).status_code == 401
    running.clock.forward(seconds=30)
    assert running.sign_in(app.test_client()).status_code == 303


def test_the_code_that_took_the_invitation_opens_nothing_more(running: Running) -> None:
    assert running.sign_in().status_code == 401


def test_without_taking_the_step_a_code_would_work_twice(
    app: Flask, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    monkeypatch.setattr(OperatorAccountStore, "take_step", lambda store, operator_id, step: True)
    running.clock.forward(seconds=60)
    assert running.sign_in().status_code == 303
    assert running.sign_in(app.test_client()).status_code == 303


def test_guessing_is_slowed_down(running: Running) -> None:
    running.clock.forward(seconds=60)
    answers = [running.sign_in(password=f"zgadywane hasło {n}").status_code for n in range(12)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert running.sign_in().status_code == 429
    running.clock.forward(hours=1)
    assert running.sign_in().status_code == 303


def test_a_session_ends_after_silence_at_its_end_and_by_the_button(app: Flask, running: Running) -> None:
    running.enter()
    running.clock.forward(minutes=30, seconds=1)
    assert running.client.get("/operator").status_code == 303
    running.enter()
    for _ in range(25):
        running.clock.forward(minutes=29)
        running.client.get("/operator")
    assert running.client.get("/operator").status_code == 303
    running.enter()
    assert running.post("/sign-out").status_code == 303
    assert running.client.get("/operator").status_code == 303
    assert len(rows_of(app, OperatorSessionRow)) == 0


def test_a_closed_account_is_out_at_once(app: Flask, running: Running) -> None:
    running.enter()
    close_operator(EMAIL, desk=house_of(app).desk, now=running.clock())
    assert running.client.get("/operator").status_code == 303
    running.clock.forward(seconds=60)
    assert running.sign_in().status_code == 401


def test_an_invitation_is_good_once_for_three_days_and_asks_for_both(app: Flask, clock: Clock) -> None:
    client, desk = app.test_client(), house_of(app).desk
    token = invite_operator(EMAIL, "Ada Lis", desk=desk, now=clock())
    found = re.search(r'class="s-secret">([A-Z2-7]+)<', client.get(f"/operator/link/{token}").text)
    assert found
    code = pyotp.TOTP(found[1]).at(clock())
    for wrong, field in (
        ({"password": "krótkie"}, "password"), ({"again": "inne hasło niż to"}, "again"), ({"code": "000000"}, "code"),
    ):  # fmt: skip
        form = {"password": PASSWORD, "again": PASSWORD, "code": code} | wrong
        if field == "password":
            form["again"] = form["password"]
        answer = client.post(f"/operator/link/{token}", data=form)
        assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (422, True), field
    good = {"password": PASSWORD, "again": PASSWORD, "code": code}
    assert client.post(f"/operator/link/{token}", data=good).status_code == 303
    assert client.post(f"/operator/link/{token}", data=good).status_code == 404
    other = invite_operator("jan@okienko.test", "Jan", desk=desk, now=clock())
    clock.forward(hours=72)
    assert client.get(f"/operator/link/{other}").status_code == 404
    assert client.get("/operator/link/x").status_code == 404


def test_a_new_invitation_ends_the_old_telephone(app: Flask, running: Running) -> None:
    old = running.secret
    running.clock.forward(seconds=60)
    running.secret = running.join(app.test_client())
    assert running.secret != old
    running.clock.forward(seconds=60)
    assert running.sign_in(code=running.code(old)).status_code == 401
    assert running.sign_in().status_code == 303


def test_a_form_without_the_sessions_token_does_nothing(app: Flask, running: Running) -> None:
    place = opened(app)
    running.enter()
    path = f"/operator/clinics/{place.id}/contract"
    for form, headers in (
        ({"status": "trial"}, {}), ({"status": "trial", "csrf": "x"}, {}),
        ({"status": "trial", "csrf": running.csrf()}, {"Sec-Fetch-Site": "cross-site"}),
    ):  # fmt: skip
        assert running.client.post(path, data=form, headers=headers).status_code == 403
    assert len(rows_of(app, ContractTermRow)) == 1


def test_a_contract_is_changed_and_everything_follows_at_once(app: Flask, running: Running) -> None:
    place = opened(app, clinic(contract="trial"))
    running.enter()
    door, path = f"/e/{embed_token(place.id)}", f"/clinics/{place.id}/contract"
    assert app.test_client().get(door).status_code == 403
    assert running.post(path, status="active", signed_on="2026-11-20", reason="podpisana").status_code == 303
    assert app.test_client().get(door).status_code == 200
    first = running.post(path, status="suspended")
    assert "Na pewno?" in first.text.replace("\u00a0", " ")
    assert app.test_client().get(door).status_code == 200
    assert running.post(path, status="suspended", sure="suspended").status_code == 303
    assert app.test_client().get(door).status_code == 403
    acts = [(row.action, row.detail) for row in rows_of(app, AuditRow)]
    assert acts == [("change_contract", "active"), ("change_contract", "suspended")]
    mine = {row.operator_id for row in rows_of(app, OperatorActRow) if row.action == "contract"}
    assert len(mine) == 1 and "" not in mine


def test_a_term_may_begin_later(app: Flask, running: Running, clock: Clock) -> None:
    place = opened(app, clinic(contract="trial"))
    running.enter()
    running.post(f"/clinics/{place.id}/contract", status="active", starts_on="2026-12-01", signed_on="2026-11-20")
    door = f"/e/{embed_token(place.id)}"
    clock.now = clock.now.replace(day=30, hour=22, minute=59)
    assert app.test_client().get(door).status_code == 403
    clock.forward(minutes=1)
    assert app.test_client().get(door).status_code == 200, "midnight in Warsaw"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"status": ""}, "status"), ({"status": "free"}, "status"), ({"status": "active"}, "signed_on"),
        ({"status": "active", "signed_on": "2019-12-31"}, "signed_on"), ({"status": "active", "signed_on": "2027-01-01"}, "signed_on"),
        ({"status": "legacy", "signed_on": "2020-01-01"}, "signed_on"), ({"status": "trial", "starts_on": "2026-11-22"}, "starts_on"),
        ({"status": "trial", "starts_on": "jutro"}, "starts_on"), ({"status": "trial", "reason": "x" * 201}, "reason"),
        ({"status": "active", "signed_on": "0000-99-99"}, "signed_on"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_term_is_told_beside_it(
    app: Flask, running: Running, fields: dict[str, str], field: str
) -> None:
    place = opened(app, clinic(contract="trial"))
    answer = running.enter().post(f"/clinics/{place.id}/contract", **fields)
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert [row.status for row in rows_of(app, ContractTermRow)] == ["trial"]


def test_a_legacy_contract_has_one_clear_switch(app: Flask, running: Running) -> None:
    place = opened(app, clinic(contract=ContractStatus.LEGACY))
    running.enter()
    running.post(f"/clinics/{place.id}/contract", status="legacy", signed_on="2018-05-01")
    page = running.client.get(f"/operator/clinics/{place.id}").text
    assert 'name="status" value="legacy_opened"' in page
    assert running.post(f"/clinics/{place.id}/contract", status="legacy_opened").status_code == 303
    assert app.test_client().get(f"/e/{embed_token(place.id)}").status_code == 200


NEW = {
    "name": "Fizjoterapia Zielona", "slug": "", "nip": "526-025-02-74", "phone": "12 300 40 50", "street": "ul. Zielona 3",
    "postcode": "31032", "city": "Kraków", "owner": "Ewa Grab", "email": "ewa@zielona.test",
}  # fmt: skip


def test_a_new_clinic_begins_on_trial_and_its_owner_comes_in_by_the_link(app: Flask, running: Running) -> None:
    answer = running.enter().post("/clinics/new", **NEW)
    found = re.search(r"http://localhost(/staff/link/[^\"]+)", answer.text)
    assert (answer.status_code, bool(found)) == (200, True)
    (row,) = rows_of(app, ClinicRow)
    assert (row.slug, row.nip, row.registration, row.contract_postcode) == (
        "fizjoterapia-zielona", "5260250274", False, "31-032",
    )  # fmt: skip
    owner = app.test_client()
    assert found
    assert owner.post(found[1], data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert owner.post("/staff/sign-in", data={"email": NEW["email"], "password": PASSWORD}).status_code == 303
    page = owner.get("/staff/settings").text
    assert "okresie próbnym" in page.replace("\u00a0", " ")
    assert "Nie ma żadnego adresu" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("slug", "Zielona Góra"), ("slug", "a--b"), ("slug", "gabinet"), ("nip", "5260250275"), ("nip", "123"),
        ("phone", "112"), ("postcode", "1"), ("city", ""), ("owner", ""), ("email", "ewa"), ("street", "x" * 121),
        ("owner", "x" * 81), ("owner", "Ewa\u0007Grab"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_clinic_is_told_and_nothing_typed_is_lost(
    app: Flask, running: Running, field: str, value: str
) -> None:
    opened(app, one_therapist())
    answer = running.enter().post("/clinics/new", **NEW | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    for name, kept in NEW.items():
        assert name in (field, "slug") or f'value="{kept}"' in answer.text, name
    assert len(rows_of(app, ClinicRow)) == 1


def test_the_list_is_searched_and_leafed(app: Flask, running: Running) -> None:
    for n in range(PAGE + 3):
        opened(app, one_therapist(f"gabinet-{n:02d}"))
    opened(app, clinic("zielona", nip="5260250274", staff=()))
    running.enter()
    first = running.client.get("/operator").text
    assert first.count('class="s-person"') == PAGE
    more = re.search(r'href="(/operator\?after=[^"]+)"', first)
    assert more
    assert running.client.get(more[1]).text.count('class="s-person"') == 4
    for asked, count in (
        ("ZIELONA", 1),
        ("526 025 02 74", 1),
        ("gabinet-07", 1),
        ("kraków", PAGE),
        ("100%", 0),
        ("_", 0),
    ):
        page = running.client.get("/operator", query_string={"asked": asked}).text
        assert page.count('class="s-person"') == count, asked


def test_prices_are_set_for_months_to_come(app: Flask, running: Running) -> None:
    running.enter()
    assert running.post("/prices", month="2027-01", price="22", pool_messages="90").status_code == 303
    assert "22 gr za SMS" in running.client.get("/operator/prices").text.replace("\u00a0", " ")
    for month, price, field in (
        ("2026-11", "22", "month"),
        ("2027-02", "-1", "price"),
        ("x", "22", "month"),
        ("2027-02", "²", "price"),
    ):
        answer = running.post("/prices", month=month, price=price, pool_messages="90")
        assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (422, True)


def test_the_state_counts_and_names_nobody(app: Flask, running: Running) -> None:
    opened(app, clinic())
    opened(app, clinic("proba", contract="trial", staff=()))
    page = running.enter().client.get("/operator/state").text
    assert "Ada Lis" in page
    assert page.count("<dd>1</dd>") == 2
    assert "Kazimierz" not in page


def test_an_unknown_clinic_is_a_page_and_no_fault(running: Running) -> None:
    running.enter()
    for path in ("/operator/clinics/nosuchclinic", "/operator/clinics/%00", "/operator/clinics/a.b"):
        assert running.client.get(path).status_code == 404


@pytest.mark.parametrize("typed", ["5260250274", "526-025-02-74", "PL 526 025 02 74"])
def test_a_tax_number_is_read_as_people_write_it(typed: str) -> None:
    assert nip_of(typed) == "5260250274"


@pytest.mark.parametrize("typed", ["5260250275", "526025027", "52602502744", "abcdefghij", "٥٢٦٠٢٥٠٢٧٤", "0000000001"])
def test_a_tax_number_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(FieldRefused):
        nip_of(typed)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Rehabilitacja Kazimierz", "rehabilitacja-kazimierz"), ("„Krok po Kroku” Sp. z o.o.", "krok-po-kroku-sp-z-o-o"),
        ("Żółw", "zolw"), ("!!!", ""),
    ],
)  # fmt: skip
def test_a_short_name_is_made_of_the_name(name: str, slug: str) -> None:
    assert slug_for(name) == slug


def test_timedelta_of_the_session_is_what_the_docs_say() -> None:
    assert (timedelta(minutes=30), timedelta(hours=12)) == (operators.IDLE, operators.ABSOLUTE)


def test_portals_are_opened_framed_and_their_snippets_ended(app: Flask, running: Running) -> None:
    running.enter()
    good = {"id": "zdrowie", "name": "Zdrowie w mieście", "sites": "zdrowie.example"}
    assert running.post("/portals", **good).status_code == 303
    page = running.client.get("/operator/portals").text
    (token,) = re.findall(r"token=&#34;([^&]+)&#34;", page) or re.findall(r"token=&quot;([^&]+)&quot;", page)
    frame = app.test_client().get(f"/e/{token}")
    assert frame.status_code == 200
    assert "https://zdrowie.example" in frame.headers["Content-Security-Policy"]
    for wrong, field in (
        ({"id": "zdrowie"}, "id"), ({"id": "Zła"}, "id"), ({"id": "b", "name": ""}, "name"), ({"id": "b", "sites": "*.x.pl"}, "sites"),
    ):  # fmt: skip
        answer = running.post("/portals", **good | wrong)
        assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (422, True), wrong
    assert running.post("/portals/zdrowie/sites", sites="inne.example").status_code == 303
    assert "https://inne.example" in app.test_client().get(f"/e/{token}").headers["Content-Security-Policy"]
    assert running.post("/portals/zdrowie/sites", sites="http://x.pl").status_code == 422
    assert running.post("/portals/zdrowie/revoke", when="now").status_code == 303
    assert app.test_client().get(f"/e/{token}").status_code == 403
    assert running.post("/portals/nie-ma/revoke", when="now").status_code == 404


def test_metrics_answer_only_who_has_the_token_and_name_nobody(app: Flask) -> None:
    opened(app, clinic())
    client, settings = app.test_client(), house_of(app).settings
    assert client.get("/metrics").status_code == 404
    object.__setattr__(settings, "metrics_token", "a-token-of-some-length")
    for sent in ("", "Bearer", "Bearer wrong", "Basic a-token-of-some-length", "Bearer żółw"):
        assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer a-token-of-some-length"})
    assert answer.status_code == 200
    assert 'okienko_clinics{status="active"} 1' in answer.text
    assert "azimierz" not in answer.text
