"""What a gateway must do for us, and how it says that it could not."""

from __future__ import annotations

from typing import Protocol


class GatewayRefused(Exception):
    """The gateway did not take the message; trying again later is safe."""


class Gateway(Protocol):
    """One way of sending a message. `development_only` gateways make the server refuse to start elsewhere."""

    name: str
    development_only: bool

    def send(self, message_id: str, phone: str, body: str) -> str:
        """Hand one message over and return the gateway's own id for it; raises GatewayRefused."""
        ...
