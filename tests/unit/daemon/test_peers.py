"""What a node remembers of its peers."""

from types import SimpleNamespace
from typing import cast

from edgenode.core.events import Announce
from edgenode.daemon.peers import Peers
from edgenode.link.link import Link
from edgenode.link.table import LinkTable

PEER = "0a" * 32


def announce(ws_port: int = 4242) -> Announce:
    return Announce(
        version="0.1.0", http_port=None, ws_port=ws_port, capabilities=["blocks"], region="eu"
    )


def test_what_a_peer_says_twice_over_a_link_is_not_news() -> None:
    peers = Peers(cast("LinkTable", {}), [], lambda: 0, lambda _: None)
    link = cast("Link", SimpleNamespace(node_id=PEER, address="a", port=1, dialled=True))
    peers.on_linked(link)
    assert peers.on_announce(PEER, announce())
    assert not peers.on_announce(PEER, announce())
    assert peers.on_announce(PEER, announce(5000))
    assert peers.ws_port(PEER) == 5000
    peers.on_linked(link)
    assert peers.ws_port(PEER) == 5000
    assert peers.on_announce(PEER, announce(5000))
