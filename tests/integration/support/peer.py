"""A scripted peer: real keys, hellos and seal, and frames as a test wants them."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import aiohttp
import aiohttp.web

from edgenode.core.events import HAVE, LACK, WANT, BlockSync
from edgenode.core.frame import CHUNK_BYTES, END, encode_chunk
from edgenode.core.frame import encode_message as encode_frame
from edgenode.core.hello import Hello
from edgenode.core.inbound import Pong, decode_frame
from edgenode.core.message import BLOCK_SYNC, PING, encode_message
from edgenode.core.reasons import CLOSE_CODES
from edgenode.crypto import SigningKey, new_seed
from edgenode.link.channel import Channel
from edgenode.link.handshake import LocalIdentity, initiate
from tests.integration.support.node import NETWORK

TIMEOUT_S = 10.0
TIMESTAMP_MS = 1_800_000_000_000
# Its own limit is out of the way: what is tested is the node's.
UNLIMITED = 0


def new_identity(network: str = NETWORK) -> LocalIdentity:
    """Return the identity of a node that was never seen."""
    key = SigningKey(new_seed())
    return LocalIdentity(network, key.public_key, key.sign)


async def connect(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """Open a WebSocket, no handshake yet."""
    return await session.ws_connect(url, max_msg_size=UNLIMITED, autoping=True)


async def closing(
    socket: aiohttp.ClientWebSocketResponse | aiohttp.web.WebSocketResponse,
) -> tuple[str, int]:
    """Read until the other side closes; return its reason and its close code."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                await socket.close()
                return message.extra or "", message.data
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return f"no close frame ({message.type.name})", 0


def refusal(reason: str) -> tuple[str, int]:
    """What `closing` returns of a refusal with `reason`."""
    return reason, CLOSE_CODES[reason]


T = TypeVar("T")


class Peer:
    """A linked peer."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, channel: Channel, node: Hello, own_id: str
    ) -> None:
        self.socket = socket
        self.node = node
        self.node_id = own_id
        self._channel = channel

    @classmethod
    async def link(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        identity: LocalIdentity | None = None,
        expected_node_id: str = "",
    ) -> "Peer":
        """Link with the node at `url`, honestly."""
        identity = identity or new_identity()
        socket = await connect(session, url)
        node, channel = await initiate(socket, identity, expected_node_id)
        return cls(socket, channel, node, identity.node_id)

    def seal(self, plaintext: bytes) -> bytes:
        return self._channel.seal(plaintext)

    async def send(self, plaintext: bytes) -> None:
        await self.socket.send_bytes(self.seal(plaintext))

    async def say(self, type_: str, data: dict[str, object]) -> None:
        await self.send(encode_frame(encode_message(type_, data, TIMESTAMP_MS, self.node_id)))

    async def want(self, block_id: str, fetch_id: int, offset: int, length: int) -> None:
        sync = BlockSync(WANT, block_id, fetch_id, offset=offset, length=length)
        await self.say(BLOCK_SYNC, sync.to_data())

    async def hear(self) -> object:
        """Return the next record; `decode_frame` gives its types. Raises where the link ends."""
        async with asyncio.timeout(TIMEOUT_S):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.BINARY, message
        plaintext, final = self._channel.open(message.data)
        assert not final, plaintext
        return decode_frame(plaintext, self.node.node_id)

    async def hear_of(self, kind: "type[T]") -> T:
        """Return the next record of `kind`, whatever the node says before it."""
        while True:
            record = await self.hear()
            if isinstance(record, kind):
                return record

    async def pong(self) -> None:
        """Ping; return when the node has answered, whatever else it says before that."""
        await self.say(PING, {"nonce": 7})
        while not isinstance(await self.hear(), Pong):
            pass

    async def ending(self) -> tuple[str, int]:
        """Read until the node ends the link; return the close reason and code.

        Where a sealed end came before, it must name the same reason.
        """
        sealed = ""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                message = await self.socket.receive()
                if message.type is not aiohttp.WSMsgType.BINARY:
                    break
                plaintext, final = self._channel.open(message.data)
                if final:
                    assert plaintext[0] == END
                    sealed = plaintext[1:].decode()
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        assert sealed in ("", message.extra)
        await self.socket.close()
        return message.extra or "", message.data

    async def hold(
        self, block_id: str, size: int, read: Callable[[int, int], bytes | None]
    ) -> None:
        """Answer wants of one block until the link ends: `read(offset, length)` gives the bytes,
        or None to say nothing. Other blocks are not held.
        """
        while True:
            message = await self.socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                return
            plaintext, final = self._channel.open(message.data)
            record = None if final else decode_frame(plaintext, self.node.node_id)
            if not isinstance(record, BlockSync) or record.op != WANT:
                continue
            if record.block_id != block_id:
                answer = BlockSync(LACK, record.block_id, record.fetch_id, reason="not-held")
                await self.say(BLOCK_SYNC, answer.to_data())
            elif not record.length:
                answer = BlockSync(HAVE, block_id, record.fetch_id, size=size)
                await self.say(BLOCK_SYNC, answer.to_data())
            elif (data := read(record.offset, record.length)) is not None:
                for start in range(0, len(data), CHUNK_BYTES):
                    piece = data[start : start + CHUNK_BYTES]
                    await self.send(encode_chunk(record.fetch_id, record.offset + start, piece))
