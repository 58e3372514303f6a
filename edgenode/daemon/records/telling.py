"""What one linked peer is told of records: batches, again until acknowledged, heads and roots."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from edgenode.core.signed import Signed
from edgenode.core.syncevents import (
    NodeStatus,
    OriginStatus,
    batch_messages,
    event_of,
    status_messages,
)
from edgenode.core.trie import EMPTY
from edgenode.core.triesync import HaveBatches
from edgenode.daemon.outbound import Outbound
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import signed_of
from edgenode.link.link import Link
from edgenode.link.socket import SocketClosed
from edgenode.store.rows import BatchRow

# Own batches that a peer has still to acknowledge; what is forgotten is found by the rounds.
MAX_UNACKNOWLEDGED = 256
# A peer that is slow to take what is sent is told the roots of what it was not told after so long:
# it compares, and asks.
UNTOLD_S = 2.0
# Messages of a round that are posted at once; a longer one is sent at the peer's pace.
MAX_POSTED = 4


class Telling:
    """Tells the peer of `link`, at its pace."""

    def __init__(
        self,
        link: Link,
        *,
        replicas: Replicas,
        outbound: Outbound,
        retry_attempts: int,
        retry_delay_s: float,
    ) -> None:
        self._link = link
        self._replicas = replicas
        self._outbound = outbound
        self._retry_attempts = retry_attempts
        self._retry_delay_s = retry_delay_s
        self._unacknowledged: dict[bytes, tuple[Taken, int]] = {}
        self._retrying: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._untold: set[str] = set()
        self._untold_timer: asyncio.TimerHandle | None = None

    def push(self, taken: Taken, *, acknowledged: bool) -> None:
        """Tell a batch; one to be `acknowledged` is told again until it is, a few times.

        A peer that is slow to take what is sent loses gossip first.
        """
        if acknowledged and len(self._unacknowledged) < MAX_UNACKNOWLEDGED:
            self._unacknowledged[taken.row.digest] = (taken, 0)
            if self._retrying is None:
                self._retrying = asyncio.create_task(self._retry())
        self._post_batch(taken)

    def offer(self, row: BatchRow) -> None:
        """Tell the digest of a batch only."""
        have = HaveBatches([(row.origin, row.epoch, row.seq, row.digest)])
        self._link.post(self._outbound.metadata_sync(have))

    def on_acknowledged(self, digests: Sequence[bytes]) -> None:
        """The peer has taken these batches."""
        for digest in digests:
            self._unacknowledged.pop(digest, None)

    def stop(self) -> None:
        """Tell nothing any more."""
        if self._retrying is not None:
            self._retrying.cancel()
        if self._sending is not None:
            self._sending.cancel()
        if self._untold_timer is not None:
            self._untold_timer.cancel()

    def tell_head(self, head: Signed) -> None:
        """Tell a head of an origin of which nothing is carried."""
        status = OriginStatus(head.node_id, head, EMPTY, 0)
        self._link.post(self._outbound.node_status(NodeStatus([status], last=False)))

    def tell_origins(self, origins: Sequence[str], *, whole: bool = False) -> None:
        """Tell the heads and roots of some origins; `whole`: this is all that is carried."""
        statuses = [status for origin in origins if (status := self._status(origin)) is not None]
        messages = status_messages(statuses)
        messages[-1].last = whole
        frames = [self._outbound.node_status(message) for message in messages]
        if len(frames) > MAX_POSTED:
            if self._sending is None or self._sending.done():
                self._sending = asyncio.create_task(self._send_all(frames))
            return
        for frame in frames:
            self._link.post(frame)

    async def _send_all(self, frames: list[bytes]) -> None:
        with suppress(SocketClosed):
            for frame in frames:
                await self._link.send(frame)

    def _status(self, origin: str) -> OriginStatus | None:
        replica = self._replicas.get(origin)
        if replica is None:
            return None
        return OriginStatus(origin, replica.signed_head, replica.trie.root(), len(replica.trie))

    def _post_batch(self, taken: Taken) -> None:
        if not self._link.has_room:
            self._untold.add(taken.row.origin)
            if self._untold_timer is None:
                loop = asyncio.get_running_loop()
                self._untold_timer = loop.call_later(UNTOLD_S, self._tell_untold)
            return
        for message in batch_messages(event_of(taken.updates), [signed_of(taken.row)]):
            self._link.post(self._outbound.batches(message))

    def _tell_untold(self) -> None:
        self._untold_timer = None
        origins = list(self._untold)
        self._untold.clear()
        self.tell_origins(origins)

    async def _retry(self) -> None:
        while self._unacknowledged:
            await asyncio.sleep(self._retry_delay_s)
            for digest, (taken, attempts) in list(self._unacknowledged.items()):
                if attempts >= self._retry_attempts:
                    del self._unacknowledged[digest]
                else:
                    self._unacknowledged[digest] = (taken, attempts + 1)
                    self._post_batch(taken)
        self._retrying = None
