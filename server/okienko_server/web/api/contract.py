"""One typed decorator: it routes, parses, dumps and documents an API operation, so the description cannot drift from the code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from okienko_server.domain.errors import DomainError, FieldsRefused
from okienko_server.web.policy import Policy, policy

api = Blueprint("api", __name__, url_prefix="/api/v1")


@dataclass(frozen=True)
class Operation:
    """What the description says of one operation."""

    id: str
    method: str
    rule: str
    summary: str
    policy: Policy
    body: type[Schema] | None
    answer: type[Schema]
    status: int
    codes: tuple[int, ...]
    keyed: bool


OPERATIONS: list[Operation] = []
Answer = Callable[..., Any]


def operation(
    id: str,
    method: str,
    rule: str,
    *,
    answer: type[Schema],
    body: type[Schema] | None = None,
    status: int = 200,
    codes: tuple[int, ...] = (),
    who: Policy = Policy.BEARER,
    keyed: bool = False,
) -> Callable[[Answer], Answer]:
    """Register a view that takes the parsed body (when there is one) and returns a value for the answer schema or a ready Response."""

    def register(view: Answer) -> Answer:
        OPERATIONS.append(
            Operation(id, method, rule, (view.__doc__ or "").strip(), who, body, answer, status, codes, keyed)
        )

        @wraps(view)
        def run(**path: str) -> Response:
            parsed = {"body": _parsed(body)} if body else {}
            result = view(**path, **parsed)
            if isinstance(result, Response):
                return result
            return json_response(_ready(answer).dump(result), status)

        api.add_url_rule(rule, id, policy(who)(run), methods=[method])
        return view

    return register


def json_response(value: Any, status: int = 200) -> Response:
    """Return a JSON answer that no cache keeps."""
    response = Response(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")), status, mimetype="application/json"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _parsed(schema: type[Schema]) -> dict[str, Any]:
    try:
        sent = request.get_json()
    except (BadRequest, UnsupportedMediaType, RecursionError, UnicodeError):
        raise DomainError from None
    if not isinstance(sent, dict):
        raise DomainError
    try:
        loaded: dict[str, Any] = _ready(schema).load(sent)
    except ValidationError as wrong:
        raise FieldsRefused(_codes(wrong)) from None
    except (OverflowError, RecursionError):
        raise DomainError from None
    return loaded


@cache
def _ready(schema: type[Schema]) -> Schema:
    return schema()


def _codes(wrong: ValidationError) -> dict[str, str]:
    messages = wrong.messages if isinstance(wrong.messages, dict) else {}
    codes = {"category": "category_unknown"}
    return {
        str(name): "required" if "Missing data" in str(said) else codes.get(str(name), "bad_request")
        for name, said in messages.items()
    }
