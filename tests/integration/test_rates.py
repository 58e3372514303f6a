"""Rates of a real node: what is asked over REST, and what is sent over a link."""

import asyncio

import aiohttp
import pytest

from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.message import encode_message
from edgenode.link.socket import PINGS_BURST
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import TIMESTAMP_MS, Peer, closing, refusal

FLOOD = 100_000
FEW = 3
"""Of requests in a window: one by which a test sees that the node runs, and a handshake."""


async def test_anonymous_reads_are_limited_and_the_operators_are_not(nodes: Nodes) -> None:
    node = await nodes.start("node", more_config="[rate_limit]\nmax_requests = 20")
    url = f"{node.rest.base}/node/info"
    statuses = []
    for _ in range(30):
        async with nodes.session.get(url) as response:
            statuses.append(response.status)
            if response.status == 429:
                assert 1 <= int(response.headers["Retry-After"]) <= 60
                assert response.headers["RateLimit-Policy"] == '"address";q=20;w=60'
    assert statuses[-10:] == [429] * 10  # the first reads were those of the start
    for _ in range(30):
        assert (await node.rest.call("GET", "/node/info"))[0] == 200
    status, metrics = await node.rest.call("GET", "/metrics")
    assert status == 200
    assert b'edgenode_rate_limited_total{limit="address"} 1' in metrics


async def test_pings_of_websocket_are_answered_up_to_a_rate(nodes: Nodes) -> None:
    node = await nodes.start("node")
    peer = await Peer.link(nodes.session, node.ws_url)
    for _ in range(PINGS_BURST):
        await peer.socket.ping()
    await peer.pong()
    for _ in range(PINGS_BURST):
        await peer.socket.ping()
    assert await closing(peer.socket) == refusal("over-rate")


@pytest.mark.parametrize("max_requests", [FEW, 10**6])
async def test_a_flood_over_a_link_is_slowed_and_then_ended(
    nodes: Nodes, max_requests: int
) -> None:
    limits = f"[rate_limit]\nwindow = 500\nmax_requests = {max_requests}"
    node = await nodes.start("node", more_config=limits)
    peer = await Peer.link(nodes.session, node.ws_url)
    ended = asyncio.create_task(closing(peer.socket))
    frame = encode_frame(encode_message("later:version", {}, TIMESTAMP_MS, peer.node_id))
    try:
        for _ in range(FLOOD if max_requests == FEW else FLOOD // 10):
            await peer.send(frame)
            if ended.done():
                break
    except (ConnectionError, aiohttp.ClientError):
        pass
    if max_requests == FEW:
        assert await ended == refusal("over-rate")
        return
    assert not ended.done()
    ended.cancel()
