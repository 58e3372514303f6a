"""Where connections come in: taken from the kernel, seated or cut at once, each with its guard."""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Iterable

from edgenode.api.guard import Guard
from edgenode.api.handler import Handler
from edgenode.api.listener import Listener
from edgenode.api.seats import Seat, Seats

MAX_ACCEPTS = 32
"""Taken in one turn of the loop: those who are served wait for no more than that."""

PAUSE_SECONDS = 1.0
"""Before the next try where the system has no room for another connection."""

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER (socket(7)): the end is a reset, and the kernel keeps nothing of it."""

log = logging.getLogger(__name__)


class Door:
    """Takes connections for one listener, from `open` to `close`."""

    def __init__(self, listener: Listener, seats: Seats) -> None:
        """`seats` may be those of several doors."""
        self._listener = listener
        self._seats = seats
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._beginning: set[asyncio.Task[None]] = set()
        self._guards: set[Guard] = set()
        self._closed = False

    def open(self, sockets: Iterable[socket.socket]) -> None:
        """Begin to take connections from listening sockets, which stay the caller's."""
        for listening in sockets:
            listening.setblocking(False)
            self._sockets.append(listening)
            self._loop.add_reader(listening, self._accept, listening)

    def take(self, connected: socket.socket) -> None:
        """Take a connection that came about in another way."""
        try:
            address = str(connected.getpeername()[0])
        except OSError as error:
            connected.close()
            log.debug("a connection is gone already: %s", error)
            return
        self._take(connected, address)

    def close(self) -> None:
        """Take no more, and end those that are not being served."""
        self._closed = True
        for listening in self._sockets:
            self._loop.remove_reader(listening)
        self._sockets.clear()
        for guard in list(self._guards):
            guard.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(MAX_ACCEPTS):
            try:
                connected, peer = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._on_error(listening, error)
                return
            self._take(connected, str(peer[0]))

    def _on_error(self, listening: socket.socket, error: OSError) -> None:
        if error.errno not in _NO_ROOM:
            raise error
        log.warning(
            "no connection can be taken: %s", error.strerror, extra={"event": "accept-failed"}
        )
        self._loop.remove_reader(listening)
        self._loop.call_later(PAUSE_SECONDS, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        if not self._closed:
            self._loop.add_reader(listening, self._accept, listening)

    def _take(self, connected: socket.socket, address: str) -> None:
        seat = None if self._closed else self._seats.enter(address)
        if seat is None:
            _cut(connected)
            return
        task = asyncio.ensure_future(self._begin(connected, seat))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begin(self, connected: socket.socket, seat: Seat) -> None:
        guard = Guard(self._seats, seat, self._handler, self._guards.discard)
        self._guards.add(guard)
        try:
            await self._loop.connect_accepted_socket(lambda: guard, connected)
        except OSError as error:
            self._guards.discard(guard)
            seat.leave()
            connected.close()
            log.debug("a connection is gone already: %s", error)

    def _handler(self, guard: Guard) -> Handler:
        # From here on the listener itself knows it, and ends it.
        self._guards.discard(guard)
        return self._listener.new_handler(guard)


def _cut(connected: socket.socket) -> None:
    try:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    except OSError:
        pass
    finally:
        connected.close()
