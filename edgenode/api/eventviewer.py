"""One viewer of live events on a WebSocket: what is still to be sent, bounded, and what he says."""

import asyncio
from collections import deque
from typing import NamedTuple

from aiohttp import web

from edgenode.api.eventrooms import ALL, MAX_ROOM_CHARS, MAX_ROOMS, checked_rooms
from edgenode.core.errors import DecodeError
from edgenode.core.fields import Fields
from edgenode.core.message import MAX_TYPE_CHARS
from edgenode.core.strictjson import decode

MAX_QUEUED = 256
MAX_QUEUED_BYTES = 1024 * 1024
"""What a viewer may lag behind: some seconds of a busy network. Texts are shared by viewers."""

MAX_SAID_BYTES = 16 * 1024
"""Of a message from a viewer: as many rooms as there may be take 9 KiB."""

JOIN = "room:join"
LEAVE = "room:leave"


class Viewer:
    """What one viewer wants, and is still to be sent."""

    def __init__(self, rooms: frozenset[str]) -> None:
        """Take the rooms to begin with; none: the room of all events."""
        self.rooms = rooms or frozenset((ALL,))
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._texts: deque[bytes] = deque()
        self._size = 0
        self._filled = asyncio.Event()

    def wants(self, rooms: frozenset[str]) -> bool:
        """Tell whether an event of these rooms is for this viewer."""
        return not rooms.isdisjoint(self.rooms)

    def add(self, text: bytes) -> None:
        """Queue a text; one too many ends the viewer, who comes back for what is left out."""
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

    def hear(self, text: bytes) -> bool:
        """Take what the viewer says; True if his rooms are others now. Raises DecodeError.

        What is of a later version is ignored.
        """
        said = Fields(decode(text, max_bytes=MAX_SAID_BYTES), "message")
        type_ = said.text("type", MAX_TYPE_CHARS)
        if type_ not in (JOIN, LEAVE):
            return False
        named = checked_rooms(said.section("data").texts("rooms", MAX_ROOMS, MAX_ROOM_CHARS))
        self.rooms = checked_rooms(self.rooms | named) if type_ == JOIN else self.rooms - named
        return True


class Asked(NamedTuple):
    """What the query of a request for events says."""

    rooms: frozenset[str]
    since: str | None


def asked(request: web.Request) -> Asked:
    """Read `room`, which may stand several times, and `since`. Raises DecodeError."""
    since = request.query.getall("since", [])
    if len(since) > 1:
        raise DecodeError("since: at most one")
    return Asked(checked_rooms(request.query.getall("room", [])), since[0] if since else None)
