"""What finds the neighbours of this node, as the settings want it."""

import random
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from edgenode import __version__
from edgenode.core.ip import kind, parse_ip
from edgenode.core.signed import Signed
from edgenode.crypto import verify
from edgenode.daemon.config.sections import DiscoveryConfig
from edgenode.discover.sighting import OnSighting


class Near(Protocol):
    """A source of sightings on the local network: `Mdns`, `LanAnnouncer`."""

    async def run(self) -> None:
        """Work until cancelled."""

    def network_changed(self) -> None:
        """Look at the interfaces anew."""

    async def close(self) -> None:
        """Say goodbye; after `run` was cancelled."""


def neighbourhood(
    on_seen: OnSighting,
    on_gone: Callable[[str], None],
    *,
    discovery: DiscoveryConfig,
    network: str,
    own_id: str,
    advertise: Callable[[str, int], Signed],
    capabilities: Sequence[str],
    http_port: int,
    ws_port: int,
    bind: str,
) -> list[Near]:
    """Return what is to run; nothing where the peer port is bound to where no neighbour comes.

    `advertise(address, port)` signs the next advertisement of this node.
    """
    bound = parse_ip(bind)
    if bound is not None and kind(bound) == "loopback":
        return []
    found: list[Near] = []
    # Imported where they are wanted: what is not loaded takes no memory.
    if discovery.mdns:
        from edgenode.discover.mdns import Mdns  # noqa: PLC0415

        found.append(
            Mdns(
                node_id=own_id,
                network=network,
                version=__version__,
                capabilities=capabilities,
                host_name=socket.gethostname(),
                peer_port=ws_port,
                http_port=http_port,
                bind=bind,
                on_seen=on_seen,
                on_gone=on_gone,
                random=random.random,
            )
        )
    if discovery.multicast:
        from edgenode.discover.lan import LanAnnouncer  # noqa: PLC0415

        found.append(
            LanAnnouncer(
                node_id=own_id,
                network=network,
                peer_port=ws_port,
                bind=bind,
                group=discovery.multicast_address,
                port=discovery.port,
                interval_s=discovery.broadcast_interval / 1000,
                node_timeout_s=discovery.node_timeout / 1000,
                advertise=advertise,
                verify_fn=verify,
                on_seen=on_seen,
                on_gone=on_gone,
                random=random.random,
            )
        )
    return found
