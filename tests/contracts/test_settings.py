"""The environment either allows a safe start or is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from okienko_server.app import create_app
from okienko_server.config import Settings, SettingsRefused
from tests.conftest import KEYS, PEPPER

WHOLE = {
    "OKIENKO_ENV": "development",
    "OKIENKO_SMS": "inbox",
    "OKIENKO_EMBED_KEYS": KEYS.embed[0],
    "OKIENKO_SESSION_KEYS": KEYS.session[0],
    "OKIENKO_PEPPER": PEPPER,
}
PRODUCTION = WHOLE | {"OKIENKO_ENV": "production"}


def test_development_starts_with_what_it_is_given() -> None:
    settings = Settings.from_environment(WHOLE | {"OKIENKO_DATABASE_URL": "postgresql://db/okienko"})
    assert (settings.environment, settings.sms_gateway, settings.database_url) == (
        "development", "inbox", "postgresql://db/okienko",
    )  # fmt: skip
    assert settings.keys == KEYS and settings.pepper == PEPPER


def test_development_makes_secrets_of_its_own_and_never_the_same_twice() -> None:
    one, other = (Settings.from_environment({"OKIENKO_ENV": "demo"}) for _ in range(2))
    assert len(one.pepper) >= 32 and one.pepper != other.pepper and one.keys != other.keys


@pytest.mark.parametrize("gateway", ["console", "inbox"])
def test_production_never_starts_with_a_gateway_that_only_shows_messages(gateway: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="OKIENKO_SMS"):
        Settings.from_environment(PRODUCTION | {"OKIENKO_SMS": gateway})
    by_hand = Settings("production", f"sqlite:///{tmp_path / 'okienko.db'}", KEYS, PEPPER, gateway)
    with pytest.raises(SettingsRefused):
        create_app(by_hand)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"OKIENKO_ENV": "staging"}, "OKIENKO_ENV"),
        ({"OKIENKO_SMS": ""}, "OKIENKO_SMS"),
        ({"OKIENKO_SMS": "pigeon"}, "OKIENKO_SMS"),
        ({"OKIENKO_EMBED_KEYS": "short"}, "OKIENKO_EMBED_KEYS"),
        ({"OKIENKO_SESSION_KEYS": KEYS.session[0] + ",short"}, "OKIENKO_SESSION_KEYS"),
        ({"OKIENKO_PEPPER": "short"}, "OKIENKO_PEPPER"),
        ({"OKIENKO_PROXIES": "-1"}, "OKIENKO_PROXIES"),
        ({"OKIENKO_PROXIES": "two"}, "OKIENKO_PROXIES"),
        ({"OKIENKO_PROXIES": "1000"}, "OKIENKO_PROXIES"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsRefused, match=said) as refused:
        Settings.from_environment(WHOLE | changed)
    sentence = str(refused.value)
    assert "\n" not in sentence and sentence.endswith(".")
    for secret in (KEYS.embed[0], KEYS.session[0], PEPPER):
        assert secret not in sentence


def test_without_a_word_about_the_environment_it_is_production() -> None:
    with pytest.raises(SettingsRefused):
        Settings.from_environment({})


def test_secrets_do_not_stand_in_what_is_printed() -> None:
    settings = Settings.from_environment(WHOLE)
    for secret in (KEYS.embed[0], KEYS.session[0], PEPPER):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    "url", ["http://okienko.example", "okienko.example", "https://okienko.example/path", "https://a b", "x"]
)
def test_an_address_no_secure_page_can_load_from_is_refused(url: str) -> None:
    production = Settings("production", "sqlite://", KEYS, PEPPER, "a-real-gateway", public_url=url)
    with pytest.raises(SettingsRefused, match="OKIENKO_URL"):
        production.check()


def test_the_address_of_the_server_may_be_said_once_for_all_snippets() -> None:
    assert (
        Settings.from_environment(WHOLE | {"OKIENKO_URL": "https://okienko.example/"}).public_url
        == "https://okienko.example"
    )
    assert (
        Settings.from_environment(WHOLE | {"OKIENKO_URL": "http://127.0.0.1:8000"}).public_url
        == "http://127.0.0.1:8000"
    )
    Settings(
        "production", "sqlite://", KEYS, PEPPER, "a-real-gateway", public_url="https://okienko.example:8443"
    ).check()
