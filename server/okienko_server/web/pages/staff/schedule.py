"""The clinic's own pages: sign-in, the schedule, and the answer to an online reservation."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask import Blueprint, Response, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.appointment import Status, leaves_at
from okienko_server.domain.errors import FieldRefused, NotFound, StepNotAllowed
from okienko_server.domain.roles import Right
from okienko_server.operations.review import answered, confirm, decline
from okienko_server.operations.schedule import ScheduleView, schedule_changes, see_schedule, seen_since
from okienko_server.web import guards
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.staff.asked import Asked, asked_of
from okienko_server.web.pages.staff.card import card_of
from okienko_server.web.pages.staff.drawn import Drawn
from okienko_server.web.pages.staff.schedule_view import Notice, notice_of, page_of, title_of
from okienko_server.web.pages.staff.team import team_of
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id

staff = Blueprint("staff", __name__, url_prefix="/staff")


@staff.get("/")
@policy(Policy.STAFF, Right.SEE_SCHEDULE)
def schedule() -> Response:
    """The schedule of a week or a day, beside everything that waits for an answer; an open screen takes in the changed part alone."""
    asked, now = _asked(request.args), house().clock()
    if request.headers.get("X-Okienko") == "redraw" and "did" not in request.args:
        return make_response(_redrawn(asked, now))
    return make_response(_page(asked, now))


def _redrawn(asked: Asked, now: datetime) -> str:
    """Return title and main part, drawn once for all who see the same; only the form token is each one's own."""
    who, csrf, since = scope(), guards.staff().csrf, seen_since(now)
    # Asked before the page is drawn: what is committed in between stands in a page too new for its key, never the other way round.
    state = schedule_changes(since, scope=who, desk=house().desk)
    key = (who.clinic_id, who.role, who.practitioner_id, asked, since, state)
    kept = house().mains.get(key) or house().mains.keep(key, _changing(_page(asked, now)).replace(csrf, _TOKEN))
    return kept.replace(_TOKEN, csrf)


_TOKEN = "\x00the form token\x00"  # noqa: S105 - stands where it was
_CHANGING = (("<title>", "</title>"), ("<main ", "</main>"))


def _changing(html: str) -> str:
    """Return what a screen takes in: the window's title, which counts what waits, and the main part."""
    return "<!doctype html>" + "".join(html[html.index(a) : html.index(b) + len(b)] for a, b in _CHANGING)


def _page(asked: Asked, now: datetime) -> str:
    who = scope()
    drawn = house().weeks.get(_place(asked), now) if asked.whole_week else None
    known = {drawn.state} if drawn else ()
    # Everybody's within reach, because what waits is shown whoever the grid is about.
    seen = see_schedule(
        asked.first, asked.days, "", glance=asked.whole_week, known=known, scope=who, desk=house().desk, now=now
    )
    week = (drawn if seen.glances is None else _draw(seen, asked, now)) if asked.whole_week else None
    page = page_of(seen, asked, guards.staff(), now, _notice(), week)
    return render_template("staff/schedule.jinja", page=page)


def _place(asked: Asked) -> tuple[str, date, str, date]:
    """Return everything a drawn week depends on beside its appointments and the clinic's offer."""
    return scope().clinic_id, asked.first, asked.location, asked.today


def _draw(seen: ScheduleView, asked: Asked, now: datetime) -> Drawn:
    glances = seen.glances or ()
    table = team_of(asked, glances, seen.offer, now)
    days = tuple(one.day for one in table.days)
    markup = render_template("staff/team.jinja", table=table, title=title_of(days, asked, seen.offer, now))
    leaving = [leaves_at(one.pending_at) for one in glances if one.status == Status.PENDING and one.pending_at]
    drawn = Drawn(seen.state, days, Markup(markup), min(leaving, default=None))  # noqa: S704 - a template of our own
    return house().weeks.keep(_place(asked), drawn)


@staff.get("/changes")
@policy(Policy.STAFF, Right.SEE_SCHEDULE)
def changes() -> dict[str, str]:
    """A text that differs as soon as anything changed after `since` (Unix seconds); every open screen asks for it all the time."""
    try:
        since = datetime.fromtimestamp(int(request.args.get("since", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return {"fingerprint": ""}
    return {"fingerprint": schedule_changes(since, scope=scope(), desk=house().desk)}


@staff.post("/appointments/<appointment_id>/confirm")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def accept(appointment_id: str) -> AnyResponse:
    """The reservation becomes a planned visit."""
    try:
        confirm(plain_id(appointment_id), scope=scope(), desk=house().desk, now=house().clock())
    except StepNotAllowed:
        return _back("late", appointment_id)
    return _back("confirmed", appointment_id)


@staff.post("/appointments/<appointment_id>/decline")
@policy(Policy.STAFF, Right.CHANGE_SCHEDULE)
def refuse(appointment_id: str) -> AnyResponse:
    """The reservation is declined and its time given back."""
    reason, now = request.form.get("reason", ""), house().clock()
    try:
        gone = decline(plain_id(appointment_id), reason, scope=scope(), desk=house().desk, now=now)
    except StepNotAllowed:
        return _back("late", appointment_id)
    except FieldRefused as refused:
        return _reason_again(appointment_id, reason, refused.code)
    return _back("declined" if gone.phone and gone.starts_at > now else "declined_quiet", appointment_id)


def _reason_again(appointment_id: str, reason: str, code: str) -> Response:
    """Show the reason that cannot be kept as it is, to be shortened: nothing typed is lost."""
    found = answered(plain_id(appointment_id), scope=scope(), desk=house().desk).appointment
    offer = house().desk.database.read(lambda connection: house().desk.current_offer(connection, scope()))
    card = card_of(found, offer, house().clock())
    fields = _asked(request.form).fields()
    return make_response(
        render_template("staff/decline.jinja", card=card, reason=reason, errors={"reason": code}, fields=fields), 422
    )


def _asked(fields: dict[str, str]) -> Asked:
    desk, where = house().desk, scope()
    # Only to know who there is; what is shown is read anew below.
    offer = desk.shelf.get(where.clinic_id) or desk.database.read(lambda connection: desk.offer(connection, where))
    return asked_of(fields, offer, where, house().clock())


def _back(did: str, appointment_id: str) -> AnyResponse:
    return redirect(_asked(request.form).url(did=did, about=appointment_id), 303)


def _notice() -> Notice | None:
    """Return what came of the answer this page follows; addresses carry an id only, never a name or a number."""
    did, about, desk, where = request.args.get("did", ""), request.args.get("about", ""), house().desk, scope()
    if not did:
        return None
    try:
        found = answered(plain_id(about), scope=where, desk=desk)
    except NotFound:
        return None
    offer = desk.database.read(lambda connection: desk.current_offer(connection, where))
    return notice_of(did, found, offer, house().clock())
