"""A card that was copied: two machines run with one key, and whoever meets both says so."""

import shutil

from tests.integration.support.nodes import Nodes

FLAGGED_S = 60.0


async def test_two_live_nodes_with_one_key_are_noticed(nodes: Nodes) -> None:
    peer = await nodes.start("peer")
    first = await nodes.start("first", dials=[peer.ws_port])
    await first.linked_with(peer)
    second = nodes.make("second", dials=[peer.ws_port])
    second.data_dir.mkdir(mode=0o700)
    shutil.copy2(first.data_dir / "node.key", second.data_dir / "node.key")
    await second.start()
    assert second.node_id == first.node_id
    await peer.logged(f"two live processes show the identity {first.node_id}", timeout_s=FLAGGED_S)
    await second.logged("clone", timeout_s=FLAGGED_S)
    # The one that was there keeps its place.
    assert not [line for line in first.lines if "ended" in line]
