"""Telling which blocks this node holds: LOCATION and METADATA records of its own."""

import asyncio
import logging
from collections.abc import Callable

from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.core.records import LOCATION, METADATA, Update
from edgenode.daemon.publishing import Publisher
from edgenode.store.blocks import BlockStore
from edgenode.store.records import Records

# Blocks that are compared with the records at a time.
PAGE = 500

# Changes that wait to be told; a block put while they all wait is told by the next start.
MAX_WAITING = 10_000

# The outbox is full, or the disk refuses: what is waiting is told later.
RETRY_S = 10.0

log = logging.getLogger(__name__)


class Holding:
    """Follows the block store; what a crash has left untold is found at the next start."""

    def __init__(
        self,
        store: BlockStore,
        records: Records,
        publisher: Publisher,
        *,
        own_id: str,
        wall_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._records = records
        self._publisher = publisher
        self._own_id = own_id
        self._wall_ms = wall_ms
        self._waiting: dict[str, int | None] = {}  # block id: its size, None: it is gone
        self._filled = asyncio.Event()

    def on_held(self, block_id: str, size: int) -> None:
        """A block was stored."""
        self._tell(block_id, size)

    def on_gone(self, block_id: str) -> None:
        """A block was deleted or set aside."""
        self._tell(block_id, None)

    def _tell(self, block_id: str, size: int | None) -> None:
        if block_id in self._waiting or len(self._waiting) < MAX_WAITING:
            self._waiting[block_id] = size
            self._filled.set()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._compare()
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                chosen = dict(list(self._waiting.items())[:PAGE])
                updates = [update for item in chosen.items() for update in self._updates(*item)]
                try:
                    await self._publisher.submit(updates)
                except (Busy, StoreFailed, StoreFull) as error:
                    log.info("blocks held are told later: %s", error)
                    await asyncio.sleep(RETRY_S)
                    continue
                for block_id, size in chosen.items():
                    if self._waiting.get(block_id) == size:
                        del self._waiting[block_id]

    def _updates(self, block_id: str, size: int | None) -> list[Update]:
        if size is None:
            return [Update(LOCATION, block_id, None)]
        return [
            Update(LOCATION, block_id, {"size": size}),
            Update(METADATA, block_id, {"size": size, "createdAt": self._wall_ms()}),
        ]

    async def _compare(self) -> None:
        """Tell what a crash has left untold: blocks held without a record, and the reverse.

        A location that was withdrawn stays so: the operator may have said it.
        """
        after: str | None = None
        while page := await self._store.list_blocks(after, PAGE):
            after = page[-1].block_id
            told = await self._records.told_by(
                self._own_id, LOCATION, [block.block_id for block in page]
            )
            for block in page:
                if block.block_id not in told:
                    self._tell(block.block_id, block.size)
        position = (0, 0, 0)
        while rows := await self._records.live_records(self._own_id, position, PAGE):
            position = (rows[-1].epoch, rows[-1].seq, rows[-1].place)
            for row in rows:
                if row.type == LOCATION and await self._store.size_of(row.block_id) is None:
                    self._tell(row.block_id, None)
