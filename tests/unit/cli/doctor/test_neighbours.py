"""Whether the node has company."""

from typing import Any

from edgenode.cli.doctor.check import OK, WARNING
from edgenode.cli.doctor.neighbours import check_neighbours

LINKED = {"status": "connected"}


def found(how: str, node_id: str | None, error: str = "") -> dict[str, Any]:
    entry = {"how": [how], "nodeId": node_id, "address": "192.0.2.7"}
    return {**entry, "lastError": error} if error else entry


def test_linked() -> None:
    check = check_neighbours(
        [LINKED, LINKED, {"status": "disconnected"}],
        [found("mdns", "a"), found("mdns", "a"), found("peer", None)],
        0,
        mdns=True,
        bootstrap=0,
        seeds=0,
    )
    assert (check.state, check.what) == (OK, "linked with 2 nodes; found: 1 by mdns, 1 by peer")
    check = check_neighbours([LINKED], [], 0, mdns=True, bootstrap=0, seeds=0)
    assert check.what == "linked with 1 node; all of them came by themselves"


def test_alone() -> None:
    check = check_neighbours([], [], 59, mdns=False, bootstrap=1, seeds=1)
    assert check.state == OK
    assert "mDNS is switched off, [bootstrap] names 1 node, [dns] names 1 seed" in check.what
    check = check_neighbours(
        [],
        [found("mdns", "a", "no answer"), found("invitation", "b")],
        720,
        mdns=True,
        bootstrap=0,
        seeds=2,
    )
    assert check.state == WARNING
    assert check.what == (
        "no link for 12 min 0 s: mDNS found 1 node, [bootstrap] names 0 nodes, [dns] names 2 seeds,"
        " an invitation named 1 node; the last that was tried: no answer"
    )
    assert "'edgenode invite'" in check.remedy
    assert "'edgenode join'" in check.remedy
