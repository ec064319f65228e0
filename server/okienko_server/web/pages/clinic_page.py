"""A clinic's own page in words: who receives, for what, where and when, and what search engines and sharers read of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from okienko_server.domain.access import Access, Language
from okienko_server.domain.ages import ends_of
from okienko_server.domain.hours import written
from okienko_server.domain.offer import HealthcareService, Location, Offer, Practitioner, ServiceKind
from okienko_server.domain.problem import MAX_AGE_MONTHS, AgeRange
from okienko_server.web.pages.present import directions_url, offer_badge, when_in
from okienko_widget import Texts
from okienko_widget.portal_views import AboutView, PageHead, PlaceRow, Row

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_UNITS = {"y": "about.years", "m": "about.months"}


def about_view(offer: Offer, texts: Texts) -> AboutView:
    """Return what stands beneath the booking on a clinic's page."""
    return AboutView(
        tuple(_person(person, texts) for person in offer.practitioners.values() if person.services),
        tuple(_service(service, offer, texts) for service in offer.services.values()),
        tuple(_place(place, offer, texts) for place in offer.locations.values()),
        offer_badge(offer).phone,
    )


def clinic_head(offer: Offer, home: str, texts: Texts, *, plain: bool) -> PageHead:
    """Return the head of a clinic's page; one opened with choices in its address (not `plain`) is left out by search engines."""
    clinic = offer.clinic
    what = ", ".join(texts(f"category.{category}").lower() for category in offer.categories())
    return PageHead(
        texts("about.title", clinic=clinic.name),
        texts("about.description", clinic=clinic.name, list=what),
        f"{home}/g/{clinic.slug}",
        f"{home}/g/{clinic.slug}/karta.png",
        json_ld(clinic_ld(offer, home)),
        indexed=plain and clinic.indexed and clinic.listed,
    )


def clinic_ld(offer: Offer, home: str) -> dict[str, Any]:
    """Return a clinic in the words of schema.org: MedicalClinic with its addresses, hours, offers and a ReserveAction."""
    clinic, url = offer.clinic, f"{home}/g/{offer.clinic.slug}"
    places = [_place_ld(place, offer) for place in offer.locations.values()]
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "MedicalClinic",
        "@id": url,
        "name": clinic.name,
        "url": url,
        "telephone": clinic.phone,
        "image": f"{url}/karta.png",
        "medicalSpecialty": "https://schema.org/Physiotherapy",
        "potentialAction": {
            "@type": "ReserveAction",
            "target": {"@type": "EntryPoint", "urlTemplate": url, "inLanguage": "pl"},
            "result": {"@type": "Reservation"},
        },
        "makesOffer": [_offer_ld(service) for service in offer.services.values()],
    }
    if len(places) == 1:
        return told | places[0]
    parts = [{"@type": "MedicalClinic", "name": clinic.name, "telephone": clinic.phone, **place} for place in places]
    return told | {"department": parts}


def json_ld(told: dict[str, Any]) -> str:
    """Return a description as JSON that cannot end the script element it stands in."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _place_ld(place: Location, offer: Offer) -> dict[str, Any]:
    told: dict[str, Any] = {
        "address": {
            "@type": "PostalAddress", "streetAddress": place.street, "postalCode": place.postcode,
            "addressLocality": place.city, "addressCountry": "PL",
        },
        "openingHoursSpecification": [
            {
                "@type": "OpeningHoursSpecification", "dayOfWeek": f"https://schema.org/{_DAYS[door.weekday]}",
                "opens": _clock(door.start), "closes": _clock(door.end),
            }
            for door in sorted(offer.opening, key=lambda door: (door.weekday, door.start))
            if door.location_id == place.id
        ],
    }  # fmt: skip
    if place.latitude is not None:
        told["geo"] = {"@type": "GeoCoordinates", "latitude": place.latitude, "longitude": place.longitude}
    if Access.STEP_FREE in place.access:
        told["amenityFeature"] = {"@type": "LocationFeatureSpecification", "name": "wheelchair access", "value": True}
    return told


def _clock(minutes: int) -> str:
    # 24:00 is no time of day for schema.org's Time.
    return "23:59" if minutes == 24 * 60 else f"{minutes // 60:02d}:{minutes % 60:02d}"


def _offer_ld(service: HealthcareService) -> dict[str, Any]:
    return {
        "@type": "Offer", "price": f"{service.price / 100:.2f}", "priceCurrency": "PLN",
        "itemOffered": {"@type": "MedicalTherapy", "name": service.name},
    }  # fmt: skip


def _person(person: Practitioner, texts: Texts) -> Row:
    treats = ", ".join(dict.fromkeys(_competence(one.category, one.ages, texts) for one in person.competences))
    lines = [texts("about.treats", list=treats)] if treats else []
    if person.languages:
        spoken = ", ".join(texts(f"language_name.{one}") for one in Language if one in person.languages)
        lines.append(texts("about.speaks", list=spoken))
    return Row(person.name, tuple(lines))


def _competence(category: str, ages: AgeRange, texts: Texts) -> str:
    """Return "kręgosłup (od 16 lat)", "niemowlęta i dzieci (0 mies. – 36 mies.)", or the category alone for every age."""
    name = texts(f"category.{category}").lower()
    if (ages.lowest, ages.highest) == (0, MAX_AGE_MONTHS):
        return name
    low, low_unit, high, high_unit = ends_of(ages)
    begin = texts.plural(_UNITS[low_unit], low)
    if high is None:
        span = texts("about.ages_from", age=begin)
    elif low == 0:
        span = texts("about.ages_to", age=texts.plural(_UNITS[high_unit], high))
    else:
        span = texts("about.ages_span", from_=begin, to=texts.plural(_UNITS[high_unit], high))
    return f"{name} ({span})"


def _service(service: HealthcareService, offer: Offer, texts: Texts) -> Row:
    when = when_in(offer.clinic.zone)
    kind = texts(f"kind.{ServiceKind(service.kind)}").lower()
    return Row(service.name, (f"{kind} · {when.duration(service.minutes)} · {when.price(service.price)}",))


def _place(place: Location, offer: Offer, texts: Texts) -> PlaceRow:
    return PlaceRow(
        place.name,
        f"{place.street}, {place.postcode} {place.city}",
        directions_url(place.postal),
        tuple(texts(f"access.{one}") for one in Access if one in place.access),
        tuple(_week(place.id, offer, texts)),
    )


def _week(location_id: str, offer: Offer, texts: Texts) -> Iterable[tuple[str, str]]:
    for day in range(7):
        doors = [door for door in offer.opening if (door.location_id, door.weekday) == (location_id, day)]
        if doors:
            yield texts(f"weekday_short.{day + 1}"), written(sorted((one.start, one.end) for one in doors))
