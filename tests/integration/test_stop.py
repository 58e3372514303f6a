"""SIGTERM at bad moments."""

import asyncio
import random
import sys

import aiohttp
import pytest

from tests.integration.support.memory import MIB
from tests.integration.support.node import STOP_TIMEOUT_S, Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer, connect
from tests.integration.support.proxy import Proxy
from tests.integration.support.wait import eventually

SIZE = 16 * MIB
"""More than the buffers of a connection on loopback take."""


async def test_stop_waits_for_nobody_for_long(nodes: Nodes) -> None:
    """Readers that do not read and an upload that does not go on, on both ports; silent links."""
    other = await nodes.start("other")
    async with Proxy(other.ws_port) as line:
        node = await nodes.start("node", dials=[line.port])
        await node.linked_with(other)
        held = await node.rest.post(random.Random(0).randbytes(SIZE))
        token = (node.data_dir / "operator.token").read_text().strip()
        writers = [
            await send(port, request)
            for port, request in (
                (node.http_port, f"GET /blocks/{held} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                (node.ws_port, f"GET /blocks/{held} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                (
                    node.http_port,
                    "POST /blocks HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: Bearer {token}\r\nContent-Length: 100\r\n\r\nhalf",
                ),
                (node.http_port, "GET /node/info HTTP/1.1\r\n"),
                (node.ws_port, "GET /node/info HTTP/1.1\r\n"),
            )
        ]
        silent = await Peer.link(nodes.session, node.ws_url)
        handshake = await connect(nodes.session, node.ws_url)
        for number in range(60):
            await silent.want(held, number, 0, 256 * 1024)
        line.freeze()
        getting = asyncio.create_task(node.rest.get("0" * 128))
        await pending(node)

        took = await node.stop()
        sys.stdout.write(f"stopped in {took:.2f} s\n")
        assert took < STOP_TIMEOUT_S

        with pytest.raises((AssertionError, aiohttp.ClientError)):
            assert (await getting).status == 200
        for writer in writers:
            writer.close()
        await silent.socket.close()
        await handshake.close()
    assert list((node.data_dir / "blocks" / "incoming").iterdir()) == []
    assert not (node.data_dir / "run.json").exists()


async def send(port: int, request: str) -> asyncio.StreamWriter:
    """Send a request, or a part of one; the answer is never read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(request.encode())
    await writer.drain()
    return writer


async def pending(node: Node) -> None:
    """Wait until the fetch has begun, and so has all that was sent before."""

    async def begun() -> bool:
        return bool((await node.rest.status())["pendingSync"])

    await eventually(begun, "the fetch has begun")
