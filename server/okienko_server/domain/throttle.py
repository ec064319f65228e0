"""How often something may be tried, as plain values: the rules of the sign-in.

There is no rule on an account alone: whoever fails all day at somebody's account would lock that person out. A browser that signed in
there before has a bucket of its own instead (OWASP, Slow Down Online Guessing Attacks with Device Cookies). Everything is counted by the
account, never by the address typed: two clinics may know one address, and only one of the two people behind it may be honest.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """At most `limit` tries within `window`, counted from the first."""

    name: str
    limit: int
    window: timedelta


ACCOUNT_FROM_NETWORK = Rule("account-network", 8, timedelta(minutes=15))
NETWORK = Rule("network", 60, timedelta(minutes=15))
KNOWN_DEVICE = Rule("device", 10, timedelta(minutes=15))
SECOND_FACTOR = Rule("second-factor", 5, timedelta(minutes=5))
SECOND_FACTOR_OF_DAY = Rule("second-factor-day", 50, timedelta(hours=24))
"""However many networks the codes come from (NIST SP 800-63B-4 §3.2.2: at most 100 failures); only who has the password gets so far."""
OLD_PASSWORD = Rule("old-password", 8, timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class SmsLimits:
    """How many codes may leave: to a telephone from one network and in all, for a visitor, a network, a clinic, everybody.

    A telephone is counted with the network first: a stranger who uses up its own share leaves the owner of the number another.
    """

    phone_here: Rule = Rule("sms-phone-here", 4, timedelta(minutes=10))
    phone: Rule = Rule("sms-phone", 10, timedelta(hours=24))
    visitor: Rule = Rule("sms-visitor", 8, timedelta(hours=1))
    network: Rule = Rule("sms-network", 40, timedelta(hours=1))
    clinic: Rule = Rule("sms-clinic", 120, timedelta(hours=1))
    everybody: Rule = Rule("sms-everybody", 3000, timedelta(minutes=10))


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """A rule for one value: whose tries are counted together."""

    rule: Rule
    value: str

    def key(self, pepper: str) -> str:
        """Return the key it is counted under: a keyed hash, so that the counters name nobody."""
        text = f"okienko.throttle.v1|{self.rule.name}|{self.value}"
        return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()


def network_of(address: str) -> str:
    """Return the network an IP address is counted with: /24 of IPv4 (mapped or not), /64 of IPv6; any other text is returned as it is."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    length = 24 if isinstance(found, IPv4Address) else 64
    return str(ip_network(f"{found}/{length}", strict=False))


def device_mark(device: str, account: str) -> str:
    """Return what a browser keeps to show that it signed in to an account before."""
    return hashlib.sha256(f"{device}|{account}".encode()).hexdigest()[:16]


def password_bucket(account: str, network: str, device: str) -> Bucket:
    """Return what a password for an account is counted under; `device` names a browser that signed in there before, else it is empty."""
    if device:
        return Bucket(KNOWN_DEVICE, f"{account}|{device}")
    return Bucket(ACCOUNT_FROM_NETWORK, f"{account}|{network}")


def code_buckets(account: str, network: str, device: str) -> list[Bucket]:
    """Return what a code of the second factor is counted under."""
    return [
        Bucket(SECOND_FACTOR, f"{account}|{device or network}"),
        Bucket(SECOND_FACTOR_OF_DAY, f"{account}|{device}"),
    ]
