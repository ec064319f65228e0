"""FHIR R4 resources of SMART Scheduling Links (HL7, STU 1): https://build.fhir.org/ig/HL7/smart-scheduling-links/specification.html.

The guide's ballot profiles name the booking link under http://hl7.org/fhir/uv/smart-scheduling-links, its narrative and the release
before it under http://fhir-registry.smarthealthit.org: the narrative's is written here. `address.state`, which the profile demands,
is left out: a Polish postal address has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from okienko_server.domain.cells import instant_of
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.offer import HealthcareService, Location
from okienko_server.operations.publish_slots import PublishedSlots

BOOKING_LINK = "http://fhir-registry.smarthealthit.org/StructureDefinition/booking-deep-link"
SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
PHYSIOTHERAPY = {"system": SERVICE_TYPE, "code": "65", "display": "Physiotherapy"}
Resource = dict[str, Any]


def locations(found: PublishedSlots, home: str) -> Iterator[Resource]:
    """Yield each address of the clinic at which first visits are given."""
    clinic = found.offer.clinic
    for place in {place.id: place for place, _, _ in found.each()}.values():
        alone = len(found.offer.locations) == 1
        yield _location(clinic, place, clinic.name if alone else f"{clinic.name}, {place.name}", home)


def schedules(found: PublishedSlots, home: str) -> Iterator[Resource]:
    """Yield a schedule for each first visit at each address."""
    clinic = found.offer.clinic
    for place, service, _ in found.each():
        yield {
            "resourceType": "Schedule",
            "id": _schedule_id(clinic, place, service),
            "active": True,
            "serviceType": [{"coding": [PHYSIOTHERAPY], "text": service.name}],
            "actor": [{"reference": f"Location/{_location_id(clinic, place)}"}],
        }


def slots(found: PublishedSlots, home: str) -> Iterator[Resource]:
    """Yield a slot for each free start; the times not on offer are not told apart from those taken, so none is "busy"."""
    clinic = found.offer.clinic
    for place, service, cells in found.each():
        schedule = _schedule_id(clinic, place, service)
        for cell in cells:
            start, end = span_of(cell, service, clinic.zone)
            yield {
                "resourceType": "Slot",
                "id": f"{schedule}.{cell}",
                "extension": [{"url": BOOKING_LINK, "valueUrl": deep_link(home, clinic, start)}],
                "schedule": {"reference": f"Schedule/{schedule}"},
                "status": "free",
                "start": start.isoformat(),
                "end": end.isoformat(),
            }


def span_of(cell: int, service: HealthcareService, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a visit that starts at a cell begins and ends, by the clinic's clock."""
    start = instant_of(cell)
    return start.astimezone(zone), (start + timedelta(minutes=service.minutes)).astimezone(zone)


def deep_link(home: str, clinic: Clinic, start: datetime) -> str:
    """Return the address at which a patient books at the clinic, open at the day of a local start."""
    return f"{home}/g/{clinic.slug}?date={start.date().isoformat()}"


def _location(clinic: Clinic, place: Location, name: str, home: str) -> Resource:
    key = _location_id(clinic, place)
    phone = [{"system": "phone", "value": clinic.phone}] if clinic.phone else []
    told: Resource = {
        "resourceType": "Location",
        "id": key,
        "identifier": [{"system": f"{home}/", "value": key}],
        "status": "active",
        "name": name,
        "telecom": [*phone, {"system": "url", "value": f"{home}/g/{clinic.slug}"}],
        "address": {"line": [place.street], "city": place.city, "postalCode": place.postcode, "country": "PL"},
    }
    if place.latitude is not None and place.longitude is not None:
        told["position"] = {"longitude": place.longitude, "latitude": place.latitude}
    return told


def _location_id(clinic: Clinic, place: Location) -> str:
    # A location's id is only unique within its clinic.
    return f"{clinic.id}.{place.id}"


def _schedule_id(clinic: Clinic, place: Location, service: HealthcareService) -> str:
    return f"{_location_id(clinic, place)}.{service.id}"
