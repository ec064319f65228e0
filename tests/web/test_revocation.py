"""Pasted tokens over their life: rotated keys, a generation raised with and without grace, and what a leaked one opens."""

from __future__ import annotations

import pytest
from flask import Flask

from okienko import EmbedToken, PortalToken
from okienko.tokens import Keys
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.revoke_tokens import revoke_clinic_tokens, revoke_portal_tokens
from okienko_server.storage.onboarding import OnboardingStore
from okienko_server.storage.tables import AppointmentRow
from tests.conftest import KEYS, PEPPER, Clock
from tests.plans import clinic
from tests.web.pages import Page
from tests.web.patients import API, ApiPatient, FormPatient, embed_token, opened, refusal_of, rows_of

NEW = "a new embed key of more than thirty-two signs"


def frame(app: Flask, token: str, **headers: str) -> Page:
    return Page(app.test_client().get(f"/e/{token}", headers=headers))


def minted(app: Flask, token: str) -> int:
    return app.test_client().post(f"{API}/sessions", json={"token": token}).status_code


def test_without_grace_older_tokens_stop_at_once_and_show_the_way(app: Flask, clock: Clock) -> None:
    place = opened(app)
    revoke_clinic_tokens(place.id, 0, desk=app.extensions["okienko"].desk, now=clock())
    page = frame(app, embed_token(place.id))
    assert page.status == 403
    assert f'href="/g/{place.id}"' in page.html
    assert minted(app, embed_token(place.id)) == 403
    assert frame(app, embed_token(place.id, 2)).status == 200
    assert app.test_client().get(f"/g/{place.id}").status_code == 200


def test_with_grace_they_go_on_for_as_many_days(app: Flask, clock: Clock) -> None:
    place, desk = opened(app), app.extensions["okienko"].desk
    raised = revoke_clinic_tokens(place.id, 7, desk=desk, now=clock())
    assert (raised.current, raised.graced) == (2, 1)
    for token in (embed_token(place.id), embed_token(place.id, 2)):
        assert (frame(app, token).status, minted(app, token)) == (200, 201)
    clock.forward(days=7)
    assert (frame(app, embed_token(place.id)).status, minted(app, embed_token(place.id))) == (403, 403)
    assert frame(app, embed_token(place.id, 2)).status == 200


def test_a_grace_cuts_nobody_off_in_mid_booking(app: Flask, clock: Clock) -> None:
    place, desk = opened(app), app.extensions["okienko"].desk
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    code = patient.awaiting_code()
    revoke_clinic_tokens(place.id, 1, desk=desk, now=clock())
    assert patient.code(code).status == 200
    (made,) = rows_of(app, AppointmentRow)
    assert made.status == "pending"


def test_a_leak_during_a_grace_ends_both(app: Flask, clock: Clock) -> None:
    place, desk = opened(app), app.extensions["okienko"].desk
    revoke_clinic_tokens(place.id, 30, desk=desk, now=clock())
    revoke_clinic_tokens(place.id, 0, desk=desk, now=clock())
    for generation in (1, 2):
        assert minted(app, embed_token(place.id, generation)) == 403
    assert minted(app, embed_token(place.id, 3)) == 201


def test_a_portals_tokens_are_revoked_alike(app: Flask, clock: Clock) -> None:
    desk = app.extensions["okienko"].desk
    desk.database.write(lambda c: OnboardingStore(c, operator_scope()).add_portal("zdrowie", "Portal Zdrowie"))
    old, new = (PortalToken("zdrowie", generation).sign(KEYS.embed) for generation in (1, 2))
    revoke_portal_tokens("zdrowie", 1, desk=desk, now=clock())
    assert (minted(app, old), minted(app, new)) == (201, 201)
    clock.forward(days=1)
    assert (minted(app, old), minted(app, new)) == (403, 201)


@pytest.mark.parametrize("whose", ["clinic", "portal"])
def test_a_grace_asked_for_again_keeps_the_days_that_were_promised(app: Flask, clock: Clock, whose: str) -> None:
    place, desk = opened(app), app.extensions["okienko"].desk
    desk.database.write(lambda c: OnboardingStore(c, operator_scope()).add_portal("zdrowie", "Portal Zdrowie"))
    revoke = revoke_clinic_tokens if whose == "clinic" else revoke_portal_tokens
    key = place.id if whose == "clinic" else "zdrowie"
    old = embed_token(place.id) if whose == "clinic" else PortalToken("zdrowie", 1).sign(KEYS.embed)
    first = revoke(key, 7, desk=desk, now=clock())
    clock.forward(days=6)
    assert revoke(key, 7, desk=desk, now=clock()) == first
    assert minted(app, old) == 201
    clock.forward(days=1)
    assert minted(app, old) == 403
    assert revoke(key, 7, desk=desk, now=clock()).current == first.current + 1


@pytest.fixture
def rotated(settings: Settings, clock: Clock) -> Flask:
    """The same server after a new key was appended: the last signs, all verify."""
    keys = Keys((*KEYS.embed, NEW), KEYS.session)
    return create_app(Settings("development", settings.database_url, keys, PEPPER, "inbox"), clock=clock)


def test_after_a_rotation_old_snippets_work_and_new_ones_are_signed_anew(app: Flask, rotated: Flask) -> None:
    place = opened(app)
    fresh = EmbedToken(place.id, 1).sign([*KEYS.embed, NEW])
    assert fresh == EmbedToken(place.id, 1).sign([NEW]) != embed_token(place.id)
    assert [minted(rotated, token) for token in (embed_token(place.id), fresh)] == [201, 201]
    assert minted(app, fresh) == 401, "the control: a server without the key refuses it"
    rotated.extensions["okienko"].desk.database.dispose()


def test_a_leaked_token_reaches_the_public_offer_and_nothing_else(app: Flask) -> None:
    """What somebody with the token and curl can do: what any visitor of the clinic's page can."""
    mine, other = opened(app), opened(app, clinic("podgorze", staff=()))
    patient = ApiPatient(app, mine.id)
    patient.awaiting_code()
    reference = patient.reference
    thief = ApiPatient(app, mine.id)
    assert thief.ask("GET", "/categories").status_code == 200
    assert refusal_of(thief.ask("GET", f"/appointments/{reference}")) == (404, "not_found")
    assert refusal_of(thief.ask("POST", f"/appointments/{reference}/verification", {"code": "123456"})) == (
        404,
        "not_found",
    )
    foreign = {"category": "spine", "age_group": "adult", "kind": "consultation", "clinic_id": other.id}
    assert refusal_of(thief.ask("POST", "/slots/search", foreign)) == (403, "foreign_clinic")
    assert (
        refusal_of(
            thief.ask("POST", "/clinics/search", {"category": "spine", "age_group": "adult", "kind": "consultation"})
        )[0]
        == 403
    )
    assert app.test_client().get(
        "/staff/", headers={"Authorization": f"Bearer {embed_token(mine.id)}"}
    ).status_code in (302, 303)


def test_a_strange_page_gets_a_card_and_an_allowed_one_the_widget(app: Flask) -> None:
    place = opened(app, clinic(allowed_origins=("https://klinika.example",)))
    asked = {"Sec-Fetch-Dest": "iframe"}
    for referer, status in (
        ("https://klinika.example/kontakt", 200), ("https://klinika.example", 200), ("https://evil.example/", 403),
        ("https://klinika.example.evil.example/", 403), ("http://klinika.example/", 403), ("", 200), ("rubbish", 200),
        ("http://localhost/e/x", 200),
    ):  # fmt: skip
        page = frame(app, embed_token(place.id), Referer=referer, **asked)
        assert page.status == status, referer
        if status == 403:
            assert "form" not in page.html.partition("<main")[2].partition("</main>")[0]
            assert f'href="/g/{place.id}"' in page.html
    assert frame(app, embed_token(place.id), Referer="https://evil.example/").status == 200, (
        "a tab of its own is no frame"
    )
