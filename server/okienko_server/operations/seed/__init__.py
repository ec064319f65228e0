"""The invented clinics of the demonstration, with part-filled diaries: the same ones for the same day and seed."""

from __future__ import annotations

from okienko_server.operations.seed.plans import ZONE
from okienko_server.operations.seed.sow import DEMO_PASSWORD, SeedReport, seed, seeded

__all__ = [
    "DEMO_ACCOUNTS",
    "DEMO_CLINIC",
    "DEMO_OWNER",
    "DEMO_PASSWORD",
    "DEMO_THERAPIST",
    "ZONE",
    "SeedReport",
    "seed",
    "seeded",
]

DEMO_CLINIC = "kazimierz"
"""Short name of the clinic with the example website and with reservations waiting."""
DEMO_OWNER = "ewa@kazimierz.example.test"
DEMO_THERAPIST = "zofia@kazimierz.example.test"
DEMO_ACCOUNTS = {
    "owner": DEMO_OWNER,
    "administrator": "adam@kazimierz.example.test",
    "consultant": "irena@kazimierz.example.test",
    "therapist": DEMO_THERAPIST,
    "receptionist": "recepcja@kazimierz.example.test",
}
"""Role -> the address somebody of that role signs in with."""
