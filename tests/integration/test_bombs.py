"""What unpacks to a gibibyte costs the node nothing, wherever a peer or a caller puts it."""

import asyncio
import base64
import hashlib
import re
import struct
import zlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.support.memory import MIB, memory, reset_peak
from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

GIB = 1024 * MIB
MAX_MORE = 2 * MIB
BOMB_S = 10.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def bomb() -> bytes:
    """A gibibyte of zeros as gzip (RFC 1952): one part of it, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return head + part * 1024 + end + struct.pack("<II", 0, GIB & 0xFFFFFFFF)


BOMB = bomb()
DEFLATED = BOMB[10 : 10 + 200 * 1024]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with Nodes(tmp_path_factory.mktemp("bombs")) as nodes:
        node = await nodes.start("node")
        # What it loads and fills once, with the same number of bytes as the bomb has.
        warm = request(node, "/blocks", bytes(len(BOMB)), "")
        assert b" 201 " in (await exchange(node.http_port, warm))[:20]
        yield node


def request(node: Node, path: str, body: bytes, headers: str) -> bytes:
    token = (node.data_dir / "operator.token").read_text().strip()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    )
    return head.encode() + body


async def exchange(port: int, data: bytes) -> bytes:
    """Send it all, whatever comes back meanwhile; return what came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    writer.write(data)
    try:
        async with asyncio.timeout(BOMB_S):
            while piece := await reader.read(65536):
                answer += piece
    except ConnectionError:
        pass  # what it had no use for was on its way
    writer.transport.abort()
    return answer


async def test_it_is_a_bomb() -> None:
    unpacker = zlib.decompressobj(-15)
    size = 0
    data = BOMB[10:]
    while data and not unpacker.eof:
        size += len(unpacker.decompress(data, MIB))
        data = unpacker.unconsumed_tail
    assert len(BOMB) < 2 * MIB
    assert size == GIB
    assert unpacker.eof


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_a_packed_body_is_refused(node: Node, coding: str) -> None:
    reset_peak(node.pid)
    before = memory(node.pid, "VmRSS")
    sent = request(node, "/blocks", BOMB, f"Content-Encoding: {coding}\r\n")
    assert b" 415 " in (await exchange(node.http_port, sent))[:20]
    assert memory(node.pid, "VmHWM") - before <= MAX_MORE


@pytest.mark.asyncio(loop_scope="module")
async def test_a_packed_transfer_is_refused(node: Node) -> None:
    reset_peak(node.pid)
    before = memory(node.pid, "VmRSS")
    sent = request(node, "/blocks", b"", "").replace(
        b"Content-Length: 0", b"Transfer-Encoding: gzip, chunked"
    )
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMB), BOMB)
    answer = await exchange(node.http_port, sent + chunks)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert memory(node.pid, "VmHWM") - before <= MAX_MORE


@pytest.mark.asyncio(loop_scope="module")
async def test_a_packed_frame_ends_the_connection(node: Node) -> None:
    reset_peak(node.pid)
    before = memory(node.pid, "VmRSS")
    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    frame = b"\xc2\xff" + struct.pack(">Q", len(DEFLATED)) + bytes(4) + DEFLATED
    answer = await exchange(node.ws_port, upgrade + frame)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"permessage-deflate" not in answer
    assert memory(node.pid, "VmHWM") - before <= MAX_MORE


@pytest.mark.parametrize("upgraded", [True, False])
async def test_a_packed_answer_to_a_dial_is_not_unpacked(nodes: Nodes, upgraded: bool) -> None:
    called = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"permessage-deflate" not in head
        assert b"gzip" not in head
        if upgraded:
            key = re.findall(rb"(?i)sec-websocket-key: (\S+)", head)[0] + _GUID
            accept = base64.b64encode(hashlib.sha1(key).digest())  # noqa: S324 - of the RFC
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Accept: %b\r\n"
                b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" % accept
            )
            writer.write(b"\xc2\x7f" + struct.pack(">Q", len(DEFLATED)) + DEFLATED)
        else:
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
                b"Content-Length: %d\r\n\r\n" % len(BOMB)
            )
            writer.write(BOMB)
        called.set()
        try:
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        node = await nodes.start("node", dials=[server.sockets[0].getsockname()[1]])
        before = 0
        for _ in range(4):  # the first makes it load what it needs for a dial
            called.clear()
            async with asyncio.timeout(BOMB_S):
                await called.wait()
            before = before or memory(node.pid, "VmRSS")
            reset_peak(node.pid)
        assert memory(node.pid, "VmHWM") - before <= MAX_MORE
