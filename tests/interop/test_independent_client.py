"""A node and a client that was written from docs/protocol.md alone, over real sockets."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support.node import NETWORK, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.records import QUICK, set_class

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0

# More than two windows, and no whole number of chunks.
BLOCK = os.urandom(1_300_001)
BLOCK_ID = hashlib.sha3_512(BLOCK).hexdigest()


class Client:
    """The client as a process; what it says is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self, key: str) -> dict[str, Any]:
        """Return the next line, which must have `key`."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            pytest.fail((await self._process.stderr.read()).decode())
        members: dict[str, Any] = json.loads(line)
        assert key in members, members
        return members

    async def finish(self) -> None:
        """Close its standard input and see it end well, without a module of ours."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def ended_well(self) -> None:
        assert await self.said("modulesOfEdgenode") == {"modulesOfEdgenode": []}
        assert await self._process.wait() == 0


@asynccontextmanager
async def client(*arguments: str | int | Path) -> AsyncIterator[Client]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.interop.independent_client", *map(str, arguments)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield Client(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def of_the_client(node: Node, block_id: str) -> dict[str, Any]:
    """Return what a node shows of a block as told by the one other origin there is."""
    found = await node.rest.metadata(block_id)
    assert found is not None

    def told(items: list[dict[str, Any]], name: str) -> Any:
        others = [item[name] for item in items if item["nodeId"] != node.node_id]
        assert len(others) <= 1
        return others[0] if others else None

    return {
        "class": told(found["temperature"]["origins"], "class"),
        "size": told(found["locations"], "size"),
        "metadata": told(found["origins"], "metadata"),
    }


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with Nodes(tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "block"
    path.write_bytes(BLOCK)
    return path


async def test_it_dials_and_gets_a_block(nodes: Nodes) -> None:
    node = await nodes.start("node")
    assert await node.rest.post(BLOCK) == BLOCK_ID
    async with client("get", node.ws_url, NETWORK, BLOCK_ID) as dialling:
        assert await dialling.said("linked") == {"linked": node.node_id}
        announce = (await dialling.said("announce"))["announce"]
        assert announce["wsPort"] == node.ws_port
        assert announce["httpPort"] == node.http_port
        assert "blocks" in announce["capabilities"]
        assert await dialling.said("pong") == {"pong": {"nonce": 4_294_967_295}}
        # It answered the node's ping, so the one that shows its key a second time is a clone.
        assert await dialling.said("second") == {"second": "clone", "code": 4009}
        assert (await dialling.said("pinged"))["pinged"] >= 1
        assert (await dialling.said("unknown"))["unknown"]["reason"] == "not-held"
        assert (await dialling.said("outside"))["outside"]["reason"] == "out-of-range"
        assert await dialling.said("got") == {"got": len(BLOCK)}
        assert await dialling.said("end") == {"end": "bye", "code": 1000}
        await dialling.ended_well()


async def test_it_links_in_a_closed_network_with_the_secret_alone(nodes: Nodes, file: Path) -> None:
    secret = os.urandom(32).hex()
    node = nodes.make("node")
    node.belongs = f'secret = "{secret}"'
    await node.start()
    async with client("serve", node.ws_url, f"{NETWORK}#{secret}", file) as dialling:
        assert (await dialling.said("linked"))["linked"] == node.node_id
        assert (await node.rest.get(BLOCK_ID)).body == BLOCK
        await dialling.finish()
        assert (await dialling.said("end"))["end"] == "bye"
        await dialling.ended_well()
    async with client("listen", 0, f"{NETWORK}#{secret}", file) as listening:
        node.dials = [(await listening.said("port"))["port"]]
        await node.stop()
        await node.start()
        assert (await listening.said("linked"))["linked"] == node.node_id
        await node.stop()
        assert await listening.said("end") == {"end": "bye"}
        await listening.finish()
        await listening.ended_well()


async def test_it_dials_and_hands_over_a_block(nodes: Nodes, file: Path) -> None:
    node = await nodes.start("node")
    async with client("serve", node.ws_url, NETWORK, file) as dialling:
        assert (await dialling.said("linked"))["blockId"] == BLOCK_ID
        await node.logged("linked with")
        assert (await node.rest.get(BLOCK_ID)).body == BLOCK
        assert (await node.rest.get("00" * 64)).problem == "block-unavailable"
        await dialling.finish()
        assert await dialling.said("end") == {"end": "bye", "code": 1000}
        await dialling.ended_well()


async def test_it_is_dialled_and_hands_over_a_block(nodes: Nodes, file: Path) -> None:
    async with client("listen", 0, NETWORK, file) as listening:
        port = (await listening.said("port"))["port"]
        node = await nodes.start("node", dials=[port])
        assert (await listening.said("linked"))["linked"] == node.node_id
        await node.logged("linked with")
        assert (await node.rest.get(BLOCK_ID)).body == BLOCK
        await node.stop()
        assert await listening.said("end") == {"end": "bye"}
        await listening.finish()
        await listening.ended_well()


async def test_it_tells_records_and_agrees_with_the_node(nodes: Nodes) -> None:
    """Batches of its own and of the node, heads, and a round in which each asks the other."""
    node = await nodes.start("node", more_config=QUICK)
    assert await node.rest.post(BLOCK) == BLOCK_ID
    async with client("records", node.ws_url, NETWORK, BLOCK_ID) as dialling:
        assert await dialling.said("linked") == {"linked": node.node_id}
        size = {"size": len(BLOCK)}
        read = (await dialling.said("read"))["read"]
        assert {"blockId": BLOCK_ID, "data": size, "type": "LOCATION"} in read
        await dialling.said("acknowledged")
        told = await of_the_client(node, BLOCK_ID)
        assert told == {
            "class": "VIRAL",
            "size": 9_007_199_254_740_991,
            "metadata": {
                "createdAt": 1,
                "durabilityLevel": "high",
                "user": {"said by": 'a client, "independent"\n\u00e9\u20ac\U0001f600'},
            },
        }

        await set_class(node, BLOCK_ID, "HOT")
        update = {"blockId": BLOCK_ID, "data": {"class": "HOT"}, "type": "TEMPERATURE"}
        heard = await dialling.said("event")
        assert heard == {"event": "block:temperature", "update": update}

        members = await dialling.said("asked")
        asked = members["asked"]
        assert asked["node"] >= 2  # for the root, and for the one subtree that differed
        assert asked["want"] == 1
        latest = await node.rest.metadata(members["latest"])
        assert latest is not None
        assert latest["origins"][0]["metadata"]["user"] == {"batch": "70 of 70"}
        told = await of_the_client(node, BLOCK_ID)
        assert (told["class"], told["size"]) == (None, 9_007_199_254_740_991)  # one withdrawn
        assert await dialling.said("subtrees") == {"subtrees": 16}
        assert await dialling.said("end") == {"end": "bye", "code": 1000}
        assert await dialling.said("count") == {"count": 70}
        assert await dialling.said("end") == {"end": "bye", "code": 1000}
        await dialling.ended_well()
