"""Everything a fresh checkout needs, from Python's standard library alone: `python3 bootstrap.py demo|test|check|…`.

It makes `.venv`, installs the hash-locked dependencies into it and goes on there. A second run starts at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "okienko-stamp"
UV = "uv==0.13.9"
DEMO_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
TEMPLATES = ("widget/okienko_widget/templates", "server/okienko_server/web/templates")
USAGE = """usage: python3 bootstrap.py COMMAND [arguments passed on]

  demo    start the demonstration on this machine
  test    run all tests, on a real PostgreSQL and in a real browser
  check   format, lint, types, import directions, templates
  bench   measure
  proof   run the tests with the long proofs switched on
  shell   a shell, or the command given, inside the virtual environment
  lock    resolve both lock files again (--upgrade for newer versions)"""


class SetupFailed(Exception):
    """The message tells a person what to do."""


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    name, *rest = arguments or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        print(USAGE)
        return 0 if name in {"help", "-h", "--help"} else 2
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        raise SetupFailed(f"Okienko needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    os.chdir(ROOT)
    return command(rest)


def demo(arguments: list[str]) -> int:
    """Start the demonstration with what a server needs, without the development tools."""
    prepare(DEMO_LOCK)
    _become(["okienko", "demo", *arguments])


def test(arguments: list[str]) -> int:
    """Run the tests on a real PostgreSQL and a real Chromium."""
    prepare(DEV_LOCK)
    _servers_and_browsers()
    _become(["python", "-m", "pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", *arguments])


def proof(arguments: list[str]) -> int:
    """Run the tests with the long proofs switched on."""
    os.environ["OKIENKO_PROOF"] = "1"
    return test(arguments)


def bench(arguments: list[str]) -> int:
    """Measure."""
    prepare(DEV_LOCK)
    _servers_and_browsers()
    _become(["python", "-m", "tests.bench", *arguments])


def shell(arguments: list[str]) -> int:
    """Open a shell inside the virtual environment, or run the command given there."""
    prepare(DEV_LOCK)
    _become(arguments or [os.environ.get("SHELL", "sh")])


def check(arguments: list[str]) -> int:
    """Run every static check, also when an earlier one complains; return 1 when any did."""
    prepare(DEV_LOCK)
    checks = {
        "lint": ["ruff", "check", "--quiet", "."],
        "format": ["ruff", "format", "--quiet", "--check", "."],
        "types": ["mypy", "--no-error-summary"],
        "imports": ["lint-imports", "--no-cache"],
        "templates": ["djlint", "--lint", "--quiet", *(folder for folder in TEMPLATES if (ROOT / folder).is_dir())],
    }
    failed = [name for name, command in checks.items() if not _passes(name, [*command, *arguments])]
    return 1 if failed else 0


def lock(arguments: list[str]) -> int:
    """Write both lock files: every version with its hashes, for every platform, naming no host."""
    make_environment()
    for variable in [key for key in os.environ if key.startswith("UV_")]:
        del os.environ[variable]  # a private index would write hashes that fit nowhere else
    compile_ = ["uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"]
    compile_ += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "pyproject.toml"]
    compile_ += ["--extra", "server", "--extra", "postgres", "--extra", "client", "--group", "build", *arguments]
    run([*compile_, "--output-file", DEMO_LOCK.name])
    run([*compile_, "--group", "dev", "--constraints", DEMO_LOCK.name, "--output-file", DEV_LOCK.name])
    print(f"Wrote {DEMO_LOCK.name} and {DEV_LOCK.name}.")
    return 0


def prepare(lockfile: Path) -> None:
    """Bring `.venv` to what the lock file says; do nothing when it is there already."""
    with _alone():
        # The development lock holds all of the demo's, so a demo never takes the tools away again.
        good = {_stamp(lockfile), _stamp(DEV_LOCK)}
        if _venv_works() and STAMP.exists() and STAMP.read_text(encoding="utf-8") in good:
            return
        print("Getting ready (this happens once) ...", file=sys.stderr, flush=True)
        make_environment()
        STAMP.unlink(missing_ok=True)
        run(["uv", "pip", "sync", "--quiet", "--require-hashes", lockfile.name])
        run(["uv", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."])
        STAMP.write_text(_stamp(lockfile), encoding="utf-8")


def make_environment() -> None:
    """Make `.venv` with uv inside; install Python's venv module first where a Debian lacks it and we may."""
    if not _venv_works():
        _need_venv_module()
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    if not (VENV / "bin/uv").exists() or UV.replace("==", " ") not in run(["uv", "--version"]):
        run(["python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])


def run(command: list[str]) -> str:
    """Run it inside `.venv` without a word and return what it printed; SetupFailed with its words when it fails."""
    executable = _in_venv(command[0])
    done = subprocess.run([executable, *command[1:]], env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupFailed(f"{' '.join(command)}\n{(done.stdout + done.stderr).strip()}")
    return done.stdout


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    executable = _in_venv(command[0])
    try:
        os.execvpe(executable, [command[0], *command[1:]], _environment())
    except FileNotFoundError:
        raise SetupFailed(f"{command[0]} is not there.") from None


def _in_venv(name: str) -> str:
    inside = VENV / "bin" / name
    return str(inside) if inside.exists() else name


def _environment() -> dict[str, str]:
    outside = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONPATH"}}
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return {**outside, "VIRTUAL_ENV": str(VENV), "PATH": path, "UV_PYTHON_DOWNLOADS": "never"}


def _venv_works() -> bool:
    """Tell whether `.venv` is usable: not a copy of another folder's, and its Python has not been upgraded away."""
    probe = "import pip, sys; print(sys.version_info >= (3, 11), sys.prefix)"
    try:
        said = subprocess.run([VENV / "bin/python", "-c", probe], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return said.strip() == f"True {VENV}"


def _need_venv_module() -> None:
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv"])
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return
    raise SetupFailed("Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv")


def _servers_and_browsers() -> None:
    for module in ("tests.postgres", "tests.chromium"):
        found = subprocess.run(
            [_in_venv("python"), "-m", module], env=_environment(), check=False, stdout=subprocess.DEVNULL
        )
        if found.returncode:
            raise SystemExit(found.returncode)  # it has said itself what is missing


def _passes(name: str, command: list[str]) -> bool:
    done = subprocess.run([_in_venv(command[0]), *command[1:]], env=_environment(), capture_output=True, check=False)
    print(f"{name:<10} {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode:
        sys.stdout.buffer.write(done.stdout + done.stderr)
        sys.stdout.flush()
    return done.returncode == 0


def _stamp(lockfile: Path) -> str:
    content = b"".join(path.read_bytes() for path in (lockfile, ROOT / "pyproject.toml"))
    return f"{lockfile.name} {hashlib.sha256(content).hexdigest()}"


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another bootstrap of this folder: two of them would install into one `.venv` at once."""
    with Path(__file__).open("rb") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        yield


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "bench": bench,
    "proof": proof,
    "shell": shell,
    "lock": lock,
}

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupFailed as failure:
        sys.exit(f"Okienko: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
