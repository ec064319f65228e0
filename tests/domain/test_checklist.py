"""The checklist is worked out of the offer: what it calls missing is missing, and what it calls ready can be booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.checklist import PART_OF, STOPPING, Item, Lack, checklist
from okienko_server.domain.offer import (
    HealthcareService,
    Location,
    Offer,
    OpeningHours,
    Practitioner,
    ServiceKind,
    WorkingHours,
)
from okienko_server.domain.problem import ADULT, Competence, ProblemCategory
from okienko_server.domain.slots import start_masks, window
from tests.domain.worlds import CLINIC, WARSAW, local

PLACE = Location("adres", "Główna", "Długa 1", "31-147", "Kraków", latitude=50.06, longitude=19.94)
VISIT = HealthcareService("wizyta", "Wizyta", ServiceKind.VISIT, 60, 18_000, 0, 0, frozenset())
FIRST = HealthcareService("pierwsza", "Konsultacja", ServiceKind.CONSULTATION, 60, 20_000, 0, 0, frozenset())
SPINE = Competence(ProblemCategory.SPINE, ADULT)
MONDAY_MORNING = (0, 8 * 60, 12 * 60)
ANNA = Practitioner(
    "anna", "mgr", "Anna", "Nowak", (SPINE,), frozenset({"wizyta", "pierwsza"}),
    (WorkingHours("adres", *MONDAY_MORNING),), pwz="12345",
)  # fmt: skip
READY = Offer(
    replace(CLINIC, allowed_origins=("https://klinika.example",)), 1, {"adres": PLACE}, {"wizyta": VISIT, "pierwsza": FIRST},
    {"anna": ANNA}, (OpeningHours("adres", *MONDAY_MORNING),), (),
)  # fmt: skip


def lacks(**changes: Any) -> list[Lack]:
    return [item.lack for item in checklist(replace(READY, **changes, _masks={}, _spans={}))]


def test_a_clinic_with_everything_lacks_nothing() -> None:
    assert checklist(READY) == ()


@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        ({"locations": {}}, Lack.NO_ADDRESS),
        ({"opening": ()}, Lack.NO_HOURS),
        ({"services": {}}, Lack.NO_SERVICES),
        ({"practitioners": {}}, Lack.NO_THERAPISTS),
        ({"practitioners": {"anna": replace(ANNA, competences=())}}, Lack.NOBODY_GIVES),
        ({"practitioners": {"anna": replace(ANNA, services=frozenset())}}, Lack.NOBODY_GIVES),
        (
            {"services": {"wizyta": replace(VISIT, categories=frozenset({ProblemCategory.SPORTS}))}},
            Lack.NOBODY_GIVES,
        ),
        ({"practitioners": {"anna": replace(ANNA, hours=())}}, Lack.NEVER_IN),
        ({"opening": (OpeningHours("adres", 1, 8 * 60, 12 * 60),)}, Lack.NEVER_IN),
        ({"opening": (OpeningHours("adres", 0, 8 * 60, 8 * 60 + 55),)}, Lack.NEVER_IN),
        ({"locations": {"adres": replace(PLACE, latitude=None)}}, Lack.NOT_ON_MAP),
        ({"services": {"wizyta": VISIT}}, Lack.NO_FIRST_VISIT),
        ({"services": {"pierwsza": FIRST}}, Lack.NO_FOLLOW_UP),
        ({"practitioners": {"anna": ANNA, "ewa": replace(ANNA, id="ewa", hours=())}}, Lack.IDLE_THERAPIST),
        ({"practitioners": {"anna": replace(ANNA, pwz="")}}, Lack.NO_LICENCE),
        ({"clinic": CLINIC}, Lack.NO_WEBSITE),
        ({"clinic": replace(CLINIC, categories=(ProblemCategory.JAW_HEAD,))}, Lack.UNCOVERED),
    ],
    ids=lambda value: value if isinstance(value, Lack) else "",
)
def test_each_lack_is_named(changes: dict[str, Any], lack: Lack) -> None:
    assert lack in lacks(**changes)


def test_a_withheld_part_counts_as_missing() -> None:
    assert Lack.NO_ADDRESS in lacks(locations={"adres": replace(PLACE, offered=False)})
    assert Lack.NO_THERAPISTS in lacks(practitioners={"anna": replace(ANNA, offered=False)})


def test_a_line_about_somebody_names_that_person() -> None:
    found = checklist(replace(READY, practitioners={"anna": replace(ANNA, pwz="")}))
    assert found == (Item(Lack.NO_LICENCE, "mgr Anna Nowak"),)


def test_every_lack_is_put_right_somewhere() -> None:
    assert set(PART_OF) == set(Lack)


span = st.tuples(st.integers(0, 6), st.integers(0, 22)).map(lambda t: (t[0], t[1] * 60, t[1] * 60 + 60))


@given(
    doors=st.lists(span, max_size=4), hours=st.lists(span, max_size=4), gives=st.booleans(), competent=st.booleans(),
    services=st.booleans(), offered=st.booleans(), only=st.sampled_from([frozenset(), frozenset({ProblemCategory.SPORTS})]),
)  # fmt: skip
def test_stopped_means_no_free_time_in_an_empty_week_and_the_other_way(
    doors: list[tuple[int, int, int]], hours: list[tuple[int, int, int]], gives: bool, competent: bool, services: bool,
    offered: bool, only: frozenset[ProblemCategory],
) -> None:  # fmt: skip
    """Against the arithmetic of free times itself: the checklist stops exactly when a whole empty week holds no start for anybody."""
    service = replace(VISIT, categories=only)
    person = replace(
        ANNA, services=frozenset({"wizyta"} if gives else ()), competences=(SPINE,) if competent else (), offered=offered,
        hours=tuple(WorkingHours("adres", *one) for one in hours),
    )  # fmt: skip
    offer = replace(
        READY, services={"wizyta": service} if services else {}, practitioners={"anna": person},
        opening=tuple(OpeningHours("adres", *one) for one in doors), _masks={}, _spans={},
    )  # fmt: skip
    seen, now = offer.public, local("2026-11-22T23:00")
    days = window(seen, date(2026, 11, 23), date(2026, 11, 23) + timedelta(days=6), now.astimezone(WARSAW))
    free = False
    for one in seen.services.values():
        for category in ProblemCategory:
            if one.meant_for(category):
                who = seen.qualified(one.id, category, ADULT)
                free = free or any(start_masks(seen, days, who, one.length, {}).values())
    stopped = any(item.lack in STOPPING for item in checklist(offer))
    assert stopped is not free
