"""The OpenAPI 3.1 description, made from the same declarations the routes run on."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from okienko_server.web.api.contract import OPERATIONS, Operation
from okienko_server.web.api.schemas import ProblemOut
from okienko_server.web.policy import Policy

_ALWAYS = (400, 413)
_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 128},
    "description": "The same request again under the same key gives the same answer and sends no second SMS.",
}


@cache
def description() -> dict[str, Any]:
    """Return the whole description as JSON values."""
    spec = APISpec(
        title="Okienko",
        version="1",
        openapi_version="3.1.0",
        info={"description": "Book a visit at a physiotherapy clinic: category, clinic, slot, details, SMS code."},
        plugins=[MarshmallowPlugin()],
    )
    spec.components.security_scheme("widgetSession", {"type": "http", "scheme": "bearer"})
    for operation in OPERATIONS:
        spec.path(
            path="/api/v1" + re.sub(r"<(\w+)>", r"{\1}", operation.rule),
            operations={operation.method.lower(): _described(operation)},
        )
    described: dict[str, Any] = spec.to_dict()
    return described


def _described(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"<(\w+)>", operation.rule)
    ]
    if operation.keyed:
        parameters.append(_KEY)
    problem = {"description": "Problem", "content": {"application/problem+json": {"schema": ProblemOut}}}
    codes = (*operation.codes, *(_ALWAYS if operation.body else ()))
    answers: dict[str, Any] = {str(code): problem for code in sorted(codes)}
    answers[str(operation.status)] = {
        "description": "Done",
        "content": {"application/json": {"schema": operation.answer}},
    }
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": answers,
        "security": [] if operation.policy is Policy.PUBLIC else [{"widgetSession": []}],
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": operation.body}}}
    return described
