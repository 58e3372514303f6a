"""What REST says and asks of records: this node's own, and everybody's merged."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from edgenode.core.errors import BlockError, Busy
from edgenode.core.records import LOCATION, METADATA, TEMPERATURE, Update, hottest, merged
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.peers import Peers, iso_time
from edgenode.daemon.records.gossip import head_interval_s
from edgenode.daemon.records.heating import Heating
from edgenode.daemon.records.holding import Holding
from edgenode.daemon.records.publishing import Publisher
from edgenode.daemon.records.replicas import Replicas
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore
from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.rows import RecordRow

# An origin is absent after three missed heads.
ABSENT_HEADS = 4

# Counting reads every record: once in so long, however often it is asked for.
TOTALS_S = 10.0

# Addresses being dialled because somebody announced them.
MAX_DIALS = 8


class RecordView:
    """The records as REST has them; fits `api.ports.Records`."""

    def __init__(
        self,
        *,
        own_id: str,
        region: str,
        store: BlockStore,
        records: Records,
        outbox: Outbox,
        publisher: Publisher,
        holding: Holding,
        replicas: Replicas,
        heating: Heating,
        fetcher: Fetcher,
        links: LinkTable,
        peers: Peers,
        dial: Callable[[str, int], Awaitable[None]],
        wall_ms: Callable[[], int],
    ) -> None:
        """`dial(address, port)` lives through a link to an address that was announced."""
        self._own_id = own_id
        self._region = region
        self._store = store
        self._records = records
        self._outbox = outbox
        self._publisher = publisher
        self._holding = holding
        self._replicas = replicas
        self._heating = heating
        self._fetcher = fetcher
        self._links = links
        self._peers = peers
        self._dial = dial
        self._wall_ms = wall_ms
        self._totals: tuple[float, tuple[int, int, int]] | None = None
        self._dials: set[asyncio.Future[None]] = set()
        self._fetches: set[asyncio.Future[None]] = set()

    async def metadata(self, block_id: str) -> Mapping[str, Any] | None:
        """Return BlockMetadata; what every origin says is shown by origin, and merged."""
        held_size = await self._store.size_of(block_id)
        rows = [row for row in await self._rows(block_id) if row.data is not None]
        if held_size is None and not rows:
            return None
        metadata = [row for row in rows if row.type == METADATA]
        # Ourselves first, then by nodeId, so that all who ask here see the same.
        metadata.sort(key=lambda row: (row.origin != self._own_id, row.origin))
        view = merged(row.data for row in metadata if row.data is not None)
        classes = [row for row in rows if row.type == TEMPERATURE]
        accesses, idle_ms = self._heating.accesses(block_id)
        now_ms = self._wall_ms()
        return {
            "blockId": block_id,
            "held": held_size is not None,
            "size": held_size if held_size is not None else view.get("size"),
            "createdAt": _iso(view.get("createdAt")),
            "expiresAt": _iso(view.get("expiresAt")),
            "durabilityLevel": view.get("durabilityLevel"),
            "user": view.get("user", {}),
            "temperature": {
                "class": hottest(str(row.data["class"]) for row in classes if row.data),
                "origins": [
                    {"nodeId": row.origin, "class": row.data["class"]}
                    for row in classes
                    if row.data
                ],
            },
            "locations": [
                {
                    "nodeId": row.origin,
                    "size": row.data["size"],
                    "lastSeen": self._last_seen(row.origin, now_ms),
                }
                for row in rows
                if row.type == LOCATION and row.data
            ],
            "accessCount": accesses,
            "lastAccessedAt": None if idle_ms is None else iso_time(now_ms - idle_ms),
            "origins": [
                {
                    "nodeId": row.origin,
                    "epoch": row.epoch,
                    "seq": row.seq,
                    "timestamp": iso_time(row.timestamp_ms),
                    "metadata": row.data,
                }
                for row in metadata
            ],
        }

    async def set_temperature(self, block_id: str, temperature: str | None) -> Mapping[str, Any]:
        """Set this node's temperature of a block; None: derive it again."""
        (in_force,) = await self._heating.set_classes([(block_id, temperature)])
        return {"blockId": block_id, "temperature": in_force}

    async def set_location(self, block_id: str, held: bool) -> Mapping[str, Any]:
        """Say, or withdraw, that this node holds a block."""
        await self._holding.set_held(block_id, held)
        return {"blockId": block_id, "held": held}

    async def sync_request(self, block_ids: Sequence[str], queue: bool) -> Mapping[str, Any]:
        """Sort blocks by where they are; with `queue` fetch what is elsewhere."""
        available = [item for item in block_ids if await self._store.size_of(item) is not None]
        missing = [item for item in block_ids if item not in set(available)]
        holders = await self._records.holders(missing)
        elsewhere = []
        unknown = []
        for block_id in missing:
            nodes = [node for node in holders.get(block_id, ()) if node != self._own_id]
            if nodes:
                elsewhere.append({"blockId": block_id, "nodeIds": nodes})
            else:
                unknown.append(block_id)
        queued = elsewhere[: self._fetcher.room] if queue else []
        for item in queued:
            _in_background(self._fetches, self._fetch(str(item["blockId"])))
        return {
            "available": available,
            "elsewhere": elsewhere,
            "unknown": unknown,
            "queued": len(queued),
        }

    async def sync_metadata(
        self, updates: Sequence[tuple[str, Mapping[str, Any] | None]]
    ) -> Mapping[str, Any]:
        """Set this node's metadata of blocks."""
        await self._publisher.submit(
            [
                Update(METADATA, block_id, None if data is None else dict(data))
                for block_id, data in updates
            ]
        )
        return {"accepted": len(updates)}

    async def sync_temperature(
        self, updates: Sequence[tuple[str, str | None]]
    ) -> Mapping[str, Any]:
        """Do as `set_temperature` for many blocks."""
        await self._heating.set_classes(updates)
        return {"accepted": len(updates)}

    async def announce(self, address: str, port: int) -> Mapping[str, Any]:
        """Dial an address, in the background."""
        if len(self._dials) >= MAX_DIALS:
            raise Busy(f"{MAX_DIALS} addresses are being dialled")
        _in_background(self._dials, self._dial(address, port))
        return {"address": address, "port": port}

    async def disconnect(self, node_id: str) -> bool:
        """End the link with a node."""
        link = self._links.get(node_id)
        if link is None:
            return False
        link.close("bye")
        return True

    async def health(self) -> Mapping[str, Any]:
        """Return NetworkHealth, as this node sees it."""
        now = time.monotonic()
        if self._totals is None or now - self._totals[0] > TOTALS_S:
            self._totals = (now, await self._records.totals())
        _, blocks, locations = self._totals[1]
        now_ms = self._wall_ms()
        active = [
            origin
            for origin in self._replicas.ids()
            if origin != self._own_id and self._is_active(origin, now_ms)
        ]
        regions: dict[str, int] = {}
        for region in [self._region, *(self._peers.region(origin) for origin in active)]:
            regions[region or "unknown"] = regions.get(region or "unknown", 0) + 1
        return {
            "activeNodes": len(active) + 1,
            "totalBlocks": blocks,
            "averageRedundancy": round(locations / blocks, 3) if blocks else 0.0,
            "regionDistribution": regions,
        }

    def stop(self) -> None:
        """End what runs in the background."""
        for task in self._dials | self._fetches:
            task.cancel()

    async def _rows(self, block_id: str) -> list[RecordRow]:
        """Return the records of a block, with our own updates that no batch holds yet."""
        # In this order, or an update would be in neither while a batch takes it over.
        waiting = await self._outbox.of_block(block_id)
        rows = await self._records.of_block(block_id)
        for update in waiting:
            rows = [row for row in rows if (row.type, row.origin) != (update.type, self._own_id)]
            rows.append(
                RecordRow(
                    block_id, update.type, self._own_id, 0, 0, 0, self._wall_ms(), update.data
                )
            )
        return rows

    def _is_active(self, origin: str, now_ms: int) -> bool:
        replica = self._replicas.get(origin)
        absent_s = ABSENT_HEADS * head_interval_s(len(self._replicas.ids()))
        return replica is not None and now_ms - replica.refreshed_ms < 1000 * absent_s

    def _last_seen(self, origin: str, now_ms: int) -> str | None:
        if origin == self._own_id:
            return iso_time(now_ms)
        replica = self._replicas.get(origin)
        return iso_time(replica.refreshed_ms) if replica and replica.refreshed_ms else None

    async def _fetch(self, block_id: str) -> None:
        try:
            await self._fetcher.fetch(block_id)
        except (BlockError, Busy):
            return  # whoever asked sees it missing, and asks again


def _in_background(tasks: "set[asyncio.Future[None]]", work: Awaitable[None]) -> None:
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _iso(value: object) -> str | None:
    return iso_time(value) if isinstance(value, int) else None
