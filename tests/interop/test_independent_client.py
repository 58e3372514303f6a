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

from tests.integration.support.node import NETWORK
from tests.integration.support.nodes import Nodes

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
