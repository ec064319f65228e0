"""Which steps a visitor walks through each of the three doors."""

from __future__ import annotations

import pytest

from okienko_widget.steps import ORDER, Step, next_step, progress, steps


def test_the_portal_walks_every_step() -> None:
    assert steps(pinned=False) == ORDER


@pytest.mark.parametrize(("pinned", "chosen"), [(True, False), (True, True), (False, True)])
def test_choosing_a_clinic_exists_only_unpinned_and_only_once(pinned: bool, chosen: bool) -> None:
    assert "clinics" not in steps(pinned=pinned, clinic_chosen=chosen)
    assert next_step("problem", pinned=pinned, clinic_chosen=chosen) == "times"


def test_on_the_portal_the_clinic_follows_the_problem() -> None:
    assert next_step("problem", pinned=False) == "clinics"
    assert next_step("clinics", pinned=False, clinic_chosen=True) == "times"


def test_the_last_step_stays() -> None:
    assert next_step("done", pinned=True) == "done"


@pytest.mark.parametrize("step", ORDER)
def test_progress_never_counts_past_four_or_back(step: Step) -> None:
    position, total = progress(step)
    earlier = [progress(other)[0] for other in ORDER[: ORDER.index(step)]]
    assert total == 4
    assert max(earlier, default=1) <= position <= total
