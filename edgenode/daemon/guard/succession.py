"""Records of this node's earlier ids, told anew under its id of now, and then dropped."""

import asyncio
import logging
from collections.abc import Sequence

from edgenode.core.errors import Busy, StoreFailed, StoreFull
from edgenode.core.records import METADATA, TEMPERATURE, Update
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.replicas import Replicas
from edgenode.store.records import Records

# Records that are looked at, and told, at a time.
PAGE = 500

# The outbox is full, or the disk refuses.
RETRY_S = 10.0

log = logging.getLogger(__name__)


async def take_over(
    former_ids: Sequence[str],
    own_id: str,
    *,
    records: Records,
    replicas: Replicas,
    publisher: Publisher,
) -> None:
    """Tell as our own what we said under earlier ids, the latest last; to be called at each start.

    Which blocks are held is not among it: that is found by looking. Whatever stands under our own
    id stays. A crash in between loses nothing: what is told already stands.
    """
    for former_id in reversed(former_ids):  # of two, the later one's word stands
        while replicas.get(former_id) is not None:
            try:
                await _tell(former_id, own_id, records, publisher)
                await records.commit()
                await replicas.drop(former_id)
            except (Busy, StoreFailed, StoreFull) as error:
                log.info("records of %s are taken over later: %s", former_id, error)
                await asyncio.sleep(RETRY_S)


async def _tell(former_id: str, own_id: str, records: Records, publisher: Publisher) -> None:
    position = (0, 0, 0)
    while rows := await records.live_records(former_id, position, PAGE):
        position = (rows[-1].epoch, rows[-1].seq, rows[-1].place)
        for kind in (METADATA, TEMPERATURE):
            said = {row.block_id: row.data for row in rows if row.type == kind}
            stands = await records.standing(own_id, kind, list(said))
            updates = [
                Update(kind, block_id, data)
                for block_id, data in said.items()
                if block_id not in stands
            ]
            if updates:
                await publisher.submit_again(updates)
