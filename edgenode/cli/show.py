"""`edgenode id`, `status` and `peers`."""

import sys
from typing import Any

from edgenode.cli import exits
from edgenode.cli.client import Node
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import (
    aligned,
    clean,
    human_bytes,
    human_duration,
    out,
    out_json,
    paint,
    say,
)

ID_COLUMN = 16
"""Enough of an id to tell nodes apart in a table; --json gives all of it."""

MAX_NUMBER = 2**63
"""No counter of a node comes near; what does not compare (NaN) is refused with it."""

_COLOUR_OF = {"connected": "green", "connecting": "yellow", "disconnected": "red"}


def show_id(node: Node, *, as_json: bool) -> int:
    """Print the node's id (with --json its NodeInfo)."""
    info = node.get_json("/node/info")
    if as_json:
        out_json(info)
    else:
        out(_text(info, "nodeId"))
    return exits.OK


def show_status(node: Node, *, as_json: bool) -> int:
    """Print the node's metrics (with --json its NodeMetrics)."""
    status = node.get_json("/node/status")
    if as_json:
        out_json(status)
        return exits.OK
    info = node.get_json("/node/info")
    bandwidth, operations = _table(status, "bandwidth"), _table(status, "operations")
    received, sent = _number(bandwidth, "in"), _number(bandwidth, "out")
    succeeded, failed = _number(operations, "success"), _number(operations, "failed")
    rows = [
        ("node", _text(info, "nodeId")),
        ("network", _text(info, "network")),
        ("version", _text(info, "version")),
        ("uptime", human_duration(_number(status, "uptime"))),
        ("peers", f"{_number(status, 'peers'):.0f}"),
        ("blocks", f"{_number(status, 'blocks'):.0f}"),
        ("waiting to sync", f"{_number(status, 'pendingSync'):.0f}"),
        ("bandwidth", f"{human_bytes(received)} in, {human_bytes(sent)} out"),
        ("operations", f"{succeeded:.0f} done, {failed:.0f} failed"),
    ]
    for text in aligned(rows):
        out(text)
    return exits.OK


def show_peers(node: Node, *, as_json: bool) -> int:
    """Print the nodes that this node knows (with --json a list of PeerInfo)."""
    answer = node.get_json("/node/peers")
    peers = answer.get("peers")
    if not isinstance(peers, list) or not all(isinstance(peer, dict) for peer in peers):
        raise _not_understood("peers")
    if as_json:
        out_json(peers)
        return exits.OK
    header = ("NODE", "ADDRESS", "STATUS", "LAST SEEN", "CAPABILITIES", "LAST ERROR")
    first, *lines = aligned([header, *(_peer_row(peer) for peer in peers)])
    out(first)
    start = first.index("STATUS")
    for peer, line in zip(peers, lines, strict=True):
        status = _maybe(peer, "status")
        colour = _COLOUR_OF.get(status)
        end = start + len(status)
        # Coloured after alignment, which counts characters.
        shown = line[start:end] if colour is None else paint(status, colour, sys.stdout)
        out(line[:start] + shown + line[end:])
    if not peers:
        say("no peers yet")
    return exits.OK


def _peer_row(peer: dict[str, Any]) -> tuple[str, ...]:
    address, port = _maybe(peer, "address"), peer.get("wsPort")
    host = f"[{address}]" if ":" in address else address
    capabilities = peer.get("capabilities")
    words = capabilities if isinstance(capabilities, list) else []
    return (
        _maybe(peer, "nodeId")[:ID_COLUMN],
        f"{host}:{port}" if isinstance(port, int) else host,
        _maybe(peer, "status"),
        _maybe(peer, "lastSeen"),
        clean(",".join(str(word) for word in words)) or "-",
        _maybe(peer, "lastError"),
    )


def _maybe(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    return clean(value) if isinstance(value, str) and value else "-"


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise _not_understood(key)
    return clean(value)


def _number(table: dict[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_understood(key)
    if not 0 <= value < MAX_NUMBER:
        raise _not_understood(key)
    return value


def _table(table: dict[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise _not_understood(key)
    return value


def _not_understood(key: str) -> CommandFailed:
    message = f"the node's answer has no {key} as this version knows it; --json shows it as it is"
    return CommandFailed(exits.FAILED, message)
