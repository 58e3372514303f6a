"""What the node says of itself: NodeInfo and NodeMetrics, JSON-ready."""

from collections.abc import Mapping, Sequence

from edgenode import __version__
from edgenode.core.counters import Counters
from edgenode.core.events import Announce

# What every node of this version can do; the operator's own words follow.
BUILT_IN_CAPABILITIES = ("blocks",)


class Description:
    """The node's own facts, fixed once its ports are known."""

    def __init__(
        self,
        *,
        node_id: str,
        network: str,
        region: str,
        capabilities: Sequence[str],
        former_ids: Sequence[str],
        http_port: int,
        ws_port: int,
    ) -> None:
        self.node_id = node_id
        self._network = network
        self._region = region
        self._capabilities = list(dict.fromkeys((*BUILT_IN_CAPABILITIES, *capabilities)))
        self._former_ids = list(former_ids)
        self._http_port = http_port
        self._ws_port = ws_port

    def info(self, addresses: list[str]) -> dict[str, object]:
        """Return NodeInfo; `addresses` are `host:port` texts, the best first."""
        return {
            "nodeId": self.node_id,
            "publicKey": self.node_id,
            "version": __version__,
            "network": self._network,
            "capabilities": self._capabilities,
            "addresses": addresses,
            "httpPort": self._http_port,
            "wsPort": self._ws_port,
            "region": self._region or None,
            "formerIds": self._former_ids,
        }

    def announce(self, ws_port: int) -> Announce:
        """Return what a peer is told, that reaches this node's peer port at `ws_port`."""
        return Announce(
            version=__version__,
            http_port=self._http_port,
            ws_port=ws_port,
            capabilities=self._capabilities,
            region=self._region,
        )


def metrics(
    *,
    uptime_s: float,
    peers: int,
    blocks: int,
    counters: Counters,
    pending_sync: int,
    alone_s: float,
    reachability: Mapping[str, object],
) -> dict[str, object]:
    """Return NodeMetrics: whole seconds, counts, bytes since the start."""
    return {
        "uptime": int(uptime_s),
        "peers": peers,
        "blocks": blocks,
        "bandwidth": {
            "in": counters.bytes_in,
            "out": counters.bytes_out,
            "relayed": counters.bytes_relayed,
        },
        "operations": {"success": counters.succeeded, "failed": counters.failed},
        "pendingSync": pending_sync,
        "alone": int(alone_s),
        "reachability": reachability,
    }
