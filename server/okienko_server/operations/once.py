"""Idempotency: the same request under the same key has one effect and one answer, also when it comes twice at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from okienko_server.domain.errors import DomainError, IdempotencyMismatch
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.challenges import AnswerStore

MAX_KEY = 128


class _Repeated(Exception):
    """The key got its answer from a request that committed first."""


def once(
    desk: Desk, scope: Scope, key: str, request: str, now: datetime, work: Callable[[Connection], str | DomainError]
) -> str:
    """Run `work` in one write transaction and return its answer, keeping it under the caller's key.

    `work` returns the answer, raises a DomainError (rolled back), or returns one (committed, then raised). When the key already
    has an answer, that is returned instead, and nothing happens twice. Raises IdempotencyMismatch when it belonged to another request.
    """
    owned = sha256(f"{scope.session_id}\n{key}".encode()).hexdigest()
    asked = sha256(request.encode()).hexdigest()

    def attempt(connection: Connection) -> str | DomainError:
        answer = work(connection)
        if key and isinstance(answer, str) and not AnswerStore(connection, scope).keep(owned, asked, answer, now):
            raise _Repeated
        return answer

    refused: DomainError | None = None
    try:
        answer = desk.database.write(attempt)
        if isinstance(answer, str):
            return answer
        refused = answer
    except _Repeated:
        pass
    except DomainError as error:
        refused = error
    kept = desk.database.read(lambda connection: AnswerStore(connection, scope).find(owned)) if key else None
    if kept is None:
        raise refused or IdempotencyMismatch
    if kept[0] != asked:
        raise IdempotencyMismatch
    return kept[1]
