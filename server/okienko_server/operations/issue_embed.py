"""What a clinic or a portal pastes into its own page: a signed token, and the snippets around it from the one generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from okienko import Embed
from okienko.snippet import HEIGHT
from okienko.tokens import EmbedToken, PortalToken
from okienko_server.domain.errors import NotFound
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.generations import TokenStore
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.onboarding import OnboardingStore

ROOMY = 840
"""Height kept free for a first screen with more than eight problems."""


@dataclass(frozen=True, slots=True)
class IssuedEmbed:
    """The snippets of one clinic. `token` never expires, `secret` lets the clinic's own server narrow it, `height` is in pixels."""

    clinic_id: str
    token: str
    secret: str
    snippets: Embed
    height: int

    @property
    def frame(self) -> str:
        return self.snippets.frame_url()

    @property
    def iframe(self) -> str:
        return str(self.snippets.iframe(height=self.height))

    @property
    def element(self) -> str:
        return str(self.snippets.element(height=self.height))

    @property
    def link(self) -> str:
        return self.snippets.link_url()


def issue_embed(
    slug: str,
    server: str,
    keys: Sequence[str],
    *,
    desk: Desk,
    service: str = "",
    practitioner: str = "",
    category: str = "",
    origin: str = "",
) -> IssuedEmbed:
    """Return the snippets of the clinic under a short name, for a server at `server` ("https://host").

    Raises NotFound, and okienko.OptionRefused for an address no page could use.
    """
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
    token = EmbedToken(
        clinic_id, generation, service or None, practitioner or None, category or None, origin or None
    )  # fmt: skip
    text = token.sign(keys)
    height = ROOMY if not category and len(offer.categories()) > 8 else HEIGHT
    return IssuedEmbed(clinic_id, text, token.secret(keys), Embed(server, text, slug, offer.clinic.name), height)


def issue_portal_embed(portal_id: str, server: str, keys: Sequence[str], *, desk: Desk) -> Embed:
    """Return the snippets of a portal's page; raises NotFound."""

    def read_generation(connection: Connection) -> int:
        return TokenStore(connection, operator_scope()).of_portal(portal_id).current

    return Embed(server, PortalToken(portal_id, desk.database.read(read_generation)).sign(keys))
