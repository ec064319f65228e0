"""The doctor's page: what it shows, what it refuses to fetch, and that nothing inside can be reached through it."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3.connection
from flask import Flask
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.test import TestResponse

from okienko import Embed
from okienko_server.operations.doctor import CannotLook, fetch
from okienko_server.texts import load
from okienko_server.web.pages import doctor as page_module
from okienko_server.web.pages.doctor import doctor
from okienko_server.web.policy import check_policies
from tests.plans import clinic
from tests.web.patients import embed_token, house_of, opened

HERE = "http://localhost"
SITE = "https://kazimierz.example"
FAR = "93.184.216.34"
PUBLIC = {"klinika.example": FAR, "www.klinika.example": FAR}
INNER = (
    "127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "0",
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[::]", "224.0.0.1", "255.255.255.255", "[ff02::1]", "198.18.0.1",
)  # fmt: skip


@pytest.fixture
def app(app: Flask) -> Flask:
    if "doctor" not in app.blueprints:
        app.register_blueprint(doctor)
    check_policies(app)
    return app


@pytest.fixture
def anywhere(app: Flask) -> Flask:
    """The app as in production: not even this machine may be looked at."""
    object.__setattr__(house_of(app).settings, "environment", "production")
    return app


def post(client: FlaskClient, **typed: str) -> TestResponse:
    return client.post("/doctor", data=typed, content_type="multipart/form-data")


def says(answer: TestResponse, key: str, **values: str) -> bool:
    return load()(key, **values) in unescape(answer.text)


def snippet(app: Flask, site: str = SITE) -> str:
    place = opened(app, clinic(allowed_origins=(site,)))
    return str(Embed(HERE, embed_token(place.id), slug="kazimierz").element())


# What it shows


def test_the_form_is_there_for_everybody(client: FlaskClient) -> None:
    answer = client.get("/doctor")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "'unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert " style=" not in answer.text and "<script>" not in answer.text
    for name in ("address", "html"):
        assert f'<label for="{name}">' in answer.text.replace(' class="o-vh"', "") and f'id="{name}"' in answer.text
    style = answer.text.split('<link rel="stylesheet" href="')[2].split('"')[0]
    assert client.get(unescape(style)).headers["Cache-Control"].endswith("immutable")


def test_a_pasted_page_is_judged(app: Flask, client: FlaskClient) -> None:
    good = snippet(app)
    assert says(post(client, html=good, address="kazimierz.example/wizyta"), "doctor.fine_lead")
    bad = post(client, html=good.split("\n")[1], address=f"{SITE}/wizyta")
    assert bad.status_code == 200
    assert says(bad, "doctor.fault.script_stripped.title") and says(bad, "doctor.fault.script_stripped.action")
    assert good in unescape(bad.text)
    assert bad.headers["Cache-Control"] == "no-store"


def test_a_page_is_fetched_and_judged(app: Flask, client: FlaskClient, httpserver: HTTPServer) -> None:
    site = f"http://localhost:{httpserver.port}"
    html = snippet(app, site)
    httpserver.expect_request("/wizyta").respond_with_data(html, content_type="text/html")
    httpserver.expect_request("/strict").respond_with_data(
        html, content_type="text/html", headers={"Content-Security-Policy": "script-src 'self'"}
    )
    assert says(post(client, address=f"{site}/wizyta"), "doctor.fine_lead")
    blocked = post(client, address=f"{site}/strict")
    assert says(blocked, "doctor.fault.csp_script.title", directive="script-src")
    assert "script-src 'self' http://localhost" in unescape(blocked.text)


def test_hostile_html_stays_text(client: FlaskClient) -> None:
    hostile = (
        '</textarea><script>alert(1)</script><okienko-booking token="</code><img src=x onerror=alert(1)>" mode="</h3><b>x">'
        '"><svg onload=alert(1)></okienko-booking>'
    )
    answer = post(client, html=hostile, address='https://x.example/"><script>alert(2)</script>')
    answers = (
        answer,
        post(client, html=hostile),
        post(client, address="https://a.example/</p><script>alert(3)</script>"),
    )
    for one in answers:
        assert one.status_code in (200, 422)
        for raw in ("<script>alert", "<img src=x", "<svg onload", "</h3><b>x", "</textarea><s"):
            assert raw not in one.text
    assert hostile in unescape(answers[1].text)


RUBBISH: tuple[dict[str, str], ...] = (
    {}, {"address": ""}, {"html": " \n "}, {"html": "\0\0<"}, {"html": "<okienko-booking"},
    {"html": "<iframe src='http://[/e/x'>"}, {"address": "javascript:alert(1)"}, {"address": "file:///etc/passwd"},
    {"address": "ftp://x.example"}, {"address": "gopher://x.example:70/"}, {"address": "http://"}, {"address": "http://[::1"},
    {"address": "http://x.example:99999/"}, {"address": "http://a b/"}, {"address": "http://a@127.0.0.1/"},
    {"address": "http://x.example\\@127.0.0.1/"}, {"address": "x" * 3000}, {"address": "http://" + "a" * 300 + ".pl"},
    {"address": "http://ż..pl/"}, {"address": "://"}, {"address": "?"}, {"html": "<p>x", "address": "http://[/"},
)  # fmt: skip


@pytest.mark.parametrize("typed", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_answered_kindly(
    client: FlaskClient, typed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _nobody)
    answer = post(client, **typed)
    assert answer.status_code in (200, 422)
    assert says(answer, "doctor.trouble.title") or says(answer, "doctor.fault.nothing_found.title") or typed.get("html")


def _nobody(*_: Any, **__: Any) -> Any:
    raise socket.gaierror("no such host")


def test_too_much_html_is_refused_in_words(client: FlaskClient) -> None:
    answer = post(client, html="x" * 70_000)
    assert answer.status_code == 413 and says(answer, "doctor.trouble.pasted_too_large")
    assert post(client, html="<p>ż</p>" * 5_000).status_code == 200


def test_one_look_at_a_time(client: FlaskClient) -> None:
    with page_module._LOOKING:
        busy = post(client, address="klinika.example")
        assert busy.status_code == 429 and busy.headers["Retry-After"] and says(busy, "doctor.trouble.busy")
        assert post(client, html="<p>x</p>").status_code == 200
    assert not says(post(client, address="file:///x"), "doctor.trouble.busy")


# What it never reaches


@pytest.mark.parametrize("host", INNER)
def test_no_inner_address_is_ever_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", _no_connection)
    with pytest.raises(CannotLook) as refused:
        fetch(f"http://{host}/", public_only=True)
    assert refused.value.code == "private"


def _no_connection(*_: Any, **__: Any) -> Any:
    raise AssertionError("a connection was tried")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]"])
def test_the_control_without_the_check_they_are_reached(host: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("<p>secret</p>", content_type="text/html")
    assert fetch(f"http://{host}:{httpserver.port}/", public_only=False).html == "<p>secret</p>"
    with pytest.raises(CannotLook, match="private"):
        fetch(f"http://{host}:{httpserver.port}/", public_only=True)
    if "ffff" not in host:
        found = fetch(f"http://{host}:{httpserver.port}/", public_only=True, loopback=True)
        assert found.html == "<p>secret</p>"
    assert len(httpserver.log) == (1 if "ffff" in host else 2)


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "[fc00::1]"])
def test_the_demo_reaches_this_machine_and_no_other(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", _no_connection)
    with pytest.raises(CannotLook, match="private"):
        fetch(f"http://{host}/", public_only=True, loopback=True)


@pytest.mark.parametrize(
    "answers", [("127.0.0.1",), (FAR, "127.0.0.1"), ("::1", FAR), ("10.0.0.1",), ("::ffff:10.0.0.1",)]
)
def test_a_name_that_leads_inside_is_refused(answers: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", _no_connection)
    with pytest.raises(CannotLook, match="private"):
        fetch("http://klinika.example/", public_only=True, resolve=lambda host, port: answers)


@contextmanager
def far_away(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Let the test server answer for FAR, ports 80 and 443; yields every address a connection went to."""
    real, asked = urllib3.connection.connection.create_connection, []  # type: ignore[attr-defined]

    def connect(address: tuple[str, int], *more: Any, **how: Any) -> Any:
        asked.append(address)
        return real(("127.0.0.1", server.port) if address[0] == FAR else address, *more, **how)

    with monkeypatch.context() as patched:
        patched.setattr(urllib3.connection.connection, "create_connection", connect)  # type: ignore[attr-defined]
        yield asked


def by_name(host: str, port: int) -> list[str]:
    return [PUBLIC[host]] if host in PUBLIC else [str(ip_address(host))]


def redirecting(server: HTTPServer, *to: str) -> None:
    for n, target in enumerate(to):
        server.expect_request(f"/{n or ''}").respond_with_data("", 302, {"Location": target})
    server.expect_request("/there").respond_with_data("<p>here</p>", content_type="text/html")


def test_a_public_page_is_asked_by_its_name_at_the_judged_address(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redirecting(httpserver, "http://www.klinika.example/1", "/there?x=1")
    with far_away(httpserver, monkeypatch) as asked:
        found = fetch("http://klinika.example/", public_only=True, resolve=by_name)
    assert (found.url, found.html) == ("http://www.klinika.example/there?x=1", "<p>here</p>")
    assert asked == [(FAR, 80)] * 3
    assert [request.host for request, _ in httpserver.log] == [
        "klinika.example",
        "www.klinika.example",
        "www.klinika.example",
    ]


@pytest.mark.parametrize(
    "inner",
    ["http://127.0.0.1:{port}/there", "//127.0.0.1/there", "http://0x7f.1/", "http://[::1]/", "http://10.0.0.1/"],
)
def test_a_redirect_inside_is_refused(inner: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == "0x7f.1" else by_name(host, port)

    redirecting(httpserver, inner.format(port=httpserver.port))
    with far_away(httpserver, monkeypatch) as asked, pytest.raises(CannotLook, match="private"):
        fetch("http://klinika.example/", public_only=True, resolve=resolve)
    assert asked == [(FAR, 80)]


def test_the_control_a_redirect_inside_is_followed_without_the_check(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redirecting(httpserver, f"http://127.0.0.1:{httpserver.port}/there")
    with far_away(httpserver, monkeypatch) as asked:
        assert fetch("http://klinika.example/", public_only=False, resolve=by_name).html == "<p>here</p>"
    assert asked[-1] == ("127.0.0.1", httpserver.port)


def test_a_name_that_changes_its_mind_gains_nothing(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when judged, inner when asked again. It is asked once, and that answer is connected to."""
    answers = iter([[FAR], ["127.0.0.1"]])
    redirecting(httpserver, "/there")
    httpserver.clear()
    httpserver.expect_request("/").respond_with_data("<p>far</p>", content_type="text/html")
    with far_away(httpserver, monkeypatch) as asked:
        assert (
            fetch("http://klinika.example/", public_only=True, resolve=lambda host, port: next(answers)).html
            == "<p>far</p>"
        )
    assert asked == [(FAR, 80)] and next(answers) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "scheme"),
        ("gopher://x", "scheme"),
        ("http://u:p@klinika.example/", "address"),
        ("http://klinika.example:22/", "private"),
    ],
)
def test_a_redirect_elsewhere_is_refused(
    location: str, code: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redirecting(httpserver, location)
    with far_away(httpserver, monkeypatch), pytest.raises(CannotLook, match=code):
        fetch("http://klinika.example/", public_only=True, resolve=by_name)


def test_three_redirects_and_no_more(httpserver: HTTPServer) -> None:
    base = f"http://127.0.0.1:{httpserver.port}"
    redirecting(httpserver, "/1", "/2", "/3", "/there")
    assert fetch(f"{base}/1", public_only=False).html == "<p>here</p>"
    with pytest.raises(CannotLook, match="redirects"):
        fetch(f"{base}/", public_only=False)


def test_the_page_refuses_them_too(anywhere: Flask, httpserver: HTTPServer) -> None:
    client = anywhere.test_client()
    for host in ("127.0.0.1", "localhost", "2130706433"):
        answer = post(client, address=f"http://{host}:{httpserver.port}/")
        assert answer.status_code == 422 and says(answer, "doctor.trouble.private")
    assert not httpserver.log


def test_no_proxy_of_the_surroundings_is_asked(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    httpserver.expect_request("/").respond_with_data("<p>direct</p>", content_type="text/html")
    assert fetch(f"http://127.0.0.1:{httpserver.port}/", public_only=False).html == "<p>direct</p>"


# How much, how long, what kind


@contextmanager
def talker(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers one connection as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            line, _ = door.accept()
            with line:
                try:
                    talk(line)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"
        thread.join(5)


def _silent(line: socket.socket) -> None:
    while line.recv(1000):
        pass


def _dripping_header(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        line.sendall(b"x")
        time.sleep(0.05)


def _dripping_body(line: socket.socket) -> None:
    line.recv(2000)
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        line.sendall(b"x")
        time.sleep(0.05)


def _endless(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        line.sendall(b"x" * 65536)


def _nonsense(line: socket.socket) -> None:
    line.recv(2000)
    line.sendall(b"SSH-2.0-OpenSSH_9\r\n")


def _endless_redirect(line: socket.socket) -> None:
    line.recv(2000)
    line.sendall(b"HTTP/1.1 302 Found\r\nLocation: file:///\r\n\r\n")
    while True:
        line.sendall(b"x" * 65536)


def _nowhere(line: socket.socket) -> None:
    line.recv(2000)
    line.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://[\xff\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (_silent, "no_answer"),
        (_dripping_header, "no_answer"),
        (_dripping_body, "no_answer"),
        (_endless, "too_large"),
        (_nonsense, "no_answer"),
        (_nowhere, "address"),
        (_endless_redirect, "scheme"),
    ],
)
def test_no_server_keeps_us(talk: Callable[[socket.socket], None], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["okienko_server.operations.doctor.fetch"]
    monkeypatch.setattr(module, "TOTAL_SECONDS", 1.0)
    monkeypatch.setattr(module, "READ_SECONDS", 0.7)
    started = time.perf_counter()
    with talker(talk) as url:
        with pytest.raises(CannotLook) as refused:
            fetch(url, public_only=False)
        assert refused.value.code == code
        assert time.perf_counter() - started < 4


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["okienko_server.operations.doctor.fetch"]
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    done = threading.Event()
    with pytest.raises(CannotLook, match="unknown_host"):
        fetch("http://klinika.example/", resolve=lambda host, port: [FAR] if done.wait(5) else [])
    done.set()


def test_what_is_no_page_is_refused(httpserver: HTTPServer) -> None:
    base = f"http://127.0.0.1:{httpserver.port}"
    httpserver.expect_request("/picture").respond_with_data(b"\x89PNG", content_type="image/png")
    httpserver.expect_request("/closed").respond_with_data("no", 403)
    httpserver.expect_request("/large").respond_with_data(b"x" * (2 * 1024 * 1024 + 1), content_type="text/html")
    httpserver.expect_request("/just").respond_with_data(b"x" * (2 * 1024 * 1024), content_type="text/html")
    for path, code in {
        "/picture": "not_html",
        "/closed": "status",
        "/large": "too_large",
        "/missing": "status",
    }.items():
        with pytest.raises(CannotLook, match=code):
            fetch(base + path, public_only=False)
    assert len(fetch(f"{base}/just", public_only=False).html) == 2 * 1024 * 1024


@pytest.mark.parametrize(
    "kind", ["text/html; charset=iso-8859-2", "text/html", "text/html; charset=hex", "text/html; charset=utf-8"]
)
def test_polish_letters_are_read_in_any_charset(kind: str, httpserver: HTTPServer) -> None:
    charset = "utf-8" if "utf-8" in kind or "hex" in kind else "iso-8859-2"
    body = f'<meta charset="{charset}"><p>źdźbło</p>'.encode(charset)
    httpserver.expect_request("/").respond_with_response(Response(body, headers={"Content-Type": kind}))
    assert "źdźbło" in fetch(f"http://127.0.0.1:{httpserver.port}/", public_only=False).html


def test_no_cookie_and_no_secret_goes_out(httpserver: HTTPServer, client: FlaskClient) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response("<p>x</p>", content_type="text/html")

    httpserver.expect_request("/").respond_with_handler(handler)
    client.set_cookie("okienko_staff", "secret")
    post(client, address=f"http://127.0.0.1:{httpserver.port}/")
    assert {name for name, _ in seen[0].headers} == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_the_certificate_must_be_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is pinned, the name asked for in TLS stays the page's. The certificate, good for a century, is nobody's."""
    certificate = Path(__file__).with_name("klinika.example.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/").respond_with_data("<p>safe</p>", content_type="text/html")
        with far_away(server, monkeypatch):
            with pytest.raises(CannotLook, match="certificate"):
                fetch("https://klinika.example/", resolve=by_name)
            monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
            assert fetch("https://klinika.example/", resolve=by_name).html == "<p>safe</p>"
            with pytest.raises(CannotLook, match="certificate"):
                fetch("https://www.klinika.example/", resolve=by_name)
