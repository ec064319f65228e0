"""Opaque ids: random, lower-case, without vowels, so that they spell nothing and tell nothing."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789bcdfghjkmnpqrstvwxyz"


def new_id(length: int = 12) -> str:
    """Return a random id of about 4.9 bits a character (12 characters: 58 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_appointment_id() -> str:
    """Return a random id of 98 bits: appointment ids reach patients' browsers."""
    return new_id(20)
