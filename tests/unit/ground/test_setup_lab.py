"""scripts/setup-lab, and what becomes of the laboratory's tests where it has not helped."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.lab import conftest
from tests.lab.support import miniupnpd, needs

SCRIPT = Path(__file__).parents[3] / "scripts" / "setup-lab"


def set_up(path: Path) -> tuple[int, str]:
    done = subprocess.run(
        [SCRIPT],
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def stub(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def test_one_who_may_install_nothing_is_left_in_peace(tmp_path: Path) -> None:
    stub(tmp_path, "id", "echo 1000")
    stub(tmp_path, "sudo", "exit 1")
    stub(tmp_path, "apt-get", "echo asked >&2; exit 1")
    assert set_up(tmp_path) == (0, "")


@pytest.mark.skipif(bool(needs.obstacle()), reason=f"no laboratory: {needs.obstacle()}")
def test_where_all_is_there_nothing_is_installed(tmp_path: Path) -> None:
    stub(tmp_path, "apt-get", "echo asked >&2; exit 1")
    for tool in ("upnpc", "dnsmasq"):
        stub(tmp_path, tool, "exit 1")
    assert set_up(tmp_path) == (0, "")


@pytest.mark.parametrize(("required", "outcome"), [("", "skip"), ("1", "fail")])
def test_without_a_laboratory_tests_are_skipped_and_in_ci_they_fail(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: str
) -> None:
    monkeypatch.setattr(needs, "obstacle", lambda: "the reason")
    monkeypatch.setenv(needs.REQUIRED, required)
    expected = pytest.fail.Exception if outcome == "fail" else pytest.skip.Exception
    with pytest.raises(expected, match="no laboratory: the reason"):
        conftest.pytest_runtest_setup()


def test_the_reason_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert needs.obstacle() == "it needs root"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs, "TOOLS", [("no-such-tool", "its-package")])
    assert needs.obstacle() == "no-such-tool is missing (apt-get install its-package)"
    monkeypatch.setattr(needs, "TOOLS", [])
    monkeypatch.setattr(miniupnpd, "find", lambda: None)
    assert needs.obstacle() == "miniupnpd is missing (scripts/setup-lab fetches it)"
