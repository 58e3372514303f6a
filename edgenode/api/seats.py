"""Who may have a connection: so many of each network, so many in all, and who makes room."""

import os
from collections.abc import Callable
from typing import Protocol

from edgenode.api.addresses import packed_address
from edgenode.core.crowd import Crowd, bounds, networks, oldest_of_fullest

MAX_CONNECTIONS = 256
"""Of both ports: 32 links that others began, 32 viewers, pages and programs, and four times that
for whoever only wants to see whether we bear it. Each costs some 20 KiB once it is served."""

MIN_CONNECTIONS = 64

FILES_EACH = 4
"""Open files that must be allowed for each connection: blocks, the database and own links have
theirs, too."""

_LOOPBACK = (b"\x7f\x00\x00\x01", bytes(15) + b"\x01")

Places = list[tuple[tuple[int, bytes], int]]
"""The networks that one is counted by, each with how many it may have."""


def connections_allowed() -> int:
    """Return how many connections there may be, by the open files that this process may have."""
    files = os.sysconf("SC_OPEN_MAX")
    if files < 0:  # without a bound
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, files // FILES_EACH))


class Waiting(Protocol):
    """A connection that nothing is being done for: it may have to make room."""

    def displace(self) -> None:
        """End at once, and give up the seat."""


class Seat:
    """A place for one connection; `leave` gives it up."""

    __slots__ = ("_places", "_seats", "area")

    def __init__(
        self,
        seats: "Seats",
        places: Places,
        area: tuple[int, bytes],
    ) -> None:
        self._seats: Seats | None = seats
        self._places = places
        self.area = area

    def leave(self) -> None:
        """Give the place up; more than once is as good as once."""
        if self._seats is not None:
            self._seats.left(self._places)
            self._seats = None


class Seats:
    """The connections of both ports, counted by network."""

    def __init__(
        self,
        *,
        admits: Callable[[str], bool] = lambda _: True,
        near: Callable[[bytes], bytes | None] = lambda _: None,
        total: int | None = None,
    ) -> None:
        """`admits(address)` is False for whom nothing is done at all.

        `near(address)` names the local network, or the configured peer, that an address (4 or 16
        bytes) belongs to; None for all others.
        """
        self._admits = admits
        self._near = near
        self._total = connections_allowed() if total is None else total
        self._crowd = Crowd()
        self._taken = 0
        self._waiting: dict[Waiting, tuple[int, bytes]] = {}
        self.refused = 0

    @property
    def taken(self) -> int:
        """How many there are."""
        return self._taken

    def enter(self, address: str) -> Seat | None:
        """Return a seat for one who comes from the IP literal `address`; None: there is none.

        Programs on this host are bound by the total alone: a proxy brings everybody.
        """
        packed = packed_address(address)
        places = None if packed is None else self._enter(packed, address)
        if packed is None or places is None:
            self.refused += 1
            return None
        self._taken += 1
        return Seat(self, places, networks(packed)[1])

    def _enter(self, packed: bytes, address: str) -> Places | None:
        is_here = packed in _LOOPBACK
        if not is_here and not self._admits(address):
            return None
        places = [] if is_here else bounds(packed, self._near(packed))
        if not self._crowd.enter(places):
            return None
        if self._taken >= self._total and not self._make_room():
            self._crowd.leave(places)
            return None
        return places

    def left(self, places: Places) -> None:
        """Take back a seat."""
        self._taken -= 1
        self._crowd.leave(places)

    def waits(self, waiting: Waiting, seat: Seat) -> None:
        """Take note of a connection that nothing is being done for."""
        self._waiting[waiting] = seat.area

    def works(self, waiting: Waiting) -> None:
        """Something is being done for it now, or it has ended."""
        self._waiting.pop(waiting, None)

    def _make_room(self) -> bool:
        """Let the oldest of the fullest network go, of those nothing is being done for."""
        if not self._waiting:
            return False
        oldest = oldest_of_fullest(list(self._waiting.values()))
        displaced = list(self._waiting)[oldest]
        self.works(displaced)
        displaced.displace()
        return True
