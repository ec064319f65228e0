"""The second factor: time-based codes (RFC 6238) whose secret stands in no database."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from datetime import datetime

import pyotp
from sqlalchemy import Connection

from okienko_server.domain.scope import Scope
from okienko_server.storage.staff import MemberStore

STEP_SECONDS = 30
EARLIER_AND_LATER = (0, -1, 1)
"""Steps a telephone's clock may be off by."""
DIGITS = 6


def secret_of(pepper: str, clinic_id: str, staff_id: str, nonce: str) -> str:
    """Return the secret an authenticator app keeps, as base32: derived, so that who copies the database learns none."""
    text = f"okienko.totp.v1|{clinic_id}|{staff_id}|{nonce}"
    return b32encode(hmac.new(pepper.encode(), text.encode(), hashlib.sha256).digest()[:20]).decode()


def address_of(secret: str, email: str) -> str:
    """Return the otpauth address the QR code carries."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Okienko")


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step a code belongs to, None for a wrong one; every step is compared in constant time."""
    typed, present, found = "".join(code.split()), int(now.timestamp()) // STEP_SECONDS, None
    if not (typed.isascii() and typed.isdigit() and len(typed) == DIGITS):
        return None
    totp = pyotp.TOTP(secret)
    for shift in EARLIER_AND_LATER:
        if hmac.compare_digest(totp.generate_otp(present + shift), typed):
            found = present + shift
    return found


def take_code(connection: Connection, scope: Scope, staff_id: str, secret: str, code: str, now: datetime) -> bool:
    """Return whether a code is right and was never used; no code works twice."""
    step = step_of(secret, code, now)
    return step is not None and MemberStore(connection, scope).take_step(staff_id, step)
