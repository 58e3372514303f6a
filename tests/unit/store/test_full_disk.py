"""A disk that is really full: a tmpfs of 1 MiB, in a mount namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def in_namespace(folder: Path, options: str) -> subprocess.CompletedProcess[str]:
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("mount") is None:
        pytest.skip("no unshare or mount command")
    flags = "-m" if os.geteuid() == 0 else "-Urm"
    command = [unshare, flags, sys.executable, "-m", "tests.unit.store.full_disk_child"]
    return subprocess.run(
        [*command, str(folder), options], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("options", ["nr_inodes=10000", "nr_inodes=400"])
def test_a_full_disk_is_read_and_recovers(tmp_path: Path, options: str) -> None:
    """Out of space, and out of inodes with space left."""
    probe = in_namespace(tmp_path, "probe")
    if probe.returncode:
        pytest.skip(f"cannot mount a tmpfs: {probe.stderr.strip().splitlines()[-1]}")
    done = in_namespace(tmp_path, options)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["stored"] > 100
    assert seen["readable"] == seen["stored"]
    assert seen["left in incoming"] == 0
    assert seen["still full"]
    assert seen["recovered in s"] < 5
    expected = "No space left on device" if options == "nr_inodes=400" else "reserve of 0 bytes"
    assert expected in seen["refused"]
