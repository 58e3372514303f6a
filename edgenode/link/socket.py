"""What a link needs of a WebSocket, and how frames are taken from one."""

from typing import Any, Protocol

from aiohttp import WebSocketError, WSMessage, WSMsgType

from edgenode.core.errors import ProtocolError
from edgenode.core.hello import MAX_FRAME_BYTES
from edgenode.core.reasons import close_code, reason_of

# aiohttp refuses messages of this many bytes and more, not only those above it.
MAX_MESSAGE_SIZE = MAX_FRAME_BYTES + 1

# How long the closing handshake of RFC 6455 may take; the node stops within 5 s in all.
CLOSE_TIMEOUT_S = 1.0

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

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool:
        """Close in both directions."""


class SocketClosed(Exception):
    """The peer closed or the connection broke; `reason` is the peer's, or `cut`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def receive_frame(socket: Socket, kind: WSMsgType, timeout_s: float | None = None) -> bytes:
    """Return the bytes of the next message, which must be of `kind` (TEXT or BINARY).

    Raises `SocketClosed`, `ProtocolError` for another kind or an oversized one, `TimeoutError`.
    """
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
    """Close a socket that never became a link, telling the peer why."""
    await socket.close(code=close_code(reason), message=reason.encode())
