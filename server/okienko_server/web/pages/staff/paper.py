"""The heading only paper has: whose schedule it is and where. On the screen the chips say it, and they are not printed."""

from __future__ import annotations

from okienko_server.domain.offer import Location, Offer
from okienko_server.texts import load
from okienko_server.web.pages.staff.asked import Asked


def whose(asked: Asked, offer: Offer) -> str:
    """Return it in words: "mgr Zofia Wróblewska – ul. Józefa 12, Kraków"."""
    person = offer.practitioners.get(asked.practitioner)
    name = person.name if person else load()("schedule.everybodys")
    return load()("schedule.whose", name=name, address="; ".join(place.address for place in _places(asked, offer)))


def _places(asked: Asked, offer: Offer) -> list[Location]:
    """Return the address chosen, else those the therapist works at, else every address."""
    if asked.location in offer.locations:
        return [offer.location(asked.location)]
    person, every = offer.practitioners.get(asked.practitioner), list(offer.locations.values())
    return [place for place in every if person and person.works_at(place.id)] or every
