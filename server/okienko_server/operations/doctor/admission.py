"""Would the server open the window: is the token ours, still accepted, its clinic on, and the page among the allowed sites?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from okienko.exceptions import TokenExpired, TokenInvalid
from okienko.tokens import EmbedToken, Keys, PortalToken, WidgetSession, read_any
from okienko_server.domain.contract import ContractStatus, Use
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable, NotFound
from okienko_server.domain.generations import Generations
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.doctor.faults import Fault, Ground, Widget, at, origin_of
from okienko_server.storage.generations import TokenStore


@dataclass(frozen=True, slots=True)
class Proved:
    """A pasted token the server knows: the window it belongs to, its clinic's offer (None: a portal's), the accepted generations."""

    widget: Widget
    token: EmbedToken | PortalToken
    offer: Offer | None
    origins: tuple[str, ...]
    generations: Generations

    def renewed(self, keys: Keys) -> str:
        """Return the same token under the present generation."""
        return replace(self.token, generation=self.generations.current).sign(keys.embed)


def prove(widget: Widget, *, desk: Desk, keys: Keys, now: datetime) -> Proved | Fault:
    """Return the token as the server knows it, or the fault that hides it."""
    text = widget.token
    if not text:
        return at(widget.tag, "token_missing")
    if "://" in text or text.startswith(("/", "<")):
        return at(widget.tag, "token_is_address")
    try:
        token = read_any(text, keys.embed)
    except TokenInvalid:
        return at(widget.tag, "token_wrong_kind" if _is_session(text, keys, now) else "token_damaged")
    try:
        return desk.database.read(lambda connection: _known(widget, token, desk, connection))
    except NotFound:
        return at(widget.tag, "clinic_unknown")


def _is_session(text: str, keys: Keys, now: datetime) -> bool:
    try:
        WidgetSession.read(text, keys.session, now)
    except TokenExpired:
        return True
    except TokenInvalid:
        return False
    return True


def _known(widget: Widget, token: EmbedToken | PortalToken, desk: Desk, connection: Connection) -> Proved:
    store = TokenStore(connection, operator_scope())
    if isinstance(token, PortalToken):
        origins = store.portal(token.portal).allowed_origins
        return Proved(widget, token, None, origins, store.of_portal(token.portal))
    generations = store.of_clinic(token.clinic)
    offer = desk.current_offer(connection, operator_scope().at(token.clinic))
    return Proved(widget, token, offer, offer.clinic.allowed_origins, generations)


def admitted(proved: Proved, ground: Ground, now: datetime) -> Iterator[Fault]:
    """Yield what would keep the server from showing the window on that page."""
    tag, token, accepted = proved.widget.tag, proved.token, proved.generations
    if not accepted.accepts(token.generation, now):
        yield at(tag, "token_revoked")
    elif token.generation < accepted.current and accepted.grace_until:
        yield at(tag, "token_graced", until=f"{accepted.grace_until:%d.%m.%Y}")
    if proved.offer is None:
        yield at(tag, "token_portal")
    else:
        yield from _clinic(proved.widget, proved.offer, now)
    if ground.origin:
        yield from _origin(proved, ground.origin)


def _clinic(widget: Widget, offer: Offer, now: datetime) -> Iterator[Fault]:
    clinic, asked = offer.clinic, widget.options
    try:
        clinic.check_door(Use.IFRAME, now)
    except ClinicPaused:
        yield at(widget.tag, "clinic_paused", clinic=clinic.name)
    except ClinicUnavailable:
        trial = clinic.status(now) is ContractStatus.TRIAL
        yield at(widget.tag, "clinic_trial" if trial else "clinic_hidden", clinic=clinic.name)
    for name, known in (("service", offer.services), ("practitioner", offer.practitioners)):
        if asked.get(name) and asked[name] not in known:
            yield at(widget.tag, f"{name}_stranger", value=asked[name][:80], clinic=clinic.name)


def _origin(proved: Proved, origin: str) -> Iterator[Fault]:
    own = proved.token.origin if isinstance(proved.token, EmbedToken) else None
    if own and origin_of(own) != origin:
        yield at(proved.widget.tag, "token_other_site", origin=origin, own=own)
    elif origin not in {origin_of(one) for one in proved.origins}:
        yield at(proved.widget.tag, "origin_not_allowed", origin, origin=origin)
