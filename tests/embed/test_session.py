"""The hour of a widget session: when it starts, when it is over, and what goes on afterwards."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okienko.exceptions import TokenExpired, TokenInvalid
from okienko.tokens import SESSION_MINUTES, WidgetSession, new_session_id
from tests.embed.samples import KEYS, NOW

PINNED = WidgetSession(
    "visitor-1", "clinic", "k7m2p9x4q1z8", 3, "iframe", "https://klinika.example", "fizjo-45", "pr-0a1b2c3d", "back", issued_at=NOW
)  # fmt: skip
UNPINNED = WidgetSession("visitor-2", "portal", None, 0, "portal", issued_at=NOW)
sessions = pytest.mark.parametrize("session", [PINNED, UNPINNED], ids=["pinned", "unpinned"])
identifiers = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)


@sessions
@pytest.mark.parametrize("seconds", [-120, -1, 0, 1, 1800, 3598, 3599])
def test_within_its_hour_a_session_reads(session: WidgetSession, seconds: int) -> None:
    assert WidgetSession.read(session.sign(KEYS), KEYS, NOW + timedelta(seconds=seconds)) == session


@sessions
@pytest.mark.parametrize("seconds", [3600, 3601, 86_400, 10**9])
def test_afterwards_it_is_expired_and_still_says_what_it_proved(session: WidgetSession, seconds: int) -> None:
    later = NOW + timedelta(seconds=seconds)
    with pytest.raises(TokenExpired) as expired:
        WidgetSession.read(session.sign(KEYS), KEYS, later)
    assert expired.value.token == session
    assert expired.value.reason == "expired"
    fresh = expired.value.token.renewed(later)
    assert WidgetSession.read(fresh.sign(KEYS), KEYS, later) == fresh


@sessions
@pytest.mark.parametrize("seconds", [-121, -122, -3600, -(10**9)])
def test_one_from_the_future_is_refused(session: WidgetSession, seconds: int) -> None:
    with pytest.raises(TokenInvalid, match="not_yet") as refused:
        WidgetSession.read(session.sign(KEYS), KEYS, NOW + timedelta(seconds=seconds))
    assert not isinstance(refused.value, TokenExpired)


def test_the_boundaries_hold_within_a_second() -> None:
    text, instant, hour = PINNED.sign(KEYS), timedelta(microseconds=1), timedelta(minutes=SESSION_MINUTES)
    assert WidgetSession.read(text, KEYS, NOW + hour - instant) == PINNED
    assert WidgetSession.read(text, KEYS, NOW - timedelta(minutes=2)) == PINNED
    with pytest.raises(TokenExpired):
        WidgetSession.read(text, KEYS, NOW + hour)
    with pytest.raises(TokenInvalid, match="not_yet"):
        WidgetSession.read(text, KEYS, NOW - timedelta(minutes=2) - instant)


@sessions
def test_a_damaged_session_is_never_merely_expired(session: WidgetSession) -> None:
    text = session.sign(KEYS)
    for wrong in (text[:-1], text + "A", ("B" if text[0] == "A" else "A") + text[1:]):
        with pytest.raises(TokenInvalid, match="damaged") as refused:
            WidgetSession.read(wrong, KEYS, NOW + timedelta(days=1))
        assert not isinstance(refused.value, TokenExpired)


@sessions
def test_renewed_keeps_everything_but_the_hour(session: WidgetSession) -> None:
    later = NOW + timedelta(minutes=45, microseconds=999_999)
    renewed = session.renewed(later)
    assert renewed.issued_at == NOW + timedelta(minutes=45)
    assert replace(renewed, issued_at=session.issued_at) == session
    assert WidgetSession.read(renewed.sign(KEYS), KEYS, NOW + timedelta(minutes=104)) == renewed


def test_an_instant_is_kept_in_utc_whatever_zone_it_came_in() -> None:
    local = replace(PINNED, issued_at=NOW.astimezone(ZoneInfo("Europe/Warsaw")))
    assert local == PINNED
    assert local.issued_at.tzinfo is UTC
    assert local.sign(KEYS) == PINNED.sign(KEYS)


@settings(deadline=None)
@given(
    kind=st.sampled_from(("portal", "clinic")),
    source=st.sampled_from(("portal", "link", "iframe", "api")),
    texts=st.tuples(identifiers, identifiers, st.just("") | identifiers),
    locks=st.tuples(*[st.none() | identifiers] * 3),
    generation=st.integers(0, 2**31),
    second=st.integers(0, 253_402_300_799),
)
def test_sessions_come_back_as_they_were(
    kind: Literal["portal", "clinic"],
    source: str,
    texts: tuple[str, str, str],
    locks: tuple[str | None, str | None, str | None],
    generation: int,
    second: int,
) -> None:
    visitor, clinic, origin = texts
    issued_at = datetime.fromtimestamp(second, UTC)
    named = clinic if kind == "clinic" else None
    session = WidgetSession(visitor, kind, named, generation, source, origin, *locks, issued_at=issued_at)
    assert WidgetSession.read(session.sign(KEYS), KEYS, issued_at) == session


def test_visitor_ids_are_random_and_fit_an_address() -> None:
    ids = {new_session_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", found) for found in ids)
