"""The promise of one command on a fresh machine: what `bootstrap.py` decides, and what the lock files hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(bootstrap.__file__).parent
PIN = re.compile(r"^([a-z0-9._-]+(?:\[[a-z]+\])?)==(\S+)", re.MULTILINE)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A prepared-looking folder of its own; returns the list of commands that would have been run in it."""
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / ".venv").mkdir()
    ran: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "DEMO_LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "DEV_LOCK", tmp_path / "requirements-dev.lock")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv/okienko-stamp")
    monkeypatch.setattr(bootstrap, "_venv_works", lambda: True)
    monkeypatch.setattr(bootstrap, "run", ran.append)
    monkeypatch.setattr(bootstrap, "make_environment", lambda: None)
    return ran


def test_second_run_installs_nothing(checkout: list[list[str]]) -> None:
    bootstrap.prepare(bootstrap.DEV_LOCK)
    assert ["uv", "pip", "sync", "--quiet", "--require-hashes", "requirements-dev.lock"] in checkout
    checkout.clear()
    bootstrap.prepare(bootstrap.DEV_LOCK)
    assert checkout == []


def test_demo_keeps_the_development_tools(checkout: list[list[str]]) -> None:
    bootstrap.prepare(bootstrap.DEV_LOCK)
    checkout.clear()
    bootstrap.prepare(bootstrap.DEMO_LOCK)
    assert checkout == []


def test_tests_install_what_a_demo_left_out(checkout: list[list[str]]) -> None:
    bootstrap.prepare(bootstrap.DEMO_LOCK)
    checkout.clear()
    bootstrap.prepare(bootstrap.DEV_LOCK)
    assert ["uv", "pip", "sync", "--quiet", "--require-hashes", "requirements-dev.lock"] in checkout


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_changed_lock_or_project_installs_again(checkout: list[list[str]], changed: str) -> None:
    bootstrap.prepare(bootstrap.DEMO_LOCK)
    checkout.clear()
    (bootstrap.ROOT / changed).write_text("changed", encoding="utf-8")
    bootstrap.prepare(bootstrap.DEMO_LOCK)
    assert checkout


def test_environment_copied_from_elsewhere_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    assert not bootstrap._venv_works()


def test_missing_venv_module_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(bootstrap.SetupFailed, match="apt-get install python3-venv"):
        bootstrap._need_venv_module()


def test_old_python_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10))
    with pytest.raises(bootstrap.SetupFailed, match=r"3\.11 or newer"):
        bootstrap.main(["demo"])


def test_failing_command_says_what_it_said() -> None:
    with pytest.raises(bootstrap.SetupFailed, match="it broke"):
        bootstrap.run(["python", "-c", "raise SystemExit('it broke')"])


def test_unknown_command_shows_the_usage() -> None:
    asked = subprocess.run([sys.executable, ROOT / "bootstrap.py", "dmo"], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert all(command in asked.stdout for command in bootstrap.COMMANDS)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_pins_with_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=[a-z])", text) if block]
    assert len(blocks) > 20
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert not re.search(r"://|^-|--index|--find-links", text, re.MULTILINE)


def test_development_lock_holds_the_demo_lock() -> None:
    demo, development = (
        set(PIN.findall((ROOT / name).read_text(encoding="utf-8")))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert demo < development
