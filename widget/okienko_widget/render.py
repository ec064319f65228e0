"""Views become documents: one template for each kind of view, compiled once at import."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from okienko_widget import bundle
from okienko_widget.icons import ICONS, MARK
from okienko_widget.steps import Step, progress
from okienko_widget.texts import load
from okienko_widget.views import (
    Choice,
    ClinicsView,
    CodeView,
    DayChoice,
    DetailsView,
    DoneView,
    MessageView,
    ProblemView,
    SlotGroup,
    TimesView,
    View,
)


class _TightLoader(PackageLoader):
    """Templates without indentation and line ends between tags: fewer bytes to send and to write."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        source, path, fresh = super().get_source(environment, template)
        return re.sub(r">\n\s*(?=[<{])|(?<=[%}]})\n\s*(?=<)", lambda end: end[0].strip(), source), path, fresh


@lru_cache(maxsize=4096)
def _slot_buttons(group: SlotGroup) -> Markup:
    """Return one submit button for each free start; escaped in one go, because a week may have hundreds."""
    rows = "\n".join(f"{slot.value}\t{slot.time}" for slot in group.slots)
    between = '</button><button name="slot" value="'
    buttons = str(escape(rows)).replace("\t", '">').replace("\n", between)
    return Markup(f'<button name="slot" value="{buttons}</button>')  # noqa: S704 - escaped above


@lru_cache(maxsize=4096)
def _day_label(day: DayChoice, opened: bool) -> Markup:
    """Return a day of the strip; drawn once for each set of free times, because most pages show the same ones."""
    drawn: Markup = _KEPT.label(day, opened)
    return drawn


@lru_cache(maxsize=4096)
def _day_panel(day: DayChoice) -> Markup:
    """Return a day's free times, drawn once."""
    drawn: Markup = _KEPT.panel(day)
    return drawn


@lru_cache(maxsize=4096)
def _chips(name: str, choices: tuple[Choice, ...]) -> Markup:
    """Return the buttons of a choice, drawn once for each set of therapists or services."""
    drawn: Markup = _KEPT.chips(name, choices)
    return drawn


def _brand(accent: str) -> Markup:
    return Markup(bundle.brand(accent))  # noqa: S704 - nothing but a checked colour


def _environment() -> Environment:
    environment = Environment(
        loader=_TightLoader("okienko_widget"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        t=load(),
        icons=ICONS,
        mark=MARK,
        slot_buttons=_slot_buttons,
        day_label=_day_label,
        day_panel=_day_panel,
        chips=_chips,
        brand=_brand,
        css=Markup(bundle.CSS),  # noqa: S704 - our own file
        portal_css=Markup(bundle.PORTAL_CSS),  # noqa: S704 - our own file
        portal_js=Markup(bundle.PORTAL_JS),  # noqa: S704 - our own file
        js=Markup(bundle.JS),  # noqa: S704 - our own file
    )
    return environment


_ENVIRONMENT: Final = _environment()
_KEPT: Final[Any] = _ENVIRONMENT.get_template("kept.jinja").module
_STEP: Final[dict[type, Step]] = {
    ProblemView: "problem",
    ClinicsView: "clinics",
    TimesView: "times",
    DetailsView: "details",
    CodeView: "code",
    DoneView: "done",
}
_TEMPLATE: Final = {name: _ENVIRONMENT.get_template(f"{name}.jinja") for name in (*_STEP.values(), "message")}


def _open_day(view: View) -> str:
    """Return the date of the day shown first: the chosen one, or else the first with a free time."""
    if not isinstance(view, TimesView):
        return ""
    free = [day for day in view.days if day.count]
    return next((day.date for day in free if day.chosen), free[0].date if free else "")


def render(view: View | MessageView) -> str:
    """Return the whole document of a step or message; KeyError when a notice, error or message has no sentence."""
    if isinstance(view, MessageView):
        return _TEMPLATE["message"].render(
            view=view, frame=None, step="message", layout=view.layout, clinic=view.clinic, position=0, total=0
        )
    step, frame = _STEP[type(view)], view.frame
    position, total = progress(step)
    return _TEMPLATE[step].render(
        view=view,
        frame=frame,
        step=step,
        layout=frame.layout,
        clinic=frame.clinic,
        position=0 if step == "done" else position,
        total=total,
        open_day=_open_day(view),
    )
