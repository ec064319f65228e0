"""The therapeutic process: one problem from its consultation through its visits, with the pain before and after each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import EditConflict, FieldsRefused
from okienko_server.domain.record import FIELDS, HIGHEST_PAIN, Shape, pain_of
from okienko_server.domain.roles import Right
from okienko_server.operations.read_patient import (
    EpisodeTyped,
    PatientView,
    Treated,
    Visit,
    change_episode,
    see_episode,
)
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, whole_number
from okienko_widget import load as widget_texts

episodes = Blueprint("episodes", __name__, url_prefix="/staff/episodes")
GLANCE = 180
"""Characters of a document a timeline shows."""
WIDTH, HEIGHT, EDGE = 420, 170, 24
"""The plot in its own units."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit on the timeline."""

    id: str
    when: str
    kind: str
    state: str
    practitioner: str
    glance: str
    signed: bool
    pain_before: str
    pain_after: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One reading of the pain scale in the plot."""

    x: int
    y: int
    words: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Readings before and after each visit, as points of two lines."""

    before: tuple[Dot, ...]
    after: tuple[Dot, ...]
    rows: tuple[tuple[int, int], ...]
    """(height, reading) of the lines across."""

    @staticmethod
    def line(dots: tuple[Dot, ...]) -> str:
        return " ".join(f"{dot.x},{dot.y}" for dot in dots)


@dataclass(frozen=True, slots=True)
class Story:
    """An episode in words, the newest visit first."""

    id: str
    title: str
    category: str
    lead: str
    span: str
    open: bool
    moments: tuple[Moment, ...]
    plot: Plot | None


def story_of(treated: Treated, seen: PatientView, now: datetime) -> Story:
    """Return an episode as its pages show it; documents only where the asker may read them."""
    t, when, episode = load(), when_in(seen.offer.clinic.zone), treated.episode
    lead = seen.offer.practitioners.get(episode.practitioner_id)
    since = when.dated(episode.opened_at)
    span = t("episode.since", date=since)
    if episode.closed_at:
        span = t("episode.between", start=since, end=when.dated(episode.closed_at))
    category = widget_texts()(f"category.{episode.category}")
    moments = [_moment(visit, seen) for visit in treated.visits]
    # The staff's own name of a problem is mostly its diagnosis: it is shown to whoever reads documentation.
    return Story(
        episode.id,
        (episode.title if seen.may_read else "") or category,
        category,
        lead.name if lead else "",
        span,
        episode.open,
        tuple(reversed(moments)),
        plot_of(moments) if seen.may_read else None,
    )


def _moment(visit: Visit, seen: PatientView) -> Moment:
    one, when, content = visit.appointment, when_in(seen.offer.clinic.zone), {}
    person = seen.offer.practitioners.get(one.practitioner_id)
    if visit.newest:
        content = visit.newest.content
    texts = [content.get(field.name, "") for kind in FIELDS for field in FIELDS[kind] if field.shape is Shape.TEXT]
    glance = " ".join(next((text for text in texts if text), "").split())
    return Moment(
        one.id,
        f"{when.dated(one.starts_at)}, {when.time(one.starts_at)}",
        load()(f"record.kind.{one.kind}"),
        load()(f"state.{one.status}") if f"state.{one.status}" in load() else "",
        person.name if person else "",
        glance[:GLANCE] + "…" if len(glance) > GLANCE else glance,
        visit.newest is not None,
        content.get("pain_before", ""),
        content.get("pain_after", ""),
    )


def plot_of(moments: list[Moment]) -> Plot | None:
    """Return the plot of the pain scale over the visits in time order; None for fewer than two readings."""
    measured = [one for one in moments if one.pain_before or one.pain_after]
    if sum(bool(one.pain_before) + bool(one.pain_after) for one in measured) < 2:
        return None
    step = (WIDTH - 2 * EDGE) / max(len(measured) - 1, 1)

    def dots(name: str) -> tuple[Dot, ...]:
        return tuple(
            Dot(round(WIDTH / 2 if len(measured) == 1 else EDGE + n * step), _height(reading), f"{one.when}: {reading}")
            for n, one in enumerate(measured)
            if (reading := pain_of(getattr(one, name))) is not None
        )

    rows = tuple((_height(reading), reading) for reading in (0, 5, HIGHEST_PAIN))
    return Plot(dots("pain_before"), dots("pain_after"), rows)


def _height(reading: int) -> int:
    return round(HEIGHT - EDGE - reading * (HEIGHT - 2 * EDGE) / HIGHEST_PAIN)


@episodes.get("/<episode_id>")
@policy(Policy.STAFF, Right.READ_RECORDS)
def page(episode_id: str) -> Response:
    """The whole process with its plot."""
    return _shown(plain_id(episode_id), {}, 200)


@episodes.post("/<episode_id>")
@policy(Policy.STAFF, Right.WRITE_RECORDS)
def change(episode_id: str) -> AnyResponse:
    """Its name, who leads it, whether it is over."""
    typed = EpisodeTyped(
        request.form.get("title", ""),
        request.form.get("practitioner_id", ""),
        "closed" in request.form,
        whole_number(request.form.get("version", "")),
    )
    try:
        change_episode(plain_id(episode_id), typed, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _shown(episode_id, refused.errors, 422, typed)
    except EditConflict as refused:
        return _shown(episode_id, {"conflict": refused.code}, 409, typed)
    return redirect(url_for("episodes.page", episode_id=episode_id), 303)


def _shown(episode_id: str, errors: dict[str, str], status: int, typed: EpisodeTyped | None = None) -> Response:
    seen = see_episode(episode_id, scope=scope(), desk=house().desk, now=house().clock())
    (treated,) = seen.episodes
    kept = typed or EpisodeTyped(
        treated.episode.title, treated.episode.practitioner_id, not treated.episode.open, treated.episode.version
    )
    return make_response(
        render_template(
            "staff/episode.jinja", seen=seen, story=story_of(treated, seen, house().clock()), typed=kept, errors=errors,
            version=treated.episode.version if "conflict" in errors else kept.version, people=list(seen.offer.practitioners.values()),
            may_write=seen.may_change,
        ),
        status,
    )  # fmt: skip
