"""The loader script host pages paste: an address that always serves the newest, and one for each release that never changes."""

from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Blueprint, Response, request

from okienko.loader import loader
from okienko_server.domain.errors import NotFound
from okienko_server.web.house import public_url
from okienko_server.web.policy import Policy, policy

scripts = Blueprint("scripts", __name__, url_prefix="/embed")
FRESH = "public, max-age=3600, stale-while-revalidate=604800"
FOR_EVER = "public, max-age=31536000, immutable"


@scripts.get("/v1/okienko.js")
@policy(Policy.PUBLIC)
def newest() -> Response:
    """The newest loader of protocol 1."""
    return _script("", FRESH)


@scripts.get("/okienko-<version>.js")
@policy(Policy.PUBLIC)
def release(version: str) -> Response:
    """One release, for pages that pin it by its digest."""
    return _script(version, FOR_EVER)


def _script(version: str, cached: str) -> Response:
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    try:
        body = _packed(public_url(), version) if packed else loader(public_url(), version).encode()
    except KeyError:
        raise NotFound from None
    response = Response(body, content_type="text/javascript; charset=utf-8")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = cached
    # Any page may run it, an isolated one (COEP) and one that pins its digest (CORS) too.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.add_etag()
    response.make_conditional(request)
    return response


@lru_cache(maxsize=16)
def _packed(home: str, version: str) -> bytes:
    return gzip.compress(loader(home, version).encode(), 9, mtime=0)
