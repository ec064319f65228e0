"""Each gateway's own account over a real socket: whole, page by page, or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from okienko_server.operations.reconcile import ask_account, reconcile
from okienko_server.operations.send_sms import send_due
from okienko_server.sms import http
from okienko_server.sms.gateway import Billed, Delivery, GatewayUnsure
from tests.conftest import Clock
from tests.operations.test_money import booked
from tests.plans import one_therapist
from tests.sms.fake import STALL, Fake, fake_gateway
from tests.sms.test_gateways import PHONE, SECRET, adapter
from tests.web.patients import house_of, messages_of, opened

LISTING = ("serwersms", "twilio", "android")
SINCE, UNTIL = datetime(2026, 11, 21, 23, 0, tzinfo=UTC), datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.fixture(params=LISTING)
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(http, "READ_SECONDS", 0.5)
    with fake_gateway(request.param) as made:
        for number in range(5):
            made.take(f"m{number}", PHONE)
        yield made


def test_an_account_of_several_pages_is_read_to_its_end(fake: Fake) -> None:
    found = adapter(fake.provider, fake.url).account(SINCE, UNTIL)
    assert found is not None and all(one.delivery is Delivery.DELIVERED and one.at == fake.at for one in found)
    names = [(one.message_id, one.gateway_id, one.parts) for one in found]
    ours = {"twilio": ("", "gw-m{}", 1), "serwersms": ("m{}", "gw-m{}", 1), "android": ("m{}", "m{}", 0)}
    first, second, parts = ours[fake.provider]
    assert names == [(first.format(n), second.format(n), parts) for n in range(5)]
    assert len(fake.seen) >= 3 and not {"m0", SECRET, "token"} & set(fake.seen[0]["path"].split("&"))


def test_the_span_is_asked_for_in_the_gateways_own_words(fake: Fake) -> None:
    adapter(fake.provider, fake.url).account(SINCE, UNTIL)
    asked = fake.seen[0]
    wanted = {
        "serwersms": {"date_from": "2026-11-22 00:00:00", "date_to": "2026-11-24 03:00:00"},
        "twilio": {"DateSent>": "2026-11-21", "DateSent<": "2026-11-25"},
        "android": {"from": "2026-11-21T23:00:00Z", "to": "2026-11-24T02:00:00Z"},
    }
    assert wanted[fake.provider].items() <= asked.items()


def test_an_empty_account_is_an_account(fake: Fake) -> None:
    fake.taken.clear()
    assert adapter(fake.provider, fake.url).account(SINCE, UNTIL) == []


@pytest.mark.parametrize("mode", ["fault", "limit", "nonsense", "second", "nameless", "reset", "stall", "elsewhere"])
def test_an_account_not_had_whole_is_none_at_all(fake: Fake, mode: str) -> None:
    """Half an account would have messages declared never taken that were billed."""
    fake.mode, before = mode, time.monotonic()
    with pytest.raises(GatewayUnsure) as told:
        adapter(fake.provider, fake.url).account(SINCE, UNTIL)
    assert time.monotonic() - before < STALL, "the time-out is the adapter's own"
    assert PHONE.lstrip("+") not in str(told.value) and "127.0.0.1" not in str(told.value)


def test_an_account_without_end_ends(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in LISTING:
        monkeypatch.setattr(f"okienko_server.sms.{module}.MOST_PAGES", 2)
    with pytest.raises(GatewayUnsure, match="without end"):
        adapter(fake.provider, fake.url).account(SINCE, UNTIL)


def test_how_far_a_message_got_is_translated(fake: Fake) -> None:
    fake.states |= {"m0": "failed" if fake.provider != "serwersms" else "unsent", "m1": "sent", "m2": "something new"}
    found = adapter(fake.provider, fake.url).account(SINCE, UNTIL) or []
    assert [one.delivery for one in found[:4]] == [
        Delivery.UNDELIVERED, Delivery.SENT, Delivery.ACCEPTED, Delivery.DELIVERED,
    ]  # fmt: skip


def test_a_gateway_without_a_list_says_so() -> None:
    assert adapter("smsapi", "http://127.0.0.1:9").account(SINCE, UNTIL) is None


@pytest.mark.parametrize("provider", LISTING)
def test_the_night_ends_the_doubts_an_account_can_end(
    app: Flask, clock: Clock, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the real adapter: one message left, one broke off, one stands there twice as long as promised."""
    monkeypatch.setattr(http, "READ_SECONDS", 0.5)
    desk = house_of(app).desk
    with fake_gateway(provider) as fake:
        gateway = adapter(provider, fake.url)
        for mode in ("ok", "reset"):
            queued_one(app)
            fake.mode = mode
            send_due(gateway, desk=desk, now=clock.now)
        good, broken = sorted(messages_of(app), key=lambda row: row.status == "unsure")
        assert (good.status, broken.status) == ("sent", "unsure")
        fake.mode, fake.parts[good.id] = "ok", 2
        night = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
        account = ask_account(gateway, date(2026, 11, 23), night)
        assert account is not None and len(account.lines) == 2
        found = reconcile(date(2026, 11, 23), account, desk=desk, now=night)
    kinds = sorted((one.kind.value, one.settled) for one in found)
    # Twilio keeps no id of ours, so the broken one is a stranger there; a telephone counts no parts.
    expected = {
        "twilio": [("parts", False), ("unknown", False)],
        "serwersms": [("parts", False), ("taken", True)],
        "android": [("taken", True)],
    }
    assert kinds == expected[provider]
    assert {row.status for row in messages_of(app)} == ({"sent", "unsure"} if provider == "twilio" else {"sent"})


def queued_one(app: Flask) -> None:
    place = opened(app, one_therapist(f"klinika-{time.monotonic_ns()}"))
    booked(app, place)


def test_a_line_holds_neither_telephone_nor_text() -> None:
    assert set(Billed.__slots__) == {"message_id", "gateway_id", "parts", "delivery", "at"}
