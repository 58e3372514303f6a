"""Whether another machine shows the identity of this node: a card that was copied."""

from typing import Any

from edgenode.cli.doctor.check import FAILURE, OK, Check
from edgenode.cli.reading import maybe

NAME = "identity"


def check_identity(node_id: str, peers: list[dict[str, Any]]) -> Check:
    """Look through what the node has reported of its `peers`, as PeerInfo."""
    for peer in peers:
        # The reason `clone` of the protocol: given by a peer that has a living link with the
        # other process, or by the node itself where it has met that process.
        if maybe(peer, "lastError").partition(":")[0] == "clone":
            return Check(
                NAME,
                FAILURE,
                f"another machine uses this node's identity (met at {maybe(peer, 'address')})",
                "stop one of the two and delete node.key in its data folder: it gets a new id",
            )
    return Check(NAME, OK, f"{node_id[:16]}, and nobody else was seen with it")
