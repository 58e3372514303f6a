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


def test_a_linked_peer_has_the_address_that_the_blacklist_takes() -> None:
    link = SimpleNamespace(
        node_id=PEER,
        address="pi.local",
        port=1,
        dialled=True,
        remote_address="fe80::1%eth0",
        silent_for_s=lambda: 0.0,
        round_trip_s=lambda: None,
    )
    peers = Peers(cast("LinkTable", {PEER: link}), [], lambda: 0, lambda _: -7)
    peers.on_linked(cast("Link", link))
    (info,) = cast("list[dict[str, object]]", peers.to_json()["peers"])
    assert (info["address"], info["remoteAddress"], info["clockOffset"]) == (
        "pi.local",
        "fe80::1",
        -7,
    )
