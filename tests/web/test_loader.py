"""The loader as every page gets it: cached, packed, usable by isolated pages, baked with the server's own address."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask

from okienko.loader import VERSION, integrity, loader
from okienko_server.app import create_app
from okienko_server.config import Settings
from tests.conftest import KEYS, PEPPER

HERE = "http://localhost"
NEWEST, RELEASE = "/embed/v1/okienko.js", f"/embed/okienko-{VERSION}.js"


@pytest.mark.parametrize(
    ("path", "fresh"),
    [(NEWEST, "max-age=3600, stale-while-revalidate=604800"), (RELEASE, "max-age=31536000, immutable")],
)
def test_every_page_may_run_it_and_keep_it(app: Flask, path: str, fresh: str) -> None:
    answer = app.test_client().get(path)
    assert answer.text == loader(HERE)
    headers = answer.headers
    assert headers["Cache-Control"] == f"public, {fresh}"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    again = app.test_client().get(path, headers={"If-None-Match": headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_it_is_packed_for_whoever_asks(app: Flask) -> None:
    answer = app.test_client().get(NEWEST, headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer.headers["Vary"]
    assert gzip.decompress(answer.data).decode() == loader(HERE)


def test_a_release_is_what_its_digest_says(app: Flask) -> None:
    from base64 import b64encode
    from hashlib import sha384

    served = app.test_client().get(RELEASE).data
    assert integrity(HERE) == "sha384-" + b64encode(sha384(served).digest()).decode()


@pytest.mark.parametrize("version", ["9.9.9", "1", "1.0.0.js", "x", "1.0.0%2F..%2F..%2Fsnippet", "__HOME__"])
def test_there_is_no_other_release(app: Flask, version: str) -> None:
    assert app.test_client().get(f"/embed/okienko-{version}.js").status_code == 404


def test_the_address_that_is_said_is_the_one_baked_in(settings: Settings) -> None:
    app = create_app(
        Settings("development", settings.database_url, KEYS, PEPPER, "inbox", public_url="https://okienko.example")
    )
    text = app.test_client().get(NEWEST, headers={"Host": "inner.example"}).text
    assert "'https://okienko.example'" in text and "inner.example" not in text
    app.extensions["okienko"].desk.database.dispose()


@pytest.mark.parametrize("host", ["a'b", 'x";alert(1)//', "a b", "x\\y", "<script>"])
def test_a_strange_host_name_writes_no_script(app: Flask, host: str) -> None:
    answer = app.test_client().get(NEWEST, headers={"Host": host})
    assert answer.status_code in (200, 400)
    assert host not in answer.text
