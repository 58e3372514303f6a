"""The Makefile: what it lists, and that set-up stands before whatever needs it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TARGETS = [
    "setup",
    "run",
    "demo",
    "bench",
    "netlab",
    "test",
    "lint",
    "format",
    "ci",
    "full",
    "fresh",
    "deb",
    "deb-arm",
    "repo",
    "coverage",
]


def make(*arguments: str) -> str:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_make_alone_lists_every_target() -> None:
    listed = re.findall(r"^  make (\S+) +\S", make(), re.MULTILINE)
    assert set(listed) == {*TARGETS, "help", "lock", "clean"}


@pytest.mark.parametrize(
    ("target", "kind"),
    [("run", "run"), ("demo", "run")]
    + [(target, "dev") for target in ("netlab", "test", "lint", "format", "full", "coverage")],
)
def test_set_up_stands_before_what_needs_it(target: str, kind: str) -> None:
    first, *rest = make("--dry-run", target).splitlines()
    assert first == f"scripts/setup {kind}"
    assert rest
