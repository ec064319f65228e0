"""What every operation works with: the database, the shelf of offers, the pepper, the catalogue of texts."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from okienko_server.domain.audit import Act, audit_key
from okienko_server.domain.cells import local_day
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import Use
from okienko_server.domain.errors import TokenRefused
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.domain.tariff import Tariff
from okienko_server.domain.throttle import SmsLimits
from okienko_server.operations.alarms import Alarms
from okienko_server.operations.setbacks import Setbacks
from okienko_server.storage.audit import AuditStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.offers import OfferShelf, OffersStore, OfferStore
from okienko_server.storage.session import Database
from okienko_server.storage.tariffs import TariffShelf
from okienko_widget.texts import Texts


@dataclass(frozen=True)
class Desk:
    """The registration counter's tools; one per process."""

    database: Database
    pepper: str = field(repr=False)
    """Secret of keyed hashes: SMS codes, the audit trail, second factors."""
    texts: Texts
    code_host: str = ""
    """Host that codes are bound to where the window stands by itself; empty: to none."""
    sms_limits: SmsLimits = field(default_factory=SmsLimits)
    shelf: OfferShelf = field(default_factory=OfferShelf)
    tariffs: TariffShelf = field(default_factory=TariffShelf)
    alarms: Alarms = field(default_factory=Alarms)
    setbacks: Setbacks = field(default_factory=Setbacks)
    outbox_bell: threading.Event = field(default_factory=threading.Event)
    """Rung after a commit that wrote a message; a worker in the same process need not wait for its next look."""

    @property
    def texts_version(self) -> str:
        """Version of the texts a patient agrees to."""
        return self.texts("consent.processing.version")

    @cached_property
    def audit_key(self) -> bytes:
        """The key of the audit trail's digests."""
        return audit_key(self.pepper)

    def note_act(
        self,
        connection: Connection,
        scope: Scope,
        act: Act,
        object_kind: str,
        object_id: str,
        now: datetime,
        detail: str = "",
    ) -> None:
        """Write what the scope's staff member did into the clinic's audit trail; the last statement of a transaction.

        `detail` is a few words without personal or medical content.
        """
        AuditStore(connection, scope).append(self.audit_key, act, object_kind, object_id, now, detail)

    def tariff(self, connection: Connection, month: str, now: datetime) -> Tariff:
        """Return what messages cost in a month that has begun; the database is asked once an hour."""
        return self.tariffs.of(connection, month, now)

    def offer(self, connection: Connection, scope: Scope) -> Offer:
        """Return the current offer of the scope's clinic, read anew; raises NotFound."""
        return admitted(self._read(connection, scope), scope)

    def current_offer(self, connection: Connection, scope: Scope) -> Offer:
        """Return the kept offer when its revision is current, else a fresh one; raises NotFound."""
        offer = self.shelf.get(scope.clinic_id)
        if offer is None or OfferStore(connection, scope).revision() != offer.revision:
            return self.offer(connection, scope)
        return admitted(offer, scope)

    def restock(self, connection: Connection, scope: Scope, clinic_ids: Collection[str]) -> dict[str, int]:
        """Put the present offers of several clinics on the shelf, for `offer_at`; returns the revision of each clinic there is.

        For the house itself: raises ForeignClinic for any other scope. An offer that cannot be made is left for `offer_at` to meet.
        """
        store = OffersStore(connection, scope)
        revisions = store.revisions(clinic_ids)
        kept = {one: self.shelf.get(one) for one in revisions}
        old = [one for one, offer in kept.items() if offer is None or offer.revision != revisions[one]]
        for rows in store.rows(old) if old else ():
            with suppress(Exception):
                self.shelf.put(rows.offer())
        return revisions

    def offer_at(self, connection: Connection, scope: Scope, revision: int) -> Offer:
        """Return the kept offer when it carries that revision, read a moment ago, else a fresh one."""
        offer = self.shelf.get(scope.clinic_id)
        return admitted(offer, scope) if offer and offer.revision == revision else self.offer(connection, scope)

    def offer_and_busy(
        self, connection: Connection, scope: Scope, first: date | None, days: int, now: datetime
    ) -> tuple[Offer, dict[str, dict[date, int]]]:
        """Return the offer and the occupied day masks of `days` days from `first` (None: today).

        One round trip while the kept offer is current. Raises NotFound; ClinicUnavailable, ClinicPaused when the scope's door is shut.
        """
        offer = self.shelf.get(scope.clinic_id) or self._read(connection, scope)
        zone = offer.clinic.zone
        start = first or local_day(now, zone)
        more = timedelta(days=1 if offer.near_midnight else 0)
        seen = OccupancyStore(connection, scope).read(start - more, start + timedelta(days=days - 1) + more, now, zone)
        if seen.revision != offer.revision:
            offer = self._read(connection, scope)
        offer = admitted(offer, scope)
        check_door(offer.clinic, scope, now)
        return offer, seen.busy

    def _read(self, connection: Connection, scope: Scope) -> Offer:
        offer = OfferStore(connection, scope).load()
        self.shelf.put(offer)
        return offer


def admitted(offer: Offer, scope: Scope) -> Offer:
    """Return what the scope may see of the offer; raises TokenRefused (token_revoked) when the clinic accepts its token no longer."""
    if scope.generation is not None and scope.generation < offer.clinic.generation:
        raise TokenRefused("token_revoked")
    if scope.kind in (ScopeKind.PORTAL, ScopeKind.CLINIC):
        offer = offer.public
    return offer.narrowed(scope.locks)


def check_door(clinic: Clinic, scope: Scope, now: datetime) -> None:
    """Raise ClinicUnavailable or ClinicPaused when the door the scope came through is shut; the clinic's own people have none to pass."""
    if scope.kind in (ScopeKind.PORTAL, ScopeKind.CLINIC):
        clinic.check_door(Use(scope.source), now)
