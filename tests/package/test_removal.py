"""Installed, run, removed, installed again, purged: nothing is left that was not there before."""

from pathlib import Path

import pytest

from tests.package.machine import Machine
from tests.package.node import get, node_id, put, start

pytestmark = pytest.mark.ci

# What every installation changes, whichever package it is, and the user, who stays on purpose.
OTHERS = (
    "/etc/group",
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/shadow",
    "/var/cache/",
    "/var/lib/apt/",
    "/var/lib/dpkg/",
    "/var/lib/systemd/",
    "/var/log/",
    "/var/tmp/",
)


def contents(machine: Machine) -> dict[str, str]:
    """Every path of the machine's own file system, with what can be told of it."""
    listed = machine.run(
        r"find / -xdev \( -path /root -o -path /tmp \) -prune -o -printf '%p\t%y %m %u %l %s\n'"
    )
    found = dict(line.split("\t", 1) for line in listed.splitlines())
    # The size of a folder stays when what was in it goes.
    return {
        path: told.rsplit(" ", 1)[0] if told.startswith("d") else told
        for path, told in found.items()
        if not path.startswith(OTHERS)
    }


def test_nothing_is_left(machine: Machine, package: Path) -> None:
    path = machine.copy_in(package)
    machine.apt(f"install {path}")  # with what it depends on, which stays
    machine.apt("purge edgenode")
    before = contents(machine)

    machine.apt(f"install {path}")
    start(machine)
    kept, block_id = node_id(machine), put(machine, "over a removal")

    said = machine.apt("remove edgenode")
    assert "Traceback" not in said
    assert machine.run("find /proc -maxdepth 1 -user edgenode") == "", "the node still runs"
    left = set(contents(machine)) - set(before)
    assert all(path.startswith(("/var/lib/edgenode", "/etc/")) for path in left), left
    assert {"/var/lib/edgenode/node.key", "/etc/edgenode/edgenode.toml"} <= left

    machine.apt(f"install {path}")
    start(machine)
    assert (node_id(machine), get(machine, block_id)) == (kept, "over a removal")

    machine.apt("purge edgenode")
    after = contents(machine)
    assert after == before
    assert machine.run("systemctl list-units --all --plain --no-legend 'edgenode*'") == ""


def test_a_disk_mounted_as_data_folder_is_emptied_and_stays(
    machine: Machine, package: Path
) -> None:
    machine.run("mkdir -p /var/lib/edgenode && mount -t tmpfs tmpfs /var/lib/edgenode")
    machine.apt(f"install {machine.copy_in(package)}")
    start(machine)
    machine.apt("purge edgenode")
    assert machine.run("ls -A /var/lib/edgenode") == ""
    machine.run("umount /var/lib/edgenode")
