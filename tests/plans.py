"""Clinics the tests open: small, with good defaults; change a part with `dataclasses.replace`."""

from __future__ import annotations

from typing import Any

from okienko_server.domain.offer import ServiceKind
from okienko_server.operations.onboard_clinic import (
    ClinicPlan,
    LocationPlan,
    PractitionerPlan,
    ServicePlan,
    StaffPlan,
    competent,
    weekly,
)
from okienko_server.operations.sign_in import password_hash

PASSWORD = "dobre haslo na testy"
CONSULTATION = ServicePlan("Konsultacja", ServiceKind.CONSULTATION, 60, 18_000)
VISIT = ServicePlan("Wizyta", ServiceKind.VISIT, 45, 15_000)


def one_therapist(slug: str = "gabinet", **more: Any) -> ClinicPlan:
    """One room, one therapist for the spine, every day 8-20, bookable from now to 60 days ahead."""
    hours = weekly("mon-sun 8:00-20:00")
    place = LocationPlan("Główna", "ul. Józefa 12", "31-056", "Kraków", hours)
    zofia = PractitionerPlan("mgr", "Zofia", "Wróblewska", competent("spine 16y+"))
    defaults: dict[str, Any] = {"notice_minutes": 0, "slot_step_minutes": 5, "open_on_holidays": True}
    return ClinicPlan(slug, "Rehabilitacja Kazimierz", (place,), (CONSULTATION, VISIT), (zofia,), **(defaults | more))


def clinic(slug: str = "kazimierz", **more: Any) -> ClinicPlan:
    """Three therapists: spine and sports for adults, infants from birth, children from three; quarter-hour starts."""
    hours = weekly("mon-fri 8:00-12:00 13:00-18:00")
    place = LocationPlan("Główna", "ul. Józefa 12", "31-056", "Kraków", hours)
    people = (
        PractitionerPlan("mgr", "Zofia", "Wróblewska", competent("spine 16y+, sports 16y+")),
        PractitionerPlan("dr", "Michał", "Kot", competent("spine 18y+, geriatrics 60y+, paediatrics 3y-17y")),
        PractitionerPlan("mgr", "Hanna", "Bąk", competent("paediatrics 0m-36m")),
    )
    staff = (
        StaffPlan("owner@kazimierz.test", "Barbara Owsiak", "owner", _HASH),
        StaffPlan("zofia@kazimierz.test", "Zofia Wróblewska", "therapist", _HASH, "Zofia Wróblewska"),
        StaffPlan("michal@kazimierz.test", "Michał Kot", "therapist", _HASH, "Michał Kot"),
        StaffPlan("consultant@kazimierz.test", "Irena Sowa", "consultant", _HASH, "Zofia Wróblewska"),
        StaffPlan("administrator@kazimierz.test", "Adam Lis", "administrator", _HASH),
        StaffPlan("receptionist@kazimierz.test", "Renata Maj", "receptionist", _HASH),
    )
    defaults: dict[str, Any] = {"staff": staff, "notice_minutes": 120}
    return ClinicPlan(slug, "Rehabilitacja Kazimierz", (place,), (CONSULTATION, VISIT), people, **(defaults | more))


_HASH = password_hash(PASSWORD)
