"""Writing own live records anew, so that dead batches can be forgotten everywhere."""

import asyncio
import logging

from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.core.records import Update
from edgenode.daemon.records.publishing import Publisher
from edgenode.store.records import Records

# Looked at so often: a node that changes a record each minute fills a batch's worth in an hour.
INTERVAL_S = 3600.0

# Less than this is not worth new batches, whatever share of it is dead.
MIN_BYTES = 256 * 1024

# Records written anew at a time.
PAGE = 500

log = logging.getLogger(__name__)


class Repacking:
    """Repacks when over half of the own batches' bytes are dead, then raises the floor."""

    def __init__(self, records: Records, publisher: Publisher, own_id: str) -> None:
        self._records = records
        self._publisher = publisher
        self._own_id = own_id

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.repack_if_due()
            except (StoreFailed, StoreFull, Busy) as error:
                log.info("records are repacked later: %s", error)

    async def repack_if_due(self) -> bool:
        """Repack if it pays; True when the floor was raised."""
        total, live = await self._records.bytes_of(self._own_id)
        if total < MIN_BYTES or 2 * live > total:
            return False
        floor = await self._publisher.next_position()
        await self._write_anew(floor)
        await self._publisher.idle()
        # Only what is told in batches from `floor` on may be forgotten below it.
        if await self._below(floor):
            return False
        await self._publisher.raise_floor(floor)
        log.info("records were repacked: %d KiB of batches are forgotten", (total - live) // 1024)
        return True

    async def _write_anew(self, floor: tuple[int, int]) -> None:
        after = (0, 0, 0)
        while page := await self._records.live_records(self._own_id, after, PAGE):
            old = [row for row in page if (row.epoch, row.seq) < floor]
            if not old:
                return
            await self._publisher.submit_again(
                [Update(row.type, row.block_id, row.data) for row in old]
            )
            after = (page[-1].epoch, page[-1].seq, page[-1].place)

    async def _below(self, floor: tuple[int, int]) -> bool:
        first = await self._records.live_records(self._own_id, (0, 0, 0), 1)
        return bool(first) and (first[0].epoch, first[0].seq) < floor
