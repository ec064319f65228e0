"""Purposes, keys and rotation, lengths, round trips, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import itsdangerous.signer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import okienko
from okienko.exceptions import OkienkoError, TokenInvalid, TokenRevoked
from okienko.tokens import MAX_LENGTH, EmbedToken, Keys, PortalToken, Signer, WidgetSession, read_any
from tests.embed.samples import KEY, KEYS, KINDS, NOW, Kind

OLD, NEW = "the older key of more than thirty-two signs", "the newer key of more than thirty-two signs"
EMBED = EmbedToken("k7m2p9x4q1z8", 3, service="fizjo-45", practitioner="pr-0a1b2c3d", category="back")
PORTAL = PortalToken("p3r8t1v6w2y7", 2)
SESSION = WidgetSession("visitor-1", "clinic", "k7m2p9x4q1z8", 3, "iframe", category="back", issued_at=NOW)

by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
identifiers = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)
optional = st.none() | identifiers
generations = st.integers(0, 2**31)


@by_kind
def test_a_text_reads_as_its_own_kind_only(kind: Kind) -> None:
    for other in KINDS:
        for text in kind.texts():
            if other is kind:
                assert other.read(text, KEYS).sign(KEYS) == text
            else:
                with pytest.raises(TokenInvalid, match="damaged"):
                    other.read(text, KEYS)


@by_kind
def test_a_foreign_key_proves_nothing(kind: Kind) -> None:
    for text in kind.texts():
        with pytest.raises(TokenInvalid, match="damaged"):
            kind.read(text, (NEW,))


@pytest.mark.parametrize("token", [EMBED, PORTAL])
def test_the_newest_key_signs_and_all_verify_until_dropped(token: EmbedToken | PortalToken) -> None:
    before, after = token.sign((OLD,)), token.sign((OLD, NEW))
    assert before != after
    assert after == token.sign((NEW,))
    for text in (before, after):
        assert type(token).read(text, (OLD, NEW)) == token
    assert type(token).read(after, (NEW,)) == token
    for text, keys in ((before, (NEW,)), (after, (OLD,))):
        with pytest.raises(TokenInvalid, match="damaged"):
            type(token).read(text, keys)


def test_every_key_is_tried_whichever_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    text = EMBED.sign((NEW,))

    def watched(expected: bytes, given: bytes) -> bool:
        compared.append(expected)
        return expected == given

    monkeypatch.setattr("okienko.tokens.hmac.compare_digest", watched)
    EmbedToken.read(text, (NEW, OLD, KEY))
    assert len(compared) == 3


def test_keys_are_derived_once_not_at_every_read(monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[object] = []
    real = itsdangerous.signer.Signer.derive_key

    def watched(self: itsdangerous.signer.Signer, key: str | bytes | None = None) -> bytes:
        derived.append(key)
        return real(self, key)

    monkeypatch.setattr(itsdangerous.signer.Signer, "derive_key", watched)
    keys = ("a key no other test has, of thirty-two signs", "another key no other test has, just as long")
    text = EMBED.sign(keys)
    for _ in range(50):
        EmbedToken.read(text, list(keys))
    assert derived == list(keys)


@pytest.mark.parametrize("keys", [(), ("k" * 31,), ("k" * 32, "short"), "k" * 64])
def test_no_key_a_short_key_or_a_bare_text_is_refused(keys: tuple[str, ...]) -> None:
    for attempt in (
        lambda: Signer(keys, EmbedToken.SALT),
        lambda: EMBED.sign(keys),
        lambda: EmbedToken.read("a.b", keys),
    ):
        with pytest.raises(ValueError, match="32 characters"):
            attempt()


def test_keys_of_the_environment_oldest_first() -> None:
    environ = {"OKIENKO_EMBED_KEYS": f" {OLD} ,,{NEW}\n", "OKIENKO_SESSION_KEYS": "s" * 32}
    keys = Keys.from_environment(environ)
    assert keys.embed == (OLD, NEW)
    assert keys.session == ("s" * 32,)
    assert "s" * 32 not in repr(keys) and "older" not in repr(keys)


@pytest.mark.parametrize("name", ["OKIENKO_EMBED_KEYS", "OKIENKO_SESSION_KEYS"])
@pytest.mark.parametrize("wrong", [None, "", " , ", "s" * 31, "s" * 32 + ",short-secret"])
def test_wrong_keys_are_named_and_never_shown(name: str, wrong: str | None) -> None:
    environ = {"OKIENKO_EMBED_KEYS": OLD, "OKIENKO_SESSION_KEYS": NEW}
    environ = {key: value for key, value in (environ | {name: wrong}).items() if value is not None}
    with pytest.raises(ValueError, match=f"^{name} must hold .* 32 characters") as refused:
        Keys.from_environment(environ)
    assert "short-secret" not in str(refused.value) and "sss" not in str(refused.value)


def test_a_pasted_token_stays_short() -> None:
    assert len(EmbedToken("k7m2p9x4q1z8", 1).sign(KEYS)) <= 90
    assert len(EmbedToken("k7m2p9x4q1z8", 10_000).sign(KEYS)) <= 90
    assert len(PORTAL.sign(KEYS)) <= 90


@by_kind
def test_what_is_no_token_at_all(kind: Kind) -> None:
    text = kind.texts()[0]
    payload, signature = text.split(".")
    damaged = [
        "", ".", "..", "...", " ", "\n", "a", "a.b", ".a", "a.", "\x00", "token", "ąę.łó", "🙂", "\ud800", "\ud800.\udfff",
        payload, f"{payload}.", f".{signature}", f".{payload}.{signature}", f"{payload}..{signature}", f"{text}.", f"{text}\n",
        f" {text}", f"{text}=", f"{payload}=.{signature}", f"{text}.{signature}", f"{signature}.{payload}", text.upper(),
        text.replace(".", "\u2024"), text.replace(".", ":"), text.encode().decode("utf-16-le", "replace"),
    ]  # fmt: skip
    for wrong in damaged:
        with pytest.raises(TokenInvalid, match="damaged"):
            kind.read(wrong, KEYS)
    for strange in (None, 7, text.encode(), bytearray(b"a.b"), [text], {"token": text}):
        with pytest.raises(TokenInvalid, match="damaged"):
            kind.read(strange, KEYS)  # type: ignore[arg-type]


@by_kind
def test_oversized_text_is_refused_before_anything_is_read(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    text = kind.texts()[0]
    with pytest.raises(TokenInvalid, match="damaged"):
        kind.read("a" * (MAX_LENGTH - len(text)) + text, KEYS)
    monkeypatch.delattr("okienko.tokens.hmac.digest")
    for long in ("a" * (MAX_LENGTH + 1 - len(text)) + text, "a" * (MAX_LENGTH + 1), "." * 10_000_000):
        with pytest.raises(TokenInvalid, match="oversized"):
            kind.read(long, KEYS)


def test_the_longest_text_is_read_and_a_longer_one_is_never_signed() -> None:
    room = max(size for size in range(300, 400) if _fits(size))
    longest = EmbedToken("c" * room, 1)
    assert EmbedToken.read(longest.sign(KEYS), KEYS) == longest
    assert len(longest.sign(KEYS)) in (MAX_LENGTH - 1, MAX_LENGTH)
    with pytest.raises(ValueError, match="512 is the limit"):
        EmbedToken("c" * (room + 1), 1).sign(KEYS)


def _fits(size: int) -> bool:
    try:
        EmbedToken("c" * size, 1).sign(KEYS)
    except ValueError:
        return False
    return True


def test_read_any_returns_either_and_says_nothing_about_the_rest() -> None:
    assert read_any(EMBED.sign(KEYS), KEYS) == EMBED
    assert read_any(PORTAL.sign(KEYS), KEYS) == PORTAL
    misshapen = Signer(KEYS, EmbedToken.SALT).sign({"c": 1})
    refusals = set()
    for text in ("junk", SESSION.sign(KEYS), EMBED.sign((NEW,)), misshapen, PORTAL.sign(KEYS)[:-1]):
        with pytest.raises(TokenInvalid) as refused:
            read_any(text, KEYS)
        refusals.add((type(refused.value), str(refused.value)))
    assert refusals == {(TokenInvalid, "token refused: damaged")}


@pytest.mark.parametrize("token", [EMBED, SESSION])
def test_a_raised_generation_revokes(token: EmbedToken | WidgetSession) -> None:
    for lowest in (0, 2, 3):
        token.check_generation(lowest)
    with pytest.raises(TokenRevoked) as refused:
        token.check_generation(4)
    assert refused.value.reason == "revoked"
    assert issubclass(TokenRevoked, TokenInvalid) and issubclass(TokenInvalid, OkienkoError)


@settings(deadline=None)
@given(clinic=identifiers, generation=generations, service=optional, practitioner=optional, category=optional)
def test_embed_tokens_come_back_as_they_were(
    clinic: str, generation: int, service: str | None, practitioner: str | None, category: str | None
) -> None:
    token = EmbedToken(clinic, generation, service, practitioner, category)
    assert EmbedToken.read(token.sign(KEYS), KEYS) == token
    assert read_any(token.sign((OLD, KEY)), (KEY, NEW)) == token


@settings(deadline=None)
@given(portal=identifiers, generation=generations)
def test_portal_tokens_come_back_as_they_were(portal: str, generation: int) -> None:
    token = PortalToken(portal, generation)
    assert PortalToken.read(token.sign(KEYS), KEYS) == token
    assert read_any(token.sign(KEYS), KEYS) == token


def test_the_package_brings_two_light_libraries_and_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import okienko; from okienko import tokens;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert set(ran.stdout.split()) == {"okienko", "itsdangerous", "markupsafe"}
    assert all(hasattr(okienko, name) for name in okienko.__all__)
