"""From the bytes of an answer to its text."""

from __future__ import annotations

import codecs
import re
import zlib
from typing import Final

_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)


def unpacked(body: bytes, packing: str, limit: int) -> bytes:
    """Return at most `limit` bytes of what a server packed although it was asked not to; raises zlib.error."""
    return zlib.decompressobj(31).decompress(body, limit) if "gzip" in packing.lower() else body


def decoded(body: bytes, kind: str) -> str:
    """Return the text in the charset that the header, or else the page, names; what cannot be read becomes a question mark."""
    said = re.search(r"charset=[\"']?([\w.:-]+)", kind, re.IGNORECASE)
    meant = _CHARSET.search(body[:4096])
    name = said[1] if said else meant[1].decode("ascii", "replace") if meant else "utf-8"
    try:
        codecs.lookup(name)
        return body.decode(name, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")
