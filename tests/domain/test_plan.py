"""The short spelling of hours and competences, and a clinic's plan that does not hang together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.plan import (
    ClinicPlan,
    LocationPlan,
    PlanRefused,
    PractitionerPlan,
    ServicePlan,
    Shift,
    competent,
    weekly,
)
from okienko_server.domain.problem import MAX_AGE_MONTHS, AgeRange, Competence, ProblemCategory

HOURS = weekly("mon-fri 8:00-16:00")
PLAN = ClinicPlan(
    "maly-krok",
    "Mały Krok",
    (LocationPlan("Główna", "ul. Józefa 12", "31-056", "Kraków", HOURS),),
    (ServicePlan("Wizyta", ServiceKind.VISIT, 45, 15_000),),
    (PractitionerPlan("mgr", "Ewa", "Nowak", competent("spine 18y+")),),
)


def test_weekly_hours_are_read_by_day_and_by_time() -> None:
    assert weekly("sat 9:00-13:00, mon-tue 12:30-16:00 8:00-12:00") == (
        Shift(0, 480, 720), Shift(0, 750, 960), Shift(1, 480, 720), Shift(1, 750, 960), Shift(5, 540, 780),
    )  # fmt: skip
    assert weekly("sun 0:00-24:00") == (Shift(6, 0, 1440),)


def test_competences_are_read_with_their_ages() -> None:
    assert competent("spine 18y+, paediatrics 0m-17y, sports, neurology 6m-36m") == (
        Competence(ProblemCategory.SPINE, AgeRange(216, MAX_AGE_MONTHS)),
        Competence(ProblemCategory.PAEDIATRICS, AgeRange(0, 215)),
        Competence(ProblemCategory.SPORTS, AgeRange(0, MAX_AGE_MONTHS)),
        Competence(ProblemCategory.NEUROLOGY, AgeRange(6, 36)),
    )


@pytest.mark.parametrize(
    "hours",
    [
        "", "mon 8:00-16:00,", "funday 8:00-16:00", "fri-mon 8:00-16:00", "mon 16:00-8:00", "mon 8:00-8:00",
        "mon 8:00-24:05", "mon 8:03-9:00", "mon 8-16", "mon-fri-sun 8:00-16:00",
    ],
)  # fmt: skip
def test_hours_that_say_nothing_are_refused(hours: str) -> None:
    with pytest.raises(PlanRefused):
        weekly(hours)


@pytest.mark.parametrize(
    "text", ["", "spine,", "spine 18", "spine 18y-5y", "spine 18y+ 5m+", "knee 18y+", "spine 200y+"]
)
def test_competences_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(PlanRefused):
        competent(text)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("slug", "Mały Krok"), ("slug", "-krok"), ("slug", ""), ("phone", "12 345 67 89"), ("phone", "+4812345678"),
        ("locations", ()), ("services", ()), ("practitioners", ()), ("practitioners", PLAN.practitioners * 2),
        ("services", (replace(PLAN.services[0], minutes=40),)), ("services", (replace(PLAN.services[0], price=-1),)),
        ("services", (replace(PLAN.services[0], buffer_after=-5),)), ("services", PLAN.services * 2),
        ("practitioners", (replace(PLAN.practitioners[0], services=("Masaż",)),)),
        ("practitioners", (replace(PLAN.practitioners[0], hours={"Boczna": HOURS}),)),
        ("slot_step_minutes", 0), ("notice_minutes", -1), ("horizon_days", -1),
        ("zone", "Europe/Krakow"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_hang_together_is_refused(part: str, value: object) -> None:
    PLAN.check()
    with pytest.raises(PlanRefused):
        replace(PLAN, **{part: value}).check()  # type: ignore[arg-type]
