"""The installed service: ready at once, clean, sandboxed, and back after whatever happens to it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenode.daemon.watch.catalogue import EVENTS
from edgenode.daemon.watch.process import PROC
from edgenode.reach.neighbours import ARP_TABLE
from tests.package.machine import PROJECT, Machine
from tests.package.node import (
    READY_S,
    complaints,
    get,
    node_id,
    put,
    start,
    wait_for_new_process,
)

pytestmark = pytest.mark.ci

STOP_S = 5.0
MAX_EXPOSURE = 1.2
UNIT = "/usr/lib/systemd/system/edgenode.service"
DROP_IN = "/run/systemd/system/edgenode.service.d"
TOKEN = "a-token-that-the-machine-offers-0123456789"
STATUS_S = 15.0
"""Of a change of the state, until it is told to systemd: 5 s; and to start a second node."""

# A signal that holds the loop up for an hour, with the node as it is otherwise.
HELD = """
import signal, sys, time
from edgenode.cli.main import main
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(3600))
sys.exit(main())
"""
HELD_UNIT = (
    r"[Service]\nWatchdogSec=2s\nExecStart=\n"
    r"ExecStart=/usr/bin/python3 /opt/held.py run\n"
)
SECOND = """
[server]
upnp = false
[nat]
enabled = false
[discovery]
mdns = false
multicast = false
[bootstrap]
nodes = [{address = "127.0.0.1", port = 4242, is_static = true}]
"""
ASK = "python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())'"


@pytest.fixture(scope="module")
def installed(machine: Machine, package: Path) -> Machine:
    """The machine with the package, as apt leaves it."""
    machine.apt(f"install {machine.copy_in(package)}")
    return machine


@pytest.fixture
def running(installed: Machine) -> Iterator[Machine]:
    """The machine with the service running as shipped, whatever the test before has done."""
    start(installed)
    yield installed
    installed.run(f"rm -rf {DROP_IN}; systemctl daemon-reload")
    installed.run("systemctl reset-failed edgenode; systemctl stop edgenode")


def test_it_is_installed_ready_clean_and_stops(installed: Machine) -> None:
    assert installed.run("systemctl is-enabled edgenode").strip() == "enabled"
    assert installed.property("ActiveState") == "inactive", "its owner starts it"
    assert start(installed) <= READY_S
    assert installed.property("ActiveState") == "active"
    page = installed.run(f"{ASK} http://127.0.0.1:4280/")
    assert "<title>" in page
    assert node_id(installed) in page
    began = time.monotonic()
    installed.run("systemctl stop edgenode")
    assert time.monotonic() - began <= STOP_S
    assert installed.property("Result") == "success"
    assert complaints(installed) == []


def test_debians_own_test_of_the_package_passes(installed: Machine) -> None:
    script = installed.copy_in(PROJECT / "debian" / "tests" / "service")
    installed.run(f"sh {script}")


def test_a_restart_keeps_identity_and_data(running: Machine) -> None:
    before, block_id = node_id(running), put(running, "over a restart")
    running.run("systemctl restart edgenode")
    assert (node_id(running), get(running, block_id)) == (before, "over a restart")


def test_it_comes_back_after_kill_9(running: Machine) -> None:
    before, block_id = node_id(running), put(running, "over a kill")
    pid = running.property("MainPID")
    running.run(f"kill -9 {pid}")
    wait_for_new_process(running, pid)
    assert (node_id(running), get(running, block_id)) == (before, "over a kill")


def test_the_watchdog_ends_a_process_that_hangs(running: Machine) -> None:
    running.run(f"mkdir -p {DROP_IN}; printf '[Service]\\nWatchdogSec=2s\\n' >{DROP_IN}/w.conf")
    running.run("systemctl daemon-reload; systemctl restart edgenode")
    pid = running.property("MainPID")
    time.sleep(4)  # twice what the watchdog waits: it is fed
    assert running.property("MainPID") == pid
    running.run(f"kill -STOP {pid}")
    wait_for_new_process(running, pid)
    assert "Watchdog timeout" in running.journal()


def test_the_watchdog_restarts_a_node_whose_loop_is_blocked(running: Machine) -> None:
    """All but its loop goes on: the process lives, and its other threads do."""
    (running.root / "opt" / "held.py").write_text(HELD)
    running.run(f"mkdir -p {DROP_IN}; printf '{HELD_UNIT}' >{DROP_IN}/w.conf")
    running.run("systemctl daemon-reload; systemctl restart edgenode")
    before, block_id = node_id(running), put(running, "over a held loop")
    pid = running.property("MainPID")
    time.sleep(4)
    assert running.property("MainPID") == pid, "it is fed"
    running.run(f"kill -USR1 {pid}")
    wait_for_new_process(running, pid)
    assert "Watchdog timeout" in running.journal()
    assert (node_id(running), get(running, block_id)) == (before, "over a held loop")


def test_its_state_is_a_line_for_systemctl(running: Machine) -> None:
    put(running, "one more for the line")
    blocks = json.loads(running.run(f"{ASK} http://127.0.0.1:4280/node/status"))["blocks"]
    deadline = time.monotonic() + STATUS_S
    wanted = f"0 peers, {blocks} block"
    while wanted not in running.property("StatusText"):
        assert time.monotonic() < deadline, running.property("StatusText")
        time.sleep(0.1)
    shown = running.run("systemctl status edgenode --no-pager")
    assert f'Status: "{wanted}' in shown


def test_fields_and_explanations_are_in_the_journal(running: Machine) -> None:
    own, block_id = node_id(running), put(running, "to be damaged")
    running.run(f"echo other bytes >/var/lib/edgenode/blocks/{block_id[:2]}/{block_id}")
    assert running.try_run(f"{ASK} http://127.0.0.1:4280/blocks/{block_id}")[0] != 0
    (running.root / "root" / "second.toml").write_text(SECOND)
    running.run(
        "systemd-run --quiet --unit=second edgenode run --any-port "
        "--config /root/second.toml --data-dir /root/second"
    )
    try:
        linked = entries_of(running, "EVENT=linked")
    finally:
        running.run("systemctl stop second")
    (damaged,) = entries_of(running, f"BLOCK={block_id}")
    assert (damaged["EVENT"], damaged["NODE_ID"]) == ("block-damaged", own)
    assert damaged["MESSAGE_ID"] == EVENTS["block-damaged"].message_id
    assert (damaged["PRIORITY"], damaged["_SYSTEMD_UNIT"]) == ("4", "edgenode.service")
    assert linked[-1]["NODE_ID"] == own
    assert linked[-1]["PEER"] != own
    assert len(str(linked[-1]["PEER"])) == 64
    assert linked[-1]["ADDRESS"] == "127.0.0.1"
    explained = running.run("journalctl -x --no-pager -u edgenode")
    assert f"Subject: {EVENTS['block-damaged'].subject}" in explained
    assert "What to do: Nothing for a single one." in explained


def entries_of(machine: Machine, match: str) -> list[dict[str, object]]:
    """Return the service's entries of the journal with a field, once there are any."""
    deadline = time.monotonic() + STATUS_S
    while not (lines := machine.journal(f"-o json {match}").splitlines()):
        assert time.monotonic() < deadline, machine.journal()
        time.sleep(0.1)
    return [json.loads(line) for line in lines]


def test_a_wrong_configuration_is_said_and_not_tried_again(running: Machine) -> None:
    running.run("cp /etc/edgenode/edgenode.toml /root/kept")
    try:
        running.run("echo 'no_such_key = 1' >>/etc/edgenode/edgenode.toml")
        status, _ = running.try_run("systemctl restart edgenode")
        assert status != 0
        assert running.property("ActiveState") == "failed"
        assert running.property("ExecMainStatus") == "6"
        assert running.property("NRestarts") == "0"
        assert "unknown key" in running.journal()
    finally:
        running.run("cp /root/kept /etc/edgenode/edgenode.toml")


def test_it_takes_the_token_that_the_machine_offers(running: Machine) -> None:
    own = running.run("cat /var/lib/edgenode/operator.token").strip()
    running.run(
        f"mkdir -p /run/credstore; echo {TOKEN} >/run/credstore/edgenode.operator-token; "
        "systemctl restart edgenode"
    )
    try:
        offered = "env CREDENTIALS_DIRECTORY=/run/credentials/edgenode.service"
        assert running.run(f"echo block | {offered} edgenode put -")
        status, said = running.try_run("echo block | edgenode put -")
        assert status == 5, said
        assert own not in said
    finally:
        running.run("rm -r /run/credstore")


def test_the_sandbox_leaves_little_exposed(installed: Machine) -> None:
    said = installed.run(f"systemd-analyze security --offline=yes --no-pager {UNIT}")
    exposure = float(said.rsplit("Overall exposure level for edgenode.service: ", 1)[1].split()[0])
    assert exposure <= MAX_EXPOSURE


def test_the_sandbox_is_in_force(running: Machine) -> None:
    pid = running.property("MainPID")
    inside = f"nsenter -t {pid} -m --"
    assert running.try_run(f"{inside} touch /etc/edgenode/written")[0] != 0
    assert running.try_run(f"{inside} touch /var/lib/written")[0] != 0
    assert running.run(f"{inside} ls /home /root") == "/home:\n\n/root:\n"
    status = running.run(f"cat /proc/{pid}/status")
    assert "NoNewPrivs:\t1" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "Seccomp:\t2" in status


def test_what_the_node_reads_of_the_kernel_is_there(running: Machine) -> None:
    pid = running.property("MainPID")
    for path in (ARP_TABLE, PROC / "status", PROC / "io", PROC / "fd"):
        running.run(f"nsenter -t {pid} -m -- ls {path}")


def test_the_unit_is_what_systemd_understands(installed: Machine) -> None:
    assert installed.run(f"systemd-analyze verify --man=no {UNIT}") == ""


def test_the_journal_explains_every_kind_of_warning(installed: Machine) -> None:
    for name, event in EVENTS.items():
        found = installed.run(f"journalctl --no-pager --dump-catalog {event.message_id}")
        assert f"Subject: {event.subject}" in found, name


def test_a_node_moves_by_export_and_import(running: Machine) -> None:
    before = node_id(running)
    status, said = running.try_run("edgenode export /root/node.tar")
    assert (status, "stop it first" in said) == (1, True), said
    running.run("systemctl stop edgenode; edgenode export /root/node.tar")
    running.run("mv /var/lib/edgenode /root/old; systemd-tmpfiles --create edgenode.conf")
    running.run("edgenode import /root/node.tar")
    start(running)
    assert node_id(running) == before


def test_the_package_tests_itself(installed: Machine) -> None:
    script = installed.copy_in(PROJECT / "debian" / "tests" / "service")
    installed.run(f"systemctl stop edgenode; sh {script}")
