"""A node killed between a block and its record says at the next start what it holds."""

from pathlib import Path

from tests.integration.support.nodes import Nodes
from tests.integration.support.records import QUICK, seen_at


async def test_kill_after_a_delete_and_a_second_put(tmp_path: Path) -> None:
    """What a kill leaves between the block's rename and its record: the file, and a tombstone."""
    async with Nodes(tmp_path) as nodes:
        node = await nodes.start("a", more_config=QUICK)
        peer = await nodes.start("b", dials=[node.ws_port], more_config=QUICK)
        await peer.linked_with(node)
        again, withheld = b"put again", b"put once, and told nobody"
        for content in (again, withheld):
            block = await node.rest.post(content)
            await seen_at(peer, block, lambda it: bool(it["locations"]))
        again_id, withheld_id = await node.rest.post(again), await node.rest.post(withheld)
        await node.rest.delete(again_id)
        status, _ = await node.rest.write(f"/blocks/{withheld_id}/location", {"held": False})
        assert status == 200
        for block in (again_id, withheld_id):
            await seen_at(peer, block, lambda it: not it["locations"])
        await node.kill()
        node.block_path(again_id).write_bytes(again)
        await node.start()
        found = await seen_at(peer, again_id, lambda it: bool(it["locations"]))
        assert found["locations"][0]["nodeId"] == node.node_id
        # Both are found in one comparison; what the operator has withdrawn is not told again.
        both = await node.rest.metadata(withheld_id)
        assert both is not None
        assert both["held"]
        assert both["locations"] == []
        status, _ = await node.rest.write(f"/blocks/{withheld_id}/location", {"held": True})
        assert status == 200
        await seen_at(peer, withheld_id, lambda it: bool(it["locations"]))
