"""A sighting: somebody says that a node may be found at an address."""

from collections.abc import Callable
from typing import NamedTuple

MDNS = "mdns"
LAN = "lan"
DNS = "dns"
BOOTSTRAP = "bootstrap"
PEER = "peer"
INVITATION = "invitation"
"""How a node was found: by mDNS, by an announcement on the local network, by a DNS seed, by the
settings, told by a peer, or named by an invitation that was taken here."""


class Sighting(NamedTuple):
    """A hint, worth nothing before the handshake."""

    how: str
    host: str
    """IP literal; a link-local one with its zone (`fe80::1%eth0`)."""
    port: int
    """TCP, 1 to 65535."""
    node_id: str = ""
    """As claimed; "" where nothing is said."""
    source: str = ""
    """Who says so: an IP literal on the local network, the name of a seed, the nodeId of a peer."""


OnSighting = Callable[[Sighting], None]
