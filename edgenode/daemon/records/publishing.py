"""This node's own updates: durable at once, then signed in batches, then told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from edgenode.core.batch import fill
from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.core.records import Update
from edgenode.core.signed import MAX_NUMBER
from edgenode.daemon.records.carried import Taken
from edgenode.daemon.records.replicas import Replicas
from edgenode.daemon.records.signing import Signer
from edgenode.store.outbox import Outbox

# A restored card has forgotten epochs that the network knows. Unless the key is new, nothing is
# signed until a peer has said which epoch it knows us by, or it is likely that nobody will.
NO_PEER_S = 60.0

# After a disk that refused: long enough for space to come back, short enough to go on soon.
FAILURE_DELAY_S = 10.0

log = logging.getLogger(__name__)


class Publisher:
    """Turns updates of this node into batches of at most `max_size`, `interval_ms` apart."""

    def __init__(
        self,
        outbox: Outbox,
        signer: Signer,
        replicas: Replicas,
        *,
        max_size: int,
        interval_ms: int,
        next_epoch: Callable[[int], Awaitable[int]],
        on_batch: Callable[[Taken], None],
        on_head_due: Callable[[], None],
        key_is_new: bool,
    ) -> None:
        """`next_epoch(above)` makes a higher epoch durable and returns it.

        `on_batch` is told of each batch once it is durable, `on_head_due` when a new head has to
        say something else: a raised floor, or another epoch.
        """
        self._outbox = outbox
        self._signer = signer
        self._replicas = replicas
        self._max_size = max_size
        self._interval_s = interval_ms / 1000
        self._next_epoch = next_epoch
        self._on_batch = on_batch
        self._on_head_due = on_head_due
        self._may_sign = asyncio.Event()
        self._going_up = asyncio.Lock()
        self._filled = asyncio.Event()
        self._full = asyncio.Event()
        self._idle = asyncio.Event()
        self._used_epoch = 0  # by ourselves, in an earlier life of this disk or on a copy of it
        if key_is_new:
            self._may_sign.set()

    async def submit(self, updates: Sequence[Update]) -> None:
        """Take updates; durable on return. Raises `Busy` when too many wait, `StoreFailed`."""
        with self._putting():
            await self._outbox.put(updates)

    async def submit_found(self, updates: Sequence[Update]) -> None:
        """Take updates that no person has made: METADATA only where none of ours stands."""
        with self._putting():
            await self._outbox.put_found(self._signer.node_id, updates)

    async def withhold(self, block_id: str) -> None:
        """Withdraw the LOCATION of a block that is held, for good; as `submit`."""
        with self._putting():
            await self._outbox.withhold(block_id)

    async def submit_again(self, updates: Sequence[Update]) -> None:
        """Take updates anew that were told already, but for those of which a newer one waits."""
        with self._putting():
            await self._outbox.put_again(updates)

    @contextmanager
    def _putting(self) -> Iterator[None]:
        try:
            yield
        finally:
            # Also where the caller was cancelled, as he is whose connection ends: what he has
            # begun is carried out all the same, and is to be told.
            self._idle.clear()
            self._filled.set()
            if self._outbox.count >= self._max_size:
                self._full.set()

    async def idle(self) -> None:
        """Return when all that was submitted is told."""
        await self._idle.wait()

    async def next_position(self) -> tuple[int, int]:
        """Return (epoch, seq) of the next batch, once this node may sign."""
        await self.ready()
        return self._signer.next_position

    async def raise_floor(self, floor: tuple[int, int]) -> None:
        """Forget own batches below `floor`; the next head tells everyone."""
        await self._replicas.raise_floor(self._signer.node_id, floor)
        self._on_head_due()

    def on_known_epoch(self, epoch: int) -> None:
        """A peer has told the highest epoch it knows this node by (0: none), proved by us."""
        self.on_used_epoch(epoch)
        self._may_sign.set()

    def on_used_epoch(self, epoch: int) -> None:
        """Something that we have signed in `epoch` was seen."""
        # Before the first signature of a start, even our own epoch was used by somebody else.
        is_ours = epoch == self._signer.epoch and self._signer.signed
        if epoch < self._signer.epoch or epoch <= self._used_epoch or is_ours:
            return
        if epoch >= MAX_NUMBER:
            log.error(
                "the last epoch there is was signed with this key: it is in other hands",
                extra={"event": "key-elsewhere"},
            )
            return
        self._used_epoch = epoch
        self._on_head_due()  # peers who know the higher epoch heed no head of a lower one

    async def ready(self) -> None:
        """Return when this node may sign."""
        try:
            async with asyncio.timeout(NO_PEER_S):
                await self._may_sign.wait()
        except TimeoutError:
            self._may_sign.set()
        async with self._going_up:
            while self._signer.epoch <= self._used_epoch:
                log.warning(
                    "epoch %d of this node was used: going above",
                    self._used_epoch,
                    extra={"event": "epoch-used"},
                )
                self._signer.begin_epoch(await self._next_epoch(self._used_epoch))

    async def run(self) -> None:
        """Work until cancelled."""
        if self._outbox.count:
            self._filled.set()
        else:
            self._idle.set()
        await self.ready()
        while True:
            await self._filled.wait()
            await self._gather()
            try:
                await self._send_all()
            except (StoreFailed, StoreFull, Busy) as error:
                log.warning("batches wait for the disk: %s", error, extra={"event": "disk-refuses"})
                await asyncio.sleep(FAILURE_DELAY_S)

    async def _gather(self) -> None:
        """Wait until a batch is full, or the interval is over."""
        try:
            async with asyncio.timeout(self._interval_s):
                await self._full.wait()
        except TimeoutError:
            pass

    async def _send_all(self) -> None:
        self._filled.clear()
        self._full.clear()
        while taken := await self._outbox.take(self._max_size):
            await self.ready()
            count = fill([update for _, update in taken])
            chosen = taken[:count]
            updates = [update for _, update in chosen]
            row = self._signer.batch(updates)
            await self._outbox.sent(row, updates, [key for key, _ in chosen])
            self._replicas.note(row)
            self._on_batch(Taken(row, updates))
        if not self._outbox.count:
            self._idle.set()
