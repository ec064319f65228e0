"""Idempotency: the same request under the same key has one effect and one answer, also when it comes twice at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from okienko_server.domain.errors import CodeRefused, DomainError, IdempotencyMismatch
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.challenges import AnswerStore

MAX_KEY = 128


class Repeated(Exception):
    """The key got its answer from a request that committed first: `answer`, or None when it has still to be read."""

    def __init__(self, answer: str | None = None) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Keyed:
    """One request under a visitor's own key; an empty key keeps nothing."""

    scope: Scope
    key: str
    request: str
    """Everything that makes it this request; another under the same key is refused."""
    now: datetime

    def answer(self, connection: Connection) -> str | None:
        """Return the answer kept under the key, None when there is none; raises IdempotencyMismatch."""
        kept = AnswerStore(connection, self.scope).find(self._owned()) if self.key else None
        if kept and kept[0] != self._asked():
            raise IdempotencyMismatch
        return kept[1] if kept else None

    def keep(self, connection: Connection, answer: str) -> None:
        """Keep the answer in the transaction that made it; raises Repeated when the key already has one."""
        if self.key and not AnswerStore(connection, self.scope).keep(self._owned(), self._asked(), answer, self.now):
            raise Repeated

    def _owned(self) -> str:
        return sha256(f"{self.scope.session_id}\n{self.key}".encode()).hexdigest()

    def _asked(self) -> str:
        return sha256(self.request.encode()).hexdigest()


def once(desk: Desk, keyed: Keyed, work: Callable[[Connection], str | CodeRefused]) -> tuple[str, bool]:
    """Run `work` in one write transaction and return (its answer, True), keeping it under the key.

    `work` returns the answer, raises a DomainError (rolled back), or returns a refusal (committed, kept, then raised). When the key
    already has an answer, that is (answer, False) or raised again, and nothing happens twice. Raises IdempotencyMismatch.
    """

    def attempt(connection: Connection) -> str | CodeRefused:
        outcome = work(connection)
        keyed.keep(connection, outcome if isinstance(outcome, str) else _refusal(outcome))
        return outcome

    try:
        outcome = desk.database.write(attempt)
    except Repeated as repeated:
        return _again(repeated.answer or desk.database.read(keyed.answer) or ""), False
    except IdempotencyMismatch:
        raise
    except DomainError:
        kept = desk.database.read(keyed.answer)
        if kept is None:
            raise
        return _again(kept), False
    if isinstance(outcome, CodeRefused):
        raise outcome
    return outcome, True


def _refusal(refused: CodeRefused) -> str:
    return f"!{refused.code} {'' if refused.tries_left is None else refused.tries_left}"


def _again(kept: str) -> str:
    if not kept.startswith("!"):
        return kept
    code, _, tries = kept[1:].partition(" ")
    raise CodeRefused(code, tries_left=int(tries) if tries else None)
