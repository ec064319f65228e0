"""The order of the widget's steps, which of them are skipped, and how far along each one is."""

from __future__ import annotations

from typing import Literal

Step = Literal["problem", "clinics", "times", "details", "code", "done"]

ORDER: tuple[Step, ...] = ("problem", "clinics", "times", "details", "code", "done")
STAGES = 4
_STAGE: dict[Step, int] = {"problem": 1, "clinics": 2, "times": 2, "details": 3, "code": 4, "done": 4}


def steps(*, pinned: bool, clinic_chosen: bool = False) -> tuple[Step, ...]:
    """Return the steps this visitor walks: choosing a clinic exists only unpinned, and only until one is chosen."""
    if pinned or clinic_chosen:
        return tuple(step for step in ORDER if step != "clinics")
    return ORDER


def next_step(step: Step, *, pinned: bool, clinic_chosen: bool = False) -> Step:
    """Return the step after `step`, skipping what this visitor never sees; `done` stays `done`."""
    walked = steps(pinned=pinned, clinic_chosen=clinic_chosen)
    later = [candidate for candidate in walked if ORDER.index(candidate) > ORDER.index(step)]
    return later[0] if later else "done"


def progress(step: Step) -> tuple[int, int]:
    """Return (position, total) of the progress bar: where and when are one stage, so every door counts to four."""
    return _STAGE[step], STAGES
