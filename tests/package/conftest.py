"""Packages built once for all tests of them."""

import difflib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenode.store.migrations import MIGRATIONS
from tests.package.machine import PROJECT, Machine

BUILD_S = 240  # the first one makes the root that it builds in
MIGRATIONS_FILE = "edgenode/store/migrations.py"


def build(folder: Path, *options: str | Path) -> Path:
    """Build the package of this tree and return it."""
    command = [PROJECT / "scripts" / "deb", *options, folder]
    made = subprocess.run(
        command, capture_output=True, text=True, timeout=BUILD_S, check=False, errors="replace"
    )
    assert made.returncode == 0, made.stderr[-5000:]
    [package] = [line for line in made.stdout.splitlines() if line.endswith(".deb")]
    return Path(package)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of this tree."""
    return build(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def newer_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a later version, which has one more table in its database."""
    folder = tmp_path_factory.mktemp("newer")
    before = (PROJECT / MIGRATIONS_FILE).read_text()
    assert before.endswith("    ),\n)\n")
    after = (
        before.removesuffix(")\n") + '    ("CREATE TABLE later (id INTEGER PRIMARY KEY)",),\n)\n'
    )
    patch = folder / "later.patch"
    patch.write_text(
        "".join(
            difflib.unified_diff(
                before.splitlines(keepends=True),
                after.splitlines(keepends=True),
                f"a/{MIGRATIONS_FILE}",
                f"b/{MIGRATIONS_FILE}",
            )
        )
    )
    return build(folder, "--version", "99.0", "--patch", patch)


@pytest.fixture(scope="session")
def schema() -> int:
    """The version of this tree's database."""
    return len(MIGRATIONS)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A fresh machine for the tests of one file."""
    with Machine() as booted:
        yield booted
