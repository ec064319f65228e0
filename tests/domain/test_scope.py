"""Whose eyes a request sees with."""

from __future__ import annotations

import pytest

from okienko_server.domain.errors import ForeignClinic
from okienko_server.domain.scope import Scope, ScopeKind, operator_scope

FREE, PINNED = (ScopeKind.PORTAL, ScopeKind.OPERATOR), (ScopeKind.CLINIC, ScopeKind.STAFF)


@pytest.mark.parametrize("kind", PINNED)
def test_a_pinned_scope_reaches_no_other_clinic(kind: ScopeKind) -> None:
    scope = Scope(kind, "own", "session")
    assert scope.at("own") == scope
    for other in ("foreign", "", "OWN", "own "):
        with pytest.raises(ForeignClinic):
            scope.at(other)


@pytest.mark.parametrize("kind", FREE)
def test_an_unpinned_scope_may_stand_in_any_clinic_and_stays_itself(kind: ScopeKind) -> None:
    there = Scope(kind, session_id="session").at("clinic")
    assert (there.kind, there.clinic_id, there.session_id, there.pinned) == (kind, "clinic", "session", False)
    assert there.at("another").clinic_id == "another"


def test_every_kind_is_either_pinned_or_not() -> None:
    assert {kind for kind in ScopeKind if Scope(kind).pinned} == set(PINNED)
    assert operator_scope().kind is ScopeKind.OPERATOR and not operator_scope().clinic_id
