"""The clinic's website: allowed sites, the snippets with a preview, the poster, new snippets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko.snippet import MODES
from okienko_server.domain.contract import Use
from okienko_server.domain.errors import DomainError, EditConflict, FieldRefused, FieldsRefused
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.website import SitesRefused, siblings
from okienko_server.operations.edit_offer import see_offer
from okienko_server.operations.issue_embed import IssuedEmbed, issue_embed
from okienko_server.operations.website_settings import WebsiteTyped, renew_snippets, save_website
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.headers import may_frame_ours
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.present import offer_badge
from okienko_server.web.pages.staff.poster import code_svg, poster_svg, short
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import whole_number

website = Blueprint("website", __name__, url_prefix="/staff/settings/website")
WIDTHS = (360, 480, 720)
"""CSS pixels the preview can have."""
_FIELDS = ("sites", "mode", "accent")
_SNIPPETS = ("element", "iframe", "link")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to put the window on a page: word in the catalogue and the HTML to paste."""

    word: str
    html: str


@website.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The website as it is."""
    return _shown()


@website.post("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change() -> AnyResponse:
    """The sites, the mode, the colour and the search engines' leave are written."""
    typed: dict[str, Any] = {name: request.form.get(name, "")[:6000] for name in _FIELDS}
    typed["indexed"] = request.form.get("indexed") == "yes"
    if also := request.form.get("also"):
        typed["sites"] = f"{typed['sites'].rstrip()}\n{also[:200]}"
    revision, desk = whole_number(request.form.get("revision", "")), house().desk
    loopback = house().settings.development
    try:
        save_website(WebsiteTyped(**typed), revision, loopback=loopback, scope=scope(), desk=desk, now=house().clock())
    except SitesRefused as refused:
        return _shown(typed, {refused.field: refused.code}, 422, revision, refused.lines)
    except FieldsRefused as refused:
        return _shown(typed, refused.errors, 422, revision)
    except FieldRefused as refused:
        return _shown(typed, {refused.field: refused.code}, 422, revision)
    except EditConflict:
        return _shown(typed, {"conflict": EditConflict.code}, 409)
    return redirect(url_for("website.page", did="saved"), 303)


@website.post("/renew")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def renew() -> AnyResponse:
    """Every snippet pasted until now stops, in a week or at once; it takes a second press."""
    if request.form.get("sure") != "1":
        return _shown(asking=request.form.get("when", "week"))
    renew_snippets(request.form.get("when") != "now", scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("website.page", did="saved"), 303)


@website.get("/poster")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def poster() -> Response:
    """The sheet for printing."""
    offer, issued = see_offer(scope=scope(), desk=house().desk), _issued()
    shown = render_template(
        "staff/poster.jinja", clinic=offer_badge(offer), code=code_svg(issued.link), address=short(issued.link)
    )
    return make_response(shown)


@website.get("/poster.svg")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def drawing() -> Response:
    """The same as a drawing, for a leaflet."""
    offer, issued = see_offer(scope=scope(), desk=house().desk), _issued()
    response = make_response(poster_svg(offer.clinic.name, issued.link))
    response.mimetype = "image/svg+xml"
    response.headers["Content-Disposition"] = f'attachment; filename="okienko-{offer.clinic.slug}.svg"'
    return response


def _issued() -> IssuedEmbed:
    offer = see_offer(scope=scope(), desk=house().desk)
    return issue_embed(offer.clinic.slug, public_url(), house().settings.keys.embed, desk=house().desk)


def _snippets(issued: IssuedEmbed, offer: Offer) -> tuple[Snippet, ...]:
    """Return the three snippets, with the clinic's colour and mode in them."""
    look: dict[str, Any] = {"height": issued.height}
    if offer.clinic.accent:
        look["accent"] = offer.clinic.accent
    mode = offer.clinic.embed_mode
    way: dict[str, Any] = {"mode": mode} if mode and mode != MODES[0] else {}
    embed = issued.snippets
    made = (embed.element(**look, **way), embed.iframe(**look), embed.link())
    return tuple(Snippet(word, str(html)) for word, html in zip(_SNIPPETS, made, strict=True))


def _preview(issued: IssuedEmbed, offer: Offer) -> str:
    """Return the address of the frame to look at, "" while patients would find the door shut."""
    try:
        offer.clinic.check_door(Use.IFRAME, house().clock())
    except DomainError:
        return ""
    theme = request.args.get("theme", "")
    options: dict[str, object] = {"accent": offer.clinic.accent} if offer.clinic.accent else {}
    if theme in ("light", "dark"):
        options["theme"] = theme
    # The path alone: the staff may reach the server under another host than patients do.
    return issued.snippets.frame_url(**options).removeprefix(public_url())


def _shown(
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    revision: int | None = None,
    lines: tuple[tuple[str, str], ...] = (),
    asking: str = "",
) -> Response:
    offer, issued, t = see_offer(scope=scope(), desk=house().desk), _issued(), load()
    clinic = offer.clinic
    kept = {
        "sites": "\n".join(clinic.allowed_origins), "mode": clinic.embed_mode or MODES[0], "accent": clinic.accent,
        "indexed": clinic.indexed,
    }  # fmt: skip
    width = whole_number(request.args.get("width", ""))
    shown = render_template(
        "staff/website.jinja", typed=typed or kept, errors=errors or {}, lines=lines, asking=asking,
        modes=[(mode, t(f"website.mode.{mode}")) for mode in MODES], also=siblings(clinic.allowed_origins),
        snippets=_snippets(issued, offer), preview=_preview(issued, offer), widths=WIDTHS, theme=request.args.get("theme", ""),
        width=width if width in WIDTHS else 480, link=issued.link, saved=request.args.get("did") == "saved",
        revision=offer.revision if revision is None or (errors and "conflict" in errors) else revision,
    )  # fmt: skip
    return may_frame_ours(make_response(shown, status))
