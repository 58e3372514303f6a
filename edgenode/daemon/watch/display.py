"""The node as a person sees it: space, sync, the last hour; and word of each change."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from edgenode.api.display import Display
from edgenode.api.events import EventFeed
from edgenode.api.session import Sessions
from edgenode.core.counters import Counters
from edgenode.core.lonely import LONELY_S
from edgenode.core.message import NODE_STATUS
from edgenode.crypto import new_block_hasher
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.blocks.repair import Repair
from edgenode.daemon.config.sections import BatchConfig, StorageConfig
from edgenode.daemon.records.recordparts import RecordParts
from edgenode.daemon.watch.history import History
from edgenode.daemon.watch.liveness import Liveness
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore

LOOK_S = 0.4
"""Between looks for a change while somebody watches: he sees it within a second."""

DISK_S = 2.0
"""A disk that hangs must not keep the rest from the page."""

MAX_SHOWN = 16
"""Transfers under way; twice as many as there are at once, and the rest wait."""


class Displaying:
    """Reads the node's parts when it is asked; `run` it beside them."""

    def __init__(
        self,
        *,
        counters: Counters,
        store: BlockStore,
        storage: StorageConfig,
        batch: BatchConfig,
        fetcher: Fetcher,
        repair: Repair,
        links: LinkTable,
        records: RecordParts,
        feed: EventFeed,
        liveness: Liveness,
        status: Callable[[], Mapping[str, Any]],
        wall_ms: Callable[[], int],
    ) -> None:
        """`status` gives NodeMetrics."""
        self._store = store
        self._storage = storage
        self._batch = batch
        self._fetcher = fetcher
        self._repair = repair
        self._links = links
        self._records = records
        self._feed = feed
        self._liveness = liveness
        self._status = status
        self._history = History(counters, lambda: len(links), wall_ms)
        self.display = Display(
            storage=self.storage,
            sync=self.sync,
            history=self._history.to_json,
            sessions=Sessions(new_block_hasher, time.monotonic),
        )

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._history.run())
            group.create_task(self._tell_changes())

    async def storage(self) -> dict[str, Any]:
        """Return NodeStorage."""
        free_bytes = None
        with suppress(TimeoutError):
            async with asyncio.timeout(DISK_S):
                if await self._liveness.check() is None:
                    free_bytes = self._liveness.free_bytes
        return {
            "blocks": self._store.count,
            "bytes": self._store.total_bytes,
            "maxBytes": self._storage.max_bytes or None,
            "freeBytes": free_bytes,
            "reserveBytes": self._storage.reserve_bytes,
            "temperatures": self._records.temperatures(),
        }

    def sync(self) -> dict[str, Any]:
        """Return NodeSync."""
        lag = self._records.lag()
        waiting = self._records.waiting
        transfers = self._fetcher.transfers()
        return {
            "updatesWaiting": waiting,
            "batchesWaiting": -(-waiting // self._batch.max_size),
            "origins": lag.origins,
            "originsBehind": lag.behind,
            "batchesMissing": lag.missing,
            "wanted": len(self._repair.wanted | self._fetcher.pending),
            "transfers": [
                {"blockId": block_id, "received": received, "size": size}
                for block_id, received, size in transfers[:MAX_SHOWN]
            ],
        }

    async def _tell_changes(self) -> None:
        """Publish `node:status` whenever the state is another, while anyone watches."""
        seen = None
        while True:
            if not self._feed.viewers:
                self._feed.arrived.clear()
                await self._feed.arrived.wait()
            found = self._state()
            if found != seen and seen is not None:
                self._feed.publish(NODE_STATUS, self._status())
            seen = found
            await asyncio.sleep(LOOK_S)

    def _state(self) -> tuple[object, ...]:
        """What makes the state another one; what only grows, as the uptime does, is left out."""
        status = self._status()
        reachability = status["reachability"]
        return (
            [link.node_id for link in self._links],
            status["blocks"],
            status["pendingSync"],
            status["alone"] >= LONELY_S,
            {name: reachability[name] for name in ("verdict", "verified", "since")},
            self._records.waiting == 0,
        )
