"""Getting back the blocks that were set aside because their bytes had changed."""

import asyncio
import logging

from edgenode.core.errors import BlockError, Busy
from edgenode.daemon.fetching import Fetcher
from edgenode.store.blocks import BlockStore

# A new peer may hold what the others lack, so each is asked; but not more often than this.
MIN_INTERVAL_S = 10.0
# Holders come and go: try again though no new peer was linked.
MAX_INTERVAL_S = 3600.0

log = logging.getLogger(__name__)


class Repair:
    """Fetches wanted blocks; `wake` after a block was set aside or a peer was linked."""

    def __init__(self, store: BlockStore, fetcher: Fetcher) -> None:
        self._store = store
        self._fetcher = fetcher
        self._woken = asyncio.Event()
        self.wanted: set[str] = set()

    def want(self, block_id: str) -> None:
        """Want a block that was set aside just now."""
        self.wanted.add(block_id)
        self.wake()

    def wake(self) -> None:
        """Try soon."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            self.wanted = set(await self._store.wanted())
            for block_id in sorted(self.wanted):
                try:
                    await self._fetcher.fetch(block_id)
                except (BlockError, Busy) as error:
                    log.debug("block %s… is still wanted: %s", block_id[:16], error)
                else:
                    self.wanted.discard(block_id)
                    log.info(
                        "block %s… is whole again",
                        block_id[:16],
                        extra={"event": "block-repaired", "block": block_id},
                    )
            await asyncio.sleep(MIN_INTERVAL_S)
            try:
                async with asyncio.timeout(MAX_INTERVAL_S if self.wanted else None):
                    await self._woken.wait()
            except TimeoutError:
                pass
