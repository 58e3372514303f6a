"""Those who besiege a node: `python -m tests.lab.support.siege KIND HOST PORT SECONDS SOURCE...`.

One process for each kind, all on one core. It does what its kind does for so many seconds, then
nothing any more, and waits until the node has ended every connection. Prints what came of it.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import NamedTuple

from tests.integration.support.node import NETWORK

HALF_OPEN = 1000
SLOW_BODIES = 500
HANDSHAKES_PER_S = 200
FRAMES = 1_000_000

AGAIN_S = 1.0
"""Before one that was cut comes again."""
SILENCE_S = 7.0
RESET_S = 0.5
PATIENCE_S = 30.0
_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_FRAME = b"\x83\x80\0\0\0\0"  # an opcode that is none, masked, empty
_BLAST = _FRAME * 4096


class Siege(NamedTuple):
    """What one process did, and what came of it."""

    opened: int
    refused: int
    frames: int
    oldest_s: float
    """How long the node bore the one that it bore longest."""
    gone_s: float
    """From the last thing that was done to the end of the last connection."""


class Bad(asyncio.Protocol):
    """A connection that means harm."""

    def __init__(self, first: bytes, then: "Callable[[Bad], None]") -> None:
        self._first = first
        self._then = then
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.ended: asyncio.Future[float] = self.loop.create_future()
        self.transport: asyncio.Transport
        self.can_write = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._first)
        self._then(self)

    def pause_writing(self) -> None:
        self.can_write = False

    def resume_writing(self) -> None:
        self.can_write = True
        self._then(self)

    def eof_received(self) -> bool:
        self.transport.abort()
        return False

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(self.loop.time() - self.began)


class Besieger:
    """Opens connections from its sources in turn, until its time is over."""

    def __init__(self, host: str, port: int, seconds: float, sources: list[str]) -> None:
        self._there = (host, port)
        self._sources = sources
        self._loop = asyncio.get_running_loop()
        self.until = self._loop.time() + seconds
        self._last = self._loop.time()
        self._next = 0
        self.opened = self.refused = self.frames = 0
        self._oldest = 0.0
        self._gone = 0.0

    @property
    def is_over(self) -> bool:
        return self._loop.time() >= self.until

    async def one(self, first: bytes, then: Callable[[Bad], None] = lambda _: None) -> None:
        """Open one connection and live until the node ends it."""
        self._next += 1
        opened = socket.socket()
        opened.setblocking(False)
        try:
            opened.bind((self._sources[self._next % len(self._sources)], 0))
            await self._loop.sock_connect(opened, self._there)
            _, bad = await self._loop.create_connection(lambda: Bad(first, then), sock=opened)
        except OSError:
            opened.close()
            self.refused += 1
            return
        await asyncio.wait([bad.ended], timeout=SILENCE_S)
        if not bad.ended.done():
            # The node's kernel may have dropped it where it had no room, and a reset shows that.
            bad.transport.write(b"\r\n")
            await asyncio.wait([bad.ended], timeout=RESET_S)
            if bad.ended.done():
                self.refused += 1
                return
        self.opened += 1
        async with asyncio.timeout(PATIENCE_S):
            self._oldest = max(self._oldest, await bad.ended)
        self._gone = self._loop.time()

    async def keep(self, first: bytes, then: Callable[[Bad], None] = lambda _: None) -> None:
        """Have one such connection after another."""
        while not self.is_over:
            await self.one(first, then)
            await asyncio.sleep(AGAIN_S)

    def result(self) -> Siege:
        gone_s = max(0.0, self._gone - self.until)
        return Siege(self.opened, self.refused, self.frames, self._oldest, gone_s)


async def half_open(besieger: Besieger) -> None:
    """Half of them say nothing, half of them half of something."""
    async with asyncio.TaskGroup() as group:
        for number in range(HALF_OPEN):
            group.create_task(besieger.keep(b"GET /node/info HTTP/1.1\r\nHost:" * (number % 2)))


async def slow_bodies(besieger: Besieger) -> None:
    """A byte a second."""

    def drip(bad: Bad) -> None:
        if not bad.ended.done() and not besieger.is_over:
            bad.transport.write(b" ")
            bad.loop.call_later(1, drip, bad)

    head = b"POST /auth/challenge HTTP/1.1\r\nHost: node\r\nContent-Length: 50000\r\n\r\n"
    async with asyncio.TaskGroup() as group:
        for _ in range(SLOW_BODIES):
            group.create_task(besieger.keep(head, drip))


async def handshakes(besieger: Besieger) -> None:
    """Each with a sound hello, which the node signs an answer to, and no more."""
    from edgenode.link.channel import Channel  # noqa: PLC0415 - the others need none of it
    from tests.integration.support.peer import new_identity  # noqa: PLC0415

    hello = new_identity(NETWORK).hello("", Channel(initiator=True)).raw
    first = _UPGRADE + b"\x81\xfe" + len(hello).to_bytes(2, "big") + bytes(4) + hello
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        due = loop.time()
        while not besieger.is_over:
            group.create_task(besieger.one(first))
            due += 1 / HANDSHAKES_PER_S
            await asyncio.sleep(max(0, due - loop.time()))


async def frames(besieger: Besieger) -> None:
    """As many as go into the connections, until there were enough."""

    def blast(bad: Bad) -> None:
        while bad.can_write and not bad.transport.is_closing() and besieger.frames < FRAMES:
            bad.transport.write(_BLAST)
            besieger.frames += len(_BLAST) // len(_FRAME)
        if besieger.frames >= FRAMES:
            besieger.until = min(besieger.until, bad.loop.time())

    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(besieger.keep(_UPGRADE, blast))


KINDS = {kind.__name__: kind for kind in (half_open, slow_bodies, handshakes, frames)}


async def _main(kind: str, host: str, port: str, seconds: str, *sources: str) -> None:
    besieger = Besieger(host, int(port), float(seconds), list(sources))
    await KINDS[kind](besieger)
    sys.stdout.write(json.dumps(besieger.result()._asdict()))


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    asyncio.run(_main(*sys.argv[1:]))
