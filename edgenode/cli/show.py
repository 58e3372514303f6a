"""`edgenode id`, `status` and `peers`."""

import sys
from typing import Any

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.output import (
    aligned,
    clean,
    human_bytes,
    human_duration,
    out,
    out_json,
    paint,
    say,
    with_status,
)
from edgenode.cli.reach import reach_words
from edgenode.cli.reading import maybe, number, table, tables, text
from edgenode.core.lonely import ADVICE, LONELY_S

ID_COLUMN = 16
"""Enough of an id to tell nodes apart in a table; --json gives all of it."""

_COLOUR_OF = {"connected": "green", "connecting": "yellow", "disconnected": "red"}


def show_id(node: Node, *, as_json: bool) -> int:
    """Print the node's id (with --json its NodeInfo)."""
    info = node.get_json("/node/info")
    if as_json:
        out_json(info)
    else:
        out(text(info, "nodeId"))
        for former in info.get("formerIds", []):
            say(f"retired: {clean(str(former))}")
    return exits.OK


def show_status(node: Node, *, as_json: bool) -> int:
    """Print the node's metrics (with --json its NodeMetrics)."""
    status = node.get_json("/node/status")
    if as_json:
        out_json(status)
        return exits.OK
    info = node.get_json("/node/info")
    bandwidth, operations = table(status, "bandwidth"), table(status, "operations")
    received, sent = number(bandwidth, "in"), number(bandwidth, "out")
    succeeded, failed = number(operations, "success"), number(operations, "failed")
    reach, colour, advice = reach_words(status)
    passed_on = number(bandwidth, "relayed") if "relayed" in bandwidth else 0
    rows = [
        ("node", text(info, "nodeId")),
        ("network", text(info, "network")),
        ("version", text(info, "version")),
        ("uptime", human_duration(number(status, "uptime"))),
        ("reachable", reach),
        ("peers", f"{number(status, 'peers'):,.0f}"),
        ("blocks", f"{number(status, 'blocks'):,.0f}"),
        ("waiting to sync", f"{number(status, 'pendingSync'):,.0f}"),
        ("bandwidth", _moved(received, sent, passed_on)),
        ("operations", f"{succeeded:,.0f} done, {failed:,.0f} failed"),
    ]
    alone_s = number(status, "alone") if "alone" in status else 0.0
    for (name, value), line in zip(rows, aligned(rows), strict=True):
        if name == "reachable":
            start = len(line) - len(value)
            out(line[:start] + paint(value, colour, sys.stdout))
            if advice:
                out(" " * start + advice)
        else:
            out(line)
        if name == "peers" and alone_s >= LONELY_S:
            start = len(line) - len(value)
            out(" " * start + paint(f"none for {human_duration(alone_s)}", "yellow", sys.stdout))
            out(" " * start + ADVICE)
    return exits.OK


def _moved(received: float, sent: float, passed_on: float) -> str:
    words = f"{human_bytes(received)} in, {human_bytes(sent)} out"
    return f"{words}, {human_bytes(passed_on)} passed on" if passed_on else words


def show_peers(node: Node, *, as_json: bool) -> int:
    """Print the nodes that this node knows (with --json a list of PeerInfo)."""
    answer = node.get_json("/node/peers")
    peers = tables(answer, "peers")
    if as_json:
        out_json(peers)
        return exits.OK
    header = (
        "NODE",
        "ADDRESS",
        "STATUS",
        "BY",
        "FOUND BY",
        "LAST SEEN",
        "CAPABILITIES",
        "LAST ERROR",
    )
    for line in with_status([header, *(_peer_row(peer) for peer in peers)], _COLOUR_OF):
        out(line)
    if not peers:
        say("no peers yet")
    return exits.OK


BY = {"inbound": "peer", "outbound": "us"}
"""Who dialled, by PeerInfo's `direction`."""


def found_by(peer: dict[str, Any]) -> str:
    """Return how a peer was found; "-" of one that came by itself."""
    ways = peer.get("how")
    words = ways if isinstance(ways, list) else []
    return clean(",".join(str(word) for word in words)) or "-"


def _peer_row(peer: dict[str, Any]) -> tuple[str, ...]:
    address, port = maybe(peer, "address"), peer.get("wsPort")
    host = f"[{address}]" if ":" in address else address
    capabilities = peer.get("capabilities")
    words = capabilities if isinstance(capabilities, list) else []
    return (
        maybe(peer, "nodeId")[:ID_COLUMN],
        f"{host}:{port}" if isinstance(port, int) else host,
        maybe(peer, "status"),
        BY.get(maybe(peer, "direction"), "-"),
        found_by(peer),
        maybe(peer, "lastSeen"),
        clean(",".join(str(word) for word in words)) or "-",
        maybe(peer, "lastError"),
    )
