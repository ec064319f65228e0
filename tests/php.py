"""A real PHP for the WordPress plugin: found on this machine, or unpacked from Debian's packages without being installed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATH_VARIABLE = "OKIENKO_PHP"
NOT_FOUND = f"No PHP for the test of the WordPress plugin: install it (on Debian: apt-get install php-cli), or name it in {PATH_VARIABLE}."
WRAPPER = """#!/bin/sh
here="$(cd "$(dirname "$0")" && pwd)"
export LD_LIBRARY_PATH="$(echo "$here"/root/usr/lib/*-linux-gnu):$(echo "$here"/root/lib/*-linux-gnu)"
exec "$here"/root/usr/bin/php[0-9]* "$@"
"""
_FROM_THE_MACHINE = ("libc6", "libcrypt1", "libgcc-s1", "libstdc++6")
"""Libraries that belong to the running system; a second copy of them would not fit its loader."""


class PhpMissing(RuntimeError):
    """No PHP can be had on this machine; the message is one plain sentence."""


def find_or_fetch() -> str:
    """Return the path of a PHP that runs; raise PhpMissing."""
    if given := os.environ.get(PATH_VARIABLE, ""):
        if _runs(given):
            return given
        raise PhpMissing(f"{PATH_VARIABLE} is set to {given}, which does not run.")
    with _one_at_a_time():
        found = next((path for path in (shutil.which("php"), str(_folder() / "php")) if path and _runs(path)), None)
        found = found or _from_debian()
    if found is None:
        raise PhpMissing(NOT_FOUND)
    return found


def _folder() -> Path:
    """Return the folder of the unpacked PHP: inside the virtual environment, so that removing that removes it."""
    inside = sys.prefix != sys.base_prefix
    folder = Path(sys.prefix if inside else tempfile.gettempdir()) / "okienko-php"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _runs(executable: str) -> bool:
    return "PHP " in _said(executable, "-n", "--version")


def _from_debian() -> str | None:
    """Unpack the interpreter and the libraries it needs; neither root nor an installation is asked for."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return None
    packages = _packages()
    if not packages and os.geteuid() == 0:
        _said("apt-get", "update", "-qq")
        packages = _packages()
    with tempfile.TemporaryDirectory() as scratch:
        if not packages or _ran("apt-get", "download", "-qq", *packages, folder=scratch) is None:
            return None
        shutil.rmtree(_folder() / "root", ignore_errors=True)
        for archive in sorted(Path(scratch).glob("*.deb")):
            _said("dpkg", "-x", str(archive), str(_folder() / "root"))
    wrapper = _folder() / "php"
    wrapper.write_text(WRAPPER, encoding="utf-8")
    wrapper.chmod(0o755)
    return str(wrapper) if _runs(str(wrapper)) else None


def _packages() -> list[str]:
    """Return this release's PHP and its libraries by name, or nothing when apt knows of none."""
    named = [name for name in _depends("php-cli") if name.startswith("php")]
    found, more = set(named), set(named)
    while more:
        more = {name for name in _depends(*more) if _wanted(name)} - found
        found |= more
    return sorted(found)


def _wanted(name: str) -> bool:
    library = name.startswith("lib") and name not in _FROM_THE_MACHINE
    return library or (name.startswith("php") and name.endswith("-common"))


def _depends(*packages: str) -> list[str]:
    lines = (line.split() for line in _said("apt-cache", "depends", "--important", *packages).splitlines())
    return [words[1] for words in lines if len(words) == 2 and words[0].strip("|") == "Depends:"]


def _said(*command: str) -> str:
    return _ran(*command) or ""


def _ran(*command: str, folder: str | None = None) -> str | None:
    """Return what a command wrote, without questions; None when it failed."""
    try:
        ran = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None


if __name__ == "__main__":
    try:
        print(find_or_fetch())
    except PhpMissing as missing:
        sys.exit(str(missing))
