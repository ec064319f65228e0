"""What a gateway does for us, what it may answer, and how it says that it could not: each adapter only translates."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class GatewayRefused(Exception):
    """The gateway did not take the message. `again`: trying later is of use (it is busy, or out of credit), else it never will take it."""

    def __init__(self, reason: str = "", *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


class GatewayUnsure(Exception):
    """Nobody knows whether the gateway took the message: the line broke after it was handed over, or the answer made no sense."""


class ReportRefused(Exception):
    """Whoever sent a delivery report could not show that it is the gateway."""


class Delivery(StrEnum):
    """How far a message got after the gateway took it, from the least that can be known to the most."""

    ACCEPTED = "accepted"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


_RANK = {"": 0, Delivery.ACCEPTED: 1, Delivery.SENT: 2, Delivery.UNDELIVERED: 3, Delivery.DELIVERED: 4}


def goes_on(before: str, report: Delivery) -> bool:
    """Return whether a report tells more than was known: a late or repeated one changes nothing, and delivered stays delivered."""
    return _RANK[report] > _RANK.get(before, 0)


class AfterUnsure(StrEnum):
    """What to do with a message of unknown outcome."""

    ASK = "ask"
    """The gateway tells whether it knows our id."""
    REPEAT = "repeat"
    """Sending once more under the same id is refused when it was taken before."""
    WAIT = "wait"
    """Only a delivery report can tell; until then somebody has to look."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The gateway took the message: its own id, and how many parts it counts."""

    gateway_id: str
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What a gateway says became of a message; one of the two ids may be empty."""

    message_id: str
    gateway_id: str
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Billed:
    """One message on a gateway's own account: our id where it keeps it, its own id, parts (0: it does not say), how far it got."""

    message_id: str
    gateway_id: str
    parts: int = 0
    delivery: Delivery = Delivery.ACCEPTED
    at: datetime | None = None
    """When the gateway took it, aware; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Call:
    """A delivery report as it came in: the full address, its query and form fields, headers in lower case, the body."""

    url: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


def same(ours: str, theirs: str) -> bool:
    """Return whether two secrets are the same, in constant time and whatever letters came in."""
    return hmac.compare_digest(ours.encode(), theirs.encode())


class Gateway(Protocol):
    """One way of sending a message. `development_only` gateways make the server refuse to start elsewhere."""

    name: str
    development_only: bool
    after_unsure: AfterUnsure

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        """Hand one message (E.164, one GSM-7 segment) over under our own id; raises GatewayRefused, GatewayUnsure."""
        ...

    def find(self, message_id: str) -> Taken | None:
        """Return what the gateway knows under our id, None when it never took it; raises GatewayUnsure when it cannot say."""
        ...

    def read_report(self, call: Call) -> list[Report]:
        """Return the delivery reports of a call; raises ReportRefused when it does not come from the gateway."""
        ...

    def report_answer(self) -> str:
        """Return the body the gateway wants in answer to a report."""
        ...

    def ask_reports(self, message_ids: Sequence[str]) -> list[Report]:
        """Return what the gateway tells of some messages when asked; [] for one that reports by itself. Raises GatewayUnsure."""
        ...

    def account(self, since: datetime, until: datetime) -> Sequence[Billed] | None:
        """Return everything the gateway took between two instants (perhaps more, a message perhaps twice), None where it has no such list.

        The list is whole or not at all: raises GatewayUnsure when any part of it could not be had.
        """
        ...


class Quiet:
    """What a gateway says that asks nobody and is asked nothing."""

    def find(self, message_id: str) -> Taken | None:
        raise GatewayUnsure

    def read_report(self, call: Call) -> list[Report]:
        raise ReportRefused

    def report_answer(self) -> str:
        return ""

    def ask_reports(self, message_ids: Sequence[str]) -> list[Report]:
        return []

    def account(self, since: datetime, until: datetime) -> Sequence[Billed] | None:
        return None


class OfThisProcess(Quiet):
    """What the gateways without a network have in common: sending once more does no harm."""

    development_only = True
    after_unsure = AfterUnsure.REPEAT
