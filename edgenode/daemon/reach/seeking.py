"""Linking with nodes that are known by their records, so that a small network is a full mesh."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from edgenode.link.link import Link

# Up to 32 nodes, each is linked with each; beyond, and on a weak machine, some of the places stay
# free for those who come by themselves.
MESH_LINKS = 31
MESH_SHARE = 2 / 3
# Where a peer has no room, the network is larger than that: a third of the places is filled then,
# or all would take them from one another for ever. Whether it still is so is looked at again.
FULL_SHARE = 1 / 3
FULL_S = 3600.0
# A new node is known within seconds of its first link; looking costs nothing while all are linked.
INTERVAL_S = 5.0
# Calls in one look: a fifth of what a peer in the middle passes on (`introducing`), so that a crowd
# of nodes that are gone keeps nobody from the one that is new.
MAX_CALLS = 6
# One that could not be met is called again after a minute, then after twice as long each time, up
# to an hour: it may have moved, or its router been mended.
FIRST_AGAIN_S = 60.0
LAST_AGAIN_S = 3600.0
# A new peer may be linked with those who could not be met: then all are called anew, so often at
# most, since a link may come and go at the peer's whim.
AFRESH_S = 600.0
# As many as `known` can name.
MAX_TRIED = 1024


class Seeking:
    """Calls known nodes that are not linked to a meeting, one after another."""

    def __init__(
        self,
        *,
        known: Callable[[], Sequence[str]],
        links: Callable[[str], Link | None],
        count: Callable[[], int],
        can_call: Callable[[], bool],
        max_links: int,
        meet: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`known()` names the other nodes, those heard of last first; `count()` counts links.

        `can_call()` tells whether there is a peer by way of which one can be called.
        """
        self._mesh = min(MESH_LINKS, int(max_links * MESH_SHARE))
        self._few = int(max_links * FULL_SHARE)
        self._full_until = 0.0
        self._known = known
        self._links = links
        self._count = count
        self._can_call = can_call
        self._meet = meet
        self._tried: dict[str, tuple[float, float]] = {}  # when to try again, the wait after that
        self._joined = False
        self._afresh_at = 0.0

    def on_linked(self) -> None:
        """There is another peer."""
        self._joined = True

    def on_lost(self, node_id: str, reason: str) -> None:
        """The link with a peer has ended."""
        if reason == "busy":
            now = asyncio.get_running_loop().time()
            self._full_until = now + FULL_S
            self._put_off(node_id, now, LAST_AGAIN_S)

    async def run(self) -> None:
        """Seek until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            # Where nobody could pass on a call, one has not been tried.
            if self._can_call():
                await self.seek()

    async def seek(self) -> None:
        """Call the first nodes that are due."""
        calls = 0
        began = asyncio.get_running_loop().time()
        if self._joined and began >= self._afresh_at:
            self._joined = False
            self._afresh_at = began + AFRESH_S
            self._tried.clear()
        for node_id in self._known():
            now = asyncio.get_running_loop().time()
            due, wait = self._tried.get(node_id, (0.0, FIRST_AGAIN_S))
            enough = self._few if now < self._full_until else self._mesh
            if self._count() >= enough or calls == MAX_CALLS:
                return
            if self._links(node_id) is not None or now < due:
                continue
            self._tried.pop(node_id, None)
            calls += 1
            if not await self._meet(node_id):
                self._put_off(node_id, now, wait)

    def _put_off(self, node_id: str, now: float, wait_s: float) -> None:
        self._tried.pop(node_id, None)
        self._tried[node_id] = (now + wait_s, min(2 * wait_s, LAST_AGAIN_S))
        if len(self._tried) > MAX_TRIED:
            del self._tried[next(iter(self._tried))]
