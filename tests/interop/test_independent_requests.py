"""A node, and a peer that writes over REST as docs/protocol.md has it, over real sockets."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support.node import NETWORK, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.records import QUICK

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with Nodes(tmp_path) as made:
        yield made


async def run(node: Node, block_id: str) -> dict[str, Any]:
    """Let the client do everything; return what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.interop.independent_requests"),
        *(f"http://127.0.0.1:{node.ws_port}", NETWORK, node.node_id, block_id),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found: dict[str, Any] = {}
    for line in said.splitlines():
        found |= json.loads(line)
    assert found["modulesOfEdgenode"] == []
    return found


async def test_it_writes_what_is_its_own(nodes: Nodes) -> None:
    node = await nodes.start("node", more_config=QUICK)
    other = await nodes.start("other", dials=[node.ws_port], more_config=QUICK)
    await node.linked_with(other)
    block_id = await node.rest.post(b"the block")
    found = await run(node, block_id)
    assert found["sessionReplayed"] == 401
    assert found["session_audience"] == found["session_network"] == 403
    assert found["good"] == [200, ""]
    assert found["refused"] == {
        "replayed": [409, "replayed"],
        "audience": [403, "wrong-request"],
        "method": [403, "wrong-request"],
        "path": [403, "wrong-request"],
        "body": [403, "bad-signature"],
        "token of another": [403, "wrong-node"],
        "node of another": [403, "wrong-node"],
        "no token": [401, "session-needed"],
        "token before": [401, "session-needed"],
        "request before": [403, "wrong-request"],
    }
    assert found["writes"] == {
        "temperature": [200, ""],
        "again": [200, ""],
        "location": [200, ""],
        "metadata": [200, ""],
        "another's": [403, "wrong-node"],
        "another kind": [400, "bad-body"],
        "another block": [400, "bad-body"],
        "forged": [403, "bad-signature"],
        "announce": [202, ""],
        "announce another": [403, "wrong-node"],
        "disconnect": [404, "peer-not-linked"],
    }
    caller = found["nodeId"]
    # It is said in the caller's name, here and, by gossip, elsewhere; nothing in the node's.
    async with asyncio.timeout(10):
        while True:
            shown = await other.rest.metadata(block_id)
            if shown and len(shown["origins"]) == 2:
                break
            await asyncio.sleep(0.05)
    for told in (shown, await node.rest.metadata(block_id)):
        assert told is not None
        assert {"nodeId": caller, "class": "HOT"} in told["temperature"]["origins"]
        assert caller in [item["nodeId"] for item in told["locations"]]
        by = {item["nodeId"]: item["metadata"].get("user") for item in told["origins"]}
        assert by[caller] == {"by": "peer"}
        assert not by[node.node_id]
    # And it is durable: what was acknowledged survives a crash.
    await node.kill()
    await node.start()
    again = await node.rest.metadata(block_id)
    assert again is not None
    assert caller in [item["nodeId"] for item in again["locations"]]
