"""The document of a visit: writing with drafts, signing, correcting, comparing versions, paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.appointment import Status
from okienko_server.domain.errors import (
    DomainError,
    EditConflict,
    FieldsRefused,
    NotAllowed,
    NotFound,
    StepNotAllowed,
)
from okienko_server.domain.record import FIELDS, Change, Field, Shape, as_typed, difference
from okienko_server.domain.roles import Right
from okienko_server.operations.document_visit import (
    Documented,
    Written,
    drop_draft,
    save_draft,
    see_document,
    sign_document,
)
from okienko_server.storage.documents import Version
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.card import Card, card_of
from okienko_server.web.pages.staff.rescued import Typed, rescued
from okienko_server.web.policy import Policy, large_form, policy
from okienko_server.web.references import plain_id, whole_number

records = Blueprint("records", __name__, url_prefix="/staff/appointments")


@dataclass(frozen=True, slots=True)
class Past:
    """A signed version in a list."""

    number: int
    author: str
    when: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Everything the document's templates show."""

    seen: Documented
    card: Card
    fields: tuple[Field, ...]
    typed: Mapping[str, str]
    errors: Mapping[str, str]
    based_on: int
    revision: int
    reason: str
    writing: bool
    saved: str
    past: tuple[Past, ...]
    conflict: tuple[Change, ...]
    conflict_by: Past | None
    early: bool
    """The visit is still to come: signing says that it took place already."""

    @property
    def newest(self) -> Version:
        return self.seen.versions[-1]


@records.get("/<appointment_id>/record")
@policy(Policy.STAFF, Right.READ_RECORDS)
def page(appointment_id: str) -> Response:
    """The signed document, or the form while there is none (or one is being corrected); `print` asks for paper."""
    seen = _seen(appointment_id)
    writing = seen.may_write and (not seen.versions or "edit" in request.args)
    draft, based_on = seen.draft, seen.head
    typed: Mapping[str, str] = seen.versions[-1].content if seen.versions else {}
    if writing and draft:
        typed, based_on = draft.content, draft.based_on
    if "print" in request.args and seen.versions:
        return make_response(render_template("staff/paper.jinja", page=_page(seen, typed, {}, based_on)))
    return _shown(_page(seen, typed, {}, based_on, revision=draft.revision if draft else 0, writing=writing))


@records.post("/<appointment_id>/record/draft")
@policy(Policy.STAFF, Right.WRITE_RECORDS)
@large_form
def draft(appointment_id: str) -> AnyResponse:
    """What is being written is kept; the page's own script gets a line of JSON, a form its page again."""
    written, now = _written(), house().clock()
    try:
        revision = save_draft(plain_id(appointment_id), written, scope=scope(), desk=house().desk, now=now)
    except (FieldsRefused, EditConflict) as refused:
        if _by_script():
            return make_response(jsonify(code=refused.code), 409 if isinstance(refused, EditConflict) else 422)
        errors = refused.errors if isinstance(refused, FieldsRefused) else {"draft": refused.code}
        return _again(appointment_id, written, errors, 422)
    except (NotFound, NotAllowed) as refused:
        if _by_script():
            raise
        return _rescued(written, refused)
    if _by_script():
        desk, where = house().desk, scope()
        offer = desk.database.read(lambda connection: desk.current_offer(connection, where))
        return make_response(jsonify(revision=revision, saved=when_in(offer.clinic.zone).time(now)))
    return redirect(url_for("records.page", appointment_id=appointment_id, edit=1), 303)


@records.post("/<appointment_id>/record/drop")
@policy(Policy.STAFF, Right.WRITE_RECORDS)
def drop(appointment_id: str) -> AnyResponse:
    """The own draft is thrown away."""
    drop_draft(plain_id(appointment_id), scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("records.page", appointment_id=appointment_id), 303)


@records.post("/<appointment_id>/record")
@policy(Policy.STAFF, Right.WRITE_RECORDS)
@large_form
def sign(appointment_id: str) -> AnyResponse:
    """What was written becomes the next signed version."""
    written = _written()
    try:
        sign_document(plain_id(appointment_id), written, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _again(appointment_id, written, refused.errors, 422)
    except EditConflict:
        return _again(appointment_id, written, {}, 409)
    except (StepNotAllowed, NotFound, NotAllowed) as refused:
        return _rescued(written, refused)
    return redirect(url_for("records.page", appointment_id=appointment_id), 303)


@records.get("/<appointment_id>/record/versions")
@policy(Policy.STAFF, Right.READ_RECORDS)
def versions(appointment_id: str) -> Response:
    """How two signed versions differ, by default the last two."""
    seen = _seen(appointment_id)
    numbers = {one.number: one for one in seen.versions}
    newer = numbers.get(_number("to"), seen.versions[-1] if seen.versions else None)
    older = numbers.get(_number("from"), numbers.get(newer.number - 1) if newer else None)
    changes = difference(older.content, newer.content) if older and newer else []
    shown = _page(seen, {}, {}, seen.head)
    return make_response(render_template("staff/versions.jinja", page=shown, older=older, newer=newer, changes=changes))


def _number(name: str) -> int:
    return whole_number(request.args.get(name, ""))


def _seen(appointment_id: str) -> Documented:
    return see_document(plain_id(appointment_id), scope=scope(), desk=house().desk, now=house().clock())


def _by_script() -> bool:
    return request.headers.get("X-Okienko") == "draft"


def _written() -> Written:
    def count(name: str) -> int:
        return whole_number(request.form.get(name, ""))

    return Written(request.form, count("based_on"), count("revision"), request.form.get("reason", ""))


def _again(appointment_id: str, written: Written, errors: Mapping[str, str], status: int) -> Response:
    """Show the form again with everything typed; in a conflict it is signed, knowingly, on top of the newest version."""
    seen = _seen(appointment_id)
    based_on = seen.head if status == 409 else written.based_on
    page = _page(
        seen, written.typed, errors, based_on, revision=seen.draft.revision if seen.draft else 0, writing=True,
        reason=written.reason, conflict=status == 409, read=written.based_on,
    )  # fmt: skip
    return _shown(page, status)


def _rescued(written: Written, refused: DomainError) -> Response:
    """Show what was typed to somebody who may no longer sign it here – moved to a colleague, cancelled –, to be copied."""
    names = dict.fromkeys(field.name for kind in FIELDS for field in FIELDS[kind] if field.shape is not Shape.TICK)
    t = load()
    typed = [Typed(name, t(f"record.field.{name}"), written.typed.get(name, "")) for name in names]
    why = t("rescued.cancelled") if isinstance(refused, StepNotAllowed) else t("rescued.gone")
    return rescued(t("rescued.title"), why, typed, refused)


def _page(
    seen: Documented,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    based_on: int,
    *,
    revision: int = 0,
    writing: bool = False,
    reason: str = "",
    conflict: bool = False,
    read: int = 0,
) -> RecordPage:
    when = when_in(seen.offer.clinic.zone)
    past = [
        Past(one.number, one.author, f"{when.dated(one.signed_at)}, {when.time(one.signed_at)}", one.reason)
        for one in seen.versions
    ]
    known = {one.number: one.content for one in seen.versions}
    changes = difference(known.get(read, {}), seen.versions[-1].content) if conflict and seen.versions else []
    if "draft" in errors and seen.draft:
        changes = difference(as_typed(seen.kind, typed), seen.draft.content)
    return RecordPage(
        seen,
        card_of(seen.appointment, seen.offer, house().clock()),
        FIELDS[seen.kind],
        {field.name: typed.get(field.name, "") for field in FIELDS[seen.kind]},
        errors,
        based_on,
        revision,
        reason,
        writing,
        when.time(seen.draft.saved_at) if seen.draft else "",
        tuple(reversed(past)),
        tuple(changes),
        past[-1] if conflict and past else None,
        seen.appointment.status is Status.BOOKED and seen.appointment.starts_at > house().clock(),
    )


def _shown(page: RecordPage, status: int = 200) -> Response:
    return make_response(render_template("staff/record.jinja", page=page), status)
