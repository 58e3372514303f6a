"""Links over WebSockets in memory, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import async_solipsism
import pytest
from aiohttp import WSMessage, WSMsgType

from edgenode.core.counters import Counters
from edgenode.core.hello import Hello
from edgenode.crypto import SigningKey
from edgenode.link.backlog import Backlog
from edgenode.link.channel import Channel
from edgenode.link.handshake import LocalIdentity
from edgenode.link.link import Link

PING = b"\x01ping"


class MemorySocket:
    """One end of a WebSocket in memory; `taken` clear makes it a peer that takes no bytes."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[WSMessage] = asyncio.Queue()
        self.other: MemorySocket | None = None
        self.taken = asyncio.Event()
        self.taken.set()
        self.close_code: int | None = None
        self.sent: list[bytes] = []
        self._closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.7", 50000), "sockname": ("192.0.2.8", 4242)}.get(
            name, default
        )

    async def receive(self, timeout: float | None = None) -> WSMessage:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            return await self.inbox.get()

    async def send_bytes(self, data: bytes) -> None:
        await self.taken.wait()
        self._deliver(WSMessage(WSMsgType.BINARY, data, None))
        self.sent.append(data)

    async def send_str(self, data: str) -> None:
        self._deliver(WSMessage(WSMsgType.TEXT, data, None))

    async def pong(self, message: bytes = b"") -> None:
        self._deliver(WSMessage(WSMsgType.PONG, message, None))

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool:
        if self._closed:
            return False
        self._closed = True
        self.inbox.put_nowait(WSMessage(WSMsgType.CLOSED, None, None))
        if self.other is not None:
            self.other.close_code = code
            self.other.inbox.put_nowait(WSMessage(WSMsgType.CLOSE, code, message.decode()))
        return True

    def cut(self) -> None:
        """The connection breaks."""
        self.inbox.put_nowait(WSMessage(WSMsgType.CLOSED, None, None))

    def _deliver(self, message: WSMessage) -> None:
        if self._closed:
            raise ConnectionResetError("closed")
        if self.other is not None:
            self.other.inbox.put_nowait(message)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": async_solipsism.EventLoop}


def socket_pair() -> tuple[MemorySocket, MemorySocket]:
    one, two = MemorySocket(), MemorySocket()
    one.other, two.other = two, one
    return one, two


def identity(seed: int, network: str = "test") -> LocalIdentity:
    key = SigningKey(bytes([seed]) * 32)
    return LocalIdentity(network, key.public_key, key.sign)


class Pair:
    """Two ends of one link, `near` having dialled; neither runs yet.

    `backlog`: of the near end, by default one of its own.
    """

    def __init__(
        self, near_id: LocalIdentity, far_id: LocalIdentity, backlog: Backlog | None = None
    ) -> None:
        self.near_socket, self.far_socket = socket_pair()
        near, far = Channel(initiator=True), Channel(initiator=False)
        near_hello, far_hello = near_id.hello("", near), far_id.hello(near_id.node_id, far)
        far_header = far.agree(near_hello.ephemeral_key)
        near_header = near.agree(far_hello.ephemeral_key)
        near.begin(far_header)
        far.begin(near_header)
        self.near = _link(self.near_socket, near, far_hello, backlog or Backlog(), dialled=True)
        self.far = _link(self.far_socket, far, near_hello, Backlog(), dialled=False)


def _link(
    socket: MemorySocket, channel: Channel, peer: Hello, backlog: Backlog, *, dialled: bool
) -> Link:
    return Link(
        socket,
        channel,
        peer,
        dialled=dialled,
        address="192.0.2.1",
        port=4242,
        counters=Counters(),
        backlog=backlog,
        ping=lambda: PING,
    )


@pytest.fixture
async def pair() -> Pair:
    return Pair(identity(1), identity(2))
