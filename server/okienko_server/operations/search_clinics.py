"""The portal's question: who near here can treat this, and how soon. It never ends in nothing while somebody treats it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from okienko_server.domain.scope import Scope
from okienko_server.domain.starts import When
from okienko_server.operations.desk import Desk
from okienko_server.operations.portal_search import ClinicsFound, Search
from okienko_server.operations.ranking import Look, Ranking
from okienko_server.storage.portal_starts import PortalStartsStore

PAGE = 10
MAX_PAGE = 30
RADII = (15.0, 40.0, 100.0)
"""Kilometres tried one after the other until enough is found."""
ENOUGH = 3


def search_clinics(search: Search, *, scope: Scope, desk: Desk, now: datetime) -> ClinicsFound:
    """Return a page of addresses where a qualified practitioner is free for a fitting service; raises ForeignClinic when pinned.

    Where nothing fits, it looks further away, then without the wishes, so that no search ends in nothing while somebody treats it.
    """
    return desk.database.read(
        lambda connection: _widening(search, Look(connection, scope, desk, now, PortalStartsStore(connection, scope)))
    )


def _widening(search: Search, look: Look) -> ClinicsFound:
    given_up: tuple[str, ...] = ()
    for wish, easier in _easier(search):
        given_up = (*given_up, wish) if wish else given_up
        found = _wider(replace(easier, page=1), look)
        if found is None:
            break
        if found.clinics:
            if search.page > 1:
                # A further page belongs to what the first one found its way to.
                later = page_of(easier, found.km, look)
                if later.clinics:
                    found = replace(found, clinics=later.clinics, more=later.more, page=search.page)
            return replace(found, given_up=given_up)
    return ClinicsFound((), more=False)


def _wider(search: Search, look: Look) -> ClinicsFound | None:
    """Return what is found near, or else further away; None where nobody treats that, wherever and whenever."""
    nearest = search.km or RADII[0] if search.place else 0
    found = page_of(search, nearest, look)
    if not found.clinics and Ranking(look, search, nearest).hopeless():
        return None
    if search.place is None:
        return found
    enough = 1 if search.km else ENOUGH
    for km in RADII:
        if km > nearest and len(found.clinics) < enough:
            wider = page_of(search, km, look)
            # Wider only where that brings somebody.
            found = replace(wider, widened=True) if len(wider.clinics) > len(found.clinics) else found
    return found if found.clinics else replace(page_of(search, 0, look), widened=True)


def page_of(search: Search, km: float, look: Look) -> ClinicsFound:
    """Return a page of just this search within a radius (0: the whole country), nothing widened."""
    want = PAGE * min(max(search.page, 1), MAX_PAGE) + 1
    ranked = Ranking(look, search, km).first(want)
    shown = ranked[want - 1 - PAGE : want - 1]
    return ClinicsFound(tuple(shown), more=len(ranked) == want and search.page < MAX_PAGE, km=km)


def _easier(search: Search) -> Iterable[tuple[str, Search]]:
    """Yield the search, then with one wish after the other left out."""
    yield "", search
    if search.when is not When.ANY:
        search = replace(search, when=When.ANY)
        yield "when", search
    if search.access:
        search = replace(search, access=frozenset())
        yield "access", search
    if search.question.language:
        search = replace(search, question=replace(search.question, language=None))
        yield "language", search
