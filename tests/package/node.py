"""What the tests ask of the installed node."""

import json
import time
from typing import Any

from tests.package.machine import Machine

READY_S = 5.0
RECOVERED_S = 20.0
POLL_S = 0.1


def start(machine: Machine) -> float:
    """Start the service and return how long that took; it is ready on return."""
    began = time.monotonic()
    status, _ = machine.try_run("systemctl start edgenode")
    assert status == 0, machine.journal()
    return time.monotonic() - began


def node_id(machine: Machine) -> str:
    return machine.run("edgenode id").strip()


def put(machine: Machine, text: str) -> str:
    """Store a block as the operator and return its id."""
    return machine.run(f"printf '%s' '{text}' | edgenode put -").split()[0]


def get(machine: Machine, block_id: str) -> str:
    return machine.run(f"edgenode get {block_id} -o -")


def epoch(machine: Machine) -> int:
    """Read how often the node has begun; it must be stopped."""
    return int(_database(machine, "SELECT value FROM named_values WHERE name = 'epoch'"))


def schema_version(machine: Machine) -> int:
    """Read the version of the tables; the node must be stopped."""
    return int(_database(machine, "PRAGMA user_version"))


def wait_for_new_process(machine: Machine, old_pid: str) -> None:
    """Wait until the service runs again, in another process than before."""
    deadline = time.monotonic() + RECOVERED_S
    while machine.property("ActiveState") != "active" or machine.property("MainPID") == old_pid:
        assert time.monotonic() < deadline, machine.journal()
        time.sleep(POLL_S)


def complaints(machine: Machine) -> list[str]:
    """Return what was logged at the level of a warning or above, and tracebacks at any level."""
    lines = machine.journal("-o json").splitlines()
    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert entries, "the journal has nothing of the service"
    return [
        str(entry["MESSAGE"])
        for entry in entries
        if int(entry["PRIORITY"]) <= 4 or "Traceback" in str(entry["MESSAGE"])
    ]


def _database(machine: Machine, query: str) -> str:
    code = (
        "import sqlite3; "
        "c = sqlite3.connect('file:/var/lib/edgenode/state.db?mode=ro&immutable=1', uri=True); "
        f'print(c.execute(\\"{query}\\").fetchone()[0])'
    )
    return machine.run(f'python3 -c "{code}"').strip()
