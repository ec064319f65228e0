"""Whose eyes a request sees with. Every store is built from a Scope; nothing below the web decides it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from okienko_server.domain.errors import ForeignClinic, NotAllowed, NotFound
from okienko_server.domain.roles import Reach, Right, reach_of


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
    REHEARSAL = "rehearsal"
    """The clinic's own people, trying out what patients will see: no message leaves."""


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
    practitioner_id: str = ""
    """The therapist a staff member is; empty for everybody else."""
    network: str = ""
    """The network a visitor's request came from, for throttles only."""

    @property
    def pinned(self) -> bool:
        """True when no other clinic exists for this caller."""
        return self.kind in (ScopeKind.CLINIC, ScopeKind.STAFF)

    def reach(self, right: Right) -> Reach:
        """Return how far a right of this caller reaches: everything for the house itself, nothing for a visitor."""
        if self.kind is ScopeKind.OPERATOR:
            return Reach.ALL
        return reach_of(self.role, right) if self.kind is ScopeKind.STAFF else Reach.NONE

    def own_only(self, right: Right) -> str:
        """Return the practitioner id the caller is bound to under a right, "" for no bound; raises NotAllowed without the right."""
        reach = self.reach(right)
        if reach is Reach.NONE or (reach is Reach.OWN and not self.practitioner_id):
            raise NotAllowed
        return self.practitioner_id if reach is Reach.OWN else ""

    def check_own(self, right: Right, practitioner_id: str) -> None:
        """Raise NotAllowed without the right, NotFound when it does not reach that practitioner's."""
        if self.own_only(right) not in ("", practitioner_id):
            raise NotFound

    def at(self, clinic_id: str) -> Scope:
        """Return this scope within one clinic; raises ForeignClinic when it is pinned to another."""
        if self.pinned and clinic_id != self.clinic_id:
            raise ForeignClinic
        return replace(self, clinic_id=clinic_id)


def operator_scope() -> Scope:
    """Return the scope of the house itself: worker, command line, demo."""
    return Scope(ScopeKind.OPERATOR)
