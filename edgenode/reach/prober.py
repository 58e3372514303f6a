"""Serving dial-backs: connecting to a peer from outside when it asks, within bounds."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from edgenode.core.ip import from_mapped, is_global, parse_ip
from edgenode.core.reachevents import (
    BUSY,
    DECLINED,
    PATH,
    REACHED,
    RESULT,
    UNREACHED,
    DialBack,
)

# What a server of libp2p's AutoNAT v2 takes on: enough for a node of a small network, too little
# to be of use against anyone.
WINDOW_S = 60.0
MAX_IN_WINDOW = 60
MAX_OF_PEER_IN_WINDOW = 12

# Connections being tried at once, each 10 kB of buffers for KNOCK_TIMEOUT_S at most.
MAX_AT_ONCE = 8

# Two SYNs sent again (after 1 s and 3 s), and an answer of a busy Pi.
KNOCK_TIMEOUT_S = 5.0

# Of the answer only the status is of interest.
MAX_STATUS_LINE_BYTES = 256

log = logging.getLogger(__name__)

Knock = Callable[[str, int, bytes, str], Awaitable[bool]]


async def knock(address: str, port: int, nonce: bytes, source: str) -> bool:
    """Connect from a fresh port of `source` ("": any own address); ask for the nonce's path.

    Return whether a node took it. Ends within `KNOCK_TIMEOUT_S`; raises nothing.
    """
    try:
        async with asyncio.timeout(KNOCK_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                address,
                port,
                limit=MAX_STATUS_LINE_BYTES,
                local_addr=(source, 0) if source else None,
            )
            try:
                host = f"[{address}]" if ":" in address else address
                writer.write(
                    f"GET {PATH}{nonce.hex()} HTTP/1.1\r\nHost: {host}:{port}\r\n"
                    "Connection: close\r\n\r\n".encode()
                )
                status = await reader.readline()
            finally:
                writer.transport.abort()
    except (OSError, ValueError):  # ValueError: a line that does not end
        return False
    return status.split(b" ")[:2] == [b"HTTP/1.1", b"204"]


class Prober:
    """Dials back, in tasks of its own; `close` ends them."""

    def __init__(self, clock: Callable[[], float], knock: Knock = knock) -> None:
        """`clock()` gives monotonic seconds."""
        self._clock = clock
        self._knock = knock
        self._begun: deque[tuple[float, str]] = deque()  # MAX_IN_WINDOW entries at most
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(
        self, peer: str, address: str, source: str, ask: DialBack, reply: Callable[[DialBack], None]
    ) -> None:
        """Do what `peer` asks: connect to its own `address`, then `reply` once.

        `address` is the peer's end of the link, and `source` ours; no other one is ever dialled,
        and none that is not global. Refusing is a reply, too.
        """
        packed = parse_ip(address)
        if packed is None:
            return  # an address with a zone: a neighbour, whom we cannot tell who he is elsewhere

        def result(word: str) -> DialBack:
            return DialBack(RESULT, ask.nonce, result=word, address=address)

        if len(from_mapped(packed)) != len(packed) or not is_global(address):
            reply(result(DECLINED))
        elif not self._admit(peer):
            reply(result(BUSY))
        else:

            async def work() -> None:
                reached = await self._knock(address, ask.port, ask.nonce, source)
                reply(result(REACHED if reached else UNREACHED))

            task = asyncio.create_task(work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _admit(self, peer: str) -> bool:
        now = self._clock()
        while self._begun and self._begun[0][0] <= now - WINDOW_S:
            self._begun.popleft()
        of_peer = sum(known == peer for _, known in self._begun)
        if (
            len(self._begun) >= MAX_IN_WINDOW
            or of_peer >= MAX_OF_PEER_IN_WINDOW
            or len(self._tasks) >= MAX_AT_ONCE
        ):
            return False
        self._begun.append((now, peer))
        return True

    async def close(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            with suppress(TimeoutError):
                await asyncio.wait(self._tasks)
