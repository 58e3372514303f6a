"""What is held is told, also what an earlier run had no time to tell."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from edgenode.core.errors import Busy
from edgenode.core.records import LOCATION, METADATA, Update
from edgenode.daemon import holding as module
from edgenode.daemon.holding import Holding
from edgenode.daemon.publishing import Publisher
from edgenode.store.records import Records
from edgenode.store.rows import BatchRow
from edgenode.store.state import State
from tests.integration.support.wait import eventually
from tests.unit.store.helpers import open_store, put

OWN = "11" * 32
WALL_MS = 1_800_000_000_000


class Told:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.refuses = 0

    async def submit(self, updates: Sequence[Update]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise Busy("full")
        self.updates += updates

    def seen(self) -> list[tuple[str, str, object]]:
        return [(update.type, update.block_id, update.data) for update in self.updates]


def held(block_id: str, size: int) -> list[tuple[str, str, object]]:
    return [
        (LOCATION, block_id, {"size": size}),
        (METADATA, block_id, {"size": size, "createdAt": WALL_MS}),
    ]


async def test_blocks_are_told_once_and_when_they_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "PAGE", 2)
    state = await State.open(tmp_path / "state.db")
    records = Records(state.database)
    store = await open_store(tmp_path / "blocks")
    blocks = [await put(store, b"x" * size) for size in range(1, 6)]
    # An earlier run has told the first one.
    before = Update(LOCATION, blocks[0], {"size": 1})
    batch = BatchRow(OWN, 1, 1, bytes(16), WALL_MS, "{}", bytes(64))
    await records.add([(batch, [before])], durable=True)
    told = Told()
    told.refuses = 2
    holding = Holding(store, records, cast(Publisher, told), own_id=OWN, wall_ms=lambda: WALL_MS)
    running = asyncio.create_task(holding.run())
    expected = [item for size in range(2, 6) for item in held(blocks[size - 1], size)]

    async def all_told() -> bool:
        return sorted(map(str, told.seen())) == sorted(map(str, expected))

    await eventually(all_told, "the other four are told")
    holding.on_held("ab" * 64, 7)
    expected += held("ab" * 64, 7)
    await eventually(all_told, "the new one is told")
    holding.on_gone(blocks[0])
    expected.append((LOCATION, blocks[0], None))
    await eventually(all_told, "that it is gone is told")
    running.cancel()
    await asyncio.wait([running])
    await state.close()


async def test_a_block_that_went_before_a_crash_is_told_to_be_gone(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "state.db")
    records = Records(state.database)
    store = await open_store(tmp_path / "blocks")
    gone = await put(store, b"x")
    await store.delete(gone)
    batch = BatchRow(OWN, 1, 1, bytes(16), WALL_MS, "{}", bytes(64))
    await records.add([(batch, [Update(LOCATION, gone, {"size": 1})])], durable=True)
    told = Told()
    holding = Holding(store, records, cast(Publisher, told), own_id=OWN, wall_ms=lambda: WALL_MS)
    running = asyncio.create_task(holding.run())

    async def all_told() -> bool:
        return told.seen() == [(LOCATION, gone, None)]

    await eventually(all_told, "that it is gone is told")
    running.cancel()
    await asyncio.wait([running])
    await state.close()
