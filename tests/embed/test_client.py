"""The next free times over a real socket: good answers, and everything a server may do instead of answering."""

from __future__ import annotations

import contextlib
import gzip
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from okienko import Embed, EmbedToken, NextSlot, OkienkoError
from okienko.client import ServerRefused, ServerUnreachable, forget
from tests.conftest import KEYS

TOKEN = EmbedToken("kazimierz123", 1).sign(KEYS.embed)
DAYS = [
    {"date": "2026-12-01", "starts": ["2026-12-01T09:00:00+01:00", "2026-12-01T09:15:00+01:00"]},
    {"date": "2026-12-02", "starts": []},
    {"date": "2026-12-03", "starts": ["2026-12-03T08:00:00+01:00", "2026-12-03T08:15:00+01:00"]},
]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def embed(httpserver: HTTPServer) -> Embed:
    return Embed(f"http://127.0.0.1:{httpserver.port}", TOKEN, "kazimierz")


def answering(server: HTTPServer, days: Any = None) -> None:
    server.expect_request("/api/v1/sessions", method="POST", json={"token": TOKEN}).respond_with_json(
        {"session": "the-session"}, status=201
    )
    server.expect_request(
        "/api/v1/slots/search", method="POST", headers={"Authorization": "Bearer the-session"}
    ).respond_with_json({"days": DAYS if days is None else days})


def test_the_next_times_come_with_the_page_where_they_stand(httpserver: HTTPServer, embed: Embed) -> None:
    answering(httpserver)
    base = embed.base_url
    assert embed.next_slots(category="spine") == [
        NextSlot(
            datetime(2026, 12, 1, 8, 0, tzinfo=UTC),
            f"{base}/g/kazimierz?date=2026-12-01&kind=consultation#category=spine",
        ),
        NextSlot(
            datetime(2026, 12, 1, 8, 15, tzinfo=UTC),
            f"{base}/g/kazimierz?date=2026-12-01&kind=consultation#category=spine",
        ),
        NextSlot(
            datetime(2026, 12, 3, 7, 0, tzinfo=UTC),
            f"{base}/g/kazimierz?date=2026-12-03&kind=consultation#category=spine",
        ),
    ]


def test_a_busy_page_asks_once_a_minute(httpserver: HTTPServer, embed: Embed) -> None:
    answering(httpserver)
    for _ in range(5):
        embed.next_slots(category="spine", count=1)
    assert len(httpserver.log) == 2
    embed.next_slots(category="sports", count=1)
    assert len(httpserver.log) == 4


def test_what_a_page_does_to_its_list_stays_its_own(httpserver: HTTPServer, embed: Embed) -> None:
    answering(httpserver)
    embed.next_slots(category="spine").clear()
    assert len(embed.next_slots(category="spine")) == 3


def rubbish(server: HTTPServer, answer: Response) -> None:
    server.expect_request("/api/v1/sessions").respond_with_response(answer)


RUBBISH = {
    "no JSON": Response("<html>", 200),
    "no JSON and an error": Response("oops", 502),
    "a list": Response("[]", 200, content_type="application/json"),
    "no session": Response('{"session": 7}', 201, content_type="application/json"),
    "endless": Response(b"x" * 3_000_000, 200),
    "a bomb": Response(gzip.compress(b" " * 30_000_000), 200, headers={"Content-Encoding": "gzip"}),
    "no gzip": Response(b"x" * 100, 200, headers={"Content-Encoding": "gzip"}),
    "deep": Response(b"[" * 900_000, 200),
    "a session no header can carry": Response('{"session": "ł"}', 201, content_type="application/json"),
}


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH.keys())
def test_rubbish_is_no_answer(httpserver: HTTPServer, embed: Embed, answer: Response) -> None:
    rubbish(httpserver, answer)
    with pytest.raises(ServerUnreachable):
        embed.next_slots(category="spine")


START = "2026-12-01T09:00:00+01:00"
NO_TIMES = {
    "no starts": [{"date": "2026-12-01"}],
    "no time": [{"date": "2026-12-01", "starts": ["nine"]}],
    "no day": [{"date": "x", "starts": [START]}],
    "no offset": [{"date": "2026-12-01", "starts": ["2026-12-01T09:00:00"]}],
    "before the first year": [{"date": "2026-12-01", "starts": ["0001-01-01T00:00:00+05:00"]}],
    "a number": 7,
    "a word": "days",
}


@pytest.mark.parametrize("days", NO_TIMES.values(), ids=NO_TIMES.keys())
def test_times_that_are_none_are_no_answer(httpserver: HTTPServer, embed: Embed, days: Any) -> None:
    answering(httpserver, days)
    with pytest.raises(ServerUnreachable):
        embed.next_slots(category="spine")


def test_a_refusal_carries_its_code(httpserver: HTTPServer, embed: Embed) -> None:
    problem = '{"type": "about:blank", "code": "token_revoked", "status": 403}'
    rubbish(httpserver, Response(problem, 403, content_type="application/problem+json"))
    with pytest.raises(ServerRefused) as refused:
        embed.next_slots(category="spine")
    assert (refused.value.code, refused.value.status) == ("token_revoked", 403)
    assert isinstance(refused.value, OkienkoError)


def test_a_redirect_is_not_followed(httpserver: HTTPServer, embed: Embed) -> None:
    answering(httpserver)
    httpserver.clear()
    rubbish(httpserver, Response("{}", 307, headers={"Location": f"{embed.base_url}/elsewhere"}))
    with pytest.raises(ServerRefused):
        embed.next_slots(category="spine")
    assert [request.path for request, _ in httpserver.log] == ["/api/v1/sessions"]


def test_a_slow_server_is_given_up(httpserver: HTTPServer, embed: Embed) -> None:
    def late(_: Request) -> Response:
        time.sleep(1)
        return Response("{}")

    httpserver.expect_request("/api/v1/sessions").respond_with_handler(late)
    with pytest.raises(ServerUnreachable):
        embed.next_slots(category="spine", timeout=(0.2, 0.2))


@contextlib.contextmanager
def trickling(status: int) -> Iterator[str]:
    """Run a server that sends its answer byte by byte, five seconds long; pytest-httpserver would send it whole."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            visitor, _ = listening.accept()
            with visitor, contextlib.suppress(OSError):
                visitor.recv(65536)
                visitor.sendall(b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 100\r\n\r\n" % status)
                for _ in range(100):
                    time.sleep(0.05)
                    visitor.sendall(b" ")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("status", [200, 307, 500])
def test_a_trickle_is_given_up_too(status: int) -> None:
    with trickling(status) as address:
        began = time.monotonic()
        with pytest.raises(ServerUnreachable, match="too long"):
            Embed(address, TOKEN).next_slots(category="spine", timeout=(0.3, 0.3))
        assert time.monotonic() - began < 3


def test_a_login_kept_on_the_host_does_not_replace_the_session(
    httpserver: HTTPServer, embed: Embed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login host password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    answering(httpserver)
    assert len(embed.next_slots(category="spine")) == 3
    assert "Authorization" not in httpserver.log[0][0].headers


def test_an_address_nothing_can_stand_at_is_no_answer() -> None:
    with pytest.raises(ServerUnreachable):
        Embed("https://a..b", TOKEN).next_slots(category="spine")


def test_nobody_there_is_said_without_the_token() -> None:
    embed = Embed("http://127.0.0.1:9", TOKEN)
    with pytest.raises(ServerUnreachable) as silent:
        embed.next_slots(category="spine")
    assert TOKEN not in str(silent.value)


def test_without_requests_the_sentence_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['requests'] = None; import okienko\n"
        f"try: okienko.Embed('http://127.0.0.1:9', '{TOKEN}').next_slots(category='spine')\n"
        "except okienko.OkienkoError as said: print(said)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "next_slots needs requests: pip install 'okienko[client]'"
