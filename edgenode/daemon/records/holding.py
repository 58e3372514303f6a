"""Telling which blocks this node holds: LOCATION and METADATA records of its own."""

import asyncio
import logging
from collections.abc import Callable

from edgenode.core.errors import Busy, NotHolder, StoreFailed, StoreFull
from edgenode.core.records import LOCATION, METADATA, Update
from edgenode.daemon.records.publishing import Publisher
from edgenode.store.blocks import BlockStore
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records

# Blocks that are compared with the records at a time.
PAGE = 500

# Changes that wait to be told. What is left out is found by comparing, once these are told.
MAX_WAITING = 10_000

# The outbox is full, or the disk refuses: what is waiting is told later.
RETRY_S = 10.0

log = logging.getLogger(__name__)


class Holding:
    """Follows the block store; what a crash has left untold is found at the next start.

    What counts for that is what stands: the newest own LOCATION of a block, one that waits in the
    outbox before one in a batch. A block that is held and has none is told, unless the operator
    has withheld it, which the outbox remembers apart from the LOCATION that he withdrew.
    """

    def __init__(
        self,
        store: BlockStore,
        records: Records,
        outbox: Outbox,
        publisher: Publisher,
        *,
        own_id: str,
        wall_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._records = records
        self._outbox = outbox
        self._publisher = publisher
        self._own_id = own_id
        self._wall_ms = wall_ms
        self._waiting: dict[str, int | None] = {}  # block id: its size, None: it is gone
        self._missed = True  # an earlier run may have been killed
        self._spoken: set[str] | None = None  # while comparing: of which `set_held` was called
        self._filled = asyncio.Event()

    def on_held(self, block_id: str, size: int) -> None:
        """A block was stored."""
        self._tell(block_id, size)

    def on_gone(self, block_id: str) -> None:
        """A block was deleted or set aside."""
        self._tell(block_id, None)

    async def set_held(self, block_id: str, held: bool) -> None:
        """Tell at once, as the operator says, that this node holds a block, or withdraw it.

        Of a block that is held and withdrawn nothing is told until it is told by this, or stored
        anew. Raises `NotHolder` where it is not held, and as `Publisher.submit`.
        """
        size = await self._store.size_of(block_id)
        if held and size is None:
            raise NotHolder("this node does not hold the block")
        self._waiting.pop(block_id, None)  # what was said last counts
        if self._spoken is not None:
            self._spoken.add(block_id)
        if size is not None and not held:
            await self._publisher.withhold(block_id)
        else:
            data: dict[str, object] | None = {"size": size} if held else None
            await self._publisher.submit([Update(LOCATION, block_id, data)])

    def _tell(self, block_id: str, size: int | None) -> None:
        if block_id in self._waiting or len(self._waiting) < MAX_WAITING:
            self._waiting[block_id] = size
        else:
            self._missed = True
        self._filled.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._filled.clear()
            try:
                await self._tell_waiting()
                if self._missed:
                    self._missed = False
                    await self._compare()
            except (Busy, StoreFailed, StoreFull) as error:
                log.info("blocks held are told later: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            if not self._waiting and not self._missed:
                await self._filled.wait()

    async def _tell_waiting(self) -> None:
        while self._waiting:
            chosen = dict(list(self._waiting.items())[:PAGE])
            updates = [
                update
                for block_id, size in chosen.items()
                for update in self._updates(block_id, size)
            ]
            if updates:
                await self._publisher.submit_found(updates)
            for block_id, size in chosen.items():
                if block_id in self._waiting and self._waiting[block_id] == size:
                    del self._waiting[block_id]

    def _updates(self, block_id: str, size: int | None) -> list[Update]:
        if size is None:
            return [Update(LOCATION, block_id, None)]
        location = Update(LOCATION, block_id, {"size": size})
        # It does not displace the operator's words, nor when the block first came.
        data: dict[str, object] = {"size": size, "createdAt": self._wall_ms()}
        return [location, Update(METADATA, block_id, data)]

    async def _compare(self) -> None:
        """Find what a crash has left untold: blocks held without a record, and the reverse."""
        self._spoken = set()
        try:
            await self._find_held()
            await self._find_gone()
        except BaseException:
            self._missed = True
            raise
        finally:
            self._spoken = None

    async def _find_held(self) -> None:
        after: str | None = None
        while page := await self._store.list_blocks(after, PAGE):
            after = page[-1].block_id
            ids = [block.block_id for block in page]
            settled = await self._records.standing(self._own_id, LOCATION, ids)
            settled |= await self._outbox.withheld(ids)
            for block in page:
                if block.block_id not in settled:
                    self._find(block.block_id, block.size)

    async def _find_gone(self) -> None:
        position = (0, 0, 0)
        while rows := await self._records.live_records(self._own_id, position, PAGE):
            position = (rows[-1].epoch, rows[-1].seq, rows[-1].place)
            for row in rows:
                if row.type == LOCATION and await self._store.size_of(row.block_id) is None:
                    self._find(row.block_id, None)
        after = ""
        while ids := await self._outbox.to_locate(after, PAGE):
            after = ids[-1]
            for block_id in ids:
                if await self._store.size_of(block_id) is None:
                    self._find(block_id, None)
        after = ""
        while ids := await self._outbox.all_withheld(after, PAGE):
            after = ids[-1]
            for block_id in ids:
                if await self._store.size_of(block_id) is None:
                    await self._outbox.forget_withheld(block_id)

    def _find(self, block_id: str, size: int | None) -> None:
        # What was told meanwhile, by the store or the operator, is newer.
        if block_id not in self._waiting and block_id not in (self._spoken or ()):
            self._tell(block_id, size)
