"""The invented clinics of the demonstration, with part-filled diaries: the same ones for the same day and seed."""

from __future__ import annotations

from okienko_server.operations.seed.sow import DEMO_PASSWORD, SeedReport, seed, seeded

__all__ = ["DEMO_PASSWORD", "SeedReport", "seed", "seeded"]
