"""What was typed into a form that is no longer the typist's to send: shown to be copied, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, make_response, render_template

from okienko_server.domain.errors import DomainError
from okienko_server.problems import status_of


@dataclass(frozen=True, slots=True)
class Typed:
    """One field with its label."""

    name: str
    label: str
    text: str


def rescued(title: str, why: str, typed: Sequence[Typed], refused: DomainError) -> Response:
    """Return the page that says why a form was refused and shows what stood in it, with the refusal's status."""
    full = [one for one in typed if one.text]
    return make_response(render_template("staff/rescued.jinja", title=title, why=why, typed=full), status_of(refused))
