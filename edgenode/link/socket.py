"""What a link needs of a WebSocket, and how frames are taken from one."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Protocol

from aiohttp import WebSocketError, WSMessage, WSMsgType

from edgenode.core.bucket import Bucket
from edgenode.core.errors import ProtocolError
from edgenode.core.hello import MAX_FRAME_BYTES
from edgenode.core.reasons import close_code, reason_of

# aiohttp refuses messages of this many bytes and more, not only those above it.
MAX_MESSAGE_SIZE = MAX_FRAME_BYTES + 1

# How long the closing handshake of RFC 6455 may take; the node stops within 5 s in all.
CLOSE_TIMEOUT_S = 1.0

# For a socket that never became a link: with the handshake's 5 s it is gone within 6.
REFUSE_TIMEOUT_S = 0.5

# Pings and pongs of WebSocket itself: libraries send one in 20 s or so, a person's test a few more.
PINGS_PER_S = 1
PINGS_BURST = 30

_ENDED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


class Socket(Protocol):
    """The common half of aiohttp's server and client WebSockets."""

    @property
    def close_code(self) -> int | None:
        """The peer's close code, once it has closed."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of itself, `default` where it is gone."""

    async def receive(  # aiohttp's own name and order
        self,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> WSMessage:
        """Return the next message; raises `TimeoutError` after `timeout` seconds."""

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""

    async def send_str(self, data: str) -> None:
        """Send a text message."""

    async def pong(self, message: bytes = b"") -> None:
        """Answer a ping with the bytes that it had."""

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool:
        """Close in both directions."""


class SocketClosed(Exception):
    """The peer closed or the connection broke; `reason` is the peer's, or `cut`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Pings:
    """How many pings of one connection are answered, and pongs that nobody asked for endured."""

    def __init__(self) -> None:
        self._bucket = Bucket(PINGS_PER_S, PINGS_BURST, _now_ms())

    def take(self) -> None:
        """Count one; raises ProtocolError `over-rate`."""
        if self._bucket.take(1, _now_ms()):
            raise ProtocolError("over-rate", "too many WebSocket pings")


async def receive_frame(
    socket: Socket, kind: WSMsgType, timeout_s: float | None = None, pings: Pings | None = None
) -> bytes:
    """Return the bytes of the next message, which must be of `kind` (TEXT or BINARY).

    Pings before it are answered, as many as `pings` allows, by default those of a new link.
    Raises `SocketClosed`, `ProtocolError` for another kind or an oversized one, `TimeoutError`.
    """
    if pings is None:
        pings = Pings()
    message = await socket.receive(timeout_s)
    while message.type in (WSMsgType.PING, WSMsgType.PONG):
        pings.take()
        if message.type is WSMsgType.PING:
            await socket.pong(bytes(message.data))
        message = await socket.receive(timeout_s)
    if message.type is kind:
        data = message.data
        return data.encode() if isinstance(data, str) else data
    if message.type is WSMsgType.ERROR:
        # Not `socket.close_code`: that is the peer's by now, where it has answered the close.
        error = message.data
        if isinstance(error, WebSocketError) and error.code == close_code("frame-too-large"):
            raise ProtocolError("frame-too-large", f"a frame of over {MAX_FRAME_BYTES} bytes")
        raise ProtocolError("malformed", "not a valid WebSocket frame")
    if message.type in _ENDED:
        raise SocketClosed(reason_of(socket.close_code))
    raise ProtocolError("protocol-violation", f"a {message.type.name} frame is not due here")


async def refuse(socket: Socket, reason: str) -> None:
    """Close a socket that never became a link, telling the peer why, as far as it listens."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REFUSE_TIMEOUT_S):
            await socket.close(code=close_code(reason), message=reason.encode())


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
