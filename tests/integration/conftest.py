"""The nodes of a test, and one under attack for all tests of a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer
from tests.integration.support.target import Target


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Makes nodes; those still running at the end must stop as they should."""
    async with Nodes(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with Nodes(tmp_path_factory.mktemp("hostile")) as nodes:
        node = await nodes.start("node")
        friend = await Peer.link(nodes.session, node.ws_url)
        yield Target(nodes.session, node, friend, await node.rest.post(b"for everyone"))
        await friend.socket.close()


@pytest_asyncio.fixture(loop_scope="module")
async def target(attacked: Target) -> AsyncIterator[Target]:
    """After each attack the friend's link answers, REST does, and nobody else is linked."""
    yield attacked
    await attacked.friend.pong()
    assert (await attacked.node.rest.get(attacked.block_id, operator=False)).status == 200
    assert (await attacked.node.rest.status())["peers"] == 1
