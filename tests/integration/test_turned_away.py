"""Whom a node does not dial, and whom it does not let in to a link: nobody is punished for it."""

import aiohttp
import pytest

from edgenode.core.counters import Counters
from edgenode.link.backlog import Backlog
from edgenode.link.dial import DialFailed, Dialler
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import new_identity

HERE = "127.0.0.1"


async def test_who_is_shut_out_is_not_dialled(nodes: Nodes) -> None:
    node = await nodes.start("node")
    shut_out = {HERE}
    dialler = Dialler(
        new_identity(),
        counters=Counters(),
        backlog=Backlog(),
        ping=lambda: b"",
        is_shut_out=shut_out.__contains__,
    )
    with pytest.raises(DialFailed, match=r"^the address is shut out$"):
        await dialler.dial(HERE, node.ws_port, node.node_id)
    shut_out.clear()
    link = await dialler.dial(HERE, node.ws_port, node.node_id)
    link.close("bye")
    await link.run(lambda _: None)
    await dialler.close()


@pytest.mark.parametrize("origin", ["http://attacker.example", "null", ""])
async def test_a_page_in_a_browser_cannot_speak_as_a_node(nodes: Nodes, origin: str) -> None:
    """What it sent would shut out whoever looks at the page, and all behind the same address."""
    node = await nodes.start("node")
    async with aiohttp.ClientSession() as session:
        url = f"http://{HERE}:{node.ws_port}/ws"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, headers={"Origin": origin})
        assert refused.value.status == 403
        async with session.ws_connect(url) as socket:
            await socket.close()
