"""How often something may be tried, as plain values: the rules of the sign-in.

There is no rule on an address alone: whoever fails all day under somebody's address would lock that person out. A browser that signed in
there before has a bucket of its own instead (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` tries within `window`, counted from the first."""

    name: str
    limit: int
    window: timedelta


ADDRESS_FROM_NETWORK = Rule("address-network", 8, timedelta(minutes=15))
NETWORK = Rule("network", 60, timedelta(minutes=15))
KNOWN_DEVICE = Rule("device", 10, timedelta(minutes=15))
SECOND_FACTOR = Rule("second-factor", 5, timedelta(minutes=5))
OLD_PASSWORD = Rule("old-password", 8, timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rule for one value: whose tries are counted together."""

    rule: Rule
    value: str

    def key(self, pepper: str) -> str:
        """Return the key it is counted under: a keyed hash, so that the counters name nobody."""
        text = f"okienko.throttle.v1|{self.rule.name}|{self.value}"
        return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()


def network_of(address: str) -> str:
    """Return the network an IP address is counted with: /24 of IPv4, /64 of IPv6; the text itself when it is no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    length = 24 if isinstance(found, IPv4Address) else 64
    return str(ip_network(f"{found}/{length}", strict=False))


def sign_in_buckets(email: str, network: str, device: str) -> list[Bucket]:
    """Return what a sign-in is counted under; `device` names a browser that signed in to that address before, else it is empty."""
    if device:
        return [Bucket(KNOWN_DEVICE, f"{email}|{device}")]
    return [Bucket(ADDRESS_FROM_NETWORK, f"{email}|{network}"), Bucket(NETWORK, network)]
