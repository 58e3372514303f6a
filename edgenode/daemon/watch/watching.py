"""The node as those see it who watch over it: metrics, health, the service manager's line."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from edgenode.api.app import Monitoring
from edgenode.api.events import EventFeed
from edgenode.api.readings import Readings
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.blocks.repair import Repair
from edgenode.daemon.config.sections import StorageConfig
from edgenode.daemon.guard.gate import Gate
from edgenode.daemon.records.recordparts import RecordParts
from edgenode.daemon.watch.liveness import Liveness
from edgenode.daemon.watch.logs import Logs
from edgenode.daemon.watch.openports import OpenPorts
from edgenode.daemon.watch.process import StartTime, read_process
from edgenode.daemon.watch.pulse import Pulse
from edgenode.daemon.watch.statusline import StatusLine
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore
from edgenode.store.database import Database

# A disk that hangs must not keep the other readings from Prometheus, which waits for 10 s.
DISK_S = 2.0


class Watching:
    """Reads the node's parts when it is asked; `run` it beside them."""

    def __init__(
        self,
        *,
        liveness: Liveness,
        database: Database,
        store: BlockStore,
        storage: StorageConfig,
        fetcher: Fetcher,
        repair: Repair,
        dials: Mapping[str, int],
        addresses: Callable[[], Mapping[str, int]],
        links: LinkTable,
        feed: EventFeed,
        records: RecordParts,
        logs: Logs,
        gate: Gate,
        clock_trusted: Callable[[], bool | None],
        status: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`status` gives NodeMetrics."""
        self._liveness = liveness
        self._database = database
        self._store = store
        self._storage = storage
        self._fetcher = fetcher
        self._repair = repair
        self._dials = dials
        self._addresses = addresses
        self._links = links
        self._feed = feed
        self._records = records
        self._warnings = logs.warnings
        self._gate = gate
        self._clock_trusted = clock_trusted
        self._ports = OpenPorts()
        self.on_view = self._ports.on_view
        self._started = StartTime()
        self._pulse = Pulse([StatusLine(status).tell, logs.tell])
        self.run = self._pulse.run
        self.monitoring = Monitoring(self.measure, self._liveness.check, self.ready)

    async def ready(self) -> str | None:
        """Return None if the node can serve, or why it cannot."""
        if not self._store.is_open:
            return "the blocks are being counted"
        return await self._liveness.check()

    async def measure(self) -> Readings:
        """Take the readings now."""
        free_bytes = None
        with suppress(TimeoutError):
            async with asyncio.timeout(DISK_S):
                if await self._liveness.check() is None:
                    free_bytes = self._liveness.free_bytes
        links = list(self._links)
        dialled = sum(link.dialled for link in links)
        lag = self._records.lag()
        process = read_process()
        return Readings(
            mapping_wanted=self._ports.wanted,
            ports=self._ports.now(),
            ports_lost=self._ports.lost,
            failures=self._ports.failures,
            links_dialled=dialled,
            links_accepted=len(links) - dialled,
            dials=self._dials,
            addresses=self._addresses(),
            link_queue_bytes=sum(link.queued_bytes for link in links),
            viewers=self._feed.viewers,
            block_bytes=self._store.total_bytes,
            block_bytes_max=self._storage.max_bytes,
            blocks_damaged=self._store.damaged,
            blocks_wanted=len(self._repair.wanted),
            disk_free_bytes=free_bytes,
            disk_reserve_bytes=self._storage.reserve_bytes,
            fetches=len(self._fetcher.pending),
            outbox_updates=self._records.waiting,
            database_waiting=self._database.waiting,
            origins=lag.origins,
            origins_behind=lag.behind,
            batches_missing=lag.missing,
            loop_lag=self._pulse.lag,
            warnings=self._warnings,
            rate_limited=self._gate.refused,
            shut_out=self._gate.shut_out(),
            turned_away=self._gate.turned_away,
            clock_trusted=self._clock_trusted(),
            resident_bytes=process.resident_bytes,
            anonymous_bytes=process.anonymous_bytes,
            written_bytes=process.written_bytes,
            cpu_s=process.cpu_s,
            started_s=self._started.seconds(),
            open_files=process.open_files,
        )
