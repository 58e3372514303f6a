"""What is read for those who look at the node, and the word of each change."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgenode.api.events import EventFeed
from edgenode.core.counters import Counters
from edgenode.core.message import NODE_STATUS
from edgenode.daemon.blocks.fetching import Fetcher
from edgenode.daemon.blocks.repair import Repair
from edgenode.daemon.config.sections import BatchConfig, StorageConfig
from edgenode.daemon.records.recordparts import RecordParts
from edgenode.daemon.watch import display as module
from edgenode.daemon.watch.display import Displaying
from edgenode.daemon.watch.lag import Lag
from edgenode.daemon.watch.liveness import Liveness
from edgenode.link.table import LinkTable
from edgenode.store.blocks import BlockStore
from tests.integration.support.wait import eventually


class Disk:
    def __init__(self) -> None:
        self.wrong: str | None = None
        self.hangs = False
        self.free_bytes = 1234

    async def check(self) -> str | None:
        if self.hangs:
            await asyncio.Event().wait()
        return self.wrong


class Feed:
    """A feed that keeps what is published."""

    def __init__(self) -> None:
        self.viewers = 0
        self.arrived = asyncio.Event()
        self.told: list[str] = []

    def publish(self, type_: str, data: dict[str, Any]) -> None:
        self.told.append(type_)


class Parts:
    def __init__(self) -> None:
        self.disk = Disk()
        self.feed = Feed()
        self.transfers: list[tuple[str, int, int]] = []
        self.waiting = 0
        self.links: list[Any] = []
        self.status: dict[str, Any] = {
            "uptime": 1,
            "blocks": 3,
            "pendingSync": 0,
            "alone": 0,
            "reachability": {"verdict": "mapped", "verified": False, "since": "x"},
        }

    def displaying(self, storage: StorageConfig | None = None) -> Displaying:
        records = SimpleNamespace(
            temperatures=lambda: {"HOT": 1},
            lag=lambda: Lag(3, 1, 7),
            waiting=self.waiting,
        )
        fetcher = SimpleNamespace(pending={"a", "b"}, transfers=lambda: self.transfers)
        return Displaying(
            counters=Counters(),
            store=cast(BlockStore, SimpleNamespace(count=3, total_bytes=300)),
            storage=storage or StorageConfig(),
            batch=BatchConfig(),
            fetcher=cast(Fetcher, fetcher),
            repair=cast(Repair, SimpleNamespace(wanted={"b", "c"})),
            links=cast(LinkTable, self.links),
            records=cast(RecordParts, records),
            feed=cast(EventFeed, self.feed),
            liveness=cast(Liveness, self.disk),
            status=lambda: self.status,
            wall_ms=lambda: 0,
        )


async def test_storage() -> None:
    parts = Parts()
    storage = StorageConfig(max_bytes=0, reserve_bytes=7)
    assert await parts.displaying(storage).storage() == {
        "blocks": 3,
        "bytes": 300,
        "maxBytes": None,
        "freeBytes": 1234,
        "reserveBytes": 7,
        "temperatures": {"HOT": 1},
    }
    assert (await parts.displaying(StorageConfig(max_bytes=9)).storage())["maxBytes"] == 9


async def test_a_disk_that_fails_or_hangs_keeps_nothing_from_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = Parts()
    parts.disk.wrong = "gone"
    assert (await parts.displaying().storage())["freeBytes"] is None
    parts.disk.hangs = True
    monkeypatch.setattr(module, "DISK_S", 0.01)
    assert (await parts.displaying().storage())["freeBytes"] is None


async def test_sync() -> None:
    parts = Parts()
    parts.waiting = BatchConfig().max_size + 1
    parts.transfers = [(f"{number}", number, 100) for number in range(module.MAX_SHOWN + 1)]
    found = parts.displaying().sync()
    transfers = found.pop("transfers")
    assert found == {
        "updatesWaiting": parts.waiting,
        "batchesWaiting": 2,
        "origins": 3,
        "originsBehind": 1,
        "batchesMissing": 7,
        "wanted": 3,
    }
    assert len(transfers) == module.MAX_SHOWN
    assert transfers[1] == {"blockId": "1", "received": 1, "size": 100}


async def test_changes_are_told_while_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    parts = Parts()
    running = asyncio.create_task(parts.displaying().run())

    async def told(count: int) -> None:
        async def enough() -> bool:
            return len(parts.feed.told) == count

        await eventually(enough, f"{count} told")

    await asyncio.sleep(0.01)
    parts.feed.viewers = 1
    parts.feed.arrived.set()
    await asyncio.sleep(0.01)
    parts.status["uptime"] = 2
    await asyncio.sleep(0.01)
    assert parts.feed.told == []
    changes: list[Callable[[], None]] = [
        lambda: parts.status.update(blocks=4),
        lambda: parts.status.update(pendingSync=1),
        lambda: parts.status.update(alone=60),
        lambda: parts.status["reachability"].update(verified=True),
        lambda: parts.links.append(SimpleNamespace(node_id="ab")),
    ]
    for count, change in enumerate(changes, 1):
        change()
        await told(count)
    assert set(parts.feed.told) == {NODE_STATUS}
    parts.feed.viewers = 0
    await asyncio.sleep(0.01)
    parts.status["blocks"] = 5
    await asyncio.sleep(0.01)
    assert len(parts.feed.told) == len(changes)
    running.cancel()
    await asyncio.wait([running])
