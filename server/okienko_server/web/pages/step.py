"""What every step of a visit has in common: whose clinic it is at, the frame around it, and the document it leaves as."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask import Response, g, make_response, request

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.errors import NotFound
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope, Source, operator_scope
from okienko_server.storage.generations import TokenStore
from okienko_server.web.guards import scope, widget_session
from okienko_server.web.headers import OURS, widget_document
from okienko_server.web.house import house
from okienko_server.web.pages import present
from okienko_server.web.pages.choices import Choices
from okienko_server.web.pages.oembed import discovery
from okienko_server.web.references import resolve
from okienko_widget import render
from okienko_widget.portal_views import PageHead
from okienko_widget.views import Frame, View


class Step:
    """One visitor's choices at one instant, and the page they are answered with."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.now: datetime = house().clock()
        self.desk = house().desk
        self._offer: Offer | None = None
        self.head: PageHead | None = None
        """What search engines read, where the answer is a page with an address of its own."""
        if choices.clinic:
            scope().at(choices.clinic)
        if choices.appointment:
            try:
                resolve(choices.appointment, scope())
            except NotFound:
                self.choices = choices.but(appointment="")

    def clinic_scope(self) -> Scope | None:
        """Return the scope at the chosen clinic, None while none is chosen; raises ForeignClinic under a pin."""
        if self.choices.clinic:
            return scope().at(self.choices.clinic)
        return scope() if scope().clinic_id else None

    def where(self) -> Scope:
        """Return the scope at the clinic of the held appointment; raises NotFound when nothing is held."""
        return resolve(self.choices.appointment, scope())[0]

    @property
    def appointment_id(self) -> str:
        return resolve(self.choices.appointment, scope())[1]

    def offer(self) -> Offer:
        """Return the offer of the clinic in question."""
        if self._offer is None:
            where = self.where() if self.choices.appointment else self.clinic_scope()
            if where is None:
                raise NotFound
            self._offer = self.desk.database.read(lambda connection: self.desk.current_offer(connection, where))
        return self._offer

    def _frame(
        self, offer: Offer | None, notice: str = "", held: Appointment | None = None, *, typed: bool = True
    ) -> Frame:
        session = widget_session()
        state = self.choices.hidden(typed=typed)
        if scope().pinned:
            state.pop("clinic", None)
        kept = present.held_for(held, self.now) if held else {}
        return Frame(
            session=session.renewed(self.now).sign(house().settings.keys.session),
            layout="frame" if session.source in (Source.IFRAME, Source.REHEARSAL) else "portal",
            rehearsal=session.source == Source.REHEARSAL,
            pinned=scope().pinned,
            key=secrets.token_urlsafe(12),
            state=state,
            clinic=present.offer_badge(offer) if offer else None,
            notice=notice or ("session_renewed" if getattr(g, "session_renewed", False) else ""),
            theme=self.choices.theme,
            accent=f"#{self.choices.accent}" if self.choices.accent else "",
            hosts=self.hosts(offer),
            reference=self.choices.appointment,
            bare=request.headers.get("X-Okienko") == "step",
            oembed=discovery(offer) if offer and session.source == Source.LINK and request.method == "GET" else "",
            head=self.head,
            **kept,
        )

    def hosts(self, offer: Offer | None) -> tuple[str, ...]:
        """Return the origins of pages that may frame this visitor's steps: the clinic's or portal's, and of those only the token's own."""
        session = widget_session()
        if session.source != Source.IFRAME:
            return ()
        if session.portal:
            allowed = self.desk.database.read(lambda c: TokenStore(c, operator_scope()).portal(session.portal or ""))
            return allowed.allowed_origins
        allowed_here = offer.clinic.allowed_origins if offer else ()
        return tuple(origin for origin in allowed_here if session.origin in ("", origin))

    def _page(self, view: View) -> Response:
        hosts = view.frame.hosts
        if widget_session().source == Source.IFRAME:
            hosts = (*OURS, *hosts)
        return widget_document(make_response(render(view)), hosts, view.frame.accent, portal=not view.frame.pinned)
