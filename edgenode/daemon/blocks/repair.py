"""Getting the blocks that are missing: set aside since their bytes had changed, or pinned."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from edgenode.core.errors import BlockError, Busy
from edgenode.daemon.blocks.fetching import Fetcher

# A new peer may hold what the others lack, so each is asked; but not more often than this.
MIN_INTERVAL_S = 10.0
# Holders come and go: try again though no new peer was linked.
MAX_INTERVAL_S = 3600.0

log = logging.getLogger(__name__)


class Repair:
    """Fetches wanted blocks; `wake` after one became so or a peer was linked."""

    def __init__(self, fetcher: Fetcher, *sources: Callable[[], Awaitable[Iterable[str]]]) -> None:
        """`sources` name the blocks that are missing now."""
        self._sources = sources
        self._fetcher = fetcher
        self._woken = asyncio.Event()
        self.wanted: set[str] = set()

    def want(self, block_id: str) -> None:
        """Want a block that is missing as of now."""
        self.wanted.add(block_id)
        self.wake()

    def wake(self) -> None:
        """Try soon."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            self.wanted = {name for source in self._sources for name in await source()}
            tried = sorted(self.wanted)
            for block_id in tried:
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
            if tried:  # what is wanted first is not kept waiting by a round without any
                await asyncio.sleep(MIN_INTERVAL_S)
            try:
                async with asyncio.timeout(MAX_INTERVAL_S if self.wanted else None):
                    await self._woken.wait()
            except TimeoutError:
                pass
