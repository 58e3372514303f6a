"""A node that changes its key, seen by its peers: one node before, one after, its blocks once."""

import asyncio
import json
import sys
from typing import Any

from edgenode.crypto import SigningKey
from edgenode.link.handshake import LocalIdentity
from tests.integration.support.node import NETWORK, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer
from tests.integration.support.session import ask_session

QUICK = "[batch]\ninterval = 100\n"


async def rotate(node: Node) -> tuple[int, dict[str, Any], str]:
    """Run `edgenode id rotate`; return its status, what it printed, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgenode", "id", "rotate", "--json"),
        *("--config", str(node.data_dir.parent / "config.toml"), "--data-dir", str(node.data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(printed) if printed else {}, said.decode()


async def shown(node: Node, block_id: str) -> tuple[list[str], list[str], Any]:
    """Return who holds a block, who describes it, and the operator's words."""
    found = await node.rest.metadata(block_id)
    if found is None:
        return [], [], None
    holders = [item["nodeId"] for item in found["locations"]]
    return holders, [item["nodeId"] for item in found["origins"]], found["user"]


async def until_shown(
    node: Node, block_id: str, expected: tuple[list[str], list[str], Any]
) -> None:
    async with asyncio.timeout(20):
        while await shown(node, block_id) != expected:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)


async def test_peers_follow_a_new_key(nodes: Nodes) -> None:
    first = await nodes.start("first", more_config=QUICK)
    node = nodes.make("node", dials=[first.ws_port], more_config=QUICK)
    await node.start()
    old_id = node.node_id
    await first.linked_with(node)
    block_id = await node.rest.post(b"a block that stays where it is")
    await until_shown(first, block_id, ([old_id], [old_id], {}))  # what the node says by itself
    words = {"updates": [{"blockId": block_id, "data": {"size": 30, "user": {"name": "x"}}}]}
    assert (await node.rest.write("/sync/metadata", words))[0] == 200
    await until_shown(first, block_id, ([old_id], [old_id], {"name": "x"}))

    status, _, said = await rotate(node)
    assert status == 1
    assert "in use" in said
    await node.stop()
    old_key = (node.data_dir / "node.key").read_bytes()
    status, printed, said = await rotate(node)
    assert status == 0, said
    assert printed["oldNodeId"] == old_id

    seen = len(first.lines)
    await node.start()
    assert node.node_id == printed["newNodeId"] != old_id
    assert (await node.rest.info())["formerIds"] == [old_id]
    await first.logged(f"{old_id} has a new key: it goes on as {node.node_id}", since=seen)
    for one in (first, node):
        await until_shown(one, block_id, ([node.node_id], [node.node_id], {"name": "x"}))

    # Who has the old key gets in no more, nor after a restart.
    for _ in range(2):
        key = SigningKey(bytes.fromhex(old_key.decode()))
        identity = LocalIdentity(NETWORK, key.public_key, key.sign)
        thief = await Peer.link(nodes.session, first.ws_url, identity)
        assert (await thief.ending())[0] == "retired"
        status, problem = await ask_session(nodes.session, first, identity)
        assert (status, problem["type"]) == (403, "urn:edgenode:problem:retired")
        await first.stop()
        await first.start()
    await until_shown(first, block_id, ([node.node_id], [node.node_id], {"name": "x"}))
