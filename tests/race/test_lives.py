"""Staff, patient and sweep at the same appointments in the same instant: whatever the order, no life leaves its table."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from okienko_server.domain.appointment import (
    HOLD_MINUTES,
    MOVABLE,
    OCCUPYING,
    STEPS,
    UNCONFIRMED,
    Appointment,
    Person,
    Status,
    Step,
)
from okienko_server.domain.errors import DomainError
from okienko_server.domain.scope import Scope, ScopeKind, Source
from okienko_server.domain.verification import CODE_MINUTES, Challenge, code_digest
from okienko_server.operations.convert import ConvertRequest, convert
from okienko_server.operations.expire_holds import expire_holds
from okienko_server.operations.hold import release
from okienko_server.operations.plan_visit import Where, cancel, move
from okienko_server.operations.review import confirm, decline, lapse_unanswered
from okienko_server.operations.verify import verify_code
from okienko_server.storage import appointments as store_module
from okienko_server.storage.challenges import ChallengeStore
from okienko_server.storage.tables import CellRow
from tests.conftest import MONDAY, PEPPER
from tests.storage.rows import differences
from tests.web.staff_world import MICHAL, ZOFIA, StaffWorld

ROUNDS = 2000 if os.environ.get("OKIENKO_PROOF") == "1" else 120
HANDS = 4
CODE = "482913"
SESSION = "visitor"
Act = Callable[[str], object]


@dataclass
class Round:
    """Two reservations and a hold, the acts four people do at once, and what came of each."""

    made: list[Appointment]
    done: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)


class Lives(StaffWorld):
    """A clinic where everybody is in a hurry."""

    number = 0

    def fresh(self) -> Round:
        """Write two pending appointments and a held one beside each other, on a day nobody used yet."""
        self.number += 1
        day = MONDAY + timedelta(days=self.number)
        start = day.replace(hour=8)
        made = [
            self.add(f"a{self.number}", at=start, pending_at=MONDAY),
            self.add(f"b{self.number}", at=start + timedelta(hours=1), pending_at=MONDAY),
            self.add(
                f"c{self.number}", at=start + timedelta(hours=2), status=Status.PROPOSED, source=Source.IFRAME, pending_at=None,
                created_at=MONDAY, held_until=MONDAY + timedelta(minutes=HOLD_MINUTES),
            ),
        ]  # fmt: skip
        digest = code_digest(PEPPER, made[2].id, CODE)
        challenge = Challenge(digest, MONDAY + timedelta(minutes=CODE_MINUTES), 0, 1, MONDAY, used=False)
        self.desk.database.write(lambda connection: ChallengeStore(connection, self.scope).put(made[2].id, challenge))
        return Round(made)

    def acts(self) -> dict[str, Act]:
        """Return what may be done to an appointment, by name; each at the moment it makes sense at."""
        visitor = Scope(ScopeKind.CLINIC, self.opened.id, SESSION, Source.IFRAME)
        staff: dict[str, Any] = {"scope": self.scope, "desk": self.desk, "now": MONDAY + timedelta(minutes=1)}
        guest = staff | {"scope": visitor}
        wanted = ConvertRequest("", "", "visit", "spine", first_name="Jan", last_name="Nowak")
        return {
            "confirm": lambda key: confirm(key, **staff),
            "decline": lambda key: decline(key, "", **staff),
            "cancel": lambda key: cancel(key, "", **staff),
            "move": lambda key: move(key, self.elsewhere(key), self.get(key).starts_at, **staff),
            "convert": lambda key: convert(key, wanted, **staff),
            "lapse": lambda key: lapse_unanswered(desk=self.desk, now=MONDAY + UNCONFIRMED),
            "verify": lambda key: verify_code(key, CODE, **guest),
            "release": lambda key: release(key, scope=visitor, desk=self.desk, now=staff["now"]),
            "expire": lambda key: expire_holds(desk=self.desk, now=MONDAY + timedelta(minutes=HOLD_MINUTES + 1)),
        }

    def elsewhere(self, appointment_id: str) -> Where:
        """Return a place half an hour later: over itself and over whoever stands next, with the same therapist or another."""
        found = self.get(appointment_id)
        who = self.opened.practitioners[ZOFIA if int(appointment_id[1:]) % 3 else MICHAL]
        return Where(who, found.location_id, found.starts_at + timedelta(minutes=30), outside=True)

    def play(self, chance: random.Random) -> Round:
        """Let four hands do something to the round's appointments at the same moment."""
        game, acts = self.fresh(), self.acts()
        barrier = threading.Barrier(HANDS)

        def one(name: str, key: str) -> None:
            barrier.wait()
            try:
                acts[name](key)
                game.done.append((name, key))
            except DomainError as refused:
                game.refused.append((name, key, refused.code))

        picks = [(chance.choice(sorted(acts)), chance.choice(game.made).id) for _ in range(HANDS)]
        threads = [threading.Thread(target=one, args=pick) for pick in picks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(game.done) + len(game.refused) == HANDS, (picks, game)
        return game

    def faults(self, game: Round) -> Iterator[str]:
        """Yield what may never be: a status no path of the table leads to, cells that are not those of who lives."""
        for before in game.made:
            after = self.get(before.id)
            names = [name for name, key in game.done if key == before.id]
            everywhere = [name for name, _ in game.done if name in ("lapse", "expire")]
            if after.status not in reachable(before.status, [*names, *everywhere]):
                yield f"{before.id}: {before.status} -> {after.status} by {names} and {everywhere}"
            if "move" in names and after.status in MOVABLE and after.starts_at == before.starts_at:
                yield f"{before.id}: moved, and still where it was"
            cells = self.cells(before.id)
            wanted = set(after.occupied) if after.status in OCCUPYING else set()
            if cells != wanted:
                yield f"{before.id}: {after.status} with {len(cells)} cells instead of {len(wanted)}"

    def cells(self, appointment_id: str) -> set[int]:
        with self.desk.database.reading() as connection:
            found = connection.execute(select(CellRow.cell).where(CellRow.appointment_id == appointment_id))
            return set(found.scalars())


MEANS: dict[str, tuple[Step, ...]] = {
    "confirm": (Step.CONFIRM,), "convert": (Step.CONFIRM,), "decline": (Step.DECLINE,), "lapse": (Step.LAPSE,),
    "cancel": (Step.CANCEL,), "move": (), "verify": (Step.VERIFY,), "release": (Step.RELEASE,), "expire": (Step.EXPIRE,),
}  # fmt: skip
MAY_DO_NOTHING = {"lapse", "expire", "release", "convert", "confirm", "move"}
"""Acts that succeed without a step when there is nothing (left) to do."""


def reachable(status: Status, names: list[str]) -> set[Status]:
    """Return where some order of those acts leads, each taking its step where the table has it."""
    found: set[Status] = set()
    for order in itertools.permutations(names):
        ways = {status}
        for name in order:
            stepped = {STEPS[one, step] for one in ways for step in MEANS[name] if (one, step) in STEPS}
            ways = stepped | (ways if name in MAY_DO_NOTHING else set())
        found |= ways
    return found


@pytest.fixture
def lives(app: Flask) -> Lives:
    world = Lives.of(app)
    assert isinstance(world, Lives)
    return world


def play_all(lives: Lives, rounds: int, seed: int) -> tuple[list[str], int]:
    chance, found, refusals = random.Random(seed), list[str](), 0
    for _ in range(rounds):
        game = lives.play(chance)
        found += lives.faults(game)
        refusals += len(game.refused)
    return found, refusals


def test_no_interleaving_leaves_the_life_cycle(lives: Lives) -> None:
    found, refusals = play_all(lives, ROUNDS, seed=4)
    assert found == []
    assert refusals > ROUNDS // 4, "hands that never meet prove nothing"
    with lives.desk.database.reading() as connection:
        assert differences(connection) == {}


def test_without_the_table_of_steps_lives_go_astray(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: when any step may be taken from anywhere, the same game finds it."""
    ends = {step: status for (_, step), status in STEPS.items()}
    monkeypatch.setattr(store_module, "after", lambda status, step: ends[step])
    found, _ = play_all(lives, 60, seed=4)
    assert found


def test_two_can_never_wait_for_one_time_so_both_can_never_be_confirmed(lives: Lives) -> None:
    game = lives.fresh()
    with pytest.raises(IntegrityError):
        lives.add("twice", at=game.made[0].starts_at, patient=Person("Jan", "Nowak"))
    assert lives.cells("twice") == set()
