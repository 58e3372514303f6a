"""A link over a TCP connection that exists already."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from edgenode.core.counters import Counters
from edgenode.core.inbound import decode_frame
from edgenode.daemon.outbound import Outbound
from edgenode.link.backlog import Backlog
from edgenode.link.dial import DialFailed, Dialler
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import new_identity

HERE = "127.0.0.1"


@pytest.fixture
async def dialler() -> AsyncIterator[Dialler]:
    identity = new_identity()
    made = Dialler(
        identity,
        counters=Counters(),
        backlog=Backlog(),
        ping=Outbound(identity.node_id, lambda: 1_800_000_000_000).ping,
    )
    yield made
    await made.close()


async def connected_to(port: int, host: str = HERE) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, (host, port))
    return made


async def closed(connected: socket.socket) -> None:
    """Wait until aiohttp has let it go."""
    async with asyncio.timeout(10):
        while connected.fileno() != -1:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_the_link_goes_over_the_connection_that_was_given(
    nodes: Nodes, dialler: Dialler
) -> None:
    node = await nodes.start("node")
    connected = await connected_to(node.ws_port)
    own = connected.getsockname()
    link = await dialler.dial_over(connected, HERE, node.ws_port, node.node_id)
    assert (link.node_id, link.dialled) == (node.node_id, True)
    assert (link.address, link.port) == (HERE, node.ws_port)
    assert link._socket.get_extra_info("sockname") == own
    heard = []

    def hear(frame: bytes) -> None:
        heard.append(decode_frame(frame, node.node_id))
        link.close("bye")

    async with asyncio.timeout(10):
        await link.run(hear)
    assert heard
    assert dialler._connector.given == {}


async def test_ipv6_has_its_brackets(dialler: Dialler) -> None:
    callers = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        callers.append(writer.get_extra_info("peername"))
        writer.close()

    async with await asyncio.start_server(hang_up, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connected = await connected_to(port, "::1")
        own = connected.getsockname()
        with pytest.raises(DialFailed):
            await dialler.dial_over(connected, "::1", port, "ab" * 32)
    assert callers == [own]
    await closed(connected)


async def test_another_node_is_refused_and_the_connection_closed(
    nodes: Nodes, dialler: Dialler
) -> None:
    node: Node = await nodes.start("node")
    connected = await connected_to(node.ws_port)
    with pytest.raises(DialFailed):
        await dialler.dial_over(connected, HERE, node.ws_port, "ab" * 32)
    await closed(connected)


async def test_a_connection_that_was_not_taken_up_is_closed(dialler: Dialler) -> None:
    await dialler.close()
    ours, theirs = socket.socketpair()
    with theirs:
        with pytest.raises(RuntimeError):
            await dialler.dial_over(ours, HERE, 1, "ab" * 32)
        assert ours.fileno() == -1
    assert dialler._connector.given == {}


async def test_of_two_connections_to_one_place_the_second_is_closed(dialler: Dialler) -> None:
    first, theirs = socket.socketpair()
    second, others = socket.socketpair()
    with first, theirs, others:
        dialler._connector.given[HERE, 1] = first
        with pytest.raises(DialFailed):
            await dialler.dial_over(second, HERE, 1, "ab" * 32)
        assert (first.fileno() != -1, second.fileno()) == (True, -1)
        assert dialler._connector.given.pop((HERE, 1)) is first
