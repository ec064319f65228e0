"""The SMS code: six digits, ten minutes, single use, five tries; a resend never resets the count (NIST SP 800-63B-4 §3.1.3)."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from okienko_server.domain.errors import CodeRefused, ResendRefused

CODE_DIGITS = 6
CODE_MINUTES = 10
MAX_TRIES = 5
MAX_SENDS = 3
RESEND_SECONDS = 60


def new_code() -> str:
    """Return six random digits as text."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def rehearsal_code(pepper: str, appointment_id: str) -> str:
    """Return the six digits a rehearsal shows on its page instead of sending them: the same ones for an appointment each time."""
    digest = hmac.new(pepper.encode(), f"rehearsal:{appointment_id}".encode(), sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def as_typed(code: str) -> str:
    """Return a typed code without what people put between its digits when they read it aloud: blanks, hyphens, dots."""
    return "".join(ch for ch in code if not ch.isspace() and ch not in "-–—.,·")


def code_digest(pepper: str, appointment_id: str, code: str) -> str:
    """Return the keyed hash a code is kept as; without the pepper a table dump tells nothing."""
    return hmac.new(pepper.encode(), f"{appointment_id}:{code}".encode(), sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Challenge:
    """One code on its way to a patient."""

    digest: str
    expires_at: datetime
    tries: int
    """Tries taken, this one included: counted in the database before the code is looked at."""
    sends: int
    sent_at: datetime
    used: bool


def check_code(challenge: Challenge, digest: str, now: datetime) -> None:
    """Accept the code or raise CodeRefused; `challenge.tries` already counts this try."""
    if challenge.used:
        raise CodeRefused("code_used")
    if challenge.tries > MAX_TRIES:
        raise CodeRefused("code_exhausted", tries_left=0)
    if now >= challenge.expires_at:
        raise CodeRefused("code_expired")
    if not hmac.compare_digest(challenge.digest, digest):
        raise CodeRefused("code_wrong", tries_left=MAX_TRIES - challenge.tries)


def resend_wait(challenge: Challenge, now: datetime) -> int:
    """Return the seconds until a new code may be asked for, 0 when it may be now."""
    return max(0, int((challenge.sent_at + timedelta(seconds=RESEND_SECONDS) - now).total_seconds() + 0.999))


def check_resend(challenge: Challenge, now: datetime) -> None:
    """Raise ResendRefused when no new code may be sent now."""
    if challenge.sends >= MAX_SENDS or challenge.tries >= MAX_TRIES:
        raise ResendRefused("resend_limit")
    if wait := resend_wait(challenge, now):
        raise ResendRefused("resend_too_soon", wait_seconds=wait)
