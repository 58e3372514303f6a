"""Whether the node has company, and where it looks for some."""

from collections.abc import Sequence
from typing import Any

from edgenode.cli.doctor.check import OK, WARNING, Check
from edgenode.cli.output import human_duration
from edgenode.cli.reading import maybe
from edgenode.core.lonely import LONELY_S

NAME = "neighbours"

REMEDY = (
    "type 'edgenode invite' on a node of the network, and here 'edgenode join' with the line that "
    "it prints"
)


def check_neighbours(
    peers: Sequence[dict[str, Any]],
    found: Sequence[dict[str, Any]],
    alone_s: float,
    *,
    mdns: bool,
    bootstrap: int,
    seeds: int,
) -> Check:
    """Judge PeerInfos and what is discovered; `alone_s` seconds without any link.

    `bootstrap` and `seeds` are how many the settings name, `mdns` whether they look for neighbours.
    """
    linked = sum(peer.get("status") == "connected" for peer in peers)
    if linked:
        return Check(NAME, OK, f"linked with {_nodes(linked)}; {_ways(found)}")
    where = ", ".join(
        (
            f"mDNS found {_nodes(_by(found, 'mdns'))}" if mdns else "mDNS is switched off",
            f"[bootstrap] names {_nodes(bootstrap)}",
            f"[dns] names {seeds} seed{'' if seeds == 1 else 's'}",
        )
    )
    if (invited := _by(found, "invitation")) > 0:
        where += f", an invitation named {_nodes(invited)}"
    if alone_s < LONELY_S:
        return Check(NAME, OK, f"no link yet, and still looking: {where}")
    what = f"no link for {human_duration(alone_s)}: {where}"
    errors = [maybe(entry, "lastError") for entry in found if entry.get("lastError")]
    if errors:
        what += f"; the last that was tried: {errors[0]}"
    return Check(NAME, WARNING, what, REMEDY)


def _ways(found: Sequence[dict[str, Any]]) -> str:
    ways = ("mdns", "lan", "dns", "bootstrap", "peer", "invitation")
    counts = [f"{count} by {way}" for way in ways if (count := _by(found, way)) > 0]
    return "found: " + ", ".join(counts) if counts else "all of them came by themselves"


def _by(found: Sequence[dict[str, Any]], way: str) -> int:
    """Return how many nodes were found in a way; of one without an id each address counts."""
    nodes = {
        maybe(entry, "nodeId") if entry.get("nodeId") else f"{entry.get('address')}:{index}"
        for index, entry in enumerate(found)
        if isinstance(entry.get("how"), list) and way in entry["how"]
    }
    return len(nodes)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
