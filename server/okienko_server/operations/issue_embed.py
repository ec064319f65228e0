"""What a clinic pastes into its own page: a signed token, the frame around it, and the plain link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from okienko.tokens import EmbedToken
from okienko_server.domain.errors import NotFound
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.onboarding import OnboardingStore


@dataclass(frozen=True, slots=True)
class IssuedEmbed:
    """`token` never expires, `frame` is the address inside the iframe, `iframe` the line to paste, `link` the deep link."""

    clinic_id: str
    token: str
    frame: str
    iframe: str
    link: str


def issue_embed(
    slug: str,
    server: str,
    keys: Sequence[str],
    *,
    desk: Desk,
    service: str = "",
    practitioner: str = "",
    category: str = "",
) -> IssuedEmbed:
    """Return the snippets of the clinic under a short name, for a server at `server` ("https://host"); raises NotFound."""
    with desk.database.reading() as connection:
        found = OnboardingStore(connection, operator_scope()).clinic_of_slug(slug)
        if found is None:
            raise NotFound
        clinic_id, generation = found
        offer = OfferStore(connection, operator_scope().at(clinic_id)).load()
    if service:
        offer.service(service)
    if practitioner:
        offer.practitioner(practitioner)
    token = EmbedToken(clinic_id, generation, service or None, practitioner or None, category or None).sign(keys)
    frame = f"{server}/e/{token}"
    return IssuedEmbed(clinic_id, token, frame, _iframe(frame, offer.clinic.name), f"{server}/g/{slug}")


def _iframe(frame: str, clinic: str) -> str:
    return (
        f'<iframe src="{escape(frame)}" title="Rezerwacja wizyty – {escape(clinic)}" loading="lazy" '
        'width="100%" height="720" style="border:0;color-scheme:normal"></iframe>'
    )
