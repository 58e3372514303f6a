"""scripts/setup where nothing needs to be installed; the rest of it is for tests/fresh/check."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def set_up(checkout: Path, kind: str, path: str = os.environ["PATH"]) -> tuple[int, str]:
    done = subprocess.run(
        ["/bin/sh", str(checkout / "scripts" / "setup"), kind],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with a space, whose lock files ask for nothing at all."""
    folder = tmp_path / "my checkout"
    (folder / "scripts").mkdir(parents=True)
    (folder / "requirements").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", folder / "scripts")
    for lock in ("run", "dev", "build", "source"):
        (folder / "requirements" / f"{lock}.lock").write_text("# nothing\n")
    return folder


def _debian_has_all() -> bool:
    try:
        command = ["/usr/bin/python3", "-Ic", "import ensurepip, netifaces, systemd.journal"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


debian_python_ready = pytest.mark.skipif(
    not _debian_has_all(),
    reason="Debian's python3-venv, python3-netifaces and python3-systemd are not installed",
)


def test_an_unknown_kind_is_refused(checkout: Path) -> None:
    assert set_up(checkout, "all") == (1, "set-up: unknown kind 'all': run or dev\n")
    assert not (checkout / ".venv").exists()


@debian_python_ready
def test_it_makes_once_with_the_systems_python_and_adds_tools_in_place(
    checkout: Path, tmp_path: Path
) -> None:
    decoy = tmp_path / "bin" / "python3"
    decoy.parent.mkdir()
    decoy.write_text("#!/bin/sh\necho decoy >&2\nexit 1\n")
    decoy.chmod(0o755)
    status, said = set_up(checkout, "run", f"{decoy.parent}:{os.environ['PATH']}")
    assert (status, "making .venv" in said, "decoy" in said) == (0, True, False), said
    mark = checkout / ".venv" / "mark"
    mark.touch()
    assert set_up(checkout, "run") == (0, "")

    status, said = set_up(checkout, "dev")
    assert (status, "test tools" in said, mark.exists()) == (0, True, True), said
    assert set_up(checkout, "dev") == (0, "")
    assert set_up(checkout, "run") == (0, ""), "the test tools include what a node needs"

    # The command is this checkout, from any folder, whatever lies in that folder.
    package = checkout / "edgenode"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import json, sys\nprint(__file__, sys.argv[1:])\n")
    (tmp_path / "json.py").write_text("raise SystemExit('a file beside the user')\n")
    link = tmp_path / "edgenode-link"
    link.symlink_to(checkout / ".venv" / "bin" / "edgenode")
    answer = subprocess.check_output([link, "put", "a b"], cwd=tmp_path, text=True)
    assert answer == f"{package / '__main__.py'} ['put', 'a b']\n"


@debian_python_ready
def test_what_is_half_made_or_made_from_another_lock_is_made_anew(checkout: Path) -> None:
    lock = checkout / "requirements" / "run.lock"
    good = lock.read_text()
    mark = checkout / ".venv" / "mark"

    lock.write_text("= no requirement\n")
    status, said = set_up(checkout, "run")
    assert (status, "pip failed" in said) == (1, True), said
    assert not (checkout / ".venv" / "stamp").exists()

    mark.touch()
    lock.write_text(good)
    status, said = set_up(checkout, "run")
    assert (status, "making .venv" in said, mark.exists()) == (0, True, False), said

    mark.touch()
    lock.write_text(good + "# and more\n")
    status, said = set_up(checkout, "run")
    assert (status, "making .venv" in said, mark.exists()) == (0, True, False), said
