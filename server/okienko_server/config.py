"""Settings from the environment: read once, typed, no secret has a default outside development and demo."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from okienko.tokens import Keys

DEVELOPMENT = ("development", "demo")
ENVIRONMENTS = ("production", *DEVELOPMENT)
SHOWING = ("console", "inbox")
"""Gateways that only show messages to developers."""
SENDING = ("smsapi", "serwersms", "twilio", "android")
GATEWAYS = (*SHOWING, *SENDING)
NEEDED = {
    "smsapi": ("token", "secret"), "serwersms": ("token",), "twilio": ("account", "token", "sender"),
    "android": ("host", "account", "token", "secret"),
}  # fmt: skip
"""What must be set beside OKIENKO_SMS for each gateway."""
MIN_SECRET = 16


_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?|http://\[::1\](?::\d{1,5})?")


class SettingsRefused(Exception):
    """The environment does not allow a safe start; the message says what to set."""


@dataclass(frozen=True, slots=True)
class SmsAccount:
    """What a gateway asks for; each takes what it needs. `secret` proves that a delivery report comes from the gateway."""

    token: str = field(default="", repr=False)
    account: str = field(default="", repr=False)
    sender: str = ""
    secret: str = field(default="", repr=False)
    host: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs."""

    environment: str
    database_url: str = field(repr=False)
    keys: Keys
    pepper: str = field(repr=False)
    sms_gateway: str
    public_url: str = ""
    """Where patients reach the server, "https://host"; empty: as each request says."""
    proxies: int = 0
    """How many proxies stand before the server and may be believed about a client's address."""
    worker_inside: bool = False
    """Run the outbox worker as a thread of the web process (demo)."""
    sms: SmsAccount = SmsAccount()
    metrics_token: str = field(default="", repr=False)
    """What a watcher of /metrics sends; empty: there is no such page."""
    operator_phone: str = ""
    operator_email: str = ""
    """Whom a clinic turns to about its contract, as its people read it."""

    @property
    def development(self) -> bool:
        return self.environment in DEVELOPMENT

    @property
    def secure_cookies(self) -> bool:
        return not self.development

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of OKIENKO_* variables; raises SettingsRefused with one plain sentence."""
        env = os.environ if environ is None else environ
        environment = env.get("OKIENKO_ENV", "production")
        if environment not in ENVIRONMENTS:
            raise SettingsRefused(f"OKIENKO_ENV must be one of {', '.join(ENVIRONMENTS)}.")
        gateway = env.get("OKIENKO_SMS", "console" if environment in DEVELOPMENT else "")
        if gateway not in GATEWAYS:
            raise SettingsRefused(f"OKIENKO_SMS must name a gateway: {', '.join(GATEWAYS)}.")
        settings = cls(
            environment=environment,
            database_url=env.get("OKIENKO_DATABASE_URL", "sqlite:///okienko.db"),
            keys=_keys(env, environment),
            pepper=_secret(env, environment, "OKIENKO_PEPPER"),
            sms_gateway=gateway,
            public_url=env.get("OKIENKO_URL", "").rstrip("/"),
            proxies=_count(env.get("OKIENKO_PROXIES", "0")),
            worker_inside=env.get("OKIENKO_WORKER_INSIDE", "") == "1",
            sms=SmsAccount(
                env.get("OKIENKO_SMS_TOKEN", ""),
                env.get("OKIENKO_SMS_ACCOUNT", ""),
                env.get("OKIENKO_SMS_SENDER", ""),
                env.get("OKIENKO_SMS_SECRET", ""),
                env.get("OKIENKO_SMS_HOST", "").rstrip("/"),
            ),
            metrics_token=_optional_secret(env, "OKIENKO_METRICS_TOKEN"),
            operator_phone=env.get("OKIENKO_OPERATOR_PHONE", "").strip(),
            operator_email=env.get("OKIENKO_OPERATOR_EMAIL", "").strip(),
        )
        settings.check()
        return settings

    @property
    def code_host(self) -> str:
        """Host that codes in messages are bound to; only a secure address without a port can be (WICG sms-one-time-codes)."""
        scheme, _, host = self.public_url.partition("://")
        return host.lower() if scheme == "https" and ":" not in host else ""

    def check(self) -> None:
        """Refuse what would leak codes, or snippets that no secure page can load."""
        secure = self.public_url.startswith("https://") or self.development
        if self.public_url and not (secure and _ADDRESS.fullmatch(self.public_url)):
            raise SettingsRefused("OKIENKO_URL must be like https://rezerwacje.example.pl, without a path.")
        self._check_account()
        if not self.development and self.sms_gateway in SHOWING:
            raise SettingsRefused(
                f"OKIENKO_SMS={self.sms_gateway} only shows messages to developers; it never starts with OKIENKO_ENV={self.environment}."
            )

    def _check_account(self) -> None:
        needed = NEEDED.get(self.sms_gateway, ())
        missing = [f"OKIENKO_SMS_{name.upper()}" for name in needed if not getattr(self.sms, name)]
        if missing:
            raise SettingsRefused(f"OKIENKO_SMS={self.sms_gateway} also needs {', '.join(missing)}.")
        if "secret" in needed and len(self.sms.secret) < MIN_SECRET:
            raise SettingsRefused(f"OKIENKO_SMS_SECRET must have at least {MIN_SECRET} characters.")
        if self.sms.host and not _ADDRESS.match(self.sms.host):
            raise SettingsRefused("OKIENKO_SMS_HOST must be like https://api.example.pl.")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise SettingsRefused("OKIENKO_PROXIES must be a small number: how many proxies stand before the server.")
    return int(text)


def _keys(env: Mapping[str, str], environment: str) -> Keys:
    names = ("OKIENKO_EMBED_KEYS", "OKIENKO_SESSION_KEYS")
    filled = {
        name: env.get(name, "") or (secrets.token_urlsafe(32) if environment in DEVELOPMENT else "") for name in names
    }
    try:
        return Keys.from_environment(filled)
    except ValueError as wrong:
        raise SettingsRefused(str(wrong)) from wrong


def _optional_secret(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and len(value) < MIN_SECRET:
        raise SettingsRefused(f"{name} must have at least {MIN_SECRET} characters.")
    return value


def _secret(env: Mapping[str, str], environment: str, name: str) -> str:
    value = env.get(name, "")
    if not value and environment in DEVELOPMENT:
        return secrets.token_urlsafe(32)
    if len(value) < 32:
        raise SettingsRefused(f"{name} must be a secret of at least 32 characters.")
    return value
