"""How much the unit leaves exposed, and that what discovery needs is left."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "systemd" / "edgenode.service"
PROFILE = ROOT / "apparmor" / "edgenode"
MAX_EXPOSURE = 1.2


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_sandbox_leaves_little_exposed() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNIT)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for edgenode.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) <= MAX_EXPOSURE


def test_multicast_and_resolvers_are_left() -> None:
    unit, profile = UNIT.read_text(), PROFILE.read_text()
    # An address list would have to name every peer there will ever be, and each multicast group.
    assert "IPAddress" not in re.sub(r"#.*", "", unit)
    assert "SocketBind" not in unit
    for line in ("network inet dgram,", "network inet6 dgram,", "network netlink raw,"):
        assert f"  {line}" in profile
    # Has /etc/resolv.conf, and what resolvconf and systemd-resolved put in its place.
    assert "include <abstractions/nameservice>" in profile


def test_the_machine_can_be_told() -> None:
    profile = PROFILE.read_text()
    assert "/etc/machine-id r," in profile
    assert "firmware/devicetree/base/serial-number r," in profile


def test_nothing_can_be_executed_but_the_interpreter() -> None:
    """No shell: each rule that lets something be run names python alone."""
    rules = re.findall(
        r"^  (?:owner )?(/\S+|@\S+) ([a-zA-Z]+),$", PROFILE.read_text(), re.MULTILINE
    )
    assert len(rules) > 10
    assert [path for path, mode in rules if "x" in mode.lower()] == ["/usr/bin/python3.[0-9]*"]


def test_no_core_dump() -> None:
    assert "LimitCORE=0" in UNIT.read_text().splitlines()
