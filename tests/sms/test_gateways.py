"""Each adapter against its provider's shapes on a real socket: what was taken, what surely was not, and what nobody knows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from okienko_server.config import Settings, SettingsRefused, SmsAccount
from okienko_server.operations.send_sms import send_due
from okienko_server.operations.take_reports import ask_reports
from okienko_server.sms import http
from okienko_server.sms.choose import gateway_of
from okienko_server.sms.gateway import (
    AfterUnsure,
    Delivery,
    Gateway,
    GatewayRefused,
    GatewayUnsure,
    Taken,
)
from tests.conftest import KEYS, PEPPER, Clock
from tests.operations.test_outbox import queued
from tests.sms.fake import Fake, fake_gateway
from tests.web.patients import house_of, messages_of

PROVIDERS = ("smsapi", "serwersms", "twilio", "android")
SECRET = "a secret only the gateway knows"
PHONE, BODY = "+48601234567", "Gabinet: kod 123456 potwierdza rezerwacje."


def account(provider: str, host: str) -> Settings:
    sms = SmsAccount("token", "account", "Okienko", SECRET, host)
    return Settings("production", "sqlite://", KEYS, PEPPER, provider, "https://okienko.example", sms=sms)


def adapter(provider: str, host: str) -> Gateway:
    return gateway_of(account(provider, host))


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(provider: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(http, "READ_SECONDS", 0.5)
    with fake_gateway(provider) as made:
        yield made


def test_a_message_taken_has_the_gateways_id(fake: Fake) -> None:
    taken = adapter(fake.provider, fake.url).send("m1", PHONE, BODY)
    assert taken == Taken("m1" if fake.provider == "android" else "gw-m1", 1)
    assert fake.taken == {"m1": 1} and fake.phones[0].lstrip("+") == PHONE.lstrip("+")
    assert BODY in str(fake.seen[0]) and "token" not in fake.seen[0]["path"]


@pytest.mark.parametrize("mode", ["stall", "reset", "fault", "nonsense"])
def test_what_breaks_after_the_message_left_is_an_unknown_outcome(fake: Fake, mode: str) -> None:
    fake.mode = mode
    gateway = adapter(fake.provider, fake.url)
    if (fake.provider, mode) == ("android", "nonsense"):
        # 200 from the own telephone is a yes, whatever page a proxy wraps it in.
        assert gateway.send("m1", PHONE, BODY) == Taken("m1")
        return
    with pytest.raises(GatewayUnsure) as told:
        gateway.send("m1", PHONE, BODY)
    assert PHONE.lstrip("+") not in str(told.value) and "127.0.0.1" not in str(told.value)


def test_a_refusal_for_good_and_one_for_now_are_told_apart(fake: Fake) -> None:
    gateway = adapter(fake.provider, fake.url)
    for mode, again in (("refuse", False), ("limit", True)):
        fake.mode = mode
        with pytest.raises(GatewayRefused) as told:
            gateway.send("m1", PHONE, BODY)
        assert told.value.again is again and PHONE.lstrip("+") not in str(told.value)
    assert fake.billed == 0


def test_a_redirect_is_not_followed(fake: Fake) -> None:
    fake.mode = "redirect"
    with pytest.raises((GatewayUnsure, GatewayRefused)):
        adapter(fake.provider, fake.url).send("m1", PHONE, BODY)
    assert len(fake.seen) == 1


def test_nobody_there_is_a_refusal_for_now(provider: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(GatewayRefused) as told:
        adapter(provider, f"http://127.0.0.1:{port}").send("m1", PHONE, BODY)
    assert told.value.again


@pytest.mark.parametrize("mode", ["stall", "reset"])
def test_the_worker_bills_nothing_twice_and_ends_the_doubt_where_it_can(
    app: Flask, clock: Clock, fake: Fake, mode: str
) -> None:
    queued(app, 3)
    gateway, desk = adapter(fake.provider, fake.url), house_of(app).desk
    fake.mode = mode
    send_due(gateway, desk=desk, now=clock.now)
    assert {row.status for row in messages_of(app)} == {"unsure"} and fake.billed == 3
    fake.mode = "ok"
    for _ in range(4):
        clock.forward(minutes=16)
        send_due(gateway, desk=desk, now=clock.now)
    assert set(fake.taken.values()) == {1}, "nothing was billed twice"
    waits = gateway.after_unsure is AfterUnsure.WAIT
    assert {row.status for row in messages_of(app)} == {"unsure" if waits else "sent"}


def test_sent_again_blindly_a_message_is_billed_twice(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, with the provider that refuses no doubles."""
    monkeypatch.setattr(http, "READ_SECONDS", 0.5)
    monkeypatch.setattr("okienko_server.operations.send_sms._asked", lambda gateway, message: None)
    queued(app, 1)
    with fake_gateway("twilio") as fake:
        gateway, fake.mode = adapter("twilio", fake.url), "reset"
        send_due(gateway, desk=house_of(app).desk, now=clock.now)
        fake.mode = "ok"
        clock.forward(minutes=1)
        send_due(gateway, desk=house_of(app).desk, now=clock.now)
    assert set(fake.taken.values()) == {2}


def test_a_gateway_down_for_a_day_gets_every_message_in_the_end(app: Flask, clock: Clock, fake: Fake) -> None:
    queued(app, 2)
    gateway, desk = adapter(fake.provider, fake.url), house_of(app).desk
    fake.mode, end = "limit", clock.now + timedelta(hours=24)
    while clock.now < end:
        clock.forward(minutes=45)
        send_due(gateway, desk=desk, now=clock.now)
    fake.mode = "ok"
    clock.forward(minutes=45)
    assert send_due(gateway, desk=desk, now=clock.now) == 2 and fake.billed == 2


def test_a_gateway_that_reports_nothing_by_itself_is_asked(app: Flask, clock: Clock) -> None:
    queued(app, 2)
    desk = house_of(app).desk
    with fake_gateway("serwersms") as fake:
        gateway = adapter("serwersms", fake.url)
        send_due(gateway, desk=desk, now=clock.now)
        assert [ask_reports(gateway, desk=desk, now=clock.now) for _ in range(2)] == [2, 0]
        fake.mode = "fault"
        assert ask_reports(gateway, desk=desk, now=clock.now) == 0
    assert {row.delivery for row in messages_of(app)} == {"delivered"}


# ---- reports over HTTP ----


def reporting(app: Flask, provider: str, clock: Clock) -> tuple[FlaskClient, Any]:
    """Return a client of a server with that gateway, and one message it sent."""
    queued(app, 1)
    house = app.extensions["okienko"]
    with fake_gateway(provider) as fake:
        gateway = adapter(provider, fake.url)
        send_due(gateway, desk=house.desk, now=clock.now)
    settings = replace(house.settings, public_url="https://okienko.example")
    app.extensions["okienko"] = replace(house, gateway=gateway, settings=settings)
    (row,) = messages_of(app)
    return app.test_client(), row


def delivery_of(app: Flask) -> str | None:
    (row,) = messages_of(app)
    found: str | None = row.delivery
    return found


def test_smsapi_reports_by_a_secret_address(app: Flask, clock: Clock) -> None:
    client, row = reporting(app, "smsapi", clock)
    told = {"MsgId": f"nobody,{row.gateway_id}", "status": "404,404", "idx": "x," + row.id}
    for secret in ("", "wrong", "zły", SECRET[:-1]):
        assert client.get("/gateway/report", query_string=told | {"secret": secret}).status_code == 401
    assert delivery_of(app) is None
    for _ in range(3):
        answer = client.get("/gateway/report", query_string=told | {"secret": SECRET})
        assert (answer.status_code, answer.get_data(as_text=True)) == (200, "OK")
    assert delivery_of(app) == "delivered"
    late = told | {"status": "403,403", "secret": SECRET}
    assert client.get("/gateway/report", query_string=late).status_code == 200 and delivery_of(app) == "delivered"
    for broken in ({"status": "9"}, {"MsgId": "," * 5000}, {"idx": "\u0660"}):
        assert client.get("/gateway/report", query_string={"secret": SECRET} | broken).status_code == 200


def signed(url: str, form: dict[str, str], token: str = "token") -> dict[str, str]:
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def test_twilio_reports_with_a_signature_over_address_and_fields(app: Flask, clock: Clock) -> None:
    client, row = reporting(app, "twilio", clock)
    path = f"/gateway/report?message={row.id}"
    url, form = f"https://okienko.example{path}", {"MessageSid": row.gateway_id, "MessageStatus": "delivered"}
    forged = [{}, signed(url, form, "other"), signed(url, form | {"MessageStatus": "failed"}), signed(url + "x", form)]
    for headers in (*forged, {"X-Twilio-Signature": "ż"}):
        assert client.post(path, data=form, headers=headers).status_code == 401
    assert delivery_of(app) is None
    assert client.post(path, data=form, headers=signed(url, form)).status_code == 200
    assert delivery_of(app) == "delivered"
    failed = form | {"MessageStatus": "failed"}
    assert client.post(path, data=failed, headers=signed(url, failed)).status_code == 200
    assert delivery_of(app) == "delivered", "what arrived did arrive"


def test_the_telephone_reports_with_a_fresh_signature(app: Flask, clock: Clock) -> None:
    client, row = reporting(app, "android", clock)
    body = json.dumps({"event": "sms:delivered", "payload": {"messageId": row.id}}).encode()

    def headers(stamp: str, key: str = SECRET) -> dict[str, str]:
        digest = hmac.new(key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
        return {"X-Signature": digest, "X-Timestamp": stamp, "Content-Type": "application/json"}

    now = str(int(time.time()))
    stale = str(int(time.time()) - 3600)
    for wrong in (headers(now, "other"), headers(stale), headers("x"), headers("9" * 30), {}):
        assert client.post("/gateway/report", data=body, headers=wrong).status_code == 401
    assert delivery_of(app) is None
    for _ in range(2):
        assert client.post("/gateway/report", data=body, headers=headers(now)).status_code == 200
    assert delivery_of(app) == "delivered"


@pytest.mark.parametrize("provider", ["smsapi", "twilio", "android", "serwersms"])
def test_without_its_check_a_gateway_would_believe_anybody(
    app: Flask, clock: Clock, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with every signature held for right, the forged report is taken (SerwerSMS takes none at all)."""
    client, row = reporting(app, provider, clock)
    body = json.dumps({"event": "sms:delivered", "payload": {"messageId": row.id}})
    forged_by: dict[str, Callable[[], Any]] = {
        "smsapi": lambda: client.get("/gateway/report", query_string={"MsgId": row.gateway_id, "status": "404", "secret": "x"}),
        "twilio": lambda: client.post("/gateway/report", data={"MessageSid": row.gateway_id, "MessageStatus": "delivered"}),
        "android": lambda: client.post("/gateway/report", data=body, headers={"X-Timestamp": str(int(time.time()))}),
        "serwersms": lambda: client.post("/gateway/report", data={"id": row.gateway_id, "status": "delivered"}),
    }  # fmt: skip
    forged = forged_by[provider]
    assert forged().status_code == 401 and delivery_of(app) is None
    for module in ("smsapi", "twilio", "android"):
        monkeypatch.setattr(f"okienko_server.sms.{module}.same", lambda ours, theirs: True)
    assert (forged().status_code, delivery_of(app)) == ((401, None) if provider == "serwersms" else (200, "delivered"))


def test_a_gateway_that_shows_messages_only_takes_no_report(app: Flask) -> None:
    assert app.test_client().post("/gateway/report", data={"MsgId": "x"}).status_code == 401


# ---- settings ----


@pytest.mark.parametrize(
    ("provider", "left_out"),
    [
        ("smsapi", "token"),
        ("smsapi", "secret"),
        ("serwersms", "token"),
        ("twilio", "account"),
        ("twilio", "sender"),
        ("android", "host"),
    ],
)
def test_a_gateway_without_what_it_needs_does_not_start(provider: str, left_out: str) -> None:
    settings = account(provider, "https://api.example.pl")
    settings.check()
    with pytest.raises(SettingsRefused, match=f"OKIENKO_SMS_{left_out.upper()}") as refused:
        replace(settings, sms=replace(settings.sms, **{left_out: ""})).check()
    assert SECRET not in str(refused.value) and SECRET not in repr(settings) and "token'" not in repr(settings)


def test_a_gateways_secret_is_long_and_its_host_an_address() -> None:
    settings = account("smsapi", "")
    for more in ({"secret": "short"}, {"host": "ftp://x"}):
        with pytest.raises(SettingsRefused):
            replace(settings, sms=replace(settings.sms, **more)).check()


def test_delivery_words_are_ranked() -> None:
    assert list(Delivery) == [Delivery.ACCEPTED, Delivery.SENT, Delivery.UNDELIVERED, Delivery.DELIVERED]
