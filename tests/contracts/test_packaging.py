"""What a host site pays for the helper, and what the wheel carries."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("flask", "werkzeug", "sqlalchemy", "marshmallow", "alembic", "jinja2", "okienko_server", "okienko_widget")


def imported_by(statement: str) -> set[str]:
    """Return the modules a fresh interpreter holds after one statement."""
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_hosts_helper_brings_no_server_along() -> None:
    there = imported_by("import okienko")
    assert "okienko.tokens" in there
    assert [module for module in HEAVY if module in there] == []


def test_the_widget_brings_no_server_along() -> None:
    there = imported_by("import okienko_widget")
    assert "okienko_widget.render" in there
    assert [module for module in HEAVY if module in there] == ["jinja2", "okienko_widget"]


def test_a_host_signs_a_token_with_the_helper_alone() -> None:
    keys = "('a key of at least thirty-two signs!',)"
    code = f"from okienko import EmbedToken; print(EmbedToken('abc', 1).sign({keys}))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.count(".") == 1


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built).namelist()


def carried(package: str, *suffixes: str) -> set[str]:
    """Return the files of a package in the tree, as the wheel should name them."""
    folder = next(path for path in (ROOT / "embed", ROOT / "widget", ROOT / "server") if (path / package).is_dir())
    files = [path for path in (folder / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)) for path in files if not suffixes or path.suffix in suffixes}


@pytest.mark.parametrize("package", ["okienko", "okienko_widget", "okienko_server"])
def test_the_wheel_carries_every_file_of_the_tree(wheel: list[str], package: str) -> None:
    assert carried(package) - set(wheel) == set()


def test_the_wheel_carries_templates_styles_scripts_catalogues_and_migrations(wheel: list[str]) -> None:
    for ending in (
        "okienko_widget/templates/document.jinja", "okienko_widget/static/widget.css", "okienko_widget/static/widget.js",
        "okienko_widget/texts/pl.toml", "okienko_server/texts/pl/schedule.toml", "okienko_server/web/templates/staff/schedule.jinja",
        "okienko_server/web/static/staff/ground.css", "okienko_server/storage/migrations/env.py",
        "okienko_server/storage/migrations/script.py.mako", "okienko_server/storage/migrations/versions/0001_first_schema.py",
        "okienko_server/operations/seed/clinics.toml", "okienko/py.typed", "okienko_widget/py.typed",
    ):  # fmt: skip
        assert ending in wheel


def test_the_wheel_carries_nothing_else(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"okienko", "okienko_widget", "okienko_server"}
    assert not [name for name in wheel if name.endswith((".pyc", ".db", ".env"))]
