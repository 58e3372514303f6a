"""Where connections are until their handshake is done: few places, which none holds for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edgenode.core.crowd import networks, oldest_of_fullest
from edgenode.core.errors import Busy
from edgenode.core.ip import from_mapped, parse_ip

# Handshakes under way at once; each holds a place for 5 s at most and one frame of memory.
MAX_HANDSHAKES = 16


class Anteroom:
    """The handshakes under way.

    A newcomer finds a place: the oldest of those from the network that has most of them goes.
    """

    def __init__(self, places: int = MAX_HANDSHAKES) -> None:
        self._places = places
        self._waiting: dict[asyncio.Timeout, tuple[int, bytes]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, address: str) -> AsyncIterator[None]:
        """Hold a place for one from the IP literal `address`; raises Busy in one who has to go."""
        while len(self._waiting) >= self._places:
            oldest = oldest_of_fullest(list(self._waiting.values()))
            displaced = list(self._waiting)[oldest]
            del self._waiting[displaced]
            displaced.reschedule(0)
        own = asyncio.timeout(None)
        try:
            async with own:
                self._waiting[own] = _area(address)
                try:
                    yield
                finally:
                    self._waiting.pop(own, None)
        except TimeoutError:
            if own.expired():
                raise Busy("made room for another handshake") from None
            raise


def _area(address: str) -> tuple[int, bytes]:
    packed = parse_ip(address.partition("%")[0])
    return (0, b"") if packed is None else networks(from_mapped(packed))[1]
