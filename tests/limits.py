"""Limits that stop nobody: for tests and measurements in which one network and one telephone stand for a whole town."""

from __future__ import annotations

from datetime import timedelta

from okienko_server.domain.throttle import Rule, SmsLimits

_HUGE = Rule("huge", 10**9, timedelta(days=1))
UNLIMITED = SmsLimits(_HUGE, _HUGE, _HUGE, _HUGE, _HUGE, _HUGE)
