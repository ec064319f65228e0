"""The demonstration: a whole server on this machine, sown with invented clinics, and a clinic's own website on another site."""

from __future__ import annotations

from okienko_server.demo.ports import CannotListen
from okienko_server.demo.run import Addresses, run

__all__ = ["Addresses", "CannotListen", "run"]
