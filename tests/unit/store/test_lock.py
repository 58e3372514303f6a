"""One process for one data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgenode.core.errors import DataFolderError, DataFolderInUse
from edgenode.store.lock import FolderLock

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from pathlib import Path
from edgenode.store.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_has_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        with pytest.raises(DataFolderInUse, match=rf"in use by process {child.pid}$"):
            FolderLock(path)
        child.kill()
    lock = FolderLock(path)  # the system released it
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_released_folder_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = FolderLock(path)
    with pytest.raises(DataFolderInUse, match=f"process {os.getpid()}"):
        FolderLock(path)
    lock.release()
    assert path.read_text() == ""
    FolderLock(path).release()


def test_a_holder_without_a_pid_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = FolderLock(path)
    for text in ("", "no number\n"):
        path.write_text(text)
        with pytest.raises(DataFolderInUse, match="in use by another process"):
            FolderLock(path)
    lock.release()


def test_a_folder_that_cannot_be_locked_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="cannot be locked: No such file"):
        FolderLock(tmp_path / "missing" / "lock")
