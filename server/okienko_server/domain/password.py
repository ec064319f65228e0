"""What a password must be (NIST SP 800-63B-4 §3.1.1): long, not one everybody tries first, and not the person's own name."""

from __future__ import annotations

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.patient import surname_key

SHORTEST = 12
LONGEST = 200
_FIRST_TRIED = (
    "123456789012", "1234567890123", "haslohaslohaslo", "haslohaslo12", "passwordpassword", "password1234", "qwertyuiop12",
    "qwertyqwerty", "administrator", "zaq12wsxcde3", "zaq1zaq1zaq1", "fizjoterapia1", "fizjoterapeuta", "rehabilitacja", "polska123456",
    "kochamcie123", "aaaaaaaaaaaa", "000000000000", "111111111111", "abcdefghijkl", "1qaz2wsx3edc", "letmeinletmein", "misiaczek123",
)  # fmt: skip


def check_password(password: str, *about: str, field: str = "password") -> None:
    """Raise FieldRefused: password_short, password_long, password_common, password_personal (made of words `about` the person)."""
    if len(password) < SHORTEST:
        raise FieldRefused("password_short", field=field)
    if len(password) > LONGEST or "\0" in password:
        raise FieldRefused("password_long", field=field)
    plain = surname_key(password).replace(" ", "")
    if plain in _FIRST_TRIED or len(set(plain)) < 4:
        raise FieldRefused("password_common", field=field)
    rest = plain
    for known in about:
        for word in surname_key(known.replace("@", " ")).split():
            if len(word) > 3:
                rest = rest.replace(word, "")
    if len(rest) < SHORTEST // 2:
        raise FieldRefused("password_personal", field=field)
