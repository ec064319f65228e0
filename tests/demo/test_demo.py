"""`okienko demo` as somebody starts it: a process that prints where to look, serves two sites, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

KEYS = ("portal", "deep_link", "clinic_site", "embed", "staff", "staff_login", "staff_accounts", "sms_inbox", "openapi")


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run the demonstration with `folder` for its temporary files; at the end it must go quietly."""
    command = [sys.executable, "-m", "okienko_server", "demo", "--json", *arguments]
    environment = os.environ | {"TMPDIR": str(folder), "OKIENKO_ENV": "production"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        try:
            assert line, process.communicate()[1]
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)
            rest, complaints = process.communicate(timeout=30)
        assert (process.returncode, rest, complaints) == (0, "", "")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    with running(folder, "--port", "0") as addresses:
        yield addresses
    assert list(folder.iterdir()) == []


def test_it_prints_one_line_with_every_address(demo: dict[str, Any]) -> None:
    assert tuple(demo) == KEYS
    assert set(demo["staff_login"]) == {"email", "password"}


@pytest.mark.parametrize("name", [name for name in KEYS if not name.startswith("staff_")])
def test_every_address_answers(demo: dict[str, Any], name: str) -> None:
    assert requests.get(demo[name], timeout=20).status_code == 200


def test_the_website_stands_on_another_site_and_may_frame_the_widget(demo: dict[str, Any]) -> None:
    server, site = demo["portal"].rstrip("/"), demo["clinic_site"].rstrip("/")
    assert server.startswith("http://127.0.0.1:")
    assert site == f"http://localhost:{int(server.rpartition(':')[2]) + 1}"
    policy = requests.get(demo["embed"], timeout=20).headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' {site}")


def test_the_website_loads_nothing_but_the_frame(demo: dict[str, Any]) -> None:
    answer = requests.get(demo["clinic_site"], timeout=20)
    assert (
        f'<iframe src="{demo["embed"]}" title="Rezerwacja wizyty – Rehabilitacja Kazimierz" loading="lazy"'
        in answer.text
    )
    assert f'<a href="{demo["deep_link"]}">' in answer.text
    assert answer.text.count("src=") == 1
    assert "<script" not in answer.text
    assert "$" not in answer.text
    assert f"frame-src {demo['portal'].rstrip('/')};" in answer.headers["Content-Security-Policy"]
    assert requests.get(demo["clinic_site"] + "nic", timeout=20).status_code == 404


def test_the_trial_clinic_has_no_door(demo: dict[str, Any]) -> None:
    assert requests.get(demo["portal"] + "g/nowa-grunwald", timeout=20).status_code == 404


def test_a_kept_demonstration_opens_with_the_tokens_it_gave_before(tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "demo.db"
    with running(tmp_path, "--port", "0", "--keep", str(kept)) as first:
        pass
    with running(tmp_path, "--port", "0", "--keep", str(kept)) as second:
        token = first["embed"].rpartition("/")[2]
        assert second["embed"].endswith(token)
        assert requests.get(second["embed"], timeout=20).status_code == 200
    assert (kept.parent / "demo.db.keys").stat().st_mode & 0o777 == 0o600


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        command = [sys.executable, "-m", "okienko_server", "demo", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        f"Error: Port {port} is in use; choose another with --port, or --port 0 for any."
    ]
