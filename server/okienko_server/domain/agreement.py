"""What was agreed when an appointment was made, kept with it: later changes of the clinic's offer leave it as it is."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from okienko_server.domain.clinic import Address, Clinic
from okienko_server.domain.offer import HealthcareService, Location, Offer


@dataclass(frozen=True, slots=True)
class Agreement:
    """The terms of one appointment as they stood when it was held or planned; None: made before that was kept.

    A move to another location agrees on that one's address as written then; everything else stays.
    """

    service: str | None = None
    """The service's name."""
    price: int | None = None
    """Grosze."""
    location: str | None = None
    """The location's name; empty where it has none."""
    address: Address | None = None
    cancel_minutes: int | None = None
    """How long before the visit it may be cancelled free of charge; 0: at any time."""
    texts: str | None = None
    """Version of the texts the patient was shown."""
    buffer_before: int = 0
    buffer_after: int = 0
    """Minutes kept free around the appointment, as its service had them when it was made."""

    def at(self, location: Location) -> Agreement:
        """Return the same terms at another location."""
        return replace(self, location=location.name, address=location.postal)


NOTHING_KEPT = Agreement()


@dataclass(frozen=True, slots=True)
class Terms:
    """An agreement to be shown: whatever was not kept is the offer's present value."""

    service: str
    price: int
    """Grosze."""
    price_agreed: bool
    """False: the price is the service's present one, because none was kept."""
    location: str
    address: Address
    cancel_minutes: int


def agreed(service: HealthcareService, location: Location, clinic: Clinic, texts: str) -> Agreement:
    """Return the terms an appointment is made on; `texts` is the version of the texts shown."""
    return Agreement(
        service.name, service.price, location.name, location.postal, clinic.cancel_minutes, texts,
        service.buffer_before, service.buffer_after,
    )  # fmt: skip


def terms(kept: Agreement, service_id: str, location_id: str, offer: Offer) -> Terms:
    """Return an agreement to be shown; what was not kept is looked up in the offer, which raises NotFound for a stranger."""
    known = kept.price is not None
    if None in (kept.service, kept.price, kept.location, kept.address, kept.cancel_minutes):
        now = agreed(offer.service(service_id), offer.location(location_id), offer.clinic, "")
        kept = replace(now, **{name: value for name, value in _values(kept).items() if value is not None})
    assert kept.address is not None
    return Terms(
        kept.service or "", kept.price or 0, known, kept.location or "", kept.address, kept.cancel_minutes or 0
    )  # fmt: skip


def _values(kept: Agreement) -> dict[str, Any]:
    return {one.name: getattr(kept, one.name) for one in fields(kept)}
