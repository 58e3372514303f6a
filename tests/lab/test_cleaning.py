"""Nothing of a laboratory outlives it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.support.lab import FOLDERS, Lab, remove_stale
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.namespace import FOLDER, PREFIX, CommandFailed

ROOT = Path(__file__).parents[2]

_MAKE_AND_WAIT = """\
from tests.lab.support.lab import FOLDERS, Lab, remove_stale
from tests.lab.support.miniupnpd import Offers
with Lab() as lab:
    lab.home("a", Offers())
    print("made", flush=True)
    input()
"""


def namespaces_of(pid: int) -> list[Path]:
    return list(FOLDER.glob(f"{PREFIX}-{pid}-*"))


def running_in(namespaces: list[Path]) -> list[str]:
    listed = [subprocess.check_output(["ip", "netns", "pids", path.name]) for path in namespaces]
    return [pid for pids in listed for pid in pids.decode().split()]


def test_nothing_is_left_at_the_end() -> None:
    with Lab() as lab:
        lab.home("a", Offers())
        folder = lab.folder
        made = namespaces_of(os.getpid())
        assert len(made) == 3
        (pid,) = running_in(made)
    assert namespaces_of(os.getpid()) == []
    assert not folder.exists()
    stat = Path("/proc", pid, "stat")
    assert not stat.exists() or " Z " in stat.read_text()


def test_nothing_is_left_when_a_part_cannot_be_made() -> None:
    with pytest.raises(CommandFailed), Lab() as lab:
        lab.home("a", Offers())
        lab.wan.namespace.ip("no such command")
    assert namespaces_of(os.getpid()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_has_is_not(lab: Lab) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _MAKE_AND_WAIT],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"made\n"
        left = namespaces_of(other.pid)
        assert len(left) == 3
        remove_stale()
        assert namespaces_of(other.pid) == left
        assert list(FOLDERS.glob(f"{PREFIX}-{other.pid}-*")) != []
        (pid,) = running_in(left)
        other.kill()
    remove_stale()
    assert namespaces_of(other.pid) == []
    assert list(FOLDERS.glob(f"{PREFIX}-{other.pid}-*")) == []
    assert len(namespaces_of(os.getpid())) == 1
    stat = Path("/proc", pid, "stat")
    assert not stat.exists() or " Z " in stat.read_text()
