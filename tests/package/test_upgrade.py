"""Up to a version with other tables, and back: the node, its blocks and its settings stay."""

from pathlib import Path

import pytest

from tests.package.machine import Machine
from tests.package.node import epoch, get, node_id, put, schema_version, start

pytestmark = pytest.mark.ci

EDITED = "/etc/edgenode/edgenode.toml"


def test_up_and_back(machine: Machine, package: Path, newer_package: Path, schema: int) -> None:
    old, new = machine.copy_in(package), machine.copy_in(newer_package)
    machine.apt(f"install {old}")
    machine.run(f"sed -i 's/^#region = .*/region = \"Bern\"/' {EDITED}")
    start(machine)
    before = node_id(machine)
    early = put(machine, "before the upgrade")
    pid = machine.property("MainPID")

    machine.apt(f"install {new}")
    assert machine.property("ActiveState") == "active"
    assert machine.property("MainPID") != pid, "the old version still runs"
    assert (node_id(machine), get(machine, early)) == (before, "before the upgrade")
    late = put(machine, "after the upgrade")
    machine.run("systemctl stop edgenode")
    assert schema_version(machine) == schema + 1
    assert machine.run("ls /var/lib/edgenode | grep state.db.v").split() == [f"state.db.v{schema}"]
    starts = epoch(machine)
    start(machine)

    machine.apt(f"install --allow-downgrades {old}")
    assert machine.property("ActiveState") == "active"
    assert node_id(machine) == before
    assert get(machine, early) == "before the upgrade"
    assert get(machine, late) == "after the upgrade"
    assert "back to the copy of version" in machine.journal()
    machine.run("systemctl stop edgenode")
    assert schema_version(machine) == schema
    assert epoch(machine) > starts, "an epoch that comes twice makes the node contradict itself"
    assert 'region = "Bern"' in machine.run(f"cat {EDITED}")


def test_one_that_is_stopped_stays_stopped(machine: Machine, newer_package: Path) -> None:
    machine.run("systemctl stop edgenode")
    machine.apt(f"install {machine.copy_in(newer_package)}")
    assert machine.property("ActiveState") == "inactive"
