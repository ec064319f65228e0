"""Whose eyes a request sees with. Every store is built from a Scope; nothing below the web decides it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from okienko_server.domain.errors import ForeignClinic


class ScopeKind(StrEnum):
    """PORTAL: unpinned visitor. CLINIC: visitor pinned to one clinic. STAFF: signed in. OPERATOR: the house itself (worker, CLI)."""

    PORTAL = "portal"
    CLINIC = "clinic"
    STAFF = "staff"
    OPERATOR = "operator"


class Source(StrEnum):
    """The door an appointment came through."""

    PORTAL = "portal"
    LINK = "link"
    IFRAME = "iframe"
    API = "api"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Locks:
    """What a token narrows the offer to; empty text leaves it open."""

    service: str = ""
    practitioner: str = ""
    category: str = ""


NO_LOCKS = Locks()


@dataclass(frozen=True, slots=True)
class Scope:
    """The rights of one request: which clinic (empty = none chosen), which visitor session, which staff member."""

    kind: ScopeKind
    clinic_id: str = ""
    session_id: str = ""
    source: Source = Source.PORTAL
    locks: Locks = NO_LOCKS
    generation: int | None = None
    """Generation of the token behind a pinned visitor; a clinic that raised its own refuses older ones at once."""
    staff_id: str = ""
    role: str = ""

    @property
    def pinned(self) -> bool:
        """True when no other clinic exists for this caller."""
        return self.kind in (ScopeKind.CLINIC, ScopeKind.STAFF)

    def at(self, clinic_id: str) -> Scope:
        """Return this scope within one clinic; raises ForeignClinic when it is pinned to another."""
        if self.pinned and clinic_id != self.clinic_id:
            raise ForeignClinic
        return replace(self, clinic_id=clinic_id)


def operator_scope() -> Scope:
    """Return the scope of the house itself: worker, command line, demo."""
    return Scope(ScopeKind.OPERATOR)
