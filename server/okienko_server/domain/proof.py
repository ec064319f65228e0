"""A little work asked for before a code leaves when messages look pumped: hashcash, invisible to people, dear to who sends thousands.

Whoever's browser cannot do it – no script, an assistive device – waits a moment and sends the same form again: no riddle, no picture
(WCAG 2.2, 3.3.8). A challenge is bound to one held time, so that work done once is good for one booking.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

BITS = 14
"""Leading zero bits of SHA-256(challenge + number): sixteen thousand tries on average, about a second in a telephone's browser."""
WAIT = timedelta(seconds=20)
LIFE = timedelta(minutes=40)
"""As long as a hold may last at most."""
MAX_PROOF = 120


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to work on: append a decimal number to `text` until the digest begins with `bits` zero bits, or wait."""

    text: str
    bits: int
    wait_seconds: int


def challenge_for(pepper: str, appointment_id: str, sent: str, now: datetime) -> Challenge:
    """Return the challenge that came with a form while it is good, so that waiting counts from its first showing; else a new one."""
    age = _age(pepper, appointment_id, sent, now)
    if age is None:
        return Challenge(_signed(pepper, appointment_id, int(now.timestamp())), BITS, int(WAIT.total_seconds()))
    left = max(1, int((WAIT - age).total_seconds() + 0.999))
    return Challenge(sent[: sent.rindex(".") + 1], BITS, left)


def proven(pepper: str, appointment_id: str, sent: str, now: datetime) -> bool:
    """Return whether what came with a form is our own challenge for that held time, and worked on or waited for."""
    age = _age(pepper, appointment_id, sent, now)
    if age is None:
        return False
    return age >= WAIT or int.from_bytes(sha256(sent.encode()).digest()[:4], "big") >> (32 - BITS) == 0


def _signed(pepper: str, appointment_id: str, stamp: int) -> str:
    mac = hmac.new(pepper.encode(), f"okienko.proof.v1|{appointment_id}|{stamp}".encode(), sha256).hexdigest()[:32]
    return f"{stamp}.{mac}."


def _age(pepper: str, appointment_id: str, sent: str, now: datetime) -> timedelta | None:
    """Return how long ago the challenge was made, None for one that is not ours, not this hold's, or too old."""
    stamp = sent.partition(".")[0]
    if len(sent) > MAX_PROOF or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return None
    ours = _signed(pepper, appointment_id, int(stamp))
    # Compared as bytes: what came may hold any letters.
    if not hmac.compare_digest(ours.encode(), sent[: len(ours)].encode("utf-8", "replace")):
        return None
    age = now - datetime.fromtimestamp(int(stamp), UTC)
    return age if timedelta(0) <= age + timedelta(seconds=1) and age < LIFE else None
