"""What the running node says, as far as there is one."""

from pathlib import Path
from typing import Any, NamedTuple

from edgenode.cli import exits
from edgenode.cli.client import connect
from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check
from edgenode.cli.exits import CommandFailed
from edgenode.cli.reading import number, table, tables, text
from edgenode.daemon.running import RunInfo, read_run_info

NAME = "node"


class Answers(NamedTuple):
    """Of a node that answers: its run file, NodeInfo, NodeMetrics, PeerInfos, what it found.

    `alone_s`: seconds without any link.
    """

    run: RunInfo
    node_id: str
    reachability: dict[str, Any]
    peers: list[dict[str, Any]]
    found: list[dict[str, Any]]
    alone_s: float


def ask_node(data_dir: Path, http_bind: str) -> tuple[Check, Answers | None]:
    """Ask the node that runs with this data folder."""
    try:
        node = connect(data_dir, http_bind)
        node_id = text(node.get_json("/node/info"), "nodeId")
        status = node.get_json("/node/status")
        answers = Answers(
            read_run_info(data_dir),
            node_id,
            table(status, "reachability"),
            tables(node.get_json("/node/peers"), "peers"),
            tables(node.get_json("/node/discovered"), "discovered"),
            number(status, "alone"),
        )
    except CommandFailed as error:
        if error.code == exits.NOT_RUNNING:
            remedy = "start it: systemctl start edgenode, or 'edgenode run'"
            return Check(NAME, WARNING, "not running", remedy), None
        if error.code == exits.NOT_PERMITTED:
            return Check(NAME, WARNING, "not known whether it runs", str(error)), None
        remedy = "restart it, and look at its log: journalctl -u edgenode"
        return Check(NAME, FAILURE, str(error), remedy), None
    except (OSError, ValueError):  # the node has stopped meanwhile
        return Check(NAME, WARNING, "it has just stopped", "run this again"), None
    count = sum(peer.get("status") == "connected" for peer in answers.peers)
    peers = "1 node" if count == 1 else f"{count} nodes"
    return Check(NAME, OK, f"running, linked with {peers}"), answers
