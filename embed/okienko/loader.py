"""The loader's text as a server at some address serves it, and the digest a strict page pins it by."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from hashlib import sha384
from importlib.resources import files
from typing import Final

VERSION: Final = "1.0.0"
"""Newest release. A released file never changes: pages pin it by its digest."""
_HOME: Final = "__HOME__"
_COMMENT: Final = re.compile(r"^\s*//[^\n]*$|(?<=[;{,])\s+//[^\n]*$", re.MULTILINE)


@lru_cache(maxsize=16)
def loader(base_url: str, version: str = "") -> str:
    """Return the script for a server at `base_url` ("https://host"): the present one, or a release; raises KeyError for no release."""
    folder = files("okienko").joinpath("static")
    source = folder.joinpath("releases", f"okienko-{version}.js") if version else folder.joinpath("okienko.js")
    if version and (not re.fullmatch(r"\d+\.\d+\.\d+", version) or not source.is_file()):
        raise KeyError(version)
    lines = (line.strip() for line in _COMMENT.sub("", source.read_text(encoding="utf-8")).splitlines())
    return "\n".join(line for line in lines if line).replace(_HOME, base_url)


def integrity(base_url: str, version: str = VERSION) -> str:
    """Return the Subresource Integrity value of a release (https://www.w3.org/TR/SRI/)."""
    digest = sha384(loader(base_url, version).encode()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"
