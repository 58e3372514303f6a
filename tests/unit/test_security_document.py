"""docs/security.md: each row has a test that exists, and its versions are those in force."""

import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
TEXT = (ROOT / "docs" / "security.md").read_text()
_NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def section(title: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    part = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_each_row_has_a_test() -> None:
    rows = section("Attacks and faults") + section("Closed networks and secrets")
    rows += section("The process")
    assert len(rows) > 30
    for row in rows:
        assert len(row) == 3, row
        assert _NAMED.findall(row[2]), row
        assert not _NAMED.sub("", row[2]).strip(" ,"), row


def test_each_test_that_is_named_exists() -> None:
    named = _NAMED.findall(TEXT)
    assert len(named) > 50
    for path, name in named:
        assert f"def {name}(" in (TESTS / path).read_text(), f"{path}::{name}"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_the_floors_are_those_of_the_table() -> None:
    table = {name: (least, locked) for name, least, locked, _ in section("Packages")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    floors = dict(dependency.split(">=") for dependency in project["dependencies"])
    assert {name: least for name, (least, _) in table.items()} == floors
    lock = (ROOT / "requirements" / "run.lock").read_text()
    pinned = dict(re.findall(r"^([a-z-]+)==([0-9.]+)", lock, re.MULTILINE))
    pinned |= dict(
        re.findall(
            r"^([a-z-]+)==([0-9.]+)",
            (ROOT / "requirements" / "source.lock").read_text(),
            re.MULTILINE,
        )
    )
    for name, (least, locked) in table.items():
        assert numbers(locked) >= numbers(least), name
        assert numbers(pinned[name]) >= numbers(locked), name


def test_every_advisory_has_a_number_or_says_that_there_is_none() -> None:
    for name, _, _, advisories in section("Packages"):
        assert re.search(r"CVE-\d{4}-\d+|none known|below \d", advisories), name
