"""The contract gate: what a clinic's contract opens, as one table, and the spans of time in which each status holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from okienko_server.domain.errors import FieldRefused

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Since when a status holds that nobody gave a date to."""
FIRST_NEW_DAY = date(2020, 1, 1)
"""Contracts signed before it do not know online registration: the operator switches it on after a call."""


class ContractStatus(StrEnum):
    """Where a clinic's subscription stands."""

    TRIAL = "trial"
    """Nothing signed yet: everything but online registration works."""
    ACTIVE = "active"
    """Signed since 2020: the clinic switches online registration on by itself."""
    LEGACY = "legacy"
    """Signed before 2020: waits for the operator's switch."""
    LEGACY_OPENED = "legacy_opened"
    """Signed before 2020, and the operator switched online registration on."""
    SUSPENDED = "suspended"
    ENDED = "ended"


class Use(StrEnum):
    """What a contract may open: the doors patients come through (named as `Source`), messages, and trying it out."""

    PORTAL = "portal"
    LINK = "link"
    IFRAME = "iframe"
    API = "api"
    SMS = "sms"
    REHEARSAL = "rehearsal"


_EVERYTHING, _TRYING, _NOTHING = frozenset(Use), frozenset({Use.REHEARSAL}), frozenset[Use]()
OPENS: Mapping[ContractStatus, frozenset[Use]] = {
    ContractStatus.TRIAL: _TRYING,
    ContractStatus.ACTIVE: _EVERYTHING,
    ContractStatus.LEGACY: _TRYING,
    ContractStatus.LEGACY_OPENED: _EVERYTHING,
    ContractStatus.SUSPENDED: _NOTHING,
    ContractStatus.ENDED: _NOTHING,
}
"""The whole rule. Doors, portal, API, tokens, outbox and the staff's pages ask this table and nothing else."""


@dataclass(frozen=True, slots=True)
class Term:
    """A span of a contract's history: the status holds from `starts_at` until the next term begins."""

    starts_at: datetime
    status: ContractStatus


def status_at(terms: Iterable[Term], now: datetime) -> ContractStatus:
    """Return the status that holds at an instant; before the first term a clinic is on trial."""
    begun = [term for term in terms if term.starts_at <= now]
    return max(begun, key=lambda term: term.starts_at).status if begun else ContractStatus.TRIAL


def opening(use: Use) -> tuple[str, ...]:
    """Return the statuses that open a use, for the database's own look-ups."""
    return tuple(status.value for status, uses in OPENS.items() if use in uses)


def check_signed(status: ContractStatus, signed_on: date | None, today: date) -> None:
    """Raise FieldRefused when the day of signing does not fit the status.

    Codes on `signed_on`: signed_missing, signed_ahead, signed_legacy (before 2020 the contract is a legacy one), signed_since (and
    the other way round).
    """
    if status in (ContractStatus.TRIAL, ContractStatus.SUSPENDED, ContractStatus.ENDED):
        return
    if signed_on is None:
        raise FieldRefused("signed_missing", field="signed_on")
    if signed_on > today:
        raise FieldRefused("signed_ahead", field="signed_on")
    if status is ContractStatus.ACTIVE and signed_on < FIRST_NEW_DAY:
        raise FieldRefused("signed_legacy", field="signed_on")
    if status is not ContractStatus.ACTIVE and signed_on >= FIRST_NEW_DAY:
        raise FieldRefused("signed_since", field="signed_on")
