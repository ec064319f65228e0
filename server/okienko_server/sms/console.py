"""Prints messages to standard output: for development."""

from __future__ import annotations

import sys

from okienko_server.sms.gateway import OfThisProcess, Taken


class ConsoleGateway(OfThisProcess):
    """Writes each message as one line."""

    name = "console"

    def send(self, message_id: str, phone: str, body: str) -> Taken:
        sys.stdout.write(f"SMS {phone}: {body}\n")
        sys.stdout.flush()
        return Taken(message_id)
