"""`make netlab`, as a person uses it."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.lab.support.namespace import FOLDER, PREFIX

ROOT = Path(__file__).parents[2]
END_S = 20.0


@pytest.mark.ci
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_three_nodes_and_leaves_nothing(how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lab"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        try:
            pages = re.findall(r"page +(http://127\.0\.0\.1:\d+/)", said)
            assert len(pages) == 3, said
            for page in pages:
                with urllib.request.urlopen(page, timeout=END_S) as answer:  # noqa: S310 - http
                    assert b"edgenode" in answer.read()
            (command,) = re.findall(r"command +(ip netns exec \S+-a .*)", said)
            peers = subprocess.check_output(command.split(), cwd=ROOT, text=True)
            assert "connected" in peers
        finally:
            process.send_signal(how)
            process.communicate(timeout=END_S)
    assert process.returncode == 0
    assert list(FOLDER.glob(f"{PREFIX}-{process.pid}-*")) == []
