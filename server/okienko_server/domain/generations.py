"""Which pasted tokens still open a clinic or a portal: raising the generation revokes older ones, at once or after a grace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Generations:
    """The lowest generation accepted; older ones down to `graced` are accepted until `grace_until` (aware), if there is a grace."""

    current: int
    graced: int | None = None
    grace_until: datetime | None = None

    def accepts(self, generation: int, now: datetime) -> bool:
        """Return whether a token of that generation still opens the door."""
        if generation >= self.current:
            return True
        if self.graced is None or self.grace_until is None:
            return False
        return generation >= self.graced and now < self.grace_until

    def raised(self, grace_until: datetime | None) -> Generations:
        """Return the generations after one more: what was current is graced until then, or refused at once (None)."""
        return Generations(self.current + 1, self.current if grace_until else None, grace_until)
