"""Live events for local viewers: `/events`, a WebSocket on which only the node speaks."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from edgenode.api.access import check_origin
from edgenode.api.problems import Problem
from edgenode.core.counters import Counters
from edgenode.core.message import encode_message
from edgenode.core.reasons import close_code

MAX_VIEWERS = 16
"""A status page, a command line and a monitor or two; each costs a task and a queue."""

MAX_QUEUED = 256
MAX_QUEUED_BYTES = 1024 * 1024
"""What a viewer may lag behind: some seconds of a busy network. Texts are shared by viewers."""

MAX_SAID_BYTES = 1024
"""Of a frame from a viewer, which has nothing to say."""

HEARTBEAT_SECONDS = 30.0
"""Between pings; a viewer that is gone without a word is noticed after one and a half of it."""

CLOSE_SECONDS = 1.0
"""How long the closing handshake may take: the whole node has 5 s to stop."""


class EventFeed:
    """Hands each event to every viewer; belongs to the event loop it is used in."""

    def __init__(self, *, node_id: str, wall_ms: Callable[[], int], counters: Counters) -> None:
        """Take this node's id, and the clock of the timestamps (ms since 1970)."""
        self._node_id = node_id
        self._wall_ms = wall_ms
        self._counters = counters
        self._viewers: set[_Viewer] = set()
        self._closing = False

    @property
    def viewers(self) -> int:
        """How many see what is published."""
        return len(self._viewers)

    @property
    def is_watched(self) -> bool:
        """Whether anyone sees what is published."""
        return bool(self._viewers)

    def publish(self, type_: str, data: Mapping[str, Any], *, sender: str | None = None) -> None:
        """Send an event to every viewer; never waits.

        `data` is JSON-ready; `sender` is the node it came from, by default this one.
        """
        if not self._viewers:
            return
        sent_by = self._node_id if sender is None else sender
        text = encode_message(type_, dict(data), self._wall_ms(), sent_by)
        for viewer in self._viewers:
            viewer.add(text)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Upgrade the request and send events for as long as the viewer takes them."""
        check_origin(request)
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            compress=False,  # zlib holds 256 KiB for each
            max_msg_size=MAX_SAID_BYTES + 1,  # aiohttp refuses this size too
        )
        if not socket.can_prepare(request).ok:
            raise Problem("upgrade-required", headers={"Upgrade": "websocket"})
        if self._closing or len(self._viewers) >= MAX_VIEWERS:
            raise Problem("busy")
        viewer = _Viewer()
        self._viewers.add(viewer)
        try:
            await socket.prepare(request)
            reason = await self._live(socket, viewer)
        finally:
            self._viewers.discard(viewer)
        await _close(request, socket, reason)
        return socket

    async def close(self) -> None:
        """Tell every viewer good-bye, and take no more."""
        self._closing = True
        for viewer in self._viewers:
            viewer.end("bye")

    async def _live(self, socket: web.WebSocketResponse, viewer: "_Viewer") -> str:
        """Send until the viewer leaves, speaks, or is to be left; return the reason."""
        reading = asyncio.create_task(_read(socket))
        writing = asyncio.create_task(self._write(socket, viewer))
        try:
            await asyncio.wait(
                (reading, writing, viewer.ended), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            reading.cancel()
            writing.cancel()
            said, _ = await asyncio.gather(reading, writing, return_exceptions=True)
        if viewer.ended.done():
            return viewer.ended.result()
        return said if isinstance(said, str) else "bye"

    async def _write(self, socket: web.WebSocketResponse, viewer: "_Viewer") -> None:
        while True:
            text = await viewer.next()
            await socket.send_frame(text, web.WSMsgType.TEXT)
            self._counters.bytes_out += len(text)


class _Viewer:
    """What one viewer is still to be sent, bounded."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._texts: deque[bytes] = deque()
        self._size = 0
        self._filled = asyncio.Event()

    def add(self, text: bytes) -> None:
        """Queue a text; one too many ends the viewer, who could not know what was left out."""
        if self.ended.done():
            return
        self._texts.append(text)
        self._size += len(text)
        self._filled.set()
        if len(self._texts) > MAX_QUEUED or self._size > MAX_QUEUED_BYTES:
            self._texts.clear()
            self.end("too-slow")

    def end(self, reason: str) -> None:
        """End the viewer, unless it has ended."""
        if not self.ended.done():
            self.ended.set_result(reason)

    async def next(self) -> bytes:
        """Return the next text, waiting for it."""
        while not self._texts:
            self._filled.clear()
            await self._filled.wait()
        text = self._texts.popleft()
        self._size -= len(text)
        return text


async def _read(socket: web.WebSocketResponse) -> str:
    """Wait until the viewer closes, or says something, which it may not."""
    message = await socket.receive()
    spoke = message.type in (web.WSMsgType.TEXT, web.WSMsgType.BINARY)
    return "protocol-violation" if spoke else "bye"


async def _close(request: web.Request, socket: web.WebSocketResponse, reason: str) -> None:
    """Close with the reason, as far as the viewer takes it; nothing is left of it after that."""
    transport = request.transport
    ended = False
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code=close_code(reason), message=reason.encode())
        ended = reason == "bye"
    except TimeoutError:
        pass
    finally:
        if not ended and transport is not None:
            transport.abort()  # or what the viewer never reads would keep the connection open
