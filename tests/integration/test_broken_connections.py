"""A connection that breaks is no fault of whoever is at its other end."""

import asyncio
import os
import signal
import socket
import struct

import pytest

from edgenode.core.frame import encode_message
from tests.integration.support.nodes import Nodes
from tests.integration.support.peer import Peer

AT_ONCE = struct.pack("ii", 1, 0)
WORDS = {"updates": [{"blockId": "ab" * 64, "data": {"durabilityLevel": "archive"}}]}


@pytest.mark.parametrize("dialler", [False, True])
async def test_a_reset_ends_the_link_as_cut(nodes: Nodes, dialler: bool) -> None:
    """Killed with bytes unread, as the kernel then resets it."""
    pair = await nodes.pair()
    gone, left = pair[dialler], pair[not dialler]
    os.kill(gone.pid, signal.SIGSTOP)
    status, _ = await left.rest.write("/sync/metadata", WORDS)
    assert status == 200
    await asyncio.sleep(1.5)  # it is told, and lies there unread
    await gone.kill()
    ended = await left.logged(rf"link with {gone.node_id} at \S+ ended: (\S+)")
    assert ended[1] == "cut"


@pytest.mark.parametrize("part", [3])
async def test_a_reset_in_the_middle_of_a_frame_is_no_malformed_one(
    nodes: Nodes, part: int
) -> None:
    node = await nodes.start("node")
    peer = await Peer.link(nodes.session, node.ws_url)
    await peer.pong()
    sealed = peer.seal(encode_message(b"x" * 100))
    frame = bytes((0x82, 0x80 | 126)) + struct.pack("!H", len(sealed)) + bytes(4) + sealed
    transport = peer.socket._writer.transport
    transport.write(frame[:part])
    end: socket.socket = transport.get_extra_info("socket")
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    await asyncio.sleep(0.1)
    transport.abort()
    ended = await node.logged(rf"link with {peer.node_id} at \S+ ended: (\S+)")
    assert ended[1] == "cut"
