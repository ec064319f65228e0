"""Prints messages to standard output: for development."""

from __future__ import annotations

import sys


class ConsoleGateway:
    """Writes each message as one line."""

    name = "console"
    development_only = True

    def send(self, message_id: str, phone: str, body: str) -> str:
        sys.stdout.write(f"SMS {phone}: {body}\n")
        sys.stdout.flush()
        return message_id
