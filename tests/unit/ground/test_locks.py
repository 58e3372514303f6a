"""The lock files give what pyproject.toml asks for, hashed, and nothing below the safe floors."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]


def read_lock(name: str) -> dict[str, tuple[str, int]]:
    """Package name to its version and its count of hashes."""
    locked: dict[str, tuple[str, int]] = {}
    text = (ROOT / "requirements" / f"{name}.lock").read_text().replace("\\\n", " ")
    for entry in text.splitlines():
        if entry and not entry.startswith("#"):
            requirement = Requirement(entry.split(" --hash=")[0])
            pin = re.fullmatch(r"==(\S+)", str(requirement.specifier))
            assert pin, f"{name}.lock does not pin {requirement}"
            locked[canonicalize_name(requirement.name)] = (pin[1], entry.count("--hash=sha256:"))
    return locked


def asked(*, lock: str) -> list[Requirement]:
    lines = (ROOT / "requirements" / f"{lock}.in").read_text().splitlines()
    bare = (line.split("  #")[0].strip() for line in lines)
    return [Requirement(line) for line in bare if line and not line.startswith(("#", "-r"))]


@pytest.mark.parametrize("lock", ["run", "dev", "build", "source"])
def test_every_locked_package_has_hashes(lock: str) -> None:
    assert [name for name, (_, hashes) in read_lock(lock).items() if not hashes] == []


def test_run_time_packages_are_locked_at_or_above_their_floors() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = read_lock("run") | read_lock("source")
    for requirement in map(Requirement, project["dependencies"]):
        version, _ = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


@pytest.mark.parametrize("lock", ["run", "dev", "build", "source"])
def test_locks_satisfy_what_they_were_made_from(lock: str) -> None:
    locked = read_lock(lock)
    for requirement in asked(lock=lock):
        version, _ = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


@pytest.mark.parametrize("floor", ["aiohttp>=3.14.4", "zeroconf>=0.149.16"])
def test_run_lock_is_above_known_holes(floor: str) -> None:
    requirement = Requirement(floor)
    assert requirement.specifier.contains(read_lock("run")[requirement.name][0])


def test_test_tools_bring_the_same_run_time_packages() -> None:
    dev = read_lock("dev")
    assert {name: dev.get(name) for name in read_lock("run")} == read_lock("run")


def test_only_what_has_no_wheel_is_left_out_of_the_run_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    left_out = named - set(read_lock("run"))
    assert left_out == {"netifaces", "systemd-python"}
    assert left_out == set(read_lock("source"))
