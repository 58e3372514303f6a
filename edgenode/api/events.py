"""Live events for local viewers: `/events`, a WebSocket, or long polls where that is blocked."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from edgenode.api.access import check_origin
from edgenode.api.eventring import EventRing, Kept
from edgenode.api.eventrooms import rooms_of
from edgenode.api.eventviewer import MAX_SAID_BYTES, Asked, Viewer, asked
from edgenode.api.problems import Problem
from edgenode.core.counters import Counters
from edgenode.core.errors import DecodeError
from edgenode.core.reasons import close_code
from edgenode.core.strictjson import encode

MAX_VIEWERS = 16
"""A status page, a command line and a monitor or two; each costs a task and a queue."""

HEARTBEAT_SECONDS = 30.0
"""Between pings; a viewer that is gone without a word is noticed after one and a half of it."""

CLOSE_SECONDS = 1.0
"""How long the closing handshake may take: the whole node has 5 s to stop."""

POLL_SECONDS = 25.0
"""How long a poll waits for an event: less than the 30 s after which the hastiest proxies cut."""

LINGER_SECONDS = 120.0
"""How long all events are still kept after the last viewer: for who comes back after a cut."""

OPEN = "events:open"
ROOMS = "events:rooms"


class EventFeed:
    """Hands each event to every viewer who wants it; belongs to the event loop it is used in."""

    def __init__(
        self,
        *,
        node_id: str,
        wall_ms: Callable[[], int],
        counters: Counters,
        region: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Take this node's id, and the clock of the timestamps (ms since 1970).

        `region(node_id)` gives the region of a node, "" where it is not known.
        """
        self._node_id = node_id
        self._wall_ms = wall_ms
        self._counters = counters
        self._region = region
        self._ring = EventRing(os.urandom(6).hex())
        self._viewers: set[Viewer] = set()
        self._left_at: float | None = None
        self._closing = False
        self.arrived = asyncio.Event()
        """Set when a viewer comes; who waits for one clears it."""

    @property
    def viewers(self) -> int:
        """How many see what is published."""
        return len(self._viewers)

    @property
    def is_watched(self) -> bool:
        """Whether anyone sees what is published, or has until lately and may come back for it.

        While it is False, what comes often need not be published.
        """
        if self._viewers or self._left_at is None:
            return bool(self._viewers)
        return asyncio.get_running_loop().time() - self._left_at < LINGER_SECONDS

    def publish(self, type_: str, data: Mapping[str, Any], *, sender: str | None = None) -> None:
        """Send an event to every viewer who wants it, and keep it a while; never waits.

        `data` is JSON-ready; `sender` is the node it came from, by default this one.
        """
        sent_by = self._node_id if sender is None else sender
        number = self._ring.last + 1
        text = self._encode(type_, data, sent_by, number)
        event = Kept(number, text, rooms_of(type_, data, sent_by, self._region(sent_by)))
        self._ring.add(event)
        for viewer in self._viewers:
            if viewer.wants(event.rooms):
                viewer.add(text)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Send events for as long as the viewer takes them, or those that a poll asks for."""
        check_origin(request)
        try:
            wanted = asked(request)
        except DecodeError as error:
            raise Problem("bad-parameter", str(error)) from None
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            compress=False,  # zlib holds 256 KiB for each
            max_msg_size=MAX_SAID_BYTES + 1,  # aiohttp refuses this size too
        )
        can_upgrade = socket.can_prepare(request).ok
        if not can_upgrade and (wanted.since is None or "Upgrade" in request.headers):
            raise Problem("upgrade-required", headers={"Upgrade": "websocket"})
        if self._closing or len(self._viewers) >= MAX_VIEWERS:
            raise Problem("busy")
        self._note_gap()
        viewer = Viewer(wanted.rooms)
        self._viewers.add(viewer)
        self.arrived.set()
        try:
            if not can_upgrade:
                return await self._poll(viewer, wanted)
            earlier, missed = self._earlier(viewer, wanted)
            viewer.add(self._opening(viewer, missed))
            for text in earlier:
                viewer.add(text)
            await socket.prepare(request)
            reason = await self._live(socket, viewer)
        finally:
            self._viewers.discard(viewer)
            self._left_at = asyncio.get_running_loop().time()
        await _close(request, socket, reason)
        return socket

    async def close(self) -> None:
        """Tell every viewer good-bye, and take no more."""
        self._closing = True
        for viewer in self._viewers:
            viewer.end("bye")

    def _note_gap(self) -> None:
        """Let no cursor pretend that nothing came while nobody watched."""
        if not self.is_watched and self._left_at is not None:
            self._ring.note_gap()
            self._left_at = None

    def _earlier(self, viewer: Viewer, wanted: Asked) -> tuple[list[bytes], bool]:
        """Return the texts of what the viewer has not seen, and whether more is missing."""
        if not wanted.since:
            return [], False
        events, missed = self._ring.since(wanted.since)
        return [event.text for event in events if viewer.wants(event.rooms)], missed

    def _encode(self, type_: str, data: Mapping[str, Any], sender: str, number: int) -> bytes:
        return encode(
            {
                "type": type_,
                "data": dict(data),
                "timestamp": self._wall_ms(),
                "sender": sender,
                "cursor": self._ring.cursor(number),
            }
        )

    def _opening(self, viewer: Viewer, missed: bool) -> bytes:
        data = {"missed": missed, "rooms": sorted(viewer.rooms)}
        return self._encode(OPEN, data, self._node_id, self._ring.last)

    async def _poll(self, viewer: Viewer, wanted: Asked) -> web.StreamResponse:
        """Answer with what there is, or wait for the next event."""
        texts, missed = self._earlier(viewer, wanted)
        if wanted.since and not (texts or missed):
            await _first(viewer)
            # From the ring, which also knows what a burst has pushed out of it.
            texts, missed = self._earlier(viewer, wanted)
        body = b'{"events":[%b],"cursor":%b,"missed":%b}' % (
            b",".join(texts),
            encode(self._ring.cursor(self._ring.last)),
            encode(missed),
        )
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return web.Response(body=body, headers=headers)

    async def _live(self, socket: web.WebSocketResponse, viewer: Viewer) -> str:
        """Send until the viewer leaves, misbehaves, or is to be left; return the reason."""
        reading = asyncio.create_task(self._read(socket, viewer))
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

    async def _read(self, socket: web.WebSocketResponse, viewer: Viewer) -> str:
        """Hear the viewer until he closes, or says what cannot be meant."""
        while True:
            message = await socket.receive()
            if message.type is web.WSMsgType.BINARY:
                return "protocol-violation"
            if message.type is not web.WSMsgType.TEXT:
                return "bye"
            try:
                changed = viewer.hear(str(message.data).encode("utf-8", "surrogatepass"))
            except DecodeError:
                return "protocol-violation"
            if changed:
                rooms = {"rooms": sorted(viewer.rooms)}
                viewer.add(self._encode(ROOMS, rooms, self._node_id, self._ring.last))

    async def _write(self, socket: web.WebSocketResponse, viewer: Viewer) -> None:
        while True:
            text = await viewer.next()
            await socket.send_frame(text, web.WSMsgType.TEXT)
            self._counters.bytes_out += len(text)


async def _first(viewer: Viewer) -> None:
    """Wait for an event, for as long as a poll may."""
    waiting = asyncio.ensure_future(viewer.next())
    try:
        await asyncio.wait(
            (waiting, viewer.ended),
            timeout=POLL_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        waiting.cancel()


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
